/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/numbers.h"
#include "log_sqlite/connection.h"

/* SQLite takes the pragma only between transactions. */
static reprise_status
set_level(struct connection *connection, enum log_level level, struct reprise_error *error)
{
	if (connection->has_level && connection->level == level)
		return REPRISE_OK;
	connection->has_level = false;
	const reprise_status status = connection_run(
		connection,
		level == LOG_SYNCED ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
		error);

	connection->level = level;
	connection->has_level = status == REPRISE_OK;
	return status;
}

static reprise_status
run_plain(struct connection *connection, enum statement statement, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	return statement_run(connection, &binding, error);
}

static reprise_status
find_or_create_head(struct connection *connection, const char *tenant, const char *thread,
		    struct log_head *ret_head, struct reprise_error *error)
{
	reprise_status status = read_head(connection, tenant, thread, ret_head, error);

	if (status != REPRISE_OK || ret_head->id != 0)
		return status;
	struct binding binding = statement_start(connection, STATEMENT_NEW_HEAD);

	bind_text(&binding, tenant);
	bind_text(&binding, thread);
	status = statement_run(connection, &binding, error);
	ret_head->id = sqlite3_last_insert_rowid(connection->db);
	return status;
}

reprise_status
sqlite_begin(struct reprise_log *log, enum log_level level, const char *tenant,
	     const char *const *threads, size_t threads_count, uint64_t patience_ns,
	     struct log_head *ret_heads, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);

	/* Others hold the whole file or nothing. */
	(void)patience_ns;
	if (connection->options.is_read_only)
		return error_detailed(error, REPRISE_E_INVALID, "is_read_only",
				      "the log was opened to be read only");
	connection_start(connection);
	reprise_status status = connection_take_turn(connection, error);

	if (status != REPRISE_OK)
		return status;
	connection->written_id = 0;
	status = connection_check(connection, error);
	if (status == REPRISE_OK)
		status = set_level(connection, level, error);
	if (status == REPRISE_OK)
		status = run_plain(connection, STATEMENT_BEGIN, error);
	for (size_t i = 0; i < threads_count && status == REPRISE_OK; i++)
		status = find_or_create_head(connection, tenant, threads[i], &ret_heads[i], error);
	if (status != REPRISE_OK)
		sqlite_rollback(log);
	return status;
}

void
sqlite_rollback(struct reprise_log *log)
{
	struct connection *const connection = connection_of(log);

	/* After some failures SQLite has done it already. */
	if (!sqlite3_get_autocommit(connection->db))
		(void)run_plain(connection, STATEMENT_ROLLBACK, NULL);
	connection_give_turn(connection);
}

reprise_status
sqlite_commit(struct reprise_log *log, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct mark mark;
	reprise_status status = highwater_prepare(connection, &mark, error);

	if (status == REPRISE_OK)
		status = run_plain(connection, STATEMENT_COMMIT, error);
	if (status != REPRISE_OK) {
		sqlite_rollback(log);
		return status;
	}
	connection->has_written = true;
	/* A commit to a file that has no name any more is as good as lost. */
	status = connection_check(connection, error);
	if (status == REPRISE_OK) {
		highwater_raise(connection, &mark);
		checkpoint_if_due(connection);
	}
	log->is_uncertain = status != REPRISE_OK;
	connection_give_turn(connection);
	return status;
}

reprise_status
sqlite_put_row(struct reprise_log *log, int64_t id, const struct log_row *row,
	       struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_PUT_ROW);

	bind_signed(&binding, id);
	bind_number(&binding, row->last);
	bind_number(&binding, row->first);
	bind_number(&binding, row->type);
	bind_number(&binding, row->kind);
	bind_number(&binding, row->flags);
	bind_number(&binding, row->reason);
	bind_revision(&binding, row->revision);
	bind_number(&binding, row->time_ns);
	bind_number(&binding, row->checksum);
	bind_bytes(&binding, row->payload.data, row->payload.size);
	return statement_run(connection, &binding, error);
}

static reprise_status
put_mark(struct connection *connection, enum statement statement, int64_t id,
	 const struct log_mark *mark, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	bind_signed(&binding, id);
	bind_revision(&binding, mark->revision);
	bind_number(&binding, mark->ordinal);
	bind_number(&binding, mark->checksum);
	return statement_run(connection, &binding, error);
}

static reprise_status
drop_marks(struct connection *connection, enum statement statement, int64_t id, uint64_t revision,
	   struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	bind_signed(&binding, id);
	bind_revision(&binding, revision);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_put_rise(struct reprise_log *log, int64_t id, const struct log_mark *rise,
		struct reprise_error *error)
{
	return put_mark(connection_of(log), STATEMENT_PUT_RISE, id, rise, error);
}

reprise_status
sqlite_put_commit(struct reprise_log *log, int64_t id, const struct log_mark *commit,
		  struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	const reprise_status status =
		drop_marks(connection, STATEMENT_DROP_COMMITS, id, commit->revision, error);

	if (status != REPRISE_OK)
		return status;
	return put_mark(connection, STATEMENT_PUT_COMMIT, id, commit, error);
}

reprise_status
sqlite_drop_rises(struct reprise_log *log, int64_t id, uint64_t revision,
		  struct reprise_error *error)
{
	return drop_marks(connection_of(log), STATEMENT_DROP_RISES, id, revision, error);
}

/*
 * From which revision on commits have ordinals of at most @ordinal: as revisions fall, ordinals
 * rise.
 */
static reprise_status
find_old_commits(struct connection *connection, int64_t id, uint64_t ordinal, uint64_t max,
		 uint64_t *ret_count, uint64_t *ret_revision, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_GREATEST_COMMITS);
	const char *fault = NULL;

	*ret_count = 0;
	bind_signed(&binding, id);
	bind_number(&binding, max);
	while (statement_step(&binding) == SQLITE_ROW) {
		if (column_ordinal(binding.statement, 1, &fault) > ordinal)
			break;
		*ret_revision = column_revision(binding.statement, 0, &fault);
		++*ret_count;
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && fault != NULL)
		return error_detailed(error, REPRISE_E_CORRUPT, fault, NULL);
	return status;
}

