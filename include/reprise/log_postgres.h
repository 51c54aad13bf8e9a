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
 * The role that opens the log first owns the schema. A newer library brings an older schema up to date; a process of an
 * older library must not have the log open then. Another role needs, and again after each such change:
 *
 *   GRANT USAGE ON SCHEMA reprise TO agents;
 *   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise TO agents;
 *   REVOKE INSERT, UPDATE, DELETE ON reprise.about FROM agents;
 *
 * It takes a server of PostgreSQL 12 or later, a database in UTF8, and a connection of its own: a pooler in
 * between must keep one for as long as the log is open. A pooler that gives each transaction or statement another
 * connection (pgbouncer's pool_mode transaction or statement) is refused with E_INVALID, and its connections are left
 * as they were.
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log_postgres_options {
	size_t size; /* sizeof(struct reprise_log_postgres_options) */

	/* As libpq takes it: "host=/run/postgresql dbname=agents". Borrowed for the call. NULL: "". */
	const char *connection;

	const char *schema; /* [a-z_][a-z0-9_]*, at most 63 bytes; NULL: "reprise" */

	/*
	 * How long a call waits for others who hold a key, for a new connection and for a server that is silent, all
	 * together. The deadline begins anew after each MiB that was sent or received. Default 5 s; at most 1 h. The
	 * look-up of a host's name is not bounded: hostaddr avoids it.
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
	 * has BYPASSRLS is refused with E_INVALID. So is a schema whose tables have other policies than the log's
	 * own; `detail` names the first difference.
	 */
	int32_t is_isolated;

	/*
	 * How long the server keeps a transaction whose client is silent, as when the client's machine vanishes. Until
	 * then the keys of that transaction are locked; a writer that waits for one of them gets it after this time and
	 * at most one deadline more. Also the time after which either kernel gives up a peer that acknowledges nothing
	 * (keepalives, tcp_user_timeout; the connection string may say otherwise for this side). A process that is
	 * stopped for longer in the middle of a call loses its connection. Default 10 s; 100 ms to 1 h.
	 */
	uint64_t transaction_idle_ns;
};
#define REPRISE_LOG_POSTGRES_OPTIONS_INIT REPRISE_INIT(struct reprise_log_postgres_options)

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

/*
 * reprise_log_postgres_verify_policies - look whether tenants are kept apart
 *
 * Each table that holds tenants' rows is there, its row-level security is enabled and forced, and its one policy
 * is the log's own: name, command, roles and both expressions. The role that is connected is not looked at.
 *
 * @log    Borrowed.
 * @error  Optional: `detail` names the table and the first difference.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_CORRUPT    `what` is "policies"
 *           REPRISE_E_INVALID    @log is NULL, or no log in a PostgreSQL database
 *           REPRISE_E_TIMEOUT, REPRISE_E_IO, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_log_postgres_verify_policies(
	struct reprise_log *log, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_POSTGRES_H */
