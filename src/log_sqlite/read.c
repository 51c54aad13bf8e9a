/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "log_sqlite/connection.h"

static reprise_status
malformed(struct reprise_error *error, const char *what)
{
	return error_detailed(error, REPRISE_E_CORRUPT, what, NULL);
}

/* False: the row cannot be a life. */
static bool
fill_life(sqlite3_stmt *row, struct log_life *ret_life)
{
	struct reprise_life *const life = &ret_life->life;
	const void *const incarnation = sqlite3_column_blob(row, 1);
	const char *fault = NULL;

	if (incarnation == NULL || sqlite3_column_bytes(row, 1) != (int)sizeof(life->incarnation))
		return false;
	memcpy(&life->incarnation, incarnation, sizeof(life->incarnation));
	life->number = column_ordinal(row, 0, &fault);
	life->first = column_ordinal(row, 2, &fault);
	life->end = column_ordinal(row, 3, &fault);
	life->state = (reprise_life_state)column_within(row, 4, UINT32_MAX, &fault);
	ret_life->checksum = (uint32_t)column_within(row, 5, UINT32_MAX, &fault);
	return fault == NULL;
}

/* The lives that a statement finds. */
static reprise_status
read_lives(struct connection *connection, struct binding *binding, struct log_life *ret_lives,
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
		return malformed(error, "a life has an impossible value");
	*ret_count = count;
	return status;
}

static reprise_status
read_life(struct connection *connection, struct binding *binding, struct log_life *ret_life,
	  struct reprise_error *error)
{
	size_t count = 0;

	*ret_life = (struct log_life){ 0 };
	return read_lives(connection, binding, ret_life, 1, &count, error);
}

/* HEAD_COLUMNS. Of the last life the number alone. */
static struct log_head
head_at(sqlite3_stmt *row)
{
	struct log_head head = { 0 };
	const char **const fault = &head.fault;

	head.id = sqlite3_column_int64(row, 0);
	head.kind = (uint32_t)column_within(row, 1, UINT32_MAX, fault);
	head.has_ended = column_within(row, 2, 1, fault) != 0;
	head.end_status = sqlite3_column_int(row, 3);
	if (head.end_status != sqlite3_column_int64(row, 3) ||
	    sqlite3_column_type(row, 3) != SQLITE_INTEGER)
		*fault = "a number is out of range";
	head.end_ordinal = column_ordinal(row, 4, fault);
	head.head = column_ordinal(row, 5, fault);
	head.watermark = column_ordinal(row, 6, fault);
	head.revision_max = column_revision(row, 7, fault);
	head.life.number = column_ordinal(row, 8, fault);
	head.moved.revision = column_revision(row, 9, fault);
	head.moved.ordinal = column_ordinal(row, 10, fault);
	head.checksum = (uint32_t)column_within(row, 11, UINT32_MAX, fault);
	head.lease_ns = column_ordinal(row, 12, fault);
	head.lease_end_ns = column_ordinal(row, 13, fault);
	head.blobs = column_ordinal(row, 14, fault);
	return head;
}

/* The last life of a head, whose number is known. */
static reprise_status
read_last_life(struct connection *connection, struct log_head *head, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_LIVES_AFTER);
	struct log_life life = { 0 };
	bool is_there = false, is_good = false;

	bind_signed(&binding, head->id);
	bind_number(&binding, head->life.number - 1);
	bind_number(&binding, 1);
	if (statement_step(&binding) == SQLITE_ROW) {
		is_there = true;
		is_good = fill_life(binding.statement, &life);
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status != REPRISE_OK)
		return status;
	if (is_there && !is_good)
		head->fault = "a life has an impossible value";
	else if (life.life.number != head->life.number)
		head->fault = "the head names another last life";
	head->life = life.life;
	head->life_checksum = life.checksum;
	return REPRISE_OK;
}

