/* SPDX-License-Identifier: MIT */
/*
 * The file's first bytes, and its size, as SQLite's own handle reads them: to open and close the file once more
 * would give up every lock that this process has on it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

enum {
	HEADER_BYTES = 100,
	AT_PAGE_BYTES = 16,
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
size_beside(const char *path, const char *suffix)
{
	char name[4096 + 16];
	struct stat status;

	if ((size_t)snprintf(name, sizeof(name), "%s%s", path, suffix) >= sizeof(name))
		return 0;
	return stat(name, &status) == 0 ? (int64_t)status.st_size : 0;
}

static reprise_status
damaged(struct reprise_error *error, const char *detail)
{
	return error_detailed(error, REPRISE_E_CORRUPT, "path", detail);
}

/* What is in the file alone; what the write-ahead log has of it may be newer. */
static reprise_status
judge_bytes(struct connection *connection, const unsigned char *header, int64_t size, bool has_turn,
	    struct reprise_error *error)
{
	const char *const path = sqlite3_db_filename(connection->db, "main");
	const uint32_t page_bytes = big_endian(header + AT_PAGE_BYTES, 2);
	const uint32_t application = big_endian(header + AT_APPLICATION, 4);

	if (memcmp(header, "SQLite format 3", 16) != 0)
		return damaged(error, "the file is not SQLite's");
	/* With these beside it, it is for SQLite to say what is in it. */
	if (size_beside(path, "-journal") != 0 || size_beside(path, "-wal") != 0)
		return REPRISE_OK;
	if (application != 0 && application != LOG_SQLITE_APPLICATION)
		return damaged(error, "the file is another application's");
	if (has_turn && size < (int64_t)(page_bytes == 1 ? 65536 : page_bytes) *
					(int64_t)big_endian(header + AT_PAGES, 4))
		return damaged(error, "the file is cut off");
	return REPRISE_OK;
}

reprise_status
file_refused(const char *what, int os_error, struct reprise_error *error)
{
	char detail[REPRISE_ERROR_DETAIL_BYTES];

	return error_detailed(error, os_error == ENOENT ? REPRISE_E_NOT_FOUND : REPRISE_E_IO, what,
			      strerror_r(os_error, detail, sizeof(detail)));
}

reprise_status
file_judge(struct connection *connection, bool has_turn, struct reprise_error *error)
{
	const char *const path = sqlite3_db_filename(connection->db, "main");
	unsigned char header[HEADER_BYTES] = { 0 };
	sqlite3_file *file = NULL;
	struct stat status;
	int answer = sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (path == NULL || path[0] == '\0')
		return error_invalid(error, "path"); /* ":memory:" */
	if (stat(path, &status) != 0)
		return file_refused("path", errno, error);
	if (!S_ISREG(status.st_mode))
		return error_detailed(error, REPRISE_E_IO, "path", "no regular file");
	if (status.st_size == 0)
		return REPRISE_OK;
	if (status.st_size < HEADER_BYTES)
		return damaged(error, "the file is not SQLite's");
	if (answer == SQLITE_OK && file->pMethods == NULL)
		answer = SQLITE_CANTOPEN;
	if (answer == SQLITE_OK)
		answer = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
	if (answer != SQLITE_OK)
		return connection_status(connection, answer, error);
	return judge_bytes(connection, header, (int64_t)status.st_size, has_turn, error);
}
