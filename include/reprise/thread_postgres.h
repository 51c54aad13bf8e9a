/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_POSTGRES_H
#define REPRISE_THREAD_POSTGRES_H

/*
 * reprise/thread_postgres.h - thread documents in a PostgreSQL database
 *
 * The tables stand in a schema of their own, so that a database may hold several stores, and logs beside them. The
 * role that opens a store first owns the schema. Another role needs:
 *
 *   GRANT USAGE ON SCHEMA reprise_thread TO agents;
 *   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reprise_thread TO agents;
 *   REVOKE INSERT, UPDATE, DELETE ON reprise_thread.about FROM agents;
 *
 * It takes a server of PostgreSQL 12 or later, a database in UTF8, and a connection of its own: a pooler in between
 * must keep one for as long as the store is open. A pooler that gives each transaction or statement another connection
 * (pgbouncer's pool_mode transaction or statement) is refused with E_INVALID, and its connections are left as they were.
 *
 * Writers of one document wait for each other, also in several processes and on several machines. Ages are told by the
 * server's clock. A connection keeps memory for the largest row that it has sent or received (libpq's buffers).
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_postgres_options {
	size_t size; /* sizeof(struct reprise_thread_postgres_options) */

	/* As libpq takes it: "host=/run/postgresql dbname=agents". Borrowed for the call. NULL: "". */
	const char *connection;

	/* [a-z_][a-z0-9_]*, at most 63 bytes; NULL: "reprise_thread". It is created; an empty one of that name is taken. */
	const char *schema;

	/*
	 * How long a call waits for other calls on the handle, for others who write to the document, for a new connection
	 * and for a server that is silent, all together. The deadline begins anew after about each MiB that was sent or received. Default 5 s; at
	 * most 1 h. The look-up of a host's name is not bounded: hostaddr avoids it.
	 */
	uint64_t deadline_ns;

	/*
	 * For how long deltas are kept and the ids of applied deltas are remembered, and how old a delta may be that is
	 * appended for the first time. Defaults 7 days and 24 hours. The horizon is at least twice the retry limit and
	 * at most 100 years; the retry limit is at least 1 s. A store has one horizon for all handles: the longest that one
	 * was opened with. It stays when that handle is closed; a role that may only read the table about cannot make
	 * it longer, and is refused with E_IO. (rule B05)
	 */
	uint64_t horizon_ns;
	uint64_t retry_limit_ns;

	/*
	 * How long the server keeps a transaction whose client is silent, as when the client's machine vanishes. Until
	 * then the document of that transaction is locked; a writer that waits for it gets it after this time and at most
	 * one deadline more; if the client vanished in the middle of a transfer, one deadline later for each MiB of it. Also the time after which either kernel gives up a peer that acknowledges nothing
	 * (keepalives, tcp_user_timeout; the connection string may say otherwise for this side). A process that is
	 * stopped for longer in the middle of a call loses its connection. Default 10 s; 100 ms to 1 h.
	 */
	uint64_t transaction_idle_ns;

	/* 1: a write may return before it is on disk (synchronous_commit = off). */
	int32_t is_written_enough;

	/* 1: the store is there already, and nothing is created. */
	int32_t is_set_up;
};
#define REPRISE_THREAD_POSTGRES_OPTIONS_INIT REPRISE_INIT(struct reprise_thread_postgres_options)

/*
 * reprise_thread_postgres_open - open, or create, a store in a database
 *
 * A connection that is lost is made anew by the next call: the call during which it was lost answers REPRISE_E_IO. If
 * that was a write, nobody knows whether it was done: the same delta, with its id, may be appended again.
 *
 * @options    Borrowed.
 * @ret_store  Set on REPRISE_OK: owned, close it with reprise_thread_store_close.
 * @error      Optional: `what`, and the server's own words in `detail`.
 *
 * Threads   Any.
 * Progress  Blocks: the network.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option, a database in another encoding, or a pooler that
 *                                shares connections
 *           REPRISE_E_CORRUPT    the schema is there, and is not a store of thread documents; nothing was written
 *           REPRISE_E_VERSION    the schema is newer than this library's; nothing was written
 *           REPRISE_E_NOT_FOUND  with is_set_up: the schema is not there, or is empty; nothing was written
 *           REPRISE_E_TIMEOUT    the server did not answer within the deadline
 *           REPRISE_E_IO         no connection, or the server refused a statement
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_thread_postgres_open(
	const struct reprise_thread_postgres_options *options,
	struct reprise_thread_store **ret_store, struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_POSTGRES_H */
