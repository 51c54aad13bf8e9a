/* SPDX-License-Identifier: MIT */
#ifndef THREAD_SQLITE_CONNECTION_H
#define THREAD_SQLITE_CONNECTION_H

/* One connection to a store in a SQLite file, and what its parts ask of each other. */

#include <sqlite3.h>

#include <reprise/thread_sqlite.h>

#include "thread/adapter.h"
#include "thread_sqlite/bound.h"
#include "thread_sqlite/statements.h"

enum {
	THREAD_SQLITE_APPLICATION = 0x72707468, /* "rpth": what SQLite calls application_id */
};

struct connection {
	struct reprise_thread_store store; /* first: the handle is this */
	struct reprise_thread_sqlite_options options;
	struct bound bound;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t give_up_ns; /* when who waits for others is to give up */
};

static inline struct connection *
connection_of(struct reprise_thread_store *store)
{
	return (struct connection *)store;
}

/* Starts the deadline of a call, in its first transaction. */
void connection_start(struct connection *connection);

/*
 * Opens the database that the connection is bound to, with its schema and statements;
 * and closes it.
 */
reprise_status connection_connect(struct connection *connection, struct reprise_error *error);
void connection_disconnect(struct connection *connection);

/*
 * The status of what SQLite answered, with its own words in @error. SQLITE_OK, ROW and DONE:
 * REPRISE_OK.
 */
reprise_status connection_status(struct connection *connection, int answer,
				 struct reprise_error *error);

/* One or more statements without results. */
reprise_status connection_run(struct connection *connection, const char *sql,
			      struct reprise_error *error);

/* The answer of one statement: the first column of its first row. */
reprise_status connection_ask(struct connection *connection, const char *sql, int64_t *ret_answer,
			      struct reprise_error *error);

/* Sees to it that the file is a store's, with the schema of this library and a write-ahead log. */
reprise_status schema_settle(struct connection *connection, struct reprise_error *error);

/*
 * How long the store remembers, in a row: its first one, one for the handle's horizon, and what
 * a transaction finds.
 */
reprise_status keeping_create(struct connection *connection, struct reprise_error *error);
reprise_status keeping_settle(struct connection *connection, struct reprise_error *error);
reprise_status keeping_find(struct connection *connection, struct thread_keeping *ret_keeping,
			    struct reprise_error *error);

/* Milliseconds since 1970, of the machine's clock. */
uint64_t wall_ms(void);

/* The adapter's functions (thread/adapter.h). */
reprise_status sqlite_begin(struct reprise_thread_store *store, const char *id,
			    struct thread_head *ret_head, uint64_t *ret_now_ms,
			    struct reprise_error *error);
reprise_status sqlite_put_head(struct reprise_thread_store *store, const struct thread_head *head,
			       struct reprise_error *error);
reprise_status sqlite_put_text(struct reprise_thread_store *store, const struct thread_uid *uid,
			       const struct thread_text *text, struct reprise_error *error);
reprise_status sqlite_put_delta(struct reprise_thread_store *store, const struct thread_uid *uid,
				const struct thread_delta *delta, struct reprise_error *error);
reprise_status sqlite_put_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
				  const char *delta_id, const struct thread_applied *applied,
				  struct reprise_error *error);
reprise_status sqlite_drop_document(struct reprise_thread_store *store, const char *id,
				    const struct thread_uid *uid, struct reprise_error *error);
reprise_status sqlite_drop_deltas(struct reprise_thread_store *store, const struct thread_uid *uid,
				  uint64_t version, struct reprise_error *error);
reprise_status sqlite_drop_applied(struct reprise_thread_store *store, uint64_t before_ms,
				   uint64_t max, struct reprise_error *error);
reprise_status sqlite_commit(struct reprise_thread_store *store, struct reprise_error *error);
void sqlite_rollback(struct reprise_thread_store *store);
reprise_status sqlite_look(struct reprise_thread_store *store, const char *id,
			   struct thread_head *ret_head, struct reprise_error *error);
void sqlite_leave(struct reprise_thread_store *store);
reprise_status sqlite_text_of(struct reprise_thread_store *store, const struct thread_uid *uid,
			      thread_text_visit visit, void *context, struct reprise_error *error);
reprise_status sqlite_deltas_after(struct reprise_thread_store *store, const struct thread_uid *uid,
				   uint64_t version, uint64_t limit, thread_delta_visit visit,
				   void *context, struct reprise_error *error);
reprise_status sqlite_applied_of(struct reprise_thread_store *store, const struct thread_uid *uid,
				 const char *const *delta_ids, size_t delta_ids_count,
				 struct thread_applied *ret_applied, struct reprise_error *error);
reprise_status sqlite_heads(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
			    struct thread_head *ret_heads, size_t *ret_count, uint64_t *ret_total,
			    struct reprise_error *error);

/* The head of a document, in whatever transaction there is. */
reprise_status read_head(struct connection *connection, const char *id,
			 struct thread_head *ret_head, struct reprise_error *error);

#endif /* THREAD_SQLITE_CONNECTION_H */
