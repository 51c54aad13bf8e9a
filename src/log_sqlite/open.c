/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/sized.h"
#include "log_sqlite/connection.h"

#define DEADLINE_NS_DEFAULT (5 * NS_PER_S)
#define DEADLINE_NS_MOST    (3600 * NS_PER_S)
#define BUSY_POLL_NS        UINT64_C(200000)

static reprise_status open_with(const struct reprise_log_sqlite_options *options,
				struct reprise_log **ret_log, struct reprise_error *error);

static void
sqlite_close(struct reprise_log *log)
{
	struct connection *const connection = connection_of(log);

	/* What was written is brought into the file if nobody else is about to write. */
	if (connection->has_written && turn_take(&connection->turn, 0) == 0) {
		checkpoint_all(connection);
		turn_give(&connection->turn);
	}
	statements_finish(connection);
	(void)sqlite3_close(connection->db);
	turn_close(&connection->turn);
	log_done(log);
	free(connection->path);
	free(connection);
}

static reprise_status
sqlite_another(struct reprise_log *log, struct reprise_log **ret_log, struct reprise_error *error)
{
	struct reprise_log_sqlite_options options = connection_of(log)->options;

	options.path = connection_of(log)->path;
	return open_with(&options, ret_log, error);
}

static const struct log_adapter adapter = {
	.close = sqlite_close,
	.another = sqlite_another,
	.begin = sqlite_begin,
	.put_row = sqlite_put_row,
	.put_rise = sqlite_put_rise,
	.put_commit = sqlite_put_commit,
	.put_life = sqlite_put_life,
	.put_head = sqlite_put_head,
	.move_rows = sqlite_move_rows,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.look = sqlite_look,
	.leave = sqlite_leave,
	.rows_after = sqlite_rows_after,
	.life_at = sqlite_life_at,
	.life_of = sqlite_life_of,
	.lives_after = sqlite_lives_after,
	.rise_above = sqlite_rise_above,
	.commit_from = sqlite_commit_from,
	.threads_after = sqlite_threads_after,
};

/* For those who do not take turns, such as other programs, and while a crash is mended. */
static int
wait_a_little(void *context, int times)
{
	const struct connection *const connection = context;
	const struct timespec pause = ns_timespec(BUSY_POLL_NS);

	(void)times;
	if (clock_ns() >= connection->give_up_ns)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static reprise_status
open_database(struct connection *connection, struct reprise_error *error)
{
	const bool is_read_only = connection->options.is_read_only != 0;
	struct stat status;
	const int flags =
		(is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	if (is_read_only && stat(connection->path, &status) != 0)
		return file_refused("path", errno, error);
	const int answer = sqlite3_open_v2(connection->path, &connection->db, flags, NULL);

	if (answer != SQLITE_OK)
		return connection_status(connection, answer, error);
	/* SQLite is content with less than it was asked for. */
	if (!is_read_only && sqlite3_db_readonly(connection->db, "main") == 1)
		return error_detailed(error, REPRISE_E_IO, "path", "the file cannot be written");
	(void)sqlite3_busy_handler(connection->db, wait_a_little, connection);
	(void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* In place of SQLite's own, which would make checkpoints. */
	(void)sqlite3_wal_hook(connection->db, checkpoint_note, connection);
	return REPRISE_OK;
}

/* The lock file stands beside the file itself, by whatever link that was reached. */
static reprise_status
open_turn(struct connection *connection, struct reprise_error *error)
{
	const char *const path = sqlite3_db_filename(connection->db, "main");
	const bool creates = connection->options.is_read_only == 0;
	struct stat status;

	if (stat(path, &status) != 0)
		return file_refused("path", errno, error);
	const size_t bytes = strlen(path) + sizeof("-lock");
	char *const name = malloc(bytes);

	if (name == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	snprintf(name, bytes, "%s-lock", path);
	const int refused = turn_open(&connection->turn, name, creates, status.st_mode);

	free(name);
	if (refused == 0 || (!creates && refused == ENOENT))
		return REPRISE_OK;
	return file_refused("path: -lock", refused == ENOENT ? EIO : refused, error);
}

static reprise_status
settle(struct connection *connection, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	if (connection->turn.fd >= 0)
		status = connection_take_turn(connection, error);
	if (status != REPRISE_OK)
		return status;
	status = file_judge(connection, connection->turn.fd >= 0, error);
	if (status == REPRISE_OK)
		status = schema_settle(connection, error);
	if (connection->turn.fd >= 0)
		connection_give_turn(connection);
	if (status == REPRISE_OK)
		status = statements_prepare(connection, error);
	return status;
}

static reprise_status
open_with(const struct reprise_log_sqlite_options *options, struct reprise_log **ret_log,
	  struct reprise_error *error)
{
	struct connection *const connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	log_init(&connection->log, &adapter, options->is_written_enough ? LOG_WRITTEN : LOG_SYNCED);
	connection->options = *options;
	connection->options.path = NULL;
	connection->turn.fd = -1;
	connection->path = strdup(options->path);
	connection_start(connection);
	reprise_status status = connection->path != NULL ? open_database(connection, error)
							 : error_plain(error, REPRISE_E_NO_MEMORY);

	if (status == REPRISE_OK)
		status = file_judge(connection, false, error);
	if (status == REPRISE_OK)
		status = open_turn(connection, error);
	if (status == REPRISE_OK)
		status = settle(connection, error);
	if (status == REPRISE_OK)
		*ret_log = &connection->log;
	else
		sqlite_close(&connection->log);
	return status;
}

static const char *
refusal(const struct reprise_log_sqlite_options *options)
{
	if (options->path == NULL || options->path[0] == '\0')
		return "path";
	if (options->deadline_ns > DEADLINE_NS_MOST)
		return "deadline_ns";
	if (options->is_written_enough != 0 && options->is_written_enough != 1)
		return "is_written_enough";
	if (options->deletes_archived != 0 && options->deletes_archived != 1)
		return "deletes_archived";
	if (options->is_read_only != 0 && options->is_read_only != 1)
		return "is_read_only";
	return options->reserved != 0 ? "reserved" : NULL;
}

reprise_status
reprise_log_sqlite_open(const struct reprise_log_sqlite_options *options,
			struct reprise_log **ret_log, struct reprise_error *error)
{
	struct reprise_log_sqlite_options known;

	if (options == NULL)
		return error_invalid(error, "options");
	if (ret_log == NULL)
		return error_invalid(error, "ret_log");
	if (!sized_read(&known, sizeof(known), sizeof(known), options))
		return error_invalid(error, "options: size");
	const char *const what = refusal(&known);

	if (what != NULL)
		return error_invalid(error, what);
	if (known.deadline_ns == 0)
		known.deadline_ns = DEADLINE_NS_DEFAULT;
	return open_with(&known, ret_log, error);
}