reprise_status
sqlite_drop_commits(struct reprise_log *log, int64_t id, uint64_t ordinal, uint64_t max,
		    uint64_t *ret_count, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	uint64_t revision = 0;
	const reprise_status status =
		find_old_commits(connection, id, ordinal, max, ret_count, &revision, error);

	if (status != REPRISE_OK || *ret_count == 0)
		return status;
	return drop_marks(connection, STATEMENT_DROP_COMMITS_FROM, id, revision, error);
}

reprise_status
sqlite_put_life(struct reprise_log *log, int64_t id, const struct log_life *row,
		struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	const struct reprise_life *const life = &row->life;
	struct binding binding = statement_start(connection, STATEMENT_PUT_LIFE);

	bind_signed(&binding, id);
	bind_number(&binding, life->number);
	bind_bytes(&binding, &life->incarnation, sizeof(life->incarnation));
	bind_number(&binding, life->first);
	bind_number(&binding, life->end);
	bind_number(&binding, life->state);
	bind_number(&binding, row->checksum);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_put_head(struct reprise_log *log, const struct log_head *head, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_PUT_HEAD);

	connection->written_id = head->id;
	bind_signed(&binding, head->id);
	bind_number(&binding, head->kind);
	bind_number(&binding, head->has_ended);
	bind_signed(&binding, head->end_status);
	bind_number(&binding, head->end_ordinal);
	bind_number(&binding, head->head);
	bind_number(&binding, head->watermark);
	bind_revision(&binding, head->revision_max);
	bind_number(&binding, head->life.number);
	bind_revision(&binding, head->moved.revision);
	bind_number(&binding, head->moved.ordinal);
	bind_number(&binding, head->checksum);
	bind_number(&binding, head->lease_ns);
	bind_number(&binding, head->lease_end_ns);
	bind_number(&binding, head->blobs);
	return statement_run(connection, &binding, error);
}

/* The last of the @max lowest rows up to @watermark, or @watermark if there are fewer. */
static reprise_status
find_bound(struct connection *connection, enum statement statement, int64_t id, uint64_t watermark,
	   uint64_t max, uint64_t *ret_bound, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	*ret_bound = watermark;
	bind_signed(&binding, id);
	bind_number(&binding, watermark);
	bind_number(&binding, max - 1);
	if (statement_step(&binding) == SQLITE_ROW)
		*ret_bound = (uint64_t)sqlite3_column_int64(binding.statement, 0);
	return statement_end(connection, &binding, error);
}

static reprise_status
run_up_to(struct connection *connection, enum statement statement, int64_t id, uint64_t bound,
	  struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	bind_signed(&binding, id);
	bind_number(&binding, bound);
	return statement_run(connection, &binding, error);
}

/* Deletes the @max lowest rows up to @watermark, by the two statements of a table. */
static reprise_status
drop_lowest(struct connection *connection, const enum statement statements[2], int64_t id,
	    uint64_t watermark, uint64_t max, struct log_moved *ret_moved,
	    struct reprise_error *error)
{
	uint64_t bound = 0;
	reprise_status status =
		find_bound(connection, statements[0], id, watermark, max, &bound, error);

	if (status == REPRISE_OK)
		status = run_up_to(connection, statements[1], id, bound, error);
	if (status != REPRISE_OK)
		return status;
	ret_moved->count = (uint64_t)sqlite3_changes64(connection->db);
	ret_moved->last = ret_moved->count != 0 ? bound : 0;
	return REPRISE_OK;
}

static const enum statement of_rows[] = { STATEMENT_MOVE_BOUND, STATEMENT_MOVE_DROP };
static const enum statement of_archive[] = { STATEMENT_KEPT_BOUND, STATEMENT_KEPT_DROP };

reprise_status
sqlite_move_rows(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
		 struct log_moved *ret_moved, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	uint64_t bound = 0;
	reprise_status status = REPRISE_OK;

	if (!connection->options.deletes_archived) {
		status = find_bound(connection, STATEMENT_MOVE_BOUND, id, watermark, max, &bound,
				    error);
		if (status == REPRISE_OK)
			status = run_up_to(connection, STATEMENT_MOVE_COPY, id, bound, error);
	}
	if (status != REPRISE_OK)
		return status;
	return drop_lowest(connection, of_rows, id, watermark, max, ret_moved, error);
}

reprise_status
sqlite_remove_rows(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
		   struct log_moved *ret_removed, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct log_moved rows = { 0 };
	reprise_status status =
		drop_lowest(connection, of_archive, id, watermark, max, ret_removed, error);

	if (status != REPRISE_OK || ret_removed->count == max)
		return status;
	status = drop_lowest(connection, of_rows, id, watermark, max - ret_removed->count, &rows,
			     error);
	ret_removed->count += rows.count;
	ret_removed->last = greatest(ret_removed->last, rows.last);
	return status;
}
