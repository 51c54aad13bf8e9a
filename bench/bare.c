/* SPDX-License-Identifier: MIT */
#include "bare.h"

#include <sqlite3.h>
#include <stdlib.h>

enum {
	COLUMN_PAYLOAD = 9,
};

#define EPOCH_NS UINT64_C(1700000000000000000)

struct bare {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *insert, *select;
	unsigned char payload[DURABLE_PAYLOAD_BYTES];
};

static void
must(struct bare *bare, bool is_good)
{
	if (is_good)
		return;
	fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(bare->db));
	harness_die("bare SQLite failed");
}

static void
run(struct bare *bare, const char *sql)
{
	must(bare, sqlite3_exec(bare->db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *
prepare(struct bare *bare, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	must(bare, sqlite3_prepare_v3(bare->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
				      NULL) == SQLITE_OK);
	return statement;
}

static struct bare *
open_file(const char *name, int flags)
{
	struct bare *const bare = harness_allocate(1, sizeof(*bare));

	must(bare, sqlite3_open_v2(scratch_path(name), &bare->db, flags | SQLITE_OPEN_NOMUTEX,
				   NULL) == SQLITE_OK);
	return bare;
}

struct bare *
bare_open(const char *name, bool is_synced)
{
	struct bare *const bare = open_file(name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

	run(bare, "PRAGMA journal_mode = WAL");
	run(bare, is_synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	run(bare, "PRAGMA wal_autocheckpoint = 1000");
	run(bare, "CREATE TABLE rows (key INTEGER NOT NULL, last INTEGER NOT NULL,"
		  " first INTEGER NOT NULL, type INTEGER NOT NULL, kind INTEGER NOT NULL,"
		  " flags INTEGER NOT NULL, reason INTEGER NOT NULL, revision INTEGER NOT NULL,"
		  " time INTEGER NOT NULL, checksum INTEGER NOT NULL, payload BLOB NOT NULL,"
		  " PRIMARY KEY (key, last)) WITHOUT ROWID");
	bare->begin = prepare(bare, "BEGIN IMMEDIATE");
	bare->commit = prepare(bare, "COMMIT");
	bare->insert =
		prepare(bare, "INSERT INTO rows (key, last, first, type, kind, flags, reason,"
			      " revision, time, checksum, payload)"
			      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	return bare;
}

static void
run_prepared(struct bare *bare, sqlite3_stmt *statement)
{
	must(bare, sqlite3_step(statement) == SQLITE_DONE);
	(void)sqlite3_reset(statement);
}

void
bare_begin(struct bare *bare)
{
	run_prepared(bare, bare->begin);
}

void
bare_commit(struct bare *bare)
{
	run_prepared(bare, bare->commit);
}

static void
insert(struct bare *bare, uint64_t key, uint64_t position, const struct reprise_new_event *event)
{
	sqlite3_stmt *const row = bare->insert;
	const uint64_t numbers[] = {
		key,
		position,
		position,
		0,
		event->kind,
		event->flags,
		0,
		event->revision ^ UINT64_C(1) << 63,
		EPOCH_NS + position * 1000,
		(uint32_t)(position * UINT64_C(2654435761)), /* as large as a checksum */
	};
	int at = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sqlite3_bind_int64(row, ++at, (int64_t)numbers[i]);
	(void)sqlite3_bind_blob64(row, ++at, event->payload.data, event->payload.size,
				  SQLITE_STATIC);
	run_prepared(bare, row);
}

void
bare_insert(struct bare *bare, uint64_t key, uint64_t position)
{
	const struct reprise_new_event event = durable_event(position, bare->payload);

	insert(bare, key, position, &event);
}

void
bare_put(struct bare *bare, uint64_t position, struct reprise_bytes payload)
{
	const struct reprise_new_event event = { .payload = payload };

	bare_begin(bare);
	insert(bare, 1, position, &event);
	bare_commit(bare);
}

struct bare *
bare_open_log(const char *name)
{
	struct bare *const bare = open_file(name, SQLITE_OPEN_READWRITE);

	bare->select =
		prepare(bare, "SELECT last, first, type, kind, flags, reason, revision, time,"
			      " checksum, payload FROM rows WHERE key = 1 AND last > 0"
			      " ORDER BY last");
	return bare;
}

uint64_t
bare_each(struct bare *bare, void (*take)(struct reprise_bytes payload, void *context),
	  void *context)
{
	sqlite3_stmt *const row = bare->select;
	volatile int64_t sum = 0; /* what is taken is needed */
	uint64_t count = 0;
	int answer;

	while ((answer = sqlite3_step(row)) == SQLITE_ROW) {
		for (int column = 0; column < COLUMN_PAYLOAD; column++)
			sum = sum + sqlite3_column_int64(row, column);
		const void *const payload = sqlite3_column_blob(row, COLUMN_PAYLOAD);
		const size_t bytes = (size_t)sqlite3_column_bytes(row, COLUMN_PAYLOAD);

		take((struct reprise_bytes){ payload, bytes }, context);
		count++;
	}
	must(bare, answer == SQLITE_DONE);
	(void)sqlite3_reset(row);
	return count;
}

static void
touch(struct reprise_bytes payload, void *context)
{
	volatile unsigned char *const last = context;

	*last = ((const unsigned char *)payload.data)[payload.size - 1];
}

uint64_t
bare_select(struct bare *bare)
{
	volatile unsigned char last = 0;

	return bare_each(bare, touch, (void *)&last);
}

void
bare_close(struct bare *bare)
{
	(void)sqlite3_finalize(bare->begin);
	(void)sqlite3_finalize(bare->commit);
	(void)sqlite3_finalize(bare->insert);
	(void)sqlite3_finalize(bare->select);
	(void)sqlite3_close(bare->db);
	free(bare);
}
