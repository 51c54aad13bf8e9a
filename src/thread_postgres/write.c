/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/error.h"
#include "thread_postgres/keeping.h"
#include "thread_postgres/postgres.h"

enum {
	/* The name of an id's advisory lock: neither a schema's name nor an id has a space. */
	LOCK_NAME_BYTES = sizeof("reprise thread  ") + SCHEMA_BYTES_MAX + THREAD_ID_ROOM,
	ANNOUNCED_BYTES = 64 << 10,
};

reprise_status
send_statement(struct postgres *postgres, enum statement statement, const struct values *values)
{
	return wire_send(&postgres->wire, statements[statement].name, values);
}

reprise_status
ask_statement(struct postgres *postgres, enum statement statement, const struct values *values,
	      PGresult **ret_answer, struct reprise_error *error)
{
	(void)send_statement(postgres, statement, values);
	return wire_ask(&postgres->wire, ret_answer, error);
}

/*
 * The server takes a client whose statement has not arrived as a whole for a silent one, but not
 * behind another statement of the same pipeline. That one's text tells those who wait for how long
 * it is to be taken for busy (END_ABANDONED).
 */
static void
announce(struct postgres *postgres, size_t bytes)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "SELECT %llu AS reprise_ms",
		 (unsigned long long)transfer_ms(&postgres->settings, bytes));
	(void)wire_send_sql(&postgres->wire, sql, NULL);
	wire_flush(&postgres->wire); /* before libpq copies so much */
}

/* A put, which is not waited for: told is what is known to have failed already. */
static reprise_status
put(struct reprise_thread_store *store, enum statement statement, const struct values *values,
    struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(store);

	if (values->bytes >= ANNOUNCED_BYTES)
		announce(postgres, values->bytes);
	(void)send_statement(postgres, statement, values);
	if (postgres->wire.failure.status == REPRISE_OK)
		return REPRISE_OK;
	return failure_tell(&postgres->wire.failure, error);
}

static void
value_uid(struct values *values, const struct thread_uid *uid)
{
	value_bytes(values, uid->bytes, sizeof(uid->bytes));
}

static void
wait_for_what_is_left(struct postgres *postgres)
{
	struct values values = { 0 };
	char wait_ms[24];

	snprintf(wait_ms, sizeof(wait_ms), "%llu",
		 (unsigned long long)lock_wait_ms(wire_left_ms(&postgres->wire)));
	value_text(&values, wait_ms);
	(void)send_statement(postgres, WAIT_FOR_LOCKS, &values);
}

static reprise_status
lock(struct postgres *postgres, const struct values *lock_name, const char *id,
     struct thread_head *ret_head, uint64_t *ret_now_ms, struct reprise_error *error)
{
	struct values key = { 0 };
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	value_text(&key, id);
	(void)send_statement(postgres, BEGIN_WRITING, NULL);
	if (postgres->store.is_continued || postgres->store.waited_ns != 0)
		wait_for_what_is_left(postgres);
	(void)send_statement(postgres, LOCK_ID, lock_name);
	(void)send_statement(postgres, LOCK_HEAD, &key);
	status = ask_statement(postgres, FIND_HEAD, &key, &answer, error);
	if (status != REPRISE_OK)
		return status;
	const int64_t now_ms = number_at(answer, 0, FOUND_NOW);

	*ret_now_ms = now_ms < 0 ? 0 : (uint64_t)now_ms;
	postgres->store.keeping = keeping_at(answer, FOUND_KEEPING);
	*ret_head = head_at_row(answer, 0, FOUND_HEAD);
	PQclear(answer);
	return REPRISE_OK;
}

/*
 * Somebody holds the id for longer than the deadline. If that is a session whose client has
 * vanished, it is ended, and the next call gets the id.
 */
static void
end_abandoned(struct postgres *postgres, const struct values *lock_name)
{
	struct values values = *lock_name;

	if (postgres->wire.connection == NULL)
		return;
	value_number(&values, postgres->settings.transaction_idle_ns / 1000000);
	value_number(&values, transfer_ms(&postgres->settings, REPRISE_THREAD_JSON_BYTES_MAX));
	(void)ask_statement(postgres, END_ABANDONED, &values, NULL, NULL);
	if (postgres->wire.failure.status != REPRISE_OK)
		port_rollback(&postgres->store);
}

