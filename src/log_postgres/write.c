/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "log_postgres/postgres.h"

/* Sends what was put, if there is anything. */
static reprise_status
send_batch(struct postgres *postgres)
{
	struct values values;

	if (postgres->batch.count == 0)
		return postgres->wire.failure.status;
	batch_values(&postgres->batch, &values);
	postgres->batch.count = 0;
	return wire_send(&postgres->wire, statements[PUT_ROWS].name, &values);
}

reprise_status
send_statement(struct postgres *postgres, enum statement statement, const struct values *values)
{
	const reprise_status status = send_batch(postgres);

	if (status != REPRISE_OK)
		return status;
	return wire_send(&postgres->wire, statements[statement].name, values);
}

/* Of a put, whose answer is not awaited: the failure that is known already. */
static reprise_status
known_failure(struct postgres *postgres, struct reprise_error *error)
{
	if (postgres->wire.failure.status == REPRISE_OK)
		return REPRISE_OK;
	return failure_tell(&postgres->wire.failure, error);
}

static reprise_status
send_values(struct reprise_log *log, enum statement statement, const struct values *values,
	    struct reprise_error *error)
{
	(void)wire_send(&postgres_of(log)->wire, statements[statement].name, values);
	return known_failure(postgres_of(log), error);
}

/* The arguments of a transaction's beginning. */
struct beginning {
	enum log_level level;
	const char *tenant;
	struct values heads; /* tenant and threads */
	size_t count;        /* of threads */
	uint64_t patience_ns;
};

static void
send_begin(struct reprise_log *log, const struct beginning *beginning)
{
	struct values values = { 0 }, patience = { 0 };
	char patience_ms[24];

	value_text(&values, beginning->tenant);
	value_text(&values, beginning->level == LOG_SYNCED ? "on" : "off");
	(void)send_values(log, BEGIN_WRITING, NULL, NULL);
	(void)send_values(log, SET_TENANT_AND_COMMIT, &values, NULL);
	if (beginning->patience_ns < postgres_of(log)->settings.deadline_ns) {
		snprintf(patience_ms, sizeof(patience_ms), "%" PRIu64,
			 beginning->patience_ns / 1000000 + 1);
		value_text(&patience, patience_ms);
		(void)send_values(log, SET_PATIENCE, &patience, NULL);
	}
	(void)send_values(log, CREATE_HEADS, &beginning->heads, NULL);
}

/*
 * Somebody holds a key for longer than the deadline. If that is a session whose client has
 * vanished, it is ended, and the next call gets the key.
 */
static void
end_abandoned(struct postgres *postgres)
{
	struct values values = { 0 };

	if (postgres->wire.connection == NULL)
		return;
	value_ordinal(&values, postgres->settings.transaction_idle_ns / 1000000);
	(void)send_statement(postgres, END_ABANDONED, &values);
	(void)wire_ask(&postgres->wire, NULL, NULL);
	if (postgres->wire.failure.status != REPRISE_OK)
		write_undo(&postgres->log);
}

/* The heads, locked or not. */
static reprise_status
find_heads(struct postgres *postgres, const struct beginning *beginning, struct log_head *ret_heads,
	   struct reprise_error *error)
{
	size_t found = 0;
	const reprise_status status =
		heads_find(postgres, &beginning->heads, beginning->count, ret_heads, &found, error);

	if (status == REPRISE_OK && found != beginning->count)
		return error_detailed(error, REPRISE_E_CORRUPT, "heads",
				      "a thread has no head, or two heads");
	return status;
}

static reprise_status
begin_with_all(struct postgres *postgres, const struct beginning *beginning,
	       struct log_head *ret_heads, struct reprise_error *error)
{
	const reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	send_begin(&postgres->log, beginning);
	(void)send_values(&postgres->log, LOCK_HEADS, &beginning->heads, NULL);
	return find_heads(postgres, beginning, ret_heads, error);
}

/*
 * Without the heads that others have locked; only a head that another transaction is just creating
 * is waited for.
 */
static reprise_status
begin_with_free(struct postgres *postgres, const struct beginning *beginning,
		struct log_head *ret_heads, struct reprise_error *error)
{
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	send_begin(&postgres->log, beginning);
	(void)send_values(&postgres->log, LOCK_FREE_HEADS, &beginning->heads, NULL);
	status = wire_ask(&postgres->wire, &answer, error);
	if (status == REPRISE_OK)
		status = find_heads(postgres, beginning, ret_heads, error);
	for (size_t i = 0; status == REPRISE_OK && i < beginning->count; i++)
		ret_heads[i].is_held = true;
	for (int row = 0; status == REPRISE_OK && row < PQntuples(answer); row++) {
		const uint64_t place = ordinal_at(answer, row, 0);

		if (place >= 1 && place <= beginning->count)
			ret_heads[place - 1].is_held = false;
	}
	PQclear(answer);
	return status;
}

static reprise_status
begin_patiently(struct postgres *postgres, struct beginning *beginning, struct log_head *ret_heads,
		struct reprise_error *error)
{
	const bool is_patient = beginning->patience_ns >= postgres->settings.deadline_ns;
	reprise_status status = begin_with_all(postgres, beginning, ret_heads, error);

	if (status != REPRISE_OK)
		write_undo(&postgres->log);
	if (status == REPRISE_E_TIMEOUT)
		end_abandoned(postgres);
	if (status != REPRISE_E_TIMEOUT || is_patient || postgres->wire.connection == NULL)
		return status;
	beginning->patience_ns = LOG_PATIENT;
	status = begin_with_free(postgres, beginning, ret_heads, error);
	if (status != REPRISE_OK)
		write_undo(&postgres->log);
	return status;
}

