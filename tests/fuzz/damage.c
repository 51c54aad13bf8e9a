/* SPDX-License-Identifier: MIT */
#include "damage.h"

#include <endian.h>
#include <string.h>

#include <sqlite3.h>

#include "fuzz.h"
#include "log/adapter.h"
#include "log_sqlite/checksum_functions.h"

#define MUST_SQL(db, sql) MUST(sqlite3_exec((db), (sql), NULL, NULL, NULL) == SQLITE_OK)

enum {
	COLUMNS_MAX = 17,
	TEXT_BYTES_MAX = 200, /* more than a name may have */
};

/*
 * Not the tenant of a head, and no head is deleted: such a key is away, and no row says that it has
 * been there. heads.writes counts the writes for the note in the -lock file (L03).
 */
static const struct table {
	const char *name;
	const char *key;
	const char *columns[COLUMNS_MAX];
} tables[] = {
	{ "heads",
	  "id",
	  { "id", "thread", "kind", "has_ended", "end_status", "end_ordinal", "head", "watermark",
	    "revision_max", "life", "moved_revision", "moved_ordinal", "checksum", "writes",
	    "lease", "lease_end", "blobs" } },
	{ "lives",
	  "key, number",
	  { "key", "number", "incarnation", "first", "end", "state", "checksum" } },
	{ "rows",
	  "key, last",
	  { "key", "last", "first", "type", "kind", "flags", "reason", "revision", "time",
	    "checksum", "payload" } },
	{ "archive",
	  "key, last",
	  { "key", "last", "first", "type", "kind", "flags", "reason", "revision", "time",
	    "checksum", "payload" } },
	{ "rises", "key, revision", { "key", "revision", "ordinal", "checksum" } },
	{ "commits", "key, revision", { "key", "revision", "ordinal", "checksum" } },
	{ "blobs", "key, name", { "key", "name", "checksum", "bytes" } },
};

enum {
	TABLES = sizeof(tables) / sizeof(tables[0]),
};

enum way {
	WAY_NUMBER,
	WAY_SMALL_NUMBER,
	WAY_ADD,
	WAY_COPY, /* what the column has in another row */
	WAY_TEXT,
	WAY_BLOB,
	WAY_REAL,
	WAY_DELETE,
	WAYS,
};

struct change {
	const struct table *table;
	const char *column;
	unsigned int row;
	enum way way;
	uint64_t number;
};

static struct change
change_of(const uint8_t *bytes)
{
	struct change change = { .row = bytes[1], .way = (enum way)(bytes[2] % WAYS) };
	const char *columns[TABLES * COLUMNS_MAX] = { NULL };
	const struct table *of[TABLES * COLUMNS_MAX] = { NULL };
	size_t count = 0;

	for (size_t t = 0; t < TABLES; t++)
		for (size_t c = 0; c < COLUMNS_MAX && tables[t].columns[c] != NULL; c++) {
			of[count] = &tables[t];
			columns[count++] = tables[t].columns[c];
		}
	change.table = of[bytes[0] % count];
	change.column = columns[bytes[0] % count];
	memcpy(&change.number, bytes + 3, sizeof(change.number));
	change.number = le64toh(change.number);
	return change;
}

/* The number's eight bytes over and over, so many of them as its lowest byte says. */
static int
fill_bytes(unsigned char *bytes, uint64_t number)
{
	const int count = (int)(number % TEXT_BYTES_MAX);

	for (int i = 0; i < count; i++)
		bytes[i] = (unsigned char)(number >> 8 * (i % 8));
	return count;
}

