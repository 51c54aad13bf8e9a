/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_POSTGRES_H
#define REPRISE_LOG_POSTGRES_H

/*
 * reprise/log_postgres.h - a log in a PostgreSQL database
 *
 * The tables stand in a schema of their own. Rows of other tenants are invisible to every statement of
 * a role that is neither their owner nor a superuser (row-level security): the tenant is set for each
 * transaction, and without one nothing is seen.
 *
 * Who opens the log first owns the schema. Another role needs, and again after a newer library has brought the
 * schema up to date:
 *
 *   GRANT USAGE ON SCHEMA reprise TO agents;
 *   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise TO agents;
 *   REVOKE INSERT, UPDATE, DELETE ON reprise.about FROM agents;
 *
 * It takes a server of PostgreSQL 12 or later, a database in UTF8, and a connection of its own: a pooler in
 * between must keep one for as long as the log is open.
 */

#include <reprise/log.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reprise_log_postgres_options {
	size_t size; /* sizeof(struct reprise_log_postgres_options) */

	/* As libpq takes it: "host=/run/postgresql dbname=agents". Borrowed for the call. NULL: "". */
	const char *connection;

	const char *schema; /* [a-z_][a-z0-9_]*, at most 63 bytes; NULL: "reprise" */

	/*
	 * How long a call waits for others who hold a key, or, a quarter longer, for a server that is silent. Default
	 * 5 s; at most 1 h. Looking a host's name up is not bounded: hostaddr avoids it.
	 */
	uint64_t deadline_ns;

	/* 1: an append may return before it is on disk (synchronous_commit = off). */
	int32_t is_written_enough;

	int32_t deletes_archived; /* 1: archived rows are deleted, not moved to the archive's table */

	/*
	 * 1: the schema is there already; without it: E_NOT_FOUND, and with an older one: E_VERSION. 0: it is
	 * created (an empty one of that name is taken), or brought up to date.
	 */
	int32_t is_set_up;

	/*
	 * 1: the role must be bound by row-level security: one that owns the tables, is a superuser or
	 * has BYPASSRLS is refused with E_INVALID.
	 */
	int32_t is_isolated;
};

/*
 * reprise_log_postgres_open - open the log in a database
 *
 * A connection that is lost is made anew by the next call: the call during which it was lost answers
 * REPRISE_E_IO.
 *
 * @options  Borrowed.
 * @ret_log  Set on REPRISE_OK: owned, close it with reprise_log_close.
 * @error    Optional: `what`, and the server's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option, or a role that bypasses isolation
 *           REPRISE_E_CORRUPT    the schema is there, and is not a log's; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's, or is_set_up, and older; nothing was
 *                                written
 *           REPRISE_E_NOT_FOUND  is_set_up, and there is no such schema
 *           REPRISE_E_TIMEOUT    the server did not answer within the deadline
 *           REPRISE_E_IO         no connection, or the server refused a statement
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_log_postgres_open(
	const struct reprise_log_postgres_options *options, struct reprise_log **ret_log,
	struct reprise_error *error) REPRISE_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif /* REPRISE_LOG_POSTGRES_H */