reprise_status
port_begin(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	   uint64_t *ret_now_ms, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(store);
	char name[LOCK_NAME_BYTES];
	struct values lock_name = { 0 };

	snprintf(name, sizeof(name), "reprise thread %s %s", postgres->settings.schema, id);
	value_text(&lock_name, name);
	const reprise_status status = lock(postgres, &lock_name, id, ret_head, ret_now_ms, error);

	if (status != REPRISE_OK)
		port_rollback(store);
	if (status == REPRISE_E_TIMEOUT)
		end_abandoned(postgres, &lock_name);
	return status;
}

reprise_status
port_put_head(struct reprise_thread_store *store, const struct thread_head *head,
	      struct reprise_error *error)
{
	struct values values = { 0 };

	value_text(&values, head->id);
	value_uid(&values, &head->uid);
	value_number(&values, head->version);
	value_number(&values, head->base);
	value_number(&values, head->complete_after);
	value_number(&values, head->text_bytes);
	value_number(&values, head->delta_bytes);
	value_number(&values, head->growth_bytes);
	value_checksum(&values, head->checksum);
	return put(store, PUT_HEAD, &values, error);
}

reprise_status
port_put_text(struct reprise_thread_store *store, const struct thread_uid *uid,
	      const struct thread_text *text, struct reprise_error *error)
{
	struct values values = { 0 };

	value_uid(&values, uid);
	value_number(&values, text->version);
	value_checksum(&values, text->checksum);
	value_bytes(&values, text->json.data, text->json.size);
	return put(store, PUT_TEXT, &values, error);
}

reprise_status
port_put_delta(struct reprise_thread_store *store, const struct thread_uid *uid,
	       const struct thread_delta *delta, struct reprise_error *error)
{
	struct values values = { 0 };

	value_uid(&values, uid);
	value_number(&values, delta->version);
	value_number(&values, delta->stored_ms);
	value_checksum(&values, delta->checksum);
	value_bytes(&values, delta->json.data, delta->json.size);
	return put(store, PUT_DELTA, &values, error);
}

reprise_status
port_put_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
		 const char *delta_id, const struct thread_applied *applied,
		 struct reprise_error *error)
{
	struct values values = { 0 };

	value_uid(&values, uid);
	value_text(&values, delta_id);
	value_number(&values, applied->version);
	value_number(&values, applied->applied_ms);
	value_checksum(&values, applied->checksum);
	value_bytes(&values, applied->digest, sizeof(applied->digest));
	return put(store, PUT_APPLIED, &values, error);
}

reprise_status
port_drop_document(struct reprise_thread_store *store, const char *id, const struct thread_uid *uid,
		   struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(store);
	struct values head = { 0 }, text = { 0 };

	value_text(&head, id);
	value_uid(&text, uid);
	(void)send_statement(postgres, DROP_HEAD, &head);
	(void)send_statement(postgres, DROP_TEXT, &text);
	return port_drop_deltas(store, uid, THREAD_NUMBER_MAX, error);
}

reprise_status
port_drop_deltas(struct reprise_thread_store *store, const struct thread_uid *uid, uint64_t version,
		 struct reprise_error *error)
{
	struct values values = { 0 };

	value_uid(&values, uid);
	value_number(&values, version);
	return put(store, DROP_DELTAS, &values, error);
}

reprise_status
port_drop_applied(struct reprise_thread_store *store, uint64_t before_ms, uint64_t max,
		  struct reprise_error *error)
{
	struct values values = { 0 };

	value_number(&values, before_ms);
	value_number(&values, max);
	return put(store, DROP_APPLIED, &values, error);
}

reprise_status
port_commit(struct reprise_thread_store *store, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(store);
	const struct failure *const failure = &postgres->wire.failure;
	PGresult *answer = NULL;
	const bool is_sent = failure->status == REPRISE_OK;
	reprise_status status = ask_statement(postgres, COMMIT, NULL, &answer, error);

	/* The server was asked to commit, and has not said what became of it. */
	if (status != REPRISE_OK && is_sent && !failure->is_answer)
		status = error_detailed(error, REPRISE_E_IO, "commit", failure->words);
	/* In a transaction that has failed the server takes a COMMIT for a ROLLBACK. */
	if (status == REPRISE_OK && strcmp(PQcmdStatus(answer), "COMMIT") != 0)
		status = error_detailed(error, REPRISE_E_IO, "commit",
					"the server has rolled back the transaction");
	PQclear(answer);
	if (status != REPRISE_OK)
		port_rollback(store);
	return status;
}

void
port_rollback(struct reprise_thread_store *store)
{
	wire_end(&postgres_of(store)->wire, statements[ROLLBACK].name);
}
