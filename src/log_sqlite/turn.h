/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_TURN_H
#define LOG_SQLITE_TURN_H

/*
 * Over all processes, one connection at a time writes to the file, or brings the write-ahead log
 * into it (a checkpoint): the connection that has the turn. SQLite alone keeps writers apart, and
 * checkpoints apart, but lets a writer overlap a checkpoint. The turn forbids this overlap: SQLite
 * 3.40 is among the versions in which a log that is begun anew during a checkpoint can lose
 * commits.
 *
 * The turn is two bytes of a lock file. The next connection in line holds the first byte while it
 * waits for the second, so the connection that has just given the turn back cannot overtake it. The
 * locks belong to the open file, and go with it, also when the process dies.
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
 * A third byte is the gate, which connections that read pass before each transaction. The
 * connection that has the turn closes the gate for the moment that it needs without new snapshots.
 *
 * turn_pass_gate  Returns when the gate is open, at @give_up_ns, or after 250 ms: it is a courtesy,
 *                 not a lock.
 */
void turn_close_gate(struct turn *turn);
void turn_open_gate(struct turn *turn);
void turn_pass_gate(const struct turn *turn, uint64_t give_up_ns);

#endif /* LOG_SQLITE_TURN_H */
