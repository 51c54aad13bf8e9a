/* SPDX-License-Identifier: MIT */
#include "log_sqlite/connection.h"

#include <errno.h>
#include <stdio.h>
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

/*
 * The errno of the operating system, where SQLite says no more than that the system has refused; or
 * 0.
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

reprise_status
connection_take_turn(struct connection *connection, struct reprise_error *error)
{
	const int refused = turn_take(&connection->turn, connection->give_up_ns);
	char words[96];

	if (refused == 0)
		return REPRISE_OK;
	if (refused == ETIMEDOUT)
		return error_detailed(error, REPRISE_E_TIMEOUT, NULL,
				      "other connections are writing to the file");
	return bound_refused(&connection->bound, BOUND_LOCK, REPRISE_E_IO,
			     strerror_r(refused, words, sizeof(words)), error);
}

void
connection_give_turn(struct connection *connection)
{
	turn_give(&connection->turn);
}

/*
 * The bytes of the -wal by its index, which all processes share. The index's two copies differ
 * while they are written: then 0.
 */
static int64_t
bytes_by_index(struct connection *connection)
{
	enum {
		AT_PAGE_BYTES = 14,
		AT_FRAMES = 16,
		COPY_BYTES = 48,
		MAPPED_BYTES = 32768,
		WAL_HEADER_BYTES = 32,
		FRAME_HEADER_BYTES = 24,
	};
	sqlite3_file *file = NULL;
	volatile void *index = NULL;
	uint32_t frames[2];
	uint16_t page_bytes;

	if (sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    file->pMethods == NULL || file->pMethods->iVersion < 2 ||
	    file->pMethods->xShmMap(file, 0, MAPPED_BYTES, 0, &index) != SQLITE_OK || index == NULL)
		return 0;
	frames[1] = *(volatile uint32_t *)((volatile char *)index + COPY_BYTES + AT_FRAMES);
	frames[0] = *(volatile uint32_t *)((volatile char *)index + AT_FRAMES);
	page_bytes = *(volatile uint16_t *)((volatile char *)index + AT_PAGE_BYTES);
	if (frames[0] != frames[1] || frames[0] == 0)
		return 0;
	return WAL_HEADER_BYTES +
	       (int64_t)frames[0] * (FRAME_HEADER_BYTES + (page_bytes == 1 ? 65536 : page_bytes));
}

/* A checkpoint that cuts the -wal says in the index that it is empty, before it does so. */
static bool
is_wal_cut_off(struct connection *connection)
{
	const int64_t bytes = bytes_by_index(connection);
	struct stat status;

	return bound_exists(&connection->bound, BOUND_WAL, &status) &&
	       (int64_t)status.st_size < bytes && bytes_by_index(connection) == bytes;
}

reprise_status
connection_check(struct connection *connection, struct reprise_error *error)
{
	const reprise_status status = bound_check(&connection->bound, error);

	/* A connection that only reads may have an index of its own. */
	if (status != REPRISE_OK || connection->options.is_read_only ||
	    !connection->bound.files[BOUND_SHM].is_noted || !is_wal_cut_off(connection))
		return status;
	return bound_refused(&connection->bound, BOUND_WAL, REPRISE_E_CORRUPT,
			     "the file was truncated since the log was opened", error);
}

static bool
is_same(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_size == other->st_size &&
	       one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* Somebody has opened the log since, or has written to it. */
static bool
is_out_of_date(const struct connection *connection)
{
	if (connection->db == NULL)
		return true;
	if (connection->view == VIEW_SHARED)
		return false;
	for (enum bound_name name = BOUND_DATABASE; name <= BOUND_WAL; name++) {
		struct stat now = { 0 };

		(void)bound_exists(&connection->bound, name, &now);
		if (!is_same(&now, &connection->seen[name]))
			return true;
	}
	return bound_exists(&connection->bound, BOUND_SHM, NULL);
}

reprise_status
connection_refresh(struct connection *connection, struct reprise_error *error)
{
	const reprise_status status = connection_check(connection, error);

	if (status != REPRISE_OK || !is_out_of_date(connection))
		return status;
	connection_disconnect(connection);
	const reprise_status connected = connection_connect(connection, error);

	if (connected != REPRISE_OK)
		connection_disconnect(connection);
	return connected;
}