reprise_status
read_head(struct connection *connection, const char *tenant, const char *thread,
	  struct log_head *ret_head, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_HEAD);
	struct timespec now;

	*ret_head = (struct log_head){ 0 };
	bind_text(&binding, tenant);
	bind_text(&binding, thread);
	if (statement_step(&binding) == SQLITE_ROW)
		*ret_head = head_at(binding.statement);
	const reprise_status status = statement_end(connection, &binding, error);

	clock_gettime(CLOCK_REALTIME, &now);
	ret_head->read_ns = timespec_ns(&now);
	if (status != REPRISE_OK || ret_head->life.number == 0)
		return status;
	return read_last_life(connection, ret_head, error);
}

reprise_status
sqlite_look(struct reprise_log *log, const char *tenant, const char *thread,
	    struct log_head *ret_head, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);

	connection_start(connection);
	reprise_status status = connection_refresh(connection, error);

	if (status != REPRISE_OK)
		return status;
	turn_pass_gate(&connection->turn, connection->give_up_ns);
	struct binding binding = statement_start(connection, STATEMENT_LOOK);

	status = statement_run(connection, &binding, error);
	if (status != REPRISE_OK)
		return status;
	return read_head(connection, tenant, thread, ret_head, error);
}

void
sqlite_leave(struct reprise_log *log)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_ROLLBACK);

	if (connection->db != NULL && !sqlite3_get_autocommit(connection->db))
		(void)statement_run(connection, &binding, NULL);
}

/* A row as SQLite hands it over; its payload is borrowed from @values, which are ROW_COLUMNS. */
static struct log_row
row_of(sqlite3_value **values)
{
	struct log_row row = { 0 };
	const char **const fault = &row.fault;

	row.last = value_ordinal(values[0], fault);
	row.first = value_ordinal(values[1], fault);
	row.type = (uint32_t)value_within(values[2], UINT32_MAX, fault);
	row.kind = (uint16_t)value_within(values[3], UINT16_MAX, fault);
	row.flags = (uint16_t)value_within(values[4], UINT16_MAX, fault);
	row.reason = (uint32_t)value_within(values[5], UINT32_MAX, fault);
	row.revision = value_revision(values[6], fault);
	row.time_ns = value_ordinal(values[7], fault);
	row.checksum = (uint32_t)value_within(values[8], UINT32_MAX, fault);
	if (sqlite3_value_type(values[9]) != SQLITE_BLOB)
		*fault = "a payload is not of the type BLOB";
	row.payload.data = sqlite3_value_blob(values[9]);
	row.payload.size = (size_t)sqlite3_value_bytes(values[9]);
	return row;
}

/*
 * The SQL function reprise_row(ROW_COLUMNS): visits the row, and answers whether the visit goes on.
 * A function is given the columns in one call and the payload where it lies in SQLite's cache.
 * Columns of a result cost a call each, and a copy of the payload.
 */
static void
visit_row(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct row_visit *const visit = sqlite3_user_data(context);
	const struct log_row row = row_of(values);

	(void)count;
	/* A payload without memory and one without bytes differ in their size alone. */
	if (row.payload.data == NULL && row.payload.size != 0)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_int(context, visit->function(&row, visit->context));
}

int
read_create_function(struct connection *connection)
{
	return sqlite3_create_function_v2(connection->db, "reprise_row", ROW_COLUMNS_COUNT,
					  SQLITE_UTF8 | SQLITE_DIRECTONLY, &connection->row_visit,
					  visit_row, NULL, NULL, NULL);
}

reprise_status
sqlite_rows_after(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit,
		  log_row_visit visit, void *context, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_ROWS_AFTER);
	bool goes_on = true;

	connection->row_visit = (struct row_visit){ visit, context };
	bind_signed(&binding, id);
	bind_number(&binding, after);
	bind_number(&binding, limit);
	while (goes_on && statement_step(&binding) == SQLITE_ROW)
		goes_on = sqlite3_column_int(binding.statement, 0) != 0;
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_weigh(struct reprise_log *log, int64_t id, uint64_t after, uint64_t *ret_bytes,
	     struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_WEIGH);

	bind_signed(&binding, id);
	bind_number(&binding, after);
	if (statement_step(&binding) == SQLITE_ROW)
		*ret_bytes = (uint64_t)sqlite3_column_int64(binding.statement, 0);
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal, struct log_life *ret_life,
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
	       struct log_life *ret_life, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LIFE_OF);

	bind_signed(&binding, id);
	bind_bytes(&binding, incarnation, sizeof(*incarnation));
	return read_life(connection, &binding, ret_life, error);
}

