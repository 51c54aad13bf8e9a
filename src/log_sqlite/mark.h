/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_MARK_H
#define LOG_SQLITE_MARK_H

/*
 * The high-water mark of synced commits (contract L03), kept in the -lock file. SQLite takes damage
 * in a -wal for the torn end of an interrupted commit, and drops what follows without a word. The
 * mark tells that it was committed.
 *
 * A mark names a key and how often its head had been written by the newest synced commit. Commits
 * are atomic and their order is total, so a database in which that head has been written less often
 * lacks that commit.
 *
 * The mark is written after the commit was synced, under the turn, and is not synced itself. So a
 * mark that a crash leaves behind is never ahead of the database; after a power loss it may be
 * some seconds behind.
 */

#include <stdbool.h>
#include <stdint.h>

struct mark {
	int64_t id;      /* of the key; 0: no synced commit yet, but a log exists */
	uint64_t writes; /* its head's counter */
};

/* False: the file has no mark, or none that is whole. */
bool mark_read(int fd, struct mark *ret_mark);

/* 0, or an errno. */
int mark_write(int fd, const struct mark *mark);
int mark_clear(int fd);

#endif /* LOG_SQLITE_MARK_H */
