/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_TURN_H
#define LOG_SQLITE_TURN_H

/*
 * By turns, over all processes: who writes to the file, or brings what was written from the write-ahead log
 * into it. SQLite would have each exclude its like; that neither overlaps the other is our doing, for 3.40 is among
 * the versions in which a log that is begun anew during a checkpoint can lose what it had.
 *
 * Two bytes of a lock file: who waits for the turn holds the first, and so the one who has just given it
 * back cannot overtake him. The locks belong to the open file, and go with it, also when the process dies.
 */

#include <stdbool.h>
#include <stdint.h>

struct turn {
	int fd; /* -1: none */
};

/*
 * turn_open  0, or an errno. @mode is that of the file if it is created; @creates: false, then ENOENT if it is not
 *            there, and what is opened can only keep writers out.
 * turn_take  0; ETIMEDOUT at @give_up_ns of CLOCK_MONOTONIC, after one try at least; or another errno.
 */
int turn_open(struct turn *turn, const char *path, bool creates, unsigned int mode);
void turn_close(struct turn *turn);
int turn_take(struct turn *turn, uint64_t give_up_ns);
void turn_give(struct turn *turn);

#endif /* LOG_SQLITE_TURN_H */
