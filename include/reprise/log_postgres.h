/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_POSTGRES_H
#define REPRISE_LOG_POSTGRES_H

/*
 * reprise/log_postgres.h - a log in a PostgreSQL database
 *
 * The log has a schema of its own. Row-level security hides the rows of other tenants from every
 * role, except superusers and roles with BYPASSRLS. The library sets the tenant for each
 * transaction. Without a tenant a role sees no rows. The owner of the tables can change the
 * policies.
 *
 * The role that opens the log first becomes the owner of the schema. A newer library upgrades an
 * older schema. During the upgrade no process with an older library may have the log open. Every
 * other role needs these grants, and needs them again after each upgrade:
 *
 *   GRANT USAGE ON SCHEMA reprise TO agents;
 *   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise TO agents;
 *   REVOKE INSERT, UPDATE, DELETE ON reprise.about FROM agents;
 *
 * A role of a store that only reads (recorder.h) needs USAGE and SELECT alone. Each commit to the
 * log is announced by NOTIFY, for such stores. The announcement names no session. (rule S17)
 *
 * Requirements: PostgreSQL 12 or later, a database in UTF8, and a server session for each handle. A
 * pooler must keep one server session per client. The library detects a pooler that gives each
 * transaction or statement another session (pgbouncer's pool_mode transaction or statement): open
 * then returns REPRISE_E_INVALID, and leaves the sessions of the pool unchanged.
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log_postgres_options {
	size_t size; /* sizeof(struct reprise_log_postgres_options) */

	/*
	 * A connection string for libpq, such as "host=/run/postgresql dbname=agents". Borrowed for
	 * the call. NULL: "".
	 */
	const char *connection;

	const char *schema; /* [a-z_][a-z0-9_]*, at most 63 bytes; NULL: "reprise" */

	/*
	 * The longest wait of a call for writers of the same key, a new connection and a silent
	 * server, all together. The deadline starts again after each MiB sent or received. Default
	 * 5 s; at most 1 h. The deadline does not limit the look-up of a host name; hostaddr avoids
	 * the look-up.
	 */
	uint64_t deadline_ns;

	/*
	 * REPRISE_WRITTEN: an append may return before the server has the commit on disk
	 * (synchronous_commit = off). REPRISE_SYNCED: an append waits for the disk. 0:
	 * REPRISE_SYNCED.
	 */
	reprise_durability durability;

	/* 1: archived rows are deleted; 0: moved to the archive's table */
	int32_t deletes_archived;

	/*
	 * 1: the schema must exist. If there is no schema, open returns E_NOT_FOUND; if the schema
	 * is older, E_VERSION. 0: open creates the schema, takes an empty schema of the same name,
	 * or upgrades an older schema.
	 */
	int32_t is_set_up;

	/*
	 * 1: row-level security must bind the role. Open returns E_INVALID if the role owns the
	 * tables, is a superuser or has BYPASSRLS. Open also returns E_INVALID if a table has other
	 * policies than the log's own; `detail` names the first difference.
	 */
	int32_t is_isolated;

	/*
	 * How long the server keeps an open transaction of a silent client, for example after the
	 * client's machine has vanished. The transaction's keys stay locked meanwhile. A writer
	 * waiting for such a key gets the key after this time and at most one deadline more. The
	 * same time limits how long either kernel waits for acknowledgements from a silent peer
	 * (keepalives, tcp_user_timeout); the connection string may override the limit for the
	 * client's side. A process stopped for longer in the middle of a call loses its connection.
	 * Default 10 s; 100 ms to 1 h.
	 */
	uint64_t transaction_idle_ns;
};
#define REPRISE_LOG_POSTGRES_OPTIONS_INIT REPRISE_INIT(struct reprise_log_postgres_options)

/*
 * reprise_log_postgres_open - opens the log in a database
 *
 * If a connection is lost, the running call returns REPRISE_E_IO and the next call connects again.
 *
 * @options  Borrowed.
 * @ret_log  Set on REPRISE_OK: owned; close with reprise_log_close.
 * @error    Optional: `what`, and the server's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option, a database in another encoding, a
 *                                pooler that shares server sessions, or, with is_isolated, a role
 *                                or policies that break the isolation
 *           REPRISE_E_CORRUPT    the schema exists, but is not a log's; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's; or the schema is older
 *                                and is_set_up forbids an upgrade. Nothing was written
 *           REPRISE_E_NOT_FOUND  is_set_up is set, and the schema does not exist
 *           REPRISE_E_TIMEOUT    the server did not answer within the deadline
 *           REPRISE_E_IO         no connection, or the server refused a statement
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_log_postgres_open(
	const struct reprise_log_postgres_options *options, struct reprise_log **ret_log,
	struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_postgres_verify_policies - checks whether row-level security separates the tenants
 *
 * Each table with rows of tenants must exist, with row-level security enabled and forced. Its only
 * policy must be the log's own, with the same name, command, roles and expressions. The check does
 * not cover the connected role.
 *
 * @log    Borrowed.
 * @error  Optional: `detail` names the table and the first difference.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_CORRUPT  a difference was found; `what` is "policies"
 *           REPRISE_E_INVALID  @log is NULL, or is not a log in a PostgreSQL database
 *           REPRISE_E_TIMEOUT, REPRISE_E_IO, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_log_postgres_verify_policies(
	struct reprise_log *log, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_POSTGRES_H */
