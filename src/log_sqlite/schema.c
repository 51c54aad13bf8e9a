/* SPDX-License-Identifier: MIT */
/*
 * The schema, and how an older one is brought up to date: a list of steps, each from one version to
 * the next. A step is never changed once it was released.
 */
#include <stdio.h>

#include "base/error.h"
#include "log_sqlite/checksum_functions.h"
#include "log_sqlite/connection.h"

#define ROW_TABLE(name)               \
	"CREATE TABLE " name " ("     \
	" key INTEGER NOT NULL,"      \
	" last INTEGER NOT NULL,"     \
	" first INTEGER NOT NULL,"    \
	" type INTEGER NOT NULL,"     \
	" kind INTEGER NOT NULL,"     \
	" flags INTEGER NOT NULL,"    \
	" reason INTEGER NOT NULL,"   \
	" revision INTEGER NOT NULL," \
	" time INTEGER NOT NULL,"     \
	" checksum INTEGER NOT NULL," \
	" payload BLOB NOT NULL,"     \
	" PRIMARY KEY (key, last)) WITHOUT ROWID;"

#define REVISION_TABLE(name)          \
	"CREATE TABLE " name " ("     \
	" key INTEGER NOT NULL,"      \
	" revision INTEGER NOT NULL," \
	" ordinal INTEGER NOT NULL,"  \
	" PRIMARY KEY (key, revision)) WITHOUT ROWID;"

/* Revisions have their highest bit flipped: 0 is the least integer (statements.h). */
static const char *const steps[] = {
	"CREATE TABLE heads ("
	" id INTEGER PRIMARY KEY,"
	" tenant TEXT NOT NULL,"
	" thread TEXT NOT NULL,"
	" kind INTEGER NOT NULL DEFAULT 0,"
	" has_ended INTEGER NOT NULL DEFAULT 0,"
	" end_status INTEGER NOT NULL DEFAULT 0,"
	" end_ordinal INTEGER NOT NULL DEFAULT 0,"
	" head INTEGER NOT NULL DEFAULT 0,"
	" watermark INTEGER NOT NULL DEFAULT 0,"
	" revision_max INTEGER NOT NULL DEFAULT (-9223372036854775807 - 1),"
	" life INTEGER NOT NULL DEFAULT 0,"
	" writes INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE (tenant, thread));"
	"CREATE TABLE lives ("
	" key INTEGER NOT NULL,"
	" number INTEGER NOT NULL,"
	" incarnation BLOB NOT NULL,"
	" first INTEGER NOT NULL,"
	" end INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" PRIMARY KEY (key, number),"
	" UNIQUE (key, incarnation)) WITHOUT ROWID;"
	"CREATE INDEX lives_first ON lives (key, first, number);" ROW_TABLE("rows")
		REVISION_TABLE("rises") REVISION_TABLE("commits"),

	/* 2: archived rows are kept. */
	ROW_TABLE("archive"),

	/* 3: every row has a checksum; a head knows the last rise among what was moved away. */
	"ALTER TABLE heads ADD COLUMN moved_revision INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE heads ADD COLUMN moved_ordinal INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE heads ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE lives ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rises ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE commits ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;"
	"UPDATE heads SET checksum = reprise_head_checksum(tenant, thread, id, kind, has_ended,"
	" end_status, end_ordinal, head, watermark, revision_max, life, moved_revision,"
	" moved_ordinal) WHERE kind <> 0;"
	"UPDATE lives SET checksum = coalesce((SELECT reprise_life_checksum(tenant, thread,"
	" number, incarnation, first, end, state) FROM heads WHERE id = key), 0);"
	"UPDATE rises SET checksum = coalesce((SELECT reprise_mark_checksum(tenant, thread, 1,"
	" revision, ordinal) FROM heads WHERE id = key), 0);"
	"UPDATE commits SET checksum = coalesce((SELECT reprise_mark_checksum(tenant, thread, 2,"
	" revision, ordinal) FROM heads WHERE id = key), 0)",

	/*
	 * 4: a head knows the lease of its last life. Checksums of heads without a lease stay
	 * as they were.
	 */
	("ALTER TABLE heads ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE heads ADD COLUMN lease_end INTEGER NOT NULL DEFAULT 0"),

	/*
	 * 5: a key has blobs, which its head counts. Checksums of heads without blobs stay
	 * as they were.
	 */
	("ALTER TABLE heads ADD COLUMN blobs INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TABLE blobs ("
	 " key INTEGER NOT NULL,"
	 " name TEXT NOT NULL,"
	 " checksum INTEGER NOT NULL,"
	 " bytes BLOB NOT NULL,"
	 " PRIMARY KEY (key, name)) WITHOUT ROWID"),
};

enum {
	SCHEMA_VERSION = sizeof(steps) / sizeof(steps[0]),
};

static reprise_status
foreign(struct reprise_error *error, const char *detail)
{
	return error_detailed(error, REPRISE_E_CORRUPT, "path", detail);
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
	if (id != LOG_SQLITE_APPLICATION && (id != 0 || version != 0 || tables != 0))
		return foreign(error, "the file belongs to another application");
	if (id == LOG_SQLITE_APPLICATION && version < 1)
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

/* In a transaction. Another process may have taken them by now. */
static reprise_status
take_steps_left(struct connection *connection, struct reprise_error *error)
{
	char identity[96];
	int64_t version = 0;
	reprise_status status = read_identity(connection, &version, error);

	for (int64_t i = version; i < SCHEMA_VERSION && status == REPRISE_OK; i++)
		status = connection_run(connection, steps[i], error);
	snprintf(identity, sizeof(identity), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 LOG_SQLITE_APPLICATION, SCHEMA_VERSION);
	return status == REPRISE_OK ? connection_run(connection, identity, error) : status;
}

/* In one transaction: it is there whole, or as it was. */
static reprise_status
take_steps(struct connection *connection, struct reprise_error *error)
{
	reprise_status status =
		connection_status(connection, checksum_functions_create(connection->db), error);

	if (status == REPRISE_OK)
		status = connection_run(connection, "BEGIN IMMEDIATE", error);
	if (status != REPRISE_OK)
		return status;
	status = take_steps_left(connection, error);
	if (status == REPRISE_OK)
		status = connection_run(connection, "COMMIT", error);
	if (status != REPRISE_OK && !sqlite3_get_autocommit(connection->db))
		(void)connection_run(connection, "ROLLBACK", NULL);
	return status;
}

/* SQLite says so if it cannot, without failing. */
static reprise_status
go_ahead(struct connection *connection, struct reprise_error *error)
{
	int64_t is_ahead = 0;
	reprise_status status = connection_run(connection, "PRAGMA journal_mode = WAL", error);

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
	reprise_status status = read_identity_at_once(connection, &version, error);

	if (status != REPRISE_OK)
		return status;
	if (connection->options.is_read_only) {
		if (version == 0)
			return foreign(error, "the file is empty");
		if (version < SCHEMA_VERSION)
			return error_detailed(
				error, REPRISE_E_VERSION, "path",
				"the file has an older schema, and was opened to be read only");
		return REPRISE_OK;
	}
	if (version < SCHEMA_VERSION)
		status = take_steps(connection, error);
	if (status == REPRISE_OK)
		status = go_ahead(connection, error);
	return status;
}