static void
bind_value(sqlite3_stmt *statement, const struct change *change)
{
	unsigned char bytes[TEXT_BYTES_MAX];
	double real;

	switch (change->way) {
	case WAY_SMALL_NUMBER:
		sqlite3_bind_int64(statement, 1, (int8_t)(change->number & 0xff));
		break;
	case WAY_TEXT:
		sqlite3_bind_text(statement, 1, (const char *)bytes,
				  fill_bytes(bytes, change->number), SQLITE_TRANSIENT);
		break;
	case WAY_BLOB:
		sqlite3_bind_blob(statement, 1, bytes, fill_bytes(bytes, change->number),
				  SQLITE_TRANSIENT);
		break;
	case WAY_REAL:
		memcpy(&real, &change->number, sizeof(real));
		sqlite3_bind_double(statement, 1, real);
		break;
	case WAY_NUMBER:
	case WAY_ADD:
	case WAY_COPY:
	case WAY_DELETE:
	case WAYS:
		sqlite3_bind_int64(statement, 1, (int64_t)change->number);
		break;
	}
}

/* The database refuses some of them: a NULL, a key that is there already. Such a change is none. */
static void
do_change(sqlite3 *db, const struct change *change)
{
	static const char *const values[] = { "?1", "?1", "%w + ?1",
					      "(SELECT %w FROM %w LIMIT 1 OFFSET ?1 %% 8)" };
	const bool deletes = change->way == WAY_DELETE && change->table != &tables[0];
	const size_t value = change->way <= WAY_COPY ? change->way : 0;
	char what[128], *sql;
	sqlite3_stmt *statement = NULL;

	sqlite3_snprintf(sizeof(what), what, values[value], change->column, change->table->name);
	if (deletes)
		sql = sqlite3_mprintf("DELETE FROM %w", change->table->name);
	else
		sql = sqlite3_mprintf("UPDATE OR IGNORE %w SET %w = %s", change->table->name,
				      change->column, what);
	sql = sqlite3_mprintf("%z WHERE (%s) = (SELECT %s FROM %w LIMIT 1 OFFSET %u)", sql,
			      change->table->key, change->table->key, change->table->name,
			      change->row);
	MUST(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
	if (!deletes)
		bind_value(statement, change);
	(void)sqlite3_step(statement);
	sqlite3_finalize(statement);
	sqlite3_free(sql);
}

/*
 * tenant, thread, id, kind, has_ended, end_status, end_ordinal, head, watermark, revision_max,
 * life, moved_revision, moved_ordinal, lease, lease_end, blobs
 */
static void
head_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *const tenant = (const char *)sqlite3_value_text(values[0]);
	const char *const thread = (const char *)sqlite3_value_text(values[1]);
	uint64_t numbers[16] = { 0 };

	for (int i = 2; i < count; i++)
		numbers[i] = (uint64_t)sqlite3_value_int64(values[i]);
	const struct log_head head = {
		.id = (int64_t)numbers[2],
		.kind = (uint32_t)numbers[3],
		.has_ended = numbers[4] != 0,
		.end_status = (int32_t)numbers[5],
		.end_ordinal = numbers[6],
		.head = numbers[7],
		.watermark = numbers[8],
		.revision_max = numbers[9] ^ UINT64_C(1) << 63,
		.life.number = numbers[10],
		.moved = { .revision = numbers[11] ^ UINT64_C(1) << 63, .ordinal = numbers[12] },
		.lease_ns = numbers[13],
		.lease_end_ns = numbers[14],
		.blobs = numbers[15],
	};

	sqlite3_result_int64(context,
			     tenant == NULL || thread == NULL
				     ? 0
				     : log_head_checksum(log_key_checksum(tenant, thread), &head));
}

/* tenant, thread, first, last, revision, time, type, kind, flags, reason, payload */
static void
row_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *const tenant = (const char *)sqlite3_value_text(values[0]);
	const char *const thread = (const char *)sqlite3_value_text(values[1]);
	const struct log_row row = {
		.first = (uint64_t)sqlite3_value_int64(values[2]),
		.last = (uint64_t)sqlite3_value_int64(values[3]),
		.revision = (uint64_t)sqlite3_value_int64(values[4]) ^ UINT64_C(1) << 63,
		.time_ns = (uint64_t)sqlite3_value_int64(values[5]),
		.type = (uint32_t)sqlite3_value_int64(values[6]),
		.kind = (uint16_t)sqlite3_value_int64(values[7]),
		.flags = (uint16_t)sqlite3_value_int64(values[8]),
		.reason = (uint32_t)sqlite3_value_int64(values[9]),
		.payload = { sqlite3_value_blob(values[10]),
			     (size_t)sqlite3_value_bytes(values[10]) },
	};

	(void)count;
	sqlite3_result_int64(context, tenant == NULL || thread == NULL
					      ? 0
					      : log_row_checksum(tenant, thread, &row));
}

