/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log_postgres/postgres.h"

reprise_status
write_drop_commits(struct reprise_log *log, int64_t id, uint64_t ordinal, uint64_t max,
		   uint64_t *ret_count, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_ordinal(&values, ordinal);
	value_ordinal(&values, max);
	(void)send_statement(postgres, DROP_OLD_COMMITS, &values);
	const reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_count = strtoull(PQcmdTuples(answer), NULL, 10);
	PQclear(answer);
	return REPRISE_OK;
}

/* By a statement that answers how many rows it took, and the greatest last ordinal. */
static reprise_status
take_rows(struct postgres *postgres, enum statement statement, int64_t id, uint64_t watermark,
	  uint64_t max, struct log_moved *ret_moved, struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_ordinal(&values, watermark);
	value_ordinal(&values, max);
	(void)send_statement(postgres, statement, &values);
	const reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	ret_moved->count = ordinal_at(answer, 0, 0);
	ret_moved->last = ordinal_at(answer, 0, 1);
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
write_moves(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
	    struct log_moved *ret_moved, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);

	return take_rows(postgres, postgres->settings.deletes_archived ? DELETE_ROWS : MOVE_ROWS,
			 id, watermark, max, ret_moved, error);
}

reprise_status
write_removes(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
	      struct log_moved *ret_removed, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct log_moved rows = { 0 };
	reprise_status status =
		take_rows(postgres, DELETE_KEPT_ROWS, id, watermark, max, ret_removed, error);

	if (status != REPRISE_OK || ret_removed->count == max)
		return status;
	status = take_rows(postgres, DELETE_ROWS, id, watermark, max - ret_removed->count, &rows,
			   error);
	ret_removed->count += rows.count;
	ret_removed->last = greatest(ret_removed->last, rows.last);
	return status;
}

static reprise_status
send_of_key(struct reprise_log *log, enum statement statement, int64_t id,
	    struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };

	value_i64(&values, id);
	(void)send_statement(postgres, statement, &values);
	if (postgres->wire.failure.status == REPRISE_OK)
		return REPRISE_OK;
	return failure_tell(&postgres->wire.failure, error);
}

reprise_status
write_drop_lives(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return send_of_key(log, DELETE_LIVES, id, error);
}

reprise_status
write_drop_blobs(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return send_of_key(log, DELETE_BLOBS, id, error);
}

reprise_status
write_forget(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return send_of_key(log, FORGET, id, error);
}
