/* SPDX-License-Identifier: MIT */
#include "log_sqlite/connection.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"

void
connection_start(struct connection *connection)
{
	connection->give_up_ns = deadline_after(clock_ns(), connection->options.deadline_ns);
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

reprise_status
connection_status(struct connection *connection, int answer, struct reprise_error *error)
{
	const reprise_status status = status_of(answer);
	const bool is_last =
		connection->db != NULL && sqlite3_extended_errcode(connection->db) == answer;

	if (status == REPRISE_OK)
		return REPRISE_OK;
	return error_detailed(error, status, "SQLite",
			      is_last ? sqlite3_errmsg(connection->db) : sqlite3_errstr(answer));
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

reprise_status
connection_take_turn(struct connection *connection, struct reprise_error *error)
{
	const int refused = turn_take(&connection->turn, connection->give_up_ns);

	if (refused == 0)
		return REPRISE_OK;
	if (refused == ETIMEDOUT)
		return error_detailed(error, REPRISE_E_TIMEOUT, NULL, "others are writing");
	return file_refused("path: -lock", refused, error);
}

void
connection_give_turn(struct connection *connection)
{
	turn_give(&connection->turn);
}
