/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_SQLITE_H
#define REPRISE_LOG_SQLITE_H

/*
 * reprise/log_sqlite.h - a log in a SQLite file: a path, and nothing to set up
 *
 * Beside the file stand SQLite's own (-wal, -shm) and one named like it with -lock, by which the writers of
 * all processes take turns and in which the newest synced commit is noted. Any number of processes may have the log
 * open, on one machine and a local file system. A child does not use its parent's log (log.h): each opens
 * the log for itself, and may do so while its parent has it open. In a child of a fork SQLite's memory of inherited
 * logs stays. For that, the library replaces the calls open, close, stat and fstat of SQLite's VFS "unix" by its own, which
 * make the same calls.
 *
 * An open log is bound to these four files. If one of them is deleted, renamed, replaced or hard-linked, every call
 * answers REPRISE_E_IO; if one is cut off, REPRISE_E_CORRUPT. Nothing is acknowledged that went to such a file
 * (src/CONTRACT.md, L01 to L03).
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log_sqlite_options {
	size_t size; /* sizeof(struct reprise_log_sqlite_options) */

	const char *path; /* NUL-terminated, borrowed for the call; created if it is not there */

	/* How long a call waits for others who hold the file. Default 5 s; at most 1 h. */
	uint64_t deadline_ns;

	/*
	 * 1: an append is durable when this process dies (synchronous = NORMAL), not when the machine
	 * does. 0: also then (FULL).
	 */
	int32_t is_written_enough;

	int32_t deletes_archived; /* 1: archived rows are deleted, not moved to the archive's table */
	int32_t is_read_only; /* 1: nothing is created or written: calls that would are E_INVALID */

	/*
	 * Permissions of a file that is created, whatever the umask is: 0600 and any of 0177. 0: 0600. -wal, -shm and
	 * -lock get those of the file.
	 */
	uint32_t mode;
};
#define REPRISE_LOG_SQLITE_OPTIONS_INIT REPRISE_INIT(struct reprise_log_sqlite_options)

/*
 * reprise_log_sqlite_open - open, or create, the log in a file
 *
 * @options  Borrowed.
 * @ret_log  Set on REPRISE_OK: owned, close it with reprise_log_close.
 * @error    Optional: `what`, and SQLite's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: system calls. An older schema is brought up to date; a process of an older library must not
 *           have the log open then.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_CORRUPT    no SQLite file, not a log's, or damaged; synced commits are
 *                                missing, or the file was cut to nothing: to go on with what is
 *                                left, remove the -lock file; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's, or older and not to be
 *                                brought up to date since it is read-only; nothing was written
 *           REPRISE_E_NOT_FOUND  read-only, and no such file
 *           REPRISE_E_TIMEOUT    others held it for longer than the deadline
 *           REPRISE_E_IO         the file cannot be opened, read or written, is no regular file, or has
 *                                a second name
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_log_sqlite_open(const struct reprise_log_sqlite_options *options,
						   struct reprise_log **ret_log,
						   struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_SQLITE_H */
