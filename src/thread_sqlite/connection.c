/* SPDX-License-Identifier: MIT */
#include "thread_sqlite/connection.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "thread_sqlite/inherit.h"

#define BUSY_POLL_NS UINT64_C(200000)

void
connection_start(struct connection *connection)
{
	if (!connection->store.is_continued)
		connection->give_up_ns = deadline_after(
			clock_ns(), connection->options.deadline_ns - connection->store.waited_ns);
}

static reprise_status
status_of(int answer)
{
	if (answer == SQLITE_IOERR_NOMEM)
		return REPRISE_E_NO_MEMORY;
	if (answer == SQLITE_IOERR_CORRUPTFS)
		return REPRISE_E_CORRUPT;
	switch (answer & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return REPRISE_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return REPRISE_E_TIMEOUT;
	case SQLITE_NOMEM:
		return REPRISE_E_NO_MEMORY;
	case SQLITE_TOOBIG:
		return REPRISE_E_TOO_LARGE;
	/* A table that is not there, a row where there should be none. */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_ERROR:
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return REPRISE_E_CORRUPT;
	default:
		return REPRISE_E_IO;
	}
}

/*
 * The errno of the system call that was refused, where SQLite says no more than that it was the
 * system; or 0.
 */
static int
os_error_of(struct connection *connection, int answer)
{
	const int kind = answer & 0xff;

	return kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN
		       ? sqlite3_system_errno(connection->db)
		       : 0;
}

reprise_status
connection_status(struct connection *connection, int answer, struct reprise_error *error)
{
	const reprise_status status = status_of(answer);
	const bool is_last =
		connection->db != NULL && sqlite3_extended_errcode(connection->db) == answer;

	if (status == REPRISE_OK)
		return REPRISE_OK;
	const char *const words = is_last ? sqlite3_errmsg(connection->db) : sqlite3_errstr(answer);
	const int os_error = is_last ? os_error_of(connection, answer) : 0;

	if (os_error == 0)
		return error_detailed(error, status, "SQLite", words);
	char detail[REPRISE_ERROR_DETAIL_BYTES], system[REPRISE_ERROR_DETAIL_BYTES];

	snprintf(detail, sizeof(detail), "%s: %s", words,
		 strerror_r(os_error, system, sizeof(system)));
	return error_detailed(error, status, "SQLite", detail);
}

reprise_status
connection_run(struct connection *connection, const char *sql, struct reprise_error *error)
{
	return connection_status(connection, sqlite3_exec(connection->db, sql, NULL, NULL, NULL),
				 error);
}

reprise_status
connection_ask(struct connection *connection, const char *sql, int64_t *ret_answer,
	       struct reprise_error *error)
{
	sqlite3_stmt *statement = NULL;
	int answer = sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL);

	if (answer == SQLITE_OK)
		answer = sqlite3_step(statement);
	if (answer == SQLITE_ROW)
		*ret_answer = sqlite3_column_int64(statement, 0);
	const reprise_status status = connection_status(connection, answer, error);

	(void)sqlite3_finalize(statement);
	return status;
}

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
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	const int answer = sqlite3_open_v2(connection->bound.files[BOUND_DATABASE].name,
					   &connection->db, flags, NULL);

	if ((answer & 0xff) == SQLITE_CANTOPEN)
		return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
				     sqlite3_errstr(answer), error);
	if (answer != SQLITE_OK)
		return connection_status(connection, answer, error);
	/* SQLite is content with less than it was asked for. */
	if (sqlite3_db_readonly(connection->db, "main") == 1)
		return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
				     "the file is not writable", error);
	(void)sqlite3_busy_handler(connection->db, wait_a_little, connection);
	/* By the time of a close another file may have the name of the -wal. */
	(void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return REPRISE_OK;
}

/* SQLite has opened all of them by now: it has read the schema. */
static reprise_status
bind_files(struct connection *connection, struct reprise_error *error)
{
	int has_moved = 0;
	reprise_status status = bound_note(&connection->bound, BOUND_WAL, error);

	if (status == REPRISE_OK)
		status = bound_note(&connection->bound, BOUND_SHM, error);
	if (status == REPRISE_OK)
		status = bound_check(&connection->bound, error);
	if (status == REPRISE_OK)
		status = connection_status(connection,
					   sqlite3_file_control(connection->db, "main",
								SQLITE_FCNTL_HAS_MOVED, &has_moved),
					   error);
	if (status != REPRISE_OK || !has_moved)
		return status;
	return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
			     "the file was replaced while the store was opened", error);
}

static reprise_status
connect_all(struct connection *connection, struct reprise_error *error)
{
	int64_t heads;
	reprise_status status = open_database(connection, error);

	if (status == REPRISE_OK)
		status = bound_note(&connection->bound, BOUND_DATABASE, error);
	if (status == REPRISE_OK)
		status = schema_settle(connection, error);
	if (status == REPRISE_OK)
		status = connection_run(connection,
					connection->options.durability == REPRISE_WRITTEN
						? "PRAGMA synchronous = NORMAL"
						: "PRAGMA synchronous = FULL",
					error);
	/* A read brings the -wal and the -shm about. */
	if (status == REPRISE_OK)
		status = connection_ask(connection, "SELECT 1 FROM heads LIMIT 1", &heads, error);
	if (status == REPRISE_OK)
		status = bind_files(connection, error);
	if (status == REPRISE_OK)
		status = statements_prepare(connection, error);
	return status == REPRISE_OK ? keeping_settle(connection, error) : status;
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
}
