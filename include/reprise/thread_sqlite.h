/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_SQLITE_H
#define REPRISE_THREAD_SQLITE_H

/*
 * reprise/thread_sqlite.h - thread documents in a SQLite file, without any set-up
 *
 * The file belongs to the store alone: a log, or the tables of another program, cannot share the
 * file. Any number of processes on one machine may have the store open, on a local file system. If
 * a program deletes, renames, replaces or hard-links the file while the store is open, each call
 * returns REPRISE_E_IO. The library never acknowledges a write into a file that is no longer the
 * store's.
 *
 * In the child of a fork, SQLite's memory of inherited stores is never freed. To keep inherited
 * files apart, the library replaces the calls open, close, stat and fstat of SQLite's VFS "unix"
 * with wrappers around the same calls.
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_sqlite_options {
	size_t size; /* sizeof(struct reprise_thread_sqlite_options) */

	/*
	 * The longest wait of a call for other calls on the handle and for other connections to the
	 * file, together. Default 5 s; at most 1 h.
	 */
	uint64_t deadline_ns;

	/*
	 * horizon_ns: how long the store keeps deltas and remembers the ids of applied deltas.
	 * retry_limit_ns: the maximum age of a delta at its first append. Defaults 7 days and 24
	 * hours. The horizon is at least twice the retry limit, and at most 100 years. The retry
	 * limit is at least 1 s. All handles of a store share one horizon: the longest one given at
	 * any open. The horizon stays when the handle is closed. (rule B05)
	 */
	uint64_t horizon_ns;
	uint64_t retry_limit_ns;

	/*
	 * The failures that a write survives. REPRISE_WRITTEN: the end of this process, but not a
	 * power failure (synchronous = NORMAL). REPRISE_SYNCED: both (FULL). 0: REPRISE_SYNCED.
	 */
	reprise_durability durability;

	/*
	 * Permissions of a new file, whatever the umask is: 0600, and optionally more bits of 0177.
	 * 0: 0600.
	 */
	uint32_t mode;

	/* 1: the store must exist; nothing is created. */
	int32_t is_set_up;

	int32_t reserved; /* 0 */
};
#define REPRISE_THREAD_SQLITE_OPTIONS_INIT REPRISE_INIT(struct reprise_thread_sqlite_options)

/*
 * reprise_thread_sqlite_open - opens the store in a file, and creates a missing file
 *
 * @path       NUL-terminated, borrowed for the call.
 * @options    Borrowed. NULL: the defaults.
 * @ret_store  Set on REPRISE_OK: owned; close with reprise_thread_store_close.
 * @error      Optional: `what`, and SQLite's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_CORRUPT    the file is damaged, is not a SQLite file, or is not a store of
 *                                thread documents; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's; nothing was written
 *           REPRISE_E_NOT_FOUND  is_set_up is set, and the file does not exist or has no store;
 *                                nothing was written
 *           REPRISE_E_TIMEOUT    other connections held the file beyond the deadline
 *           REPRISE_E_IO         the file cannot be opened, read or written, is not a regular file,
 *                                or has a second name (a hard link)
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_thread_sqlite_open(
	const char *path, const struct reprise_thread_sqlite_options *options,
	struct reprise_thread_store **ret_store, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_SQLITE_H */
