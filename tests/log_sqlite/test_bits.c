/* SPDX-License-Identifier: MIT */
/*
 * Bits that change in the file, and numbers that cannot be: each call answers what it did before,
 * or says so.
 */
#include "support_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reading.h"

enum {
	PAGE_BYTES = 4096,
	FLIPS = 100,       /* of each table, */
	FLIPS_MOST = 4000, /* or more, until a bit of a page that is nearly empty is told */
};

static struct reading
read_at(const char *path)
{
	const struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_log *log = NULL;
	struct reading reading = { .is_told = true };

	if (reprise_log_sqlite_open(&options, &log, NULL) == REPRISE_OK)
		reading = reading_of(log);
	reprise_log_close(log);
	return reading;
}

static char *
filled_file(const char *name)
{
	char *const path = scratch_path(name);
	struct reprise_log *const log = open_at(path);

	cr_assert(reading_fill(log));
	close_log(log);
	return path;
}

/* A page of that table or index, the number chosen by @choice. */
static int64_t
page_of(const char *path, const char *name, uint64_t choice)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM dbstat WHERE name = '%s'", name);
	const int64_t pages = scratch_ask(path, sql);

	cr_assert(gt(i64, pages, 0));
	snprintf(sql, sizeof(sql),
		 "SELECT pageno FROM dbstat WHERE name = '%s' ORDER BY pageno LIMIT 1 OFFSET %d",
		 name, (int)(choice % (uint64_t)pages));
	return scratch_ask(path, sql);
}

static void
flip(const char *path, int64_t at, unsigned int bit)
{
	const int fd = open(path, O_RDWR);
	unsigned char byte = 0;

	cr_assert(eq(i64, pread(fd, &byte, 1, at), 1));
	byte ^= (unsigned char)(1u << bit);
	cr_assert(eq(i64, pwrite(fd, &byte, 1, at), 1));
	close(fd);
}

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Of @FLIPS bits in the pages of @name, those that nobody tells although an answer is another. */
static void
expect_all_told(const char *name)
{
	char *const path = filled_file(name);
	struct noted noted = note(path);
	const struct reading before = read_at(path);
	uint64_t state = 7;
	int changed = 0;

	cr_assert(not(before.is_told));
	for (int i = 0; i < FLIPS || (changed == 0 && i < FLIPS_MOST); i++) {
		const int64_t at = (page_of(path, name, next_random(&state)) - 1) * PAGE_BYTES +
				   (int64_t)(next_random(&state) % PAGE_BYTES);
		const unsigned int bit = (unsigned int)(next_random(&state) % 8);

		flip(path, at, bit);
		const struct reading after = read_at(path);

		changed += after.is_told;
		cr_assert(after.is_told || after.answers == before.answers,
			  "%s: bit %u of byte %lld of its page", name, bit,
			  (long long)(at % PAGE_BYTES));
		/* Also what a checkpoint has written. */
		const int fd = open(path, O_RDWR | O_TRUNC);

		cr_assert(eq(i64, write(fd, noted.bytes, (size_t)noted.size), noted.size));
		close(fd);
	}
	cr_assert(gt(int, changed, 0));
	free(noted.bytes);
}

Test(log_sqlite, L20_no_bit_of_the_heads_changes_an_answer_in_silence)
{
	expect_all_told("heads");
}

Test(log_sqlite, L20_no_bit_of_the_heads_index_changes_an_answer_in_silence)
{
	expect_all_told("sqlite_autoindex_heads_1");
}

Test(log_sqlite, L20_no_bit_of_the_lives_changes_an_answer_in_silence)
{
	expect_all_told("lives");
}

Test(log_sqlite, L20_no_bit_of_the_lives_indexes_changes_an_answer_in_silence)
{
	expect_all_told("lives_first");
	expect_all_told("sqlite_autoindex_lives_2");
}

Test(log_sqlite, L20_no_bit_of_the_rows_changes_an_answer_in_silence)
{
	expect_all_told("rows");
}

Test(log_sqlite, L20_no_bit_of_the_rises_changes_an_answer_in_silence)
{
	expect_all_told("rises");
}

Test(log_sqlite, L20_no_bit_of_the_commits_changes_an_answer_in_silence)
{
	expect_all_told("commits");
}

Test(log_sqlite, L51_no_bit_of_the_blobs_changes_an_answer_in_silence)
{
	expect_all_told("blobs");
}

/* Values that a column may be made to hold. */
static const char *const values[] = {
	"-1",
	"0",
	"1",
	"2",
	"3",
	"5",
	"100000",
	"65536",
	"65537",
	"2147483648",
	"4294967296",
	"4294967297",
	"9223372036854775807",
	"(-9223372036854775807 - 1)",
	"0.5",
	"'x'",
	"x'00'",
	"zeroblob(16)",
};

static const struct {
	const char *table;
	const char *columns[16];
} columns[] = {
	{ "heads",
	  { "kind", "has_ended", "end_status", "end_ordinal", "head", "watermark", "revision_max",
	    "life", "moved_revision", "moved_ordinal", "checksum", "thread", "lease", "lease_end",
	    "blobs" } },
	{ "lives", { "number", "incarnation", "first", "end", "state", "checksum" } },
	{ "rows",
	  { "last", "first", "type", "kind", "flags", "reason", "revision", "time", "checksum",
	    "payload" } },
	{ "rises", { "revision", "ordinal", "checksum" } },
	{ "commits", { "revision", "ordinal", "checksum" } },
	{ "blobs", { "name", "checksum", "bytes" } },
};

static void
expect_told(sqlite3 *db, struct reprise_log *log, const struct reading *before, const char *table,
	    const char *column, const char *value)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "UPDATE OR IGNORE %s SET %s = %s", table, column, value);
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK), "%s", sql);
	cr_assert(eq(int, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK));
	const struct reading after = reading_of(log);

	cr_assert(after.is_told || after.answers == before->answers, "%s", sql);
}

/* Puts back what @table was. */
static void
restore(sqlite3 *db, const char *table)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "BEGIN; DELETE FROM %s; INSERT INTO %s SELECT * FROM kept_%s; COMMIT", table,
		 table, table);
	cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK));
}

Test(log_sqlite, L21_a_number_that_cannot_be_is_told_by_every_call)
{
	char *const path = filled_file("log");
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	struct reprise_log *const log = open_at(path);
	const struct reading before = reading_of(log);

	cr_assert(not(before.is_told));
	for (size_t t = 0; t < sizeof(columns) / sizeof(columns[0]); t++) {
		char sql[96];

		snprintf(sql, sizeof(sql), "CREATE TEMP TABLE kept_%s AS SELECT * FROM %s",
			 columns[t].table, columns[t].table);
		cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK));
		for (size_t c = 0; c < 16 && columns[t].columns[c] != NULL; c++)
			for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				expect_told(db, log, &before, columns[t].table,
					    columns[t].columns[c], values[v]);
				restore(db, columns[t].table);
			}
	}
	close_log(log);
	sqlite3_close(db);
}
