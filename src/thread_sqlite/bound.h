/* SPDX-License-Identifier: MIT */
#ifndef THREAD_SQLITE_BOUND_H
#define THREAD_SQLITE_BOUND_H

/*
 * The files that an open store is bound to: the database, and beside it -wal and -shm. Their
 * absolute names, devices and inodes are noted when the store is opened. Each transaction compares
 * them with what the names lead to by then, and so does each commit before it is acknowledged.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include <reprise/base.h>

enum bound_name {
	BOUND_DATABASE,
	BOUND_WAL,
	BOUND_SHM,
	BOUND_NAMES
};

struct bound_file {
	char *name;         /* absolute, without symbolic links */
	struct stat status; /* when it was noted */
	bool is_noted;
};

/* All zero: nothing is noted. */
struct bound {
	struct bound_file files[BOUND_NAMES];
};

/*
 * Finds the regular file that @path leads to, or creates it with exactly the permissions @mode.
 * Nothing else is opened: a FIFO or a device would block, or do something. With @mode 0 nothing
 * is created: E_NOT_FOUND.
 */
reprise_status bound_find(struct bound *bound, const char *path, unsigned int mode,
			  struct reprise_error *error);

/* Notes what @name leads to now; E_IO if that is nothing. */
reprise_status bound_note(struct bound *bound, enum bound_name name, struct reprise_error *error);

/* E_IO if a noted file was deleted, renamed or replaced, or the database has a second name. */
reprise_status bound_check(const struct bound *bound, struct reprise_error *error);

/* An error that names the file. */
reprise_status bound_refused(const struct bound *bound, enum bound_name name, reprise_status status,
			     const char *words, struct reprise_error *error);

void bound_free(struct bound *bound);

#endif /* THREAD_SQLITE_BOUND_H */
