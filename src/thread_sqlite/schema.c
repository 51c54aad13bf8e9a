/* SPDX-License-Identifier: MIT */
/*
 * The schema, and how an older one is brought up to date: a list of steps, each from one version to
 * the next. A step is never changed once it was released.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "thread_sqlite/connection.h"

/*
 * A remembered id is dropped by its time alone, without a look at its checksum. So the time stands
 * there twice, and one that is damaged drops nothing.
 */
static const char *const steps[] = {
	"CREATE TABLE heads ("
	" id TEXT PRIMARY KEY,"
	" uid BLOB NOT NULL UNIQUE,"
	" version INTEGER NOT NULL,"
	" base INTEGER NOT NULL,"
	" complete_after INTEGER NOT NULL,"
	" text_bytes INTEGER NOT NULL,"
	" delta_bytes INTEGER NOT NULL,"
	" growth_bytes INTEGER NOT NULL,"
	" checksum INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE texts ("
	" uid BLOB NOT NULL UNIQUE,"
	" version INTEGER NOT NULL,"
	" checksum INTEGER NOT NULL,"
	" json BLOB NOT NULL);"
	"CREATE TABLE deltas ("
	" uid BLOB NOT NULL,"
	" version INTEGER NOT NULL,"
	" stored INTEGER NOT NULL,"
	" checksum INTEGER NOT NULL,"
	" json BLOB NOT NULL,"
	" PRIMARY KEY (uid, version)) WITHOUT ROWID;"
	"CREATE TABLE applied ("
	" uid BLOB NOT NULL,"
	" delta_id TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" applied INTEGER NOT NULL,"
	" applied_inverse INTEGER NOT NULL,"
	" checksum INTEGER NOT NULL,"
	" digest BLOB NOT NULL,"
	" PRIMARY KEY (uid, delta_id)) WITHOUT ROWID;"
	"CREATE INDEX applied_time ON applied (applied);"
	"CREATE TABLE about ("
	" is_here INTEGER PRIMARY KEY CHECK (is_here = 1),"
	" horizon INTEGER NOT NULL,"
	" floor INTEGER NOT NULL,"
	" checksum INTEGER NOT NULL)",
};

enum {
	SCHEMA_VERSION = sizeof(steps) / sizeof(steps[0]),
	HEADER_BYTES = 100,
	AT_APPLICATION = 68,
};

#define POLL_NS UINT64_C(1000000)

static reprise_status
foreign(struct reprise_error *error, const char *detail)
{
	return error_detailed(error, REPRISE_E_CORRUPT, "path", detail);
}

/*
 * Before SQLite reads the file, which may write to it. By SQLite's own descriptor: to open and
 * close the file once more would give up every lock that this process has on it.
 */
static reprise_status
judge_header(struct connection *connection, struct reprise_error *error)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	unsigned char header[HEADER_BYTES];

	if (sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return error_detailed(error, REPRISE_E_IO, "path", "the file cannot be read");
	if (size == 0)
		return REPRISE_OK;
	if (size < HEADER_BYTES)
		return foreign(error, "the file is not a SQLite database");
	if (file->pMethods->xRead(file, header, HEADER_BYTES, 0) != SQLITE_OK)
		return error_detailed(error, REPRISE_E_IO, "path", "the file cannot be read");
	if (memcmp(header, "SQLite format 3", 16) != 0)
		return foreign(error, "the file is not a SQLite database");
	const uint32_t application = (uint32_t)header[AT_APPLICATION] << 24 |
				     (uint32_t)header[AT_APPLICATION + 1] << 16 |
				     (uint32_t)header[AT_APPLICATION + 2] << 8 |
				     header[AT_APPLICATION + 3];

	if (application != 0 && application != THREAD_SQLITE_APPLICATION)
		return foreign(error, "the file belongs to another application");
	return REPRISE_OK;
}

