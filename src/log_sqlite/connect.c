/* SPDX-License-Identifier: MIT */
/*
 * From a name to a connection that may be used: SQLite's handle, the turn, what is in the file, the
 * schema, the files that it is bound to, the statements.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "log_sqlite/connection.h"
#include "log_sqlite/inherit.h"

#define BUSY_POLL_NS UINT64_C(200000)

/* For those who do not take turns, such as other programs, and while a crash is mended. */
static int
wait_a_little(void *context, int times)
{
	const struct connection *const connection = context;
	const struct timespec pause = ns_timespec(BUSY_POLL_NS);

	(void)times;
	if (clock_ns() >= connection->give_up_ns ||
	    load_relaxed(&connection->log.is_interrupted) != 0)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

/* "file:" and the path, with %XX for whatever means something in a URI. NULL: no memory. */
static char *
immutable_uri(const char *path)
{
	static const char query[] = "?immutable=1";
	char *const uri = malloc(sizeof("file:") + 3 * strlen(path) + sizeof(query));
	size_t used = 5;

	if (uri == NULL)
		return NULL;
	memcpy(uri, "file:", 5); /* NOLINT(bugprone-not-null-terminated-result): more follows */
	for (; *path != '\0'; path++) {
		const unsigned char byte = (unsigned char)*path;

		if (isalnum(byte) || strchr("/._-", byte) != NULL)
			uri[used++] = (char)byte;
		else
			used += (size_t)sprintf(uri + used, "%%%02X", byte);
	}
	memcpy(uri + used, query, sizeof(query));
	return uri;
}

static int
open_view(struct connection *connection, int flags)
{
	const char *const path = connection->bound.files[BOUND_DATABASE].name;

	if (connection->view == VIEW_SHARED)
		return sqlite3_open_v2(path, &connection->db, flags, NULL);
	if (connection->view == VIEW_ALONE) {
		/* Without locks, and with the -wal's index in memory. */
		const int answer = sqlite3_open_v2(path, &connection->db, flags, "unix-none");

		return answer != SQLITE_OK
			       ? answer
			       : sqlite3_exec(connection->db, "PRAGMA locking_mode = EXCLUSIVE",
					      NULL, NULL, NULL);
	}
	char *const uri = immutable_uri(path);

	if (uri == NULL)
		return SQLITE_NOMEM;
	const int answer = sqlite3_open_v2(uri, &connection->db, flags | SQLITE_OPEN_URI, NULL);

	free(uri);
	return answer;
}

static reprise_status
open_database(struct connection *connection, enum view view, struct reprise_error *error)
{
	const bool is_read_only = connection->options.is_read_only != 0;
	const int flags = (is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
			  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	(void)sqlite3_close(connection->db);
	connection->db = NULL;
	connection->view = view;
	const int answer = open_view(connection, flags);

	if ((answer & 0xff) == SQLITE_CANTOPEN)
		return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
				     sqlite3_errstr(answer), error);
	if (answer != SQLITE_OK)
		return connection_status(connection, answer, error);
	/* SQLite is content with less than it was asked for. */
	if (!is_read_only && sqlite3_db_readonly(connection->db, "main") == 1)
		return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
				     "the file is not writable", error);
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
	const struct bound_file *const lock = &connection->bound.files[BOUND_LOCK];
	const bool creates = connection->options.is_read_only == 0;
	struct stat status;
	char words[96];

	if (connection->turn.fd >= 0)
		return REPRISE_OK;
	const int refused = turn_open(&connection->turn, lock->name, creates,
				      &connection->bound.files[BOUND_DATABASE].status);

	connection->turn.is_interrupted = &connection->log.is_interrupted;

	if (!creates && refused == ENOENT)
		return REPRISE_OK;
	if (refused != 0)
		return bound_refused(&connection->bound, BOUND_LOCK, REPRISE_E_IO,
				     strerror_r(refused, words, sizeof(words)), error);
	const reprise_status noted = bound_note(&connection->bound, BOUND_LOCK, error);

	if (noted != REPRISE_OK)
		return noted;
	if (fstat(connection->turn.fd, &status) == 0 && status.st_ino == lock->status.st_ino &&
	    status.st_dev == lock->status.st_dev)
		return REPRISE_OK;
	return bound_refused(&connection->bound, BOUND_LOCK, REPRISE_E_IO,
			     "the file was replaced while the log was opened", error);
}

/*
 * Steps from one schema to the next may write the heads anew: then the mark says only that there
 * is a log.
 */
