/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_POSTGRES_H
#define REPRISE_THREAD_POSTGRES_H

/*
 * reprise/thread_postgres.h - thread documents in a PostgreSQL database
 *
 * A store has a schema of its own, so a database may hold several stores, and logs as well. The
 * role that opens the store first becomes the owner of the schema. Every other role needs these
 * grants:
 *
 *   GRANT USAGE ON SCHEMA reprise_thread TO agents;
 *   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise_thread TO agents;
 *   REVOKE INSERT, UPDATE, DELETE ON reprise_thread.about FROM agents;
 *
 * Requirements: PostgreSQL 12 or later, a database in UTF8, and a server session for each handle. A
 * pooler must keep one server session per client. The library detects a pooler that gives each
 * transaction or statement another session (pgbouncer's pool_mode transaction or statement): open
 * then returns REPRISE_E_INVALID, and leaves the sessions of the pool unchanged.
 *
 * Writers of one document wait for each other, also across processes and machines. The server's
 * clock measures all ages. A connection keeps memory for the largest row sent or received (libpq's
 * buffers).
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_postgres_options {
	size_t size; /* sizeof(struct reprise_thread_postgres_options) */

	/*
	 * A connection string for libpq, such as "host=/run/postgresql dbname=agents". Borrowed for
	 * the call. NULL: "".
	 */
	const char *connection;

	/*
	 * [a-z_][a-z0-9_]*, at most 63 bytes; NULL: "reprise_thread". Open creates the schema, or
	 * takes an empty schema of the same name.
	 */
	const char *schema;

	/*
	 * The longest wait of a call for other calls on the handle, writers of the same document, a
	 * new connection and a silent server, all together. The deadline starts again after about
	 * each MiB sent or received. Default 5 s; at most 1 h. The deadline does not limit the
	 * look-up of a host name; hostaddr avoids the look-up.
	 */
	uint64_t deadline_ns;

	/*
	 * horizon_ns: how long the store keeps deltas and remembers the ids of applied deltas.
	 * retry_limit_ns: the maximum age of a delta at its first append. Defaults 7 days and 24
	 * hours. The horizon is at least twice the retry limit, and at most 100 years. The retry
	 * limit is at least 1 s. All handles of a store share one horizon: the longest one given at
	 * any open. The horizon stays when the handle is closed. A role without write access to the
	 * table about cannot prolong the horizon: open then returns E_IO. (rule B05)
	 */
	uint64_t horizon_ns;
	uint64_t retry_limit_ns;

	/*
	 * How long the server keeps an open transaction of a silent client, for example after the
	 * client's machine has vanished. The transaction's document stays locked meanwhile. A
	 * waiting writer gets the document after this time and at most one deadline more. If the
	 * client vanished in the middle of a transfer, the writer waits one more deadline for each
	 * MiB of the transfer. The same time limits how long either kernel waits for
	 * acknowledgements from a silent peer (keepalives, tcp_user_timeout); the connection string
	 * may override the limit for the client's side. A process stopped for longer in the middle
	 * of a call loses its connection. Default 10 s; 100 ms to 1 h.
	 */
	uint64_t transaction_idle_ns;

	/*
	 * REPRISE_WRITTEN: a write may return before the server has the commit on disk
	 * (synchronous_commit = off). REPRISE_SYNCED: a write waits for the disk. 0:
	 * REPRISE_SYNCED.
	 */
	reprise_durability durability;

	/* 1: the store must exist; nothing is created. */
	int32_t is_set_up;
};
#define REPRISE_THREAD_POSTGRES_OPTIONS_INIT REPRISE_INIT(struct reprise_thread_postgres_options)

/*
 * reprise_thread_postgres_open - opens a store in a database, and creates a missing store
 *
 * If a connection is lost, the running call returns REPRISE_E_IO and the next call connects again.
 * The outcome of an interrupted write is unknown: the host may append the same delta, with its id,
 * again.
 *
 * @options    Borrowed.
 * @ret_store  Set on REPRISE_OK: owned; close with reprise_thread_store_close.
 * @error      Optional: `what`, and the server's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option, a database in another encoding, or
 *                                a pooler that shares server sessions
 *           REPRISE_E_CORRUPT    the schema exists, but is not a store of thread documents; nothing
 *                                was written
 *           REPRISE_E_VERSION    the schema is newer than this library's; nothing was written
 *           REPRISE_E_NOT_FOUND  is_set_up is set, and the schema does not exist or is empty;
 *                                nothing was written
 *           REPRISE_E_TIMEOUT    the server did not answer within the deadline
 *           REPRISE_E_IO         no connection, or the server refused a statement
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_thread_postgres_open(
	const struct reprise_thread_postgres_options *options,
	struct reprise_thread_store **ret_store, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_POSTGRES_H */
