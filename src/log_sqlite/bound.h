/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_BOUND_H
#define LOG_SQLITE_BOUND_H

/*
 * The files that an open log is bound to (contract L01): the database, and beside it -wal, -shm and
 * -lock. Their absolute names, devices and inodes are noted when the log is opened. Each
 * transaction compares them with what the names lead to by then.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <reprise/base.h>

enum bound_name {
	BOUND_DATABASE,
	BOUND_WAL,
	BOUND_SHM,
	BOUND_LOCK,
	BOUND_JOURNAL, /* of a database without -wal; never noted */
	BOUND_NAMES
};

struct bound_file {
	char *name;         /* absolute, without symbolic links */
	struct stat status; /* when it was noted */
	bool is_noted;
};

struct bound {
	struct bound_file files[BOUND_NAMES];
	int fd;           /* of the database; holds a lock of its own; -1: none */
	bool was_created; /* the database did not exist */
	int64_t size;     /* of the database, when it was checked last */
};

/* Before the first use: nothing is noted. */
void bound_init(struct bound *bound);

/*
 * Finds the regular file that @path leads to, or creates it with exactly the permissions @mode if
 * @creates. Nothing else is opened: a FIFO or a device would block, or do something.
 */
reprise_status bound_find(struct bound *bound, const char *path, bool creates, unsigned int mode,
			  struct reprise_error *error);

/* Notes what @name leads to now; E_IO if that is nothing. */
reprise_status bound_note(struct bound *bound, enum bound_name name, struct reprise_error *error);

/*
 * Opens the database once more, to hold a read lock that belongs to the descriptor. SQLite's own
 * locks belong to the process: they are lost as soon as any part of the program opens and closes
 * the file. Then another program could delete the -wal while it is in use.
 */
reprise_status bound_hold(struct bound *bound, struct reprise_error *error);

/*
 * E_IO if a noted file was deleted, renamed, replaced or linked to; E_CORRUPT if the database
 * was cut off.
 */
reprise_status bound_check(struct bound *bound, struct reprise_error *error);

/* Whether @name leads to a file; its status in @ret_status, which may be NULL. */
bool bound_exists(const struct bound *bound, enum bound_name name, struct stat *ret_status);

/* An error that names the file. */
reprise_status bound_refused(const struct bound *bound, enum bound_name name, reprise_status status,
			     const char *words, struct reprise_error *error);

/* Gives up the descriptor, and with it the lock; gives up everything. */
void bound_let_go(struct bound *bound);
void bound_close(struct bound *bound);

#endif /* LOG_SQLITE_BOUND_H */
