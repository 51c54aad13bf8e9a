/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_SQLITE_H
#define REPRISE_THREAD_SQLITE_H

/*
 * reprise/thread_sqlite.h - thread documents in a SQLite file: a path, and nothing to set up
 *
 * The file is the store's own: no log and no other program's tables are in it. Any number of processes may have it
 * open, on one machine and a local file system. If it is deleted, renamed, replaced or hard-linked while it is open,
 * each call answers REPRISE_E_IO, and nothing is acknowledged that went to such a file. In a child of a fork SQLite's
 * memory of inherited stores stays. For that, the library replaces the calls open, close, stat and fstat of SQLite's
 * VFS "unix" by its own, which make the same calls.
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_sqlite_options {
	size_t size; /* sizeof(struct reprise_thread_sqlite_options) */

	/*
	 * How long a call waits for other calls on the handle and for others who hold the file, together. Default 5 s; at
	 * most 1 h.
	 */
	uint64_t deadline_ns;

	/*
	 * For how long deltas are kept and the ids of applied deltas are remembered, and how old a delta may be that is
	 * appended for the first time. Defaults 7 days and 24 hours. The horizon is at least twice the retry limit and
	 * at most 100 years; the retry limit is at least 1 s. A store has one horizon for all handles: the longest that one
	 * was opened with. It stays when that handle is closed. (rule B05)
	 */
	uint64_t horizon_ns;
	uint64_t retry_limit_ns;

	/*
	 * 1: a write is durable when this process dies (synchronous = NORMAL), not when the machine does. 0: also then
	 * (FULL).
	 */
	int32_t is_written_enough;

	/* Permissions of a file that is created, whatever the umask is: 0600 and any of 0177. 0: 0600. */
	uint32_t mode;

	/* 1: the store is there already, and nothing is created. */
	int32_t is_set_up;

	int32_t reserved; /* 0 */
};
#define REPRISE_THREAD_SQLITE_OPTIONS_INIT REPRISE_INIT(struct reprise_thread_sqlite_options)

/*
 * reprise_thread_sqlite_open - open, or create, the store in a file
 *
 * @path       NUL-terminated, borrowed for the call; the file is created if it is not there.
 * @options    Borrowed. NULL: the defaults.
 * @ret_store  Set on REPRISE_OK: owned, close it with reprise_thread_store_close.
 * @error      Optional: `what`, and SQLite's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_CORRUPT    no SQLite file, not a store of thread documents, or damaged; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's; nothing was written
 *           REPRISE_E_NOT_FOUND  with is_set_up: there is no file, or no store in it; nothing was written
 *           REPRISE_E_TIMEOUT    others held it for longer than the deadline
 *           REPRISE_E_IO         the file cannot be opened, read or written, is no regular file, or has a second name
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_thread_sqlite_open(
	const char *path, const struct reprise_thread_sqlite_options *options,
	struct reprise_thread_store **ret_store, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_SQLITE_H */
