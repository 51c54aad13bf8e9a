/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_TURN_H
#define LOG_SQLITE_TURN_H

/*
 * By turns, over all processes: who writes to the file, or brings what was written from the
 * write-ahead log into it. SQLite would have each exclude its like; that neither overlaps the other
 * is our doing, for 3.40 is among the versions in which a log that is begun anew during a
 * checkpoint can lose what it had.
 *
 * Two bytes of a lock file: who waits for the turn holds the first, and so the one who has just
 * given it back cannot overtake him. The locks belong to the open file, and go with it, also when
 * the process dies.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/atomic.h"

struct turn {
	int fd;                           /* -1: none */
	const atomic_u32 *is_interrupted; /* of the log; NULL: it never is */
};

/*
 * turn_open  0, or an errno. A file that is created has the permissions of @like, and its owner
 *            if this process may say so; @creates: false, then ENOENT if it is not
 *            there, and what is opened can only keep writers out.
 * turn_take  0; ETIMEDOUT at @give_up_ns of CLOCK_MONOTONIC, or when the log is interrupted, after
 *            one try at least; or another errno.
 */
int turn_open(struct turn *turn, const char *path, bool creates, const struct stat *like);
void turn_close(struct turn *turn);
int turn_take(struct turn *turn, uint64_t give_up_ns);
void turn_give(struct turn *turn);

/*
 * A third byte is the gate, which connections that read pass before each transaction. Whose turn it
 * is closes it for the moment that it needs without new snapshots.
 *
 * turn_pass_gate  Returns when the gate is open, at @give_up_ns, or after 250 ms: it is a courtesy,
 *                 not a lock.
 */
void turn_close_gate(struct turn *turn);
void turn_open_gate(struct turn *turn);
void turn_pass_gate(const struct turn *turn, uint64_t give_up_ns);

#endif /* LOG_SQLITE_TURN_H */
