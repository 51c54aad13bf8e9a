/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_POSTGRES_H
#define THREAD_POSTGRES_POSTGRES_H

/*
 * The port of thread documents, on PostgreSQL. One handle is one connection, made anew at the
 * beginning of a transaction if it was lost before.
 */

#include <stdbool.h>

#include <reprise/thread_postgres.h>

#include "thread/adapter.h"
#include "thread_postgres/statements.h"
#include "thread_postgres/values.h"
#include "thread_postgres/wire.h"

enum {
	SCHEMA_BYTES_MAX = 63
};

/* As asked for, checked, with copies of the texts. */
struct settings {
	char *connection; /* owned */
	char schema[SCHEMA_BYTES_MAX + 1];
	uint64_t deadline_ns;
	uint64_t transaction_idle_ns;
	reprise_durability durability;
	bool is_set_up;
};

struct postgres {
	struct reprise_thread_store store; /* the first: the port knows no more */
	struct settings settings;
	struct wire wire;
};

static inline struct postgres *
postgres_of(struct reprise_thread_store *store)
{
	return (struct postgres *)store;
}

/*
 * connect_first  A connection that is ready for transactions; creates the tables if they
 *                are not there.
 * connect_again  The same in place of one that was lost, if it was; never creates anything.
 *
 * Either begins a call, unless one goes on: its deadline runs from here on (wire.h).
 */
reprise_status connect_first(struct postgres *postgres, struct reprise_error *error);
reprise_status connect_again(struct postgres *postgres, struct reprise_error *error);

/* How long so many bytes may take to leave or to come, by the deadline of each MiB. */
uint64_t transfer_ms(const struct settings *settings, uint64_t bytes);

/*
 * How long the server is to wait for a lock if the call is due after so many milliseconds, at least
 * 1: less, so that its refusal arrives in time.
 */
uint64_t lock_wait_ms(uint64_t left_ms);

/*
 * Sends a statement; fails if something is known to have failed already, but tells nobody. @values
 * may be NULL.
 */
reprise_status send_statement(struct postgres *postgres, enum statement statement,
			      const struct values *values);
/* The same, and waits for the answer, the caller's to clear. */
reprise_status ask_statement(struct postgres *postgres, enum statement statement,
			     const struct values *values, PGresult **ret_answer,
			     struct reprise_error *error);

/* From the column of the id on. */
struct thread_head head_at_row(const PGresult *answer, int row, int first_column);

/* write.c: the port's writing transaction. */
reprise_status port_begin(struct reprise_thread_store *store, const char *id,
			  struct thread_head *ret_head, uint64_t *ret_now_ms,
			  struct reprise_error *error);
reprise_status port_put_head(struct reprise_thread_store *store, const struct thread_head *head,
			     struct reprise_error *error);
reprise_status port_put_text(struct reprise_thread_store *store, const struct thread_uid *uid,
			     const struct thread_text *text, struct reprise_error *error);
reprise_status port_put_delta(struct reprise_thread_store *store, const struct thread_uid *uid,
			      const struct thread_delta *delta, struct reprise_error *error);
reprise_status port_put_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
				const char *delta_id, const struct thread_applied *applied,
				struct reprise_error *error);
reprise_status port_drop_document(struct reprise_thread_store *store, const char *id,
				  const struct thread_uid *uid, struct reprise_error *error);
reprise_status port_drop_deltas(struct reprise_thread_store *store, const struct thread_uid *uid,
				uint64_t version, struct reprise_error *error);
reprise_status port_drop_applied(struct reprise_thread_store *store, uint64_t before_ms,
				 uint64_t max, struct reprise_error *error);
reprise_status port_commit(struct reprise_thread_store *store, struct reprise_error *error);
void port_rollback(struct reprise_thread_store *store);

/* find.c: its reading one, and what is found in either. */
reprise_status port_look(struct reprise_thread_store *store, const char *id,
			 struct thread_head *ret_head, struct reprise_error *error);
void port_leave(struct reprise_thread_store *store);
reprise_status port_text_of(struct reprise_thread_store *store, const struct thread_uid *uid,
			    thread_text_visit visit, void *context, struct reprise_error *error);
reprise_status port_deltas_after(struct reprise_thread_store *store, const struct thread_uid *uid,
				 uint64_t version, uint64_t limit, thread_delta_visit visit,
				 void *context, struct reprise_error *error);
reprise_status port_applied_of(struct reprise_thread_store *store, const struct thread_uid *uid,
			       const char *const *delta_ids, size_t delta_ids_count,
			       struct thread_applied *ret_applied, struct reprise_error *error);
reprise_status port_heads(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
			  struct thread_head *ret_heads, size_t *ret_count, uint64_t *ret_total,
			  struct reprise_error *error);

#endif /* THREAD_POSTGRES_POSTGRES_H */
