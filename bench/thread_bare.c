/* SPDX-License-Identifier: MIT */
#include "thread_bare.h"

#include <sqlite3.h>
#include <stdlib.h>

enum {
	UID_BYTES = 16,
	DIGEST_BYTES = 16,
	CHECKSUM = 0x7a3c91e5, /* as large as a checksum */
};

#define STORED_MS UINT64_C(1700000000000)

struct thread_bare {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *delta, *applied, *head;
	unsigned char uid[UID_BYTES], digest[DIGEST_BYTES];
};

static void
must(const struct thread_bare *bare, bool is_good)
{
	if (is_good)
		return;
	fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(bare->db));
	harness_die("bare SQLite failed");
}

static void
run(const struct thread_bare *bare, const char *sql)
{
	must(bare, sqlite3_exec(bare->db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *
prepare(const struct thread_bare *bare, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	must(bare, sqlite3_prepare_v3(bare->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
				      NULL) == SQLITE_OK);
	return statement;
}

static void
make_tables(const struct thread_bare *bare)
{
	run(bare, "CREATE TABLE heads (id TEXT PRIMARY KEY, uid BLOB NOT NULL UNIQUE,"
		  " version INTEGER NOT NULL, base INTEGER NOT NULL,"
		  " complete_after INTEGER NOT NULL, text_bytes INTEGER NOT NULL,"
		  " delta_bytes INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID");
	run(bare, "CREATE TABLE deltas (uid BLOB NOT NULL, version INTEGER NOT NULL,"
		  " stored INTEGER NOT NULL, checksum INTEGER NOT NULL, json BLOB NOT NULL,"
		  " PRIMARY KEY (uid, version)) WITHOUT ROWID");
	run(bare, "CREATE TABLE applied (uid BLOB NOT NULL, delta_id TEXT NOT NULL,"
		  " version INTEGER NOT NULL, applied INTEGER NOT NULL,"
		  " checksum INTEGER NOT NULL, digest BLOB NOT NULL,"
		  " PRIMARY KEY (uid, delta_id)) WITHOUT ROWID");
	run(bare, "CREATE INDEX applied_time ON applied (applied)");
}

struct thread_bare *
thread_bare_open(const char *name, bool is_synced)
{
	struct thread_bare *const bare = harness_allocate(1, sizeof(*bare));
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	must(bare, sqlite3_open_v2(scratch_path(name), &bare->db, flags, NULL) == SQLITE_OK);
	run(bare, "PRAGMA journal_mode = WAL");
	run(bare, is_synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	make_tables(bare);
	bare->begin = prepare(bare, "BEGIN IMMEDIATE");
	bare->commit = prepare(bare, "COMMIT");
	bare->delta = prepare(bare, "INSERT INTO deltas (uid, version, stored, checksum, json)"
				    " VALUES (?, ?, ?, ?, ?)");
	bare->applied = prepare(bare, "INSERT INTO applied (uid, delta_id, version, applied,"
				      " checksum, digest) VALUES (?, ?, ?, ?, ?, ?)");
	bare->head = prepare(
		bare, "INSERT INTO heads (id, uid, version, base, complete_after, text_bytes,"
		      " delta_bytes, checksum) VALUES ('bench', ?, ?, 0, 0, 100, ?, ?)"
		      " ON CONFLICT (id) DO UPDATE SET uid = excluded.uid,"
		      " version = excluded.version, base = excluded.base,"
		      " complete_after = excluded.complete_after,"
		      " text_bytes = excluded.text_bytes, delta_bytes = excluded.delta_bytes,"
		      " checksum = excluded.checksum");
	return bare;
}

static void
step(const struct thread_bare *bare, sqlite3_stmt *statement)
{
	must(bare, sqlite3_step(statement) == SQLITE_DONE);
	(void)sqlite3_reset(statement);
}

void
thread_bare_put(struct thread_bare *bare, uint64_t version, const char *delta_id,
		struct reprise_bytes json)
{
	const int64_t time_ms = (int64_t)(STORED_MS + version);

	step(bare, bare->begin);
	(void)sqlite3_bind_blob(bare->delta, 1, bare->uid, UID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_int64(bare->delta, 2, (int64_t)version);
	(void)sqlite3_bind_int64(bare->delta, 3, time_ms);
	(void)sqlite3_bind_int64(bare->delta, 4, CHECKSUM);
	(void)sqlite3_bind_blob64(bare->delta, 5, json.data, json.size, SQLITE_STATIC);
	step(bare, bare->delta);
	(void)sqlite3_bind_blob(bare->applied, 1, bare->uid, UID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(bare->applied, 2, delta_id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(bare->applied, 3, (int64_t)version);
	(void)sqlite3_bind_int64(bare->applied, 4, time_ms);
	(void)sqlite3_bind_int64(bare->applied, 5, CHECKSUM);
	(void)sqlite3_bind_blob(bare->applied, 6, bare->digest, DIGEST_BYTES, SQLITE_STATIC);
	step(bare, bare->applied);
	(void)sqlite3_bind_blob(bare->head, 1, bare->uid, UID_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_int64(bare->head, 2, (int64_t)version);
	(void)sqlite3_bind_int64(bare->head, 3, (int64_t)(version * json.size));
	(void)sqlite3_bind_int64(bare->head, 4, CHECKSUM);
	step(bare, bare->head);
	step(bare, bare->commit);
}

void
thread_bare_close(struct thread_bare *bare)
{
	sqlite3_stmt *const statements[] = { bare->begin, bare->commit, bare->delta, bare->applied,
					     bare->head };

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		(void)sqlite3_finalize(statements[i]);
	(void)sqlite3_close(bare->db);
	free(bare);
}
