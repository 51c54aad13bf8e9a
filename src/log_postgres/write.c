/* SPDX-License-Identifier: MIT */
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

/* Of a put, which is not waited for: what is known to have failed already. */
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

static void
send_begin(struct reprise_log *log, enum log_level level, const char *tenant)
{
	struct values values = { 0 };

	value_text(&values, tenant);
	value_text(&values, level == LOG_SYNCED ? "on" : "off");
	(void)send_values(log, BEGIN_WRITING, NULL, NULL);
	(void)send_values(log, SET_TENANT_AND_COMMIT, &values, NULL);
}

reprise_status
write_begin(struct reprise_log *log, enum log_level level, const char *tenant,
	    const char *const *threads, size_t threads_count, struct log_head *ret_heads,
	    struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values;
	size_t found = 0;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	char *const array = heads_values(&values, tenant, threads, threads_count);

	if (array == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	send_begin(log, level, tenant);
	(void)send_values(log, CREATE_HEADS, &values, NULL);
	(void)send_values(log, LOCK_HEADS, &values, NULL);
	status = heads_find(postgres, &values, threads_count, ret_heads, &found, error);
	free(array);
	if (status == REPRISE_OK && found != threads_count)
		status = error_detailed(error, REPRISE_E_CORRUPT, "heads", "not one for a thread");
	if (status != REPRISE_OK)
		write_undo(log);
	return status;
}

/* One that no batch has room for. */
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

reprise_status
write_rise(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t ordinal,
	   struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_revision(&values, revision);
	value_ordinal(&values, ordinal);
	return send_values(log, PUT_RISE, &values, error);
}

reprise_status
write_commit(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t ordinal,
	     struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_revision(&values, revision);
	const reprise_status status = send_values(log, DELETE_COMMITS, &values, error);

	if (status != REPRISE_OK)
		return status;
	value_ordinal(&values, ordinal);
	return send_values(log, PUT_COMMIT, &values, error);
}

reprise_status
write_life(struct reprise_log *log, int64_t id, const struct reprise_life *life,
	   struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_ordinal(&values, life->number);
	value_bytes(&values, life->incarnation.bytes, sizeof(life->incarnation.bytes));
	value_ordinal(&values, life->first);
	value_ordinal(&values, life->end);
	value_i32(&values, (int32_t)life->state);
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
	return send_values(log, PUT_HEAD, &values, error);
}

reprise_status
write_moves(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
	    uint64_t *ret_count, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_ordinal(&values, watermark);
	value_ordinal(&values, max);
	(void)send_statement(
		postgres, postgres->settings.deletes_archived ? DELETE_ROWS : MOVE_ROWS, &values);
	const reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_count = strtoull(PQcmdTuples(answer), NULL, 10);
	PQclear(answer);
	return REPRISE_OK;
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

	if (status != REPRISE_OK && is_sent && !failure->is_answer)
		status = error_detailed(error, REPRISE_E_IO, "commit", failure->words);
	/* In a transaction that has failed the server takes a COMMIT for a ROLLBACK. */
	if (status == REPRISE_OK && strcmp(PQcmdStatus(answer), "COMMIT") != 0)
		status = error_detailed(error, REPRISE_E_IO, "commit", "it was rolled back");
	PQclear(answer);
	if (status != REPRISE_OK)
		write_undo(log);
	return status;
}

void
write_undo(struct reprise_log *log)
{
	postgres_of(log)->batch.count = 0;
	wire_end(&postgres_of(log)->wire, statements[ROLLBACK].name);
}
