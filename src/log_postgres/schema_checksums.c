/* SPDX-License-Identifier: MIT */
/*
 * The checksums of what an older schema holds: computed here, a thousand rows at a time, as the
 * server has no CRC-32C.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "log_postgres/postgres.h"
#include "log_postgres/schema.h"

enum {
	ROWS_AT_A_TIME = 1000,
	UPDATE_BYTES_MAX = 96, /* of one row's values in an UPDATE */

	/* Columns of every selection. */
	COLUMN_KEY = 0,
	COLUMN_PLACE, /* within the key */
	COLUMN_TENANT,
	COLUMN_THREAD,
	COLUMNS_OWN, /* from here on the table's own */
};

struct table {
	const char *name;
	const char *place; /* the column */
	const char *select;
	uint32_t (*checksum_of)(uint32_t key_checksum, const PGresult *answer, int row);
};

static uint32_t
checksum_of_head(uint32_t key_checksum, const PGresult *answer, int row)
{
	enum {
		KIND = COLUMNS_OWN,
		HEAD,
		WATERMARK,
		REVISION_MAX,
		HAS_ENDED,
		END_STATUS,
		END_ORDINAL,
		LIFE,
		MOVED_REVISION,
		MOVED_ORDINAL,
	};
	const struct log_head head = {
		.id = number_at(answer, row, COLUMN_KEY),
		.kind = (uint32_t)number_at(answer, row, KIND),
		.head = ordinal_at(answer, row, HEAD),
		.watermark = ordinal_at(answer, row, WATERMARK),
		.revision_max = revision_at(answer, row, REVISION_MAX),
		.has_ended = number_at(answer, row, HAS_ENDED) != 0,
		.end_status = (int32_t)number_at(answer, row, END_STATUS),
		.end_ordinal = ordinal_at(answer, row, END_ORDINAL),
		.life.number = ordinal_at(answer, row, LIFE),
		.moved = { .revision = revision_at(answer, row, MOVED_REVISION),
			   .ordinal = ordinal_at(answer, row, MOVED_ORDINAL) },
	};

	return log_head_checksum(key_checksum, &head);
}

static uint32_t
checksum_of_life(uint32_t key_checksum, const PGresult *answer, int row)
{
	struct log_life life;

	(void)life_at_row(answer, row, COLUMNS_OWN, &life);
	return log_life_checksum(key_checksum, &life.life);
}

static uint32_t
checksum_of_mark(uint32_t key_checksum, enum log_mark_type type, const PGresult *answer, int row)
{
	const struct log_mark mark = {
		.revision = revision_at(answer, row, COLUMN_PLACE),
		.ordinal = ordinal_at(answer, row, COLUMNS_OWN),
	};

	return log_mark_checksum(key_checksum, type, &mark);
}

static uint32_t
checksum_of_rise(uint32_t key_checksum, const PGresult *answer, int row)
{
	return checksum_of_mark(key_checksum, LOG_MARK_RISE, answer, row);
}

static uint32_t
checksum_of_commit(uint32_t key_checksum, const PGresult *answer, int row)
{
	return checksum_of_mark(key_checksum, LOG_MARK_COMMIT, answer, row);
}

#define FROM_WITH_HEADS(table) \
	" FROM " table " AS t JOIN heads AS h ON h.id = t.key AND h.tenant = t.tenant WHERE"

static const struct table tables[] = {
	{ "heads", "0",
	  "SELECT id, 0::bigint, tenant, thread, kind, head, watermark, revision_max, has_ended,"
	  " end_status, end_ordinal, life, moved_revision, moved_ordinal FROM heads"
	  " WHERE kind <> 0 AND (id, 0::bigint) > ($1, $2) ORDER BY id LIMIT $3",
	  checksum_of_head },
	{ "lives", "number",
	  "SELECT t.key, t.number, h.tenant, h.thread, t.number, t.incarnation, t.first, t.last,"
	  " t.state, t.checksum" FROM_WITH_HEADS(
		  "lives") " (t.key, t.number) > ($1, $2) ORDER BY t.key, t.number LIMIT $3",
	  checksum_of_life },
	{ "rises", "revision",
	  "SELECT t.key, t.revision, h.tenant, h.thread, t.ordinal" FROM_WITH_HEADS(
		  "rises") " (t.key, t.revision) > ($1, $2) ORDER BY t.key, t.revision LIMIT $3",
	  checksum_of_rise },
	{ "commits", "revision",
	  "SELECT t.key, t.revision, h.tenant, h.thread, t.ordinal" FROM_WITH_HEADS(
		  "commits") " (t.key, t.revision) > ($1, $2) ORDER BY t.key, t.revision LIMIT $3",
	  checksum_of_commit },
};