static reprise_status
settle_schema(struct connection *connection, bool has_mark, struct reprise_error *error)
{
	const struct mark none = { 0 };
	int64_t before = 0, after = 0;
	int refused = 0;
	char words[96];
	reprise_status status = connection_ask(connection, "PRAGMA user_version", &before, error);

	if (status == REPRISE_OK)
		status = schema_settle(connection, error);
	if (status == REPRISE_OK)
		status = connection_ask(connection, "PRAGMA user_version", &after, error);
	if (status != REPRISE_OK || connection->options.is_read_only)
		return status;
	if (!has_mark || before != after)
		refused = mark_write(connection->turn.fd, &none);
	if (refused == 0)
		return REPRISE_OK;
	return bound_refused(&connection->bound, BOUND_LOCK, REPRISE_E_IO,
			     strerror_r(refused, words, sizeof(words)), error);
}

/* Under the turn, if there is a -lock. */
static reprise_status
settle_file(struct connection *connection, struct reprise_error *error)
{
	const bool is_alone = connection->turn.fd >= 0 || connection->view != VIEW_SHARED;
	struct mark mark = { 0 };

	/* The -lock of a file that was not there has the content of an earlier file. */
	if (connection->bound.was_created)
		(void)mark_clear(connection->turn.fd);
	reprise_status status = file_judge(connection, is_alone, error);
	const bool has_mark = mark_read(connection->turn.fd, &mark);

	if (status == REPRISE_OK && has_mark)
		status = highwater_check(connection, &mark, error);
	if (status == REPRISE_OK)
		status = settle_schema(connection, has_mark, error);
	return status;
}

static reprise_status
settle(struct connection *connection, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	if (connection->turn.fd >= 0)
		status = connection_take_turn(connection, error);
	if (status != REPRISE_OK)
		return status;
	status = settle_file(connection, error);
	if (connection->turn.fd >= 0)
		connection_give_turn(connection);
	return status;
}

/* SQLite has opened all of them by now: it has read the schema. */
static reprise_status
bind_files(struct connection *connection, struct reprise_error *error)
{
	int64_t is_ahead = 0;
	int has_moved = 0;

	if (connection->view != VIEW_SHARED)
		return REPRISE_OK;
	reprise_status status =
		connection_ask(connection, "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
			       &is_ahead, error);

	if (status != REPRISE_OK || !is_ahead)
		return status;
	status = bound_note(&connection->bound, BOUND_WAL, error);
	if (status == REPRISE_OK)
		status = bound_note(&connection->bound, BOUND_SHM, error);
	if (status == REPRISE_OK && connection->bound.fd < 0)
		status = bound_hold(&connection->bound, error);
	if (status == REPRISE_OK)
		status = connection_check(connection, error);
	if (status != REPRISE_OK)
		return status;
	(void)sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
	if (!has_moved)
		return REPRISE_OK;
	return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
			     "the file was replaced while the log was opened", error);
}

/* Before anything is read: changes from here on are seen. */
static void
note_seen(struct connection *connection)
{
	for (enum bound_name name = BOUND_DATABASE; name <= BOUND_WAL; name++) {
		connection->seen[name] = (struct stat){ 0 };
		(void)bound_exists(&connection->bound, name, &connection->seen[name]);
	}
}

static reprise_status
connect_all(struct connection *connection, struct reprise_error *error)
{
	note_seen(connection);
	reprise_status status = open_database(connection, VIEW_SHARED, error);

	if (status == REPRISE_OK)
		status = bound_note(&connection->bound, BOUND_DATABASE, error);
	if (status == REPRISE_OK)
		status = file_judge(connection, false, error);
	const enum view view = status == REPRISE_OK ? file_choose_view(connection) : VIEW_SHARED;

	if (view != VIEW_SHARED)
		status = open_database(connection, view, error);
	if (status == REPRISE_OK)
		status = open_turn(connection, error);
	if (status == REPRISE_OK)
		status = settle(connection, error);
	if (status == REPRISE_OK)
		status = bind_files(connection, error);
	if (status == REPRISE_OK)
		status = connection_status(connection, read_create_function(connection), error);
	if (status == REPRISE_OK)
		status = statements_prepare(connection, error);
	return status;
}

reprise_status
connection_connect(struct connection *connection, struct reprise_error *error)
{
	inherit_begin_open();
	const reprise_status status = connect_all(connection, error);

	inherit_end_open();
	return status;
}

void
connection_disconnect(struct connection *connection)
{
	statements_finish(connection);
	(void)sqlite3_close(connection->db);
	connection->db = NULL;
	turn_close(&connection->turn);
	connection->bound.files[BOUND_LOCK].is_noted = false;
}
