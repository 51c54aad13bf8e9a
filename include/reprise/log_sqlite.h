/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_SQLITE_H
#define REPRISE_LOG_SQLITE_H

/*
 * reprise/log_sqlite.h - a log in a SQLite file, without any set-up
 *
 * SQLite keeps two files beside the database: -wal and -shm. The library adds a third file, named
 * like the database with -lock. The writers of all processes take turns through the -lock file, and
 * the library notes the newest synced commit there. Any number of processes on one machine may have
 * the log open, on a local file system.
 *
 * A child of a fork must not use its parent's log (log.h), but may open the log again, even while
 * the parent has the log open. SQLite's memory of inherited logs is never freed in the child. To
 * keep inherited files apart, the library replaces the calls open, close, stat and fstat of
 * SQLite's VFS "unix" with wrappers around the same calls.
 *
 * An open log is bound to these four files. If a program deletes, renames, replaces or hard-links
 * one of them, every later read or write returns REPRISE_E_IO. If a program truncates one of them,
 * the calls return REPRISE_E_CORRUPT. The library never acknowledges a write into a file that is no
 * longer the log's (src/CONTRACT.md, L01 to L03).
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log_sqlite_options {
	size_t size; /* sizeof(struct reprise_log_sqlite_options) */

	const char *path; /* NUL-terminated, borrowed for the call; created if missing */

	/*
	 * The longest wait of a call for other connections to the file. Default 5 s; at most 1 h.
	 */
	uint64_t deadline_ns;

	/*
	 * The failures that an append survives. REPRISE_WRITTEN: the end of this process, but not a
	 * power failure (synchronous = NORMAL). REPRISE_SYNCED: both (FULL). 0: REPRISE_SYNCED.
	 */
	reprise_durability durability;

	/* 1: archived rows are deleted; 0: moved to the archive's table */
	int32_t deletes_archived;
	int32_t is_read_only; /* 1: nothing is created or written; writes return E_INVALID */

	/*
	 * Permissions of a new file, whatever the umask is: 0600, and optionally more bits of 0177.
	 * 0: 0600. The files -wal, -shm and -lock get the permissions of the database.
	 */
	uint32_t mode;
};
#define REPRISE_LOG_SQLITE_OPTIONS_INIT REPRISE_INIT(struct reprise_log_sqlite_options)

/*
 * reprise_log_sqlite_open - opens the log in a file, and creates a missing file
 *
 * The call upgrades an older schema. During the upgrade no process with an older library may have
 * the log open.
 *
 * @options  Borrowed.
 * @ret_log  Set on REPRISE_OK: owned; close with reprise_log_close.
 * @error    Optional: `what`, and SQLite's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_CORRUPT    the file is damaged, is not a SQLite file, or is not a log; or
 *                                synced commits are missing, or the file was truncated to nothing.
 *                                Nothing was written. To continue with the remaining commits,
 *                                remove the -lock file
 *           REPRISE_E_VERSION    the schema is newer than this library's; or the schema is older
 *                                and is_read_only forbids an upgrade. Nothing was written
 *           REPRISE_E_NOT_FOUND  is_read_only is set, and the file does not exist
 *           REPRISE_E_TIMEOUT    other connections held the file beyond the deadline
 *           REPRISE_E_IO         the file cannot be opened, read or written, is not a regular file,
 *                                or has a second name (a hard link)
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_log_sqlite_open(const struct reprise_log_sqlite_options *options,
						   struct reprise_log **ret_log,
						   struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_SQLITE_H */