/* One UPDATE for all rows of an answer. False: it was not written whole. */
static bool
write_update(FILE *to, const struct table *table, const PGresult *answer)
{
	const char *const key = strcmp(table->name, "heads") == 0 ? "id" : "key";
	const int rows = PQntuples(answer);

	fprintf(to, "UPDATE %s AS t SET checksum = new.checksum FROM (VALUES ", table->name);
	for (int row = 0; row < rows; row++) {
		const uint32_t key_checksum =
			log_key_checksum(PQgetvalue(answer, row, COLUMN_TENANT),
					 PQgetvalue(answer, row, COLUMN_THREAD));

		fprintf(to,
			"%s('%" PRId64 "'::bigint, '%" PRId64 "'::bigint, '%" PRId32 "'::integer)",
			row == 0 ? "" : ", ", number_at(answer, row, COLUMN_KEY),
			number_at(answer, row, COLUMN_PLACE),
			(int32_t)table->checksum_of(key_checksum, answer, row));
	}
	fprintf(to, ") AS new (key, place, checksum) WHERE t.%s = new.key", key);
	if (strcmp(table->name, "heads") != 0)
		fprintf(to, " AND t.%s = new.place", table->place);
	return fputc('\0', to) != EOF;
}

static reprise_status
update_rows(struct wire *wire, const struct table *table, const PGresult *answer,
	    struct reprise_error *error)
{
	const size_t bytes = (size_t)(PQntuples(answer) + 4) * UPDATE_BYTES_MAX;
	char *const sql = malloc(bytes);
	FILE *const to = sql != NULL ? fmemopen(sql, bytes, "w") : NULL;

	if (to == NULL) {
		free(sql);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	bool is_whole = write_update(to, table, answer);

	is_whole = fclose(to) == 0 && is_whole;
	if (is_whole)
		(void)wire_send_sql(wire, sql, NULL);
	const reprise_status status =
		is_whole ? wire_ask(wire, NULL, error) : error_plain(error, REPRISE_E_NO_MEMORY);

	free(sql);
	return status;
}

static reprise_status
fill_table(struct wire *wire, const struct table *table, struct reprise_error *error)
{
	int64_t key = INT64_MIN, place = INT64_MIN;
	reprise_status status = REPRISE_OK;
	int rows = ROWS_AT_A_TIME;

	while (status == REPRISE_OK && rows == ROWS_AT_A_TIME) {
		struct values values = { 0 };
		PGresult *answer = NULL;

		value_i64(&values, key);
		value_i64(&values, place);
		value_i64(&values, ROWS_AT_A_TIME);
		(void)wire_send_sql(wire, table->select, &values);
		status = wire_ask(wire, &answer, error);
		if (status != REPRISE_OK)
			return status;
		rows = PQntuples(answer);
		if (rows != 0) {
			key = number_at(answer, rows - 1, COLUMN_KEY);
			place = number_at(answer, rows - 1, COLUMN_PLACE);
			status = update_rows(wire, table, answer, error);
		}
		PQclear(answer);
	}
	return status;
}

reprise_status
schema_fill_checksums(struct wire *wire, struct reprise_error *error)
{
	enum {
		TABLES = sizeof(tables) / sizeof(tables[0])
	};
	reprise_status status = REPRISE_OK;
	char sql[64];

	for (size_t i = 0; i < TABLES; i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY",
			 tables[i].name);
		(void)wire_send_sql(wire, sql, NULL);
	}
	for (size_t i = 0; i < TABLES && status == REPRISE_OK; i++)
		status = fill_table(wire, &tables[i], error);
	for (size_t i = 0; i < TABLES && status == REPRISE_OK; i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE %s FORCE ROW LEVEL SECURITY",
			 tables[i].name);
		(void)wire_send_sql(wire, sql, NULL);
	}
	return status;
}