reprise_status
sqlite_lives_after(struct reprise_log *log, int64_t id, uint64_t number, struct log_life *ret_lives,
		   size_t lives_max, size_t *ret_count, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_LIVES_AFTER);

	bind_signed(&binding, id);
	bind_number(&binding, number);
	bind_number(&binding, lives_max);
	return read_lives(connection, &binding, ret_lives, lives_max, ret_count, error);
}

static reprise_status
read_marks(struct connection *connection, enum statement statement, int64_t id, uint64_t revision,
	   struct log_mark *ret_marks, size_t marks_max, size_t *ret_count,
	   struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);
	const char *fault = NULL;
	size_t count = 0;

	bind_signed(&binding, id);
	bind_revision(&binding, revision);
	bind_number(&binding, marks_max);
	while (count < marks_max && fault == NULL && statement_step(&binding) == SQLITE_ROW) {
		sqlite3_stmt *const row = binding.statement;
		struct log_mark *const mark = &ret_marks[count++];

		mark->revision = column_revision(row, 0, &fault);
		mark->ordinal = column_ordinal(row, 1, &fault);
		mark->checksum = (uint32_t)column_within(row, 2, UINT32_MAX, &fault);
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && fault != NULL)
		return malformed(error, fault);
	*ret_count = count;
	return status;
}

reprise_status
sqlite_rises_above(struct reprise_log *log, int64_t id, uint64_t revision,
		   struct log_mark *ret_rises, size_t rises_max, size_t *ret_count,
		   struct reprise_error *error)
{
	return read_marks(connection_of(log), STATEMENT_RISES_ABOVE, id, revision, ret_rises,
			  rises_max, ret_count, error);
}

reprise_status
sqlite_commits_from(struct reprise_log *log, int64_t id, uint64_t revision,
		    struct log_mark *ret_commits, size_t commits_max, size_t *ret_count,
		    struct reprise_error *error)
{
	return read_marks(connection_of(log), STATEMENT_COMMITS_FROM, id, revision, ret_commits,
			  commits_max, ret_count, error);
}

reprise_status
sqlite_version(struct reprise_log *log, uint64_t *ret_version, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);

	connection_start(connection);
	const reprise_status refreshed = connection_refresh(connection, error);

	if (refreshed != REPRISE_OK)
		return refreshed;
	struct binding binding = statement_start(connection, STATEMENT_VERSION);

	if (statement_step(&binding) == SQLITE_ROW)
		*ret_version = (uint64_t)sqlite3_column_int64(binding.statement, 0);
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_threads_after(struct reprise_log *log, const char *tenant, const char *after,
		     struct log_thread *ret_threads, size_t *ret_count, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	size_t count = 0;
	bool is_good = true;

	connection_start(connection);
	const reprise_status refreshed = connection_refresh(connection, error);

	if (refreshed != REPRISE_OK)
		return refreshed;
	struct binding binding = statement_start(connection, STATEMENT_THREADS_AFTER);

	bind_text(&binding, tenant);
	bind_text(&binding, after);
	bind_number(&binding, LOG_THREADS_MAX);
	while (count < LOG_THREADS_MAX && is_good && statement_step(&binding) == SQLITE_ROW) {
		struct log_thread *const to = &ret_threads[count++];
		const void *const thread =
			sqlite3_column_text(binding.statement, HEAD_COLUMNS_COUNT);
		const size_t bytes =
			(size_t)sqlite3_column_bytes(binding.statement, HEAD_COLUMNS_COUNT);

		is_good = thread != NULL && bytes < LOG_NAME_BYTES;
		to->head = head_at(binding.statement);
		if (is_good)
			memcpy(to->name, thread, bytes + 1);
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && !is_good)
		return malformed(error, "a thread has an invalid name");
	*ret_count = count;
	return status;
}