reprise_status
write_begin(struct reprise_log *log, enum log_level level, const char *tenant,
	    const char *const *threads, size_t threads_count, uint64_t patience_ns,
	    struct log_head *ret_heads, struct reprise_error *error)
{
	struct beginning beginning = {
		.level = level, .tenant = tenant, .count = threads_count, .patience_ns = patience_ns
	};
	char *const array = heads_values(&beginning.heads, tenant, threads, threads_count);

	if (array == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const reprise_status status =
		begin_patiently(postgres_of(log), &beginning, ret_heads, error);

	free(array);
	return status;
}

/* Sends a row that no batch has room for. */
static void
send_row(struct postgres *postgres, int64_t id, const struct log_row *row)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_ordinal(&values, row->last);
	value_ordinal(&values, row->first);
	value_revision(&values, row->revision);
	value_i64(&values, (int64_t)row->time_ns);
	value_i32(&values, (int32_t)row->type);
	value_i32(&values, row->kind);
	value_i32(&values, row->flags);
	value_i32(&values, (int32_t)row->reason);
	value_i32(&values, (int32_t)row->checksum);
	value_bytes(&values, row->payload.data, row->payload.size);
	(void)wire_send(&postgres->wire, statements[PUT_ROW].name, &values);
}

reprise_status
write_row(struct reprise_log *log, int64_t id, const struct log_row *row,
	  struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);

	if (batch_take(&postgres->batch, id, row))
		return known_failure(postgres, error);
	(void)send_batch(postgres);
	if (!batch_take(&postgres->batch, id, row))
		send_row(postgres, id, row);
	return known_failure(postgres, error);
}

static reprise_status
send_mark(struct reprise_log *log, enum statement statement, int64_t id,
	  const struct log_mark *mark, struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_revision(&values, mark->revision);
	value_ordinal(&values, mark->ordinal);
	value_i32(&values, (int32_t)mark->checksum);
	return send_values(log, statement, &values, error);
}

reprise_status
write_rise(struct reprise_log *log, int64_t id, const struct log_mark *rise,
	   struct reprise_error *error)
{
	return send_mark(log, PUT_RISE, id, rise, error);
}

reprise_status
write_commit(struct reprise_log *log, int64_t id, const struct log_mark *commit,
	     struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_revision(&values, commit->revision);
	const reprise_status status = send_values(log, DELETE_COMMITS, &values, error);

	if (status != REPRISE_OK)
		return status;
	return send_mark(log, PUT_COMMIT, id, commit, error);
}

reprise_status
write_drop_rises(struct reprise_log *log, int64_t id, uint64_t revision,
		 struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_revision(&values, revision);
	return send_values(log, DROP_RISES, &values, error);
}

reprise_status
write_life(struct reprise_log *log, int64_t id, const struct log_life *row,
	   struct reprise_error *error)
{
	const struct reprise_life *const life = &row->life;
	struct values values = { 0 };

	value_i64(&values, id);
	value_ordinal(&values, life->number);
	value_bytes(&values, life->incarnation.bytes, sizeof(life->incarnation.bytes));
	value_ordinal(&values, life->first);
	value_ordinal(&values, life->end);
	value_i32(&values, (int32_t)life->state);
	value_i32(&values, (int32_t)row->checksum);
	return send_values(log, PUT_LIFE, &values, error);
}

reprise_status
write_head(struct reprise_log *log, const struct log_head *head, struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, head->id);
	value_i32(&values, (int32_t)head->kind);
	value_ordinal(&values, head->head);
	value_ordinal(&values, head->watermark);
	value_revision(&values, head->revision_max);
	value_bool(&values, head->has_ended);
	value_i32(&values, head->end_status);
	value_ordinal(&values, head->end_ordinal);
	value_ordinal(&values, head->life.number);
	value_revision(&values, head->moved.revision);
	value_ordinal(&values, head->moved.ordinal);
	value_i32(&values, (int32_t)head->checksum);
	news_add(&postgres_of(log)->news, head->key_checksum);
	value_ordinal(&values, head->lease_ns);
	value_ordinal(&values, head->lease_end_ns);
	value_ordinal(&values, head->blobs);
	return send_values(log, PUT_HEAD, &values, error);
}

reprise_status
write_end(struct reprise_log *log, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	const struct failure *const failure = &postgres->wire.failure;
	PGresult *answer = NULL;
	const bool is_sent = send_batch(postgres) == REPRISE_OK;

	if (is_sent)
		(void)wire_send(&postgres->wire, statements[COMMIT].name, NULL);
	reprise_status status = wire_ask(&postgres->wire, &answer, error);

	log->is_uncertain = status != REPRISE_OK && is_sent && !failure->is_answer;
	if (log->is_uncertain)
		status = error_detailed(error, REPRISE_E_IO, "commit", failure->words);
	/* In a transaction that has failed the server takes a COMMIT for a ROLLBACK. */
	if (status == REPRISE_OK && strcmp(PQcmdStatus(answer), "COMMIT") != 0)
		status = error_detailed(error, REPRISE_E_IO, "commit",
					"the server has rolled back the transaction");
	PQclear(answer);
	if (status != REPRISE_OK)
		write_undo(log);
	else
		news_tell(postgres);
	return status;
}

void
write_undo(struct reprise_log *log)
{
	postgres_of(log)->batch.count = 0;
	postgres_of(log)->news.count = 0;
	wire_end(&postgres_of(log)->wire, statements[ROLLBACK].name);
}
