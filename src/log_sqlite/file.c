/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the database's file, as SQLite's own handle reads it: to open and close the file
 * once more would give up every lock that this process has on it, and the file may turn out to
 * be another application's.
 */
#include <string.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

enum {
	HEADER_BYTES = 100,
	AT_PAGE_BYTES = 16,
	AT_READ_VERSION = 19, /* 2: a write-ahead log is used */
	AT_PAGES = 28,
	AT_APPLICATION = 68,
};

static uint32_t
big_endian(const unsigned char *bytes, size_t size)
{
	uint32_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Of a file that stands beside, 0 if none does. */
static int64_t
size_beside(const struct connection *connection, enum bound_name name)
{
	struct stat status;

	return bound_exists(&connection->bound, name, &status) ? (int64_t)status.st_size : 0;
}

static reprise_status
damaged(const struct connection *connection, const char *words, struct reprise_error *error)
{
	return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_CORRUPT, words, error);
}

/* Judges the file alone; the write-ahead log may have a newer content. */
static reprise_status
judge_bytes(struct connection *connection, const unsigned char *header, int64_t size, bool has_turn,
	    struct reprise_error *error)
{
	const uint32_t page_bytes = big_endian(header + AT_PAGE_BYTES, 2);
	const uint32_t application = big_endian(header + AT_APPLICATION, 4);

	if (memcmp(header, "SQLite format 3", 16) != 0)
		return damaged(connection, "the file is not a SQLite database", error);
	/* With these beside it, it is for SQLite to say what is in it. */
	if (size_beside(connection, BOUND_JOURNAL) != 0 || size_beside(connection, BOUND_WAL) != 0)
		return REPRISE_OK;
	if (application != 0 && application != LOG_SQLITE_APPLICATION)
		return damaged(connection, "the file belongs to another application", error);
	if (has_turn && size < (int64_t)(page_bytes == 1 ? 65536 : page_bytes) *
					(int64_t)big_endian(header + AT_PAGES, 4))
		return damaged(connection, "the file is truncated", error);
	return REPRISE_OK;
}

/*
 * Nothing in it. It is new, unless something beside it tells of a log that was here: SQLite would
 * delete the -wal without a word.
 */
static reprise_status
judge_nothing(struct connection *connection, bool has_turn, struct reprise_error *error)
{
	struct mark mark;

	if (connection->options.is_read_only)
		return damaged(connection, "the file is empty", error);
	if (!has_turn || connection->bound.was_created)
		return REPRISE_OK;
	if (mark_read(connection->turn.fd, &mark) || size_beside(connection, BOUND_WAL) != 0)
		return damaged(connection,
			       "the file is empty, but had a log;"
			       " to begin a new log, remove the files -lock and -wal",
			       error);
	return REPRISE_OK;
}

/* SQLite's first bytes of the file. */
static int
read_header(struct connection *connection, unsigned char *header)
{
	sqlite3_file *file = NULL;
	const int answer =
		sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (answer == SQLITE_OK && file->pMethods == NULL)
		return SQLITE_CANTOPEN;
	return answer == SQLITE_OK ? file->pMethods->xRead(file, header, HEADER_BYTES, 0) : answer;
}

reprise_status
file_judge(struct connection *connection, bool has_turn, struct reprise_error *error)
{
	unsigned char header[HEADER_BYTES] = { 0 };
	struct stat status;

	if (!bound_exists(&connection->bound, BOUND_DATABASE, &status))
		return bound_refused(&connection->bound, BOUND_DATABASE, REPRISE_E_IO,
				     "the file was deleted or renamed while the log was opened",
				     error);
	if (status.st_size == 0)
		return judge_nothing(connection, has_turn, error);
	if (status.st_size < HEADER_BYTES)
		return damaged(connection, "the file is not a SQLite database", error);
	const int answer = read_header(connection, header);

	if (answer != SQLITE_OK)
		return connection_status(connection, answer, error);
	return judge_bytes(connection, header, (int64_t)status.st_size, has_turn, error);
}

/*
 * A program that has the log open has a -shm. Without one nobody else is there, and nothing need be
 * created to read: neither a -wal nor the -shm.
 */
enum view
file_choose_view(struct connection *connection)
{
	unsigned char header[HEADER_BYTES] = { 0 };

	if (!connection->options.is_read_only || bound_exists(&connection->bound, BOUND_SHM, NULL))
		return VIEW_SHARED;
	if (read_header(connection, header) != SQLITE_OK || header[AT_READ_VERSION] != 2 ||
	    size_beside(connection, BOUND_JOURNAL) != 0)
		return VIEW_SHARED;
	return bound_exists(&connection->bound, BOUND_WAL, NULL) ? VIEW_ALONE : VIEW_IMMUTABLE;
}