/* tenant, thread, name, bytes */
static void
blob_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *const tenant = (const char *)sqlite3_value_text(values[0]);
	const char *const thread = (const char *)sqlite3_value_text(values[1]);
	const char *const name = (const char *)sqlite3_value_text(values[2]);
	const struct log_blob blob = {
		.name = name,
		.bytes = { sqlite3_value_blob(values[3]), (size_t)sqlite3_value_bytes(values[3]) },
	};

	(void)count;
	sqlite3_result_int64(context,
			     tenant == NULL || thread == NULL || name == NULL
				     ? 0
				     : log_blob_checksum(log_key_checksum(tenant, thread), &blob));
}

/*
 * A row that was not changed gets the checksum that it has. A statement that fails leaves the
 * checksums as they are.
 */
static void
mend_checksums(sqlite3 *db)
{
	static const char *const mending[] = {
		"UPDATE heads SET checksum = fuzz_head_checksum(tenant, thread, id, kind,"
		" has_ended, end_status, end_ordinal, head, watermark, revision_max, life,"
		" moved_revision, moved_ordinal, lease, lease_end, blobs) WHERE kind <> 0",
		"UPDATE lives SET checksum = coalesce((SELECT reprise_life_checksum(tenant, thread,"
		" number, incarnation, first, end, state) FROM heads WHERE id = key), 0)",
		"UPDATE rises SET checksum = coalesce((SELECT reprise_mark_checksum(tenant, thread,"
		" 1, revision, ordinal) FROM heads WHERE id = key), 0)",
		"UPDATE commits SET checksum = coalesce((SELECT reprise_mark_checksum(tenant,"
		" thread, 2, revision, ordinal) FROM heads WHERE id = key), 0)",
		"UPDATE rows SET checksum = coalesce((SELECT fuzz_row_checksum(tenant, thread,"
		" first, last, revision, time, type, kind, flags, reason, payload) FROM heads"
		" WHERE id = key), 0)",
		"UPDATE blobs SET checksum = coalesce((SELECT fuzz_blob_checksum(tenant, thread,"
		" name, bytes) FROM heads WHERE id = key), 0)",
	};

	MUST(checksum_functions_create(db) == SQLITE_OK);
	MUST(sqlite3_create_function_v2(db, "fuzz_head_checksum", 16, SQLITE_UTF8, NULL,
					head_checksum, NULL, NULL, NULL) == SQLITE_OK);
	MUST(sqlite3_create_function_v2(db, "fuzz_row_checksum", 11, SQLITE_UTF8, NULL,
					row_checksum, NULL, NULL, NULL) == SQLITE_OK);
	MUST(sqlite3_create_function_v2(db, "fuzz_blob_checksum", 4, SQLITE_UTF8, NULL,
					blob_checksum, NULL, NULL, NULL) == SQLITE_OK);
	for (size_t i = 0; i < sizeof(mending) / sizeof(mending[0]); i++)
		(void)sqlite3_exec(db, mending[i], NULL, NULL, NULL);
}

void
damage_file(const char *path, const uint8_t *bytes, size_t bytes_count, bool mends)
{
	sqlite3 *db = NULL;

	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	MUST_SQL(db, "PRAGMA synchronous = OFF");
	MUST_SQL(db, "BEGIN");
	for (size_t at = 0; at + DAMAGE_BYTES <= bytes_count; at += DAMAGE_BYTES) {
		const struct change change = change_of(bytes + at);

		do_change(db, &change);
	}
	if (mends)
		mend_checksums(db);
	MUST_SQL(db, "COMMIT");
	MUST(sqlite3_close(db) == SQLITE_OK);
}
