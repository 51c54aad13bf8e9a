/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

static reprise_status
malformed(struct reprise_error *error, const char *what)
{
	return error_detailed(error, REPRISE_E_CORRUPT, what, NULL);
}

/* False: the incarnation is none. */
static bool
fill_life(sqlite3_stmt *row, struct reprise_life *life)
{
	const void *const incarnation = sqlite3_column_blob(row, 1);

	if (incarnation == NULL || sqlite3_column_bytes(row, 1) != (int)sizeof(life->incarnation))
		return false;
	memcpy(&life->incarnation, incarnation, sizeof(life->incarnation));
	life->number = column_number(row, 0);
	life->first = column_number(row, 2);
	life->end = column_number(row, 3);
	life->state = (reprise_life_state)sqlite3_column_int(row, 4);
	return true;
}

/* The lives that a statement finds. */
static reprise_status
read_lives(struct connection *connection, struct binding *binding, struct reprise_life *ret_lives,
	   size_t lives_max, size_t *ret_count, struct reprise_error *error)
{
	size_t count = 0;
	bool is_good = true;

	while (count < lives_max && is_good && statement_step(binding) == SQLITE_ROW) {
		is_good = fill_life(binding->statement, &ret_lives[count]);
		count++;
	}
	const reprise_status status = statement_end(connection, binding, error);

	if (status == REPRISE_OK && !is_good)
		return malformed(error, "a life");
	*ret_count = count;
	return status;
}

static reprise_status
read_life(struct connection *connection, struct binding *binding, struct reprise_life *ret_life,
	  struct reprise_error *error)
{
	size_t count = 0;

	*ret_life = (struct reprise_life){ 0 };
	return read_lives(connection, binding, ret_life, 1, &count, error);
}

reprise_status
read_head(struct connection *connection, const char *tenant, const char *thread,
	  struct log_head *ret_head, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_HEAD);
	uint64_t last_life = 0;
	size_t count = 0;

	*ret_head = (struct log_head){ 0 };
	bind_text(&binding, tenant);
	bind_text(&binding, thread);
	if (statement_step(&binding) == SQLITE_ROW) {
		sqlite3_stmt *const row = binding.statement;

		ret_head->id = sqlite3_column_int64(row, 0);
		ret_head->kind = (uint32_t)sqlite3_column_int64(row, 1);
		ret_head->has_ended = sqlite3_column_int(row, 2) != 0;
		ret_head->end_status = sqlite3_column_int(row, 3);
		ret_head->end_ordinal = column_number(row, 4);
		ret_head->head = column_number(row, 5);
		ret_head->watermark = column_number(row, 6);
		ret_head->revision_max = column_revision(row, 7);
		last_life = column_number(row, 8);
	}
	reprise_status status = statement_end(connection, &binding, error);

	if (status != REPRISE_OK || last_life == 0)
		return status;
	binding = statement_start(connection, STATEMENT_LIVES_AFTER);
	bind_signed(&binding, ret_head->id);
	bind_number(&binding, last_life - 1);
	bind_number(&binding, 1);
	status = read_lives(connection, &binding, &ret_head->life, 1, &count, error);
	if (status == REPRISE_OK && ret_head->life.number != last_life)
		return malformed(error, "the last life");
	return status;
}

reprise_status
sqlite_look(struct reprise_log *log, const char *tenant, const char *thread,
	    struct log_head *ret_head, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LOOK);

	connection_start(connection);
	const reprise_status status = statement_run(connection, &binding, error);

	if (status != REPRISE_OK)
		return status;
	return read_head(connection, tenant, thread, ret_head, error);
}

void
sqlite_leave(struct reprise_log *log)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_ROLLBACK);

	if (!sqlite3_get_autocommit(connection->db))
		(void)statement_run(connection, &binding, NULL);
}