/* The file's application and version; version 0: the file is nobody's yet. */
static reprise_status
read_identity(struct connection *connection, int64_t *ret_version, struct reprise_error *error)
{
	int64_t id = 0, version = 0, tables = 0;
	reprise_status status = connection_ask(connection, "PRAGMA application_id", &id, error);

	if (status == REPRISE_OK)
		status = connection_ask(connection, "PRAGMA user_version", &version, error);
	if (status == REPRISE_OK)
		status = connection_ask(connection, "SELECT count(*) FROM sqlite_schema", &tables,
					error);
	if (status != REPRISE_OK)
		return status;
	if (id != THREAD_SQLITE_APPLICATION && (id != 0 || version != 0 || tables != 0))
		return foreign(error, "the file belongs to another application");
	if (id == THREAD_SQLITE_APPLICATION && version < 1)
		return foreign(error, "the file has no schema version");
	if (version > SCHEMA_VERSION)
		return error_detailed(error, REPRISE_E_VERSION, "path",
				      "the file has a newer schema than this library");
	*ret_version = version;
	return REPRISE_OK;
}

/* In one transaction, since another process may be taking the steps just now. */
static reprise_status
read_identity_at_once(struct connection *connection, int64_t *ret_version,
		      struct reprise_error *error)
{
	reprise_status status = connection_run(connection, "BEGIN", error);

	if (status == REPRISE_OK)
		status = read_identity(connection, ret_version, error);
	if (status == REPRISE_OK)
		return connection_run(connection, "ROLLBACK", error);
	if (!sqlite3_get_autocommit(connection->db))
		(void)connection_run(connection, "ROLLBACK", NULL);
	return status;
}

static reprise_status
take_steps(struct connection *connection, struct reprise_error *error)
{
	char identity[96];
	int64_t version = 0;
	/* Somebody else may have taken them by now. */
	reprise_status status = read_identity(connection, &version, error);

	for (int64_t i = version; i < SCHEMA_VERSION && status == REPRISE_OK; i++)
		status = connection_run(connection, steps[i], error);
	if (status == REPRISE_OK && version == 0)
		status = keeping_create(connection, error);
	snprintf(identity, sizeof(identity), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 THREAD_SQLITE_APPLICATION, SCHEMA_VERSION);
	return status == REPRISE_OK ? connection_run(connection, identity, error) : status;
}

/* In one transaction: the schema is there whole, or as it was. */
static reprise_status
upgrade(struct connection *connection, struct reprise_error *error)
{
	reprise_status status = connection_run(connection, "BEGIN IMMEDIATE", error);

	if (status == REPRISE_OK)
		status = take_steps(connection, error);
	if (status == REPRISE_OK)
		status = connection_run(connection, "COMMIT", error);
	if (status != REPRISE_OK && !sqlite3_get_autocommit(connection->db))
		(void)connection_run(connection, "ROLLBACK", NULL);
	return status;
}

/*
 * SQLite does not wait for those who read a file whose journal is to change, nor does it fail if it
 * has no -wal.
 */
static reprise_status
go_ahead(struct connection *connection, struct reprise_error *error)
{
	const struct timespec pause = ns_timespec(POLL_NS);
	int64_t is_ahead = 0;
	reprise_status status;

	while ((status = connection_run(connection, "PRAGMA journal_mode = WAL", error)) ==
		       REPRISE_E_TIMEOUT &&
	       clock_ns() < connection->give_up_ns)
		nanosleep(&pause, NULL);
	if (status == REPRISE_OK)
		status = connection_ask(connection,
					"SELECT journal_mode = 'wal' FROM pragma_journal_mode",
					&is_ahead, error);
	if (status == REPRISE_OK && !is_ahead)
		return error_detailed(error, REPRISE_E_IO, "path",
				      "the file system does not support SQLite's write-ahead log");
	return status;
}

reprise_status
schema_settle(struct connection *connection, struct reprise_error *error)
{
	int64_t version = 0;
	reprise_status status = judge_header(connection, error);

	if (status == REPRISE_OK)
		status = read_identity_at_once(connection, &version, error);
	if (status == REPRISE_OK && version == 0 && connection->options.is_set_up != 0)
		return error_detailed(error, REPRISE_E_NOT_FOUND, "path",
				      "the file has no thread documents");
	if (status == REPRISE_OK && version < SCHEMA_VERSION)
		status = upgrade(connection, error);
	return status == REPRISE_OK ? go_ahead(connection, error) : status;
}