static struct log_row
row_at(sqlite3_stmt *row)
{
	return (struct log_row){
		.last = column_number(row, 0),
		.first = column_number(row, 1),
		.type = (uint32_t)sqlite3_column_int64(row, 2),
		.kind = (uint16_t)sqlite3_column_int(row, 3),
		.flags = (uint16_t)sqlite3_column_int(row, 4),
		.reason = (uint32_t)sqlite3_column_int64(row, 5),
		.revision = column_revision(row, 6),
		.time_ns = column_number(row, 7),
		.checksum = (uint32_t)sqlite3_column_int64(row, 8),
		.payload = { sqlite3_column_blob(row, 9), (size_t)sqlite3_column_bytes(row, 9) },
	};
}

reprise_status
sqlite_rows_after(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit,
		  log_row_visit visit, void *context, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_ROWS_AFTER);
	bool goes_on = true;

	bind_signed(&binding, id);
	bind_number(&binding, after);
	bind_number(&binding, limit);
	while (goes_on && statement_step(&binding) == SQLITE_ROW) {
		const struct log_row row = row_at(binding.statement);

		/* What cannot be had is told from what is empty by its type alone. */
		if (row.payload.data == NULL &&
		    sqlite3_column_type(binding.statement, 9) == SQLITE_BLOB &&
		    row.payload.size != 0) {
			binding.answer = SQLITE_NOMEM;
			break;
		}
		goes_on = visit(&row, context);
	}
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal, struct reprise_life *ret_life,
	       struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LIFE_AT);

	bind_signed(&binding, id);
	bind_number(&binding, ordinal);
	return read_life(connection, &binding, ret_life, error);
}

reprise_status
sqlite_life_of(struct reprise_log *log, int64_t id, const struct reprise_incarnation *incarnation,
	       struct reprise_life *ret_life, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LIFE_OF);

	bind_signed(&binding, id);
	bind_bytes(&binding, incarnation, sizeof(*incarnation));
	return read_life(connection, &binding, ret_life, error);
}

reprise_status
sqlite_lives_after(struct reprise_log *log, int64_t id, uint64_t number,
		   struct reprise_life *ret_lives, size_t lives_max, size_t *ret_count,
		   struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LIVES_AFTER);

	bind_signed(&binding, id);
	bind_number(&binding, number);
	bind_number(&binding, lives_max);
	return read_lives(connection, &binding, ret_lives, lives_max, ret_count, error);
}

static reprise_status
read_ordinal(struct connection *connection, enum statement statement, int64_t id, uint64_t revision,
	     uint64_t *ret_ordinal, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	*ret_ordinal = 0;
	bind_signed(&binding, id);
	bind_revision(&binding, revision);
	if (statement_step(&binding) == SQLITE_ROW)
		*ret_ordinal = column_number(binding.statement, 0);
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_rise_above(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t *ret_ordinal,
		  struct reprise_error *error)
{
	return read_ordinal(connection_of(log), STATEMENT_RISE_ABOVE, id, revision, ret_ordinal,
			    error);
}

reprise_status
sqlite_commit_from(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t *ret_ordinal,
		   struct reprise_error *error)
{
	return read_ordinal(connection_of(log), STATEMENT_COMMIT_FROM, id, revision, ret_ordinal,
			    error);
}

reprise_status
sqlite_threads_after(struct reprise_log *log, const char *tenant, const char *after,
		     char (*ret_threads)[LOG_NAME_BYTES], size_t *ret_count,
		     struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_THREADS_AFTER);
	size_t count = 0;
	bool is_good = true;

	connection_start(connection);
	bind_text(&binding, tenant);
	bind_text(&binding, after);
	bind_number(&binding, LOG_THREADS_MAX);
	while (count < LOG_THREADS_MAX && is_good && statement_step(&binding) == SQLITE_ROW) {
		const void *const thread = sqlite3_column_text(binding.statement, 0);
		const size_t bytes = (size_t)sqlite3_column_bytes(binding.statement, 0);

		is_good = thread != NULL && bytes < LOG_NAME_BYTES;
		if (is_good)
			memcpy(ret_threads[count++], thread, bytes + 1);
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && !is_good)
		return malformed(error, "a thread's name");
	*ret_count = count;
	return status;
}
