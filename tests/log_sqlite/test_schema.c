/* SPDX-License-Identifier: MIT */
/* Files of older versions, and the size of a file through which much has passed. */
#include "support_sqlite.h"

#include <stdlib.h>

#include <reprise/session.h>

#include "log/write.h"
#include "reading.h"

/*
 * Every sort of row that version 3 gives a checksum: two lives, rises, commits, an end, and
 * a second key.
 */
static void
fill_every_table(struct reprise_log *log)
{
	const struct reprise_incarnation first = { { 1 } }, second = { { 2 } };
	const struct reprise_log_new_entry entries[] = {
		{ .revision = 3, .flags = REPRISE_EVENT_COMMIT },
		{ .revision = UINT64_MAX - 1, .flags = REPRISE_EVENT_COMMIT },
		{ .revision = 2, .flags = REPRISE_EVENT_COMMIT },
	};
	struct log_write writes[] = {
		{ .type = LOG_LIFE, .thread = "ring", .incarnation = first },
		{ .type = LOG_RECORD,
		  .thread = "ring",
		  .incarnation = first,
		  .first = 1,
		  .entries = entries,
		  .entries_count = 3 },
		{ .type = LOG_LIFE, .thread = "ring", .incarnation = second },
		{ .type = LOG_END,
		  .thread = "ring",
		  .incarnation = second,
		  .last = 3,
		  .end_status = -7 },
		{ .type = LOG_APPEND, .thread = "direct", .entries = entries, .entries_count = 3 },
	};

	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 5, NULL), REPRISE_OK));
	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(int, writes[i].status, REPRISE_OK));
}

/* Appends, archives and deletes @count events, each a rise and a COMMIT. */
static void
pass_through(struct reprise_log *log, uint64_t first, uint64_t count)
{
	enum {
		BATCH = 1000,
	};
	static struct reprise_log_new_entry entries[BATCH];
	uint64_t moved = 1;

	for (uint64_t at = first; at < first + count; at += BATCH) {
		for (uint64_t i = 0; i < BATCH; i++)
			entries[i] = (struct reprise_log_new_entry){
				.revision = at + i,
				.flags = REPRISE_EVENT_COMMIT,
			};
		cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, BATCH, NULL, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, reprise_log_archive_before(log, &k, UINT64_MAX, NULL, NULL),
			     REPRISE_OK));
		for (moved = 1; moved != 0;)
			cr_assert(eq(int, reprise_log_move_archived(log, &k, &moved, NULL),
				     REPRISE_OK));
	}
}

/* REPRISE_TEST_EVENTS says how many; `./dev check growth` takes a million. */
Test(log_sqlite, L23_the_file_does_not_grow_with_what_was_deleted, .timeout = 1800)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	const char *const asked = getenv("REPRISE_TEST_EVENTS");
	const uint64_t events = asked != NULL ? strtoull(asked, NULL, 10) : 20000;

	options.deletes_archived = 1;
	options.durability = REPRISE_WRITTEN;
	struct reprise_log *log = opened(&options);

	pass_through(log, 1, 2000);
	close_log(log);
	const int64_t size = size_of(path, "");

	log = opened(&options);
	pass_through(log, 2001, events);
	close_log(log);
	/*
	 * Four pages more: trees split and join, and greater ordinals take a byte more in the rows
	 * of the last batch.
	 */
	cr_assert(le(i64, size_of(path, ""), size + (int64_t)4 * 4096), "%lld bytes at first",
		  (long long)size);
	cr_assert(eq(i64, scratch_ask(path, "SELECT count(*) FROM rises"), 0));
	cr_assert(eq(i64, scratch_ask(path, "SELECT count(*) FROM commits"), 0));
	cr_assert(eq(i64, scratch_ask(path, "SELECT count(*) FROM rows"), 0));
}

static void
expect_whole(struct reprise_log *log, const char *thread)
{
	const struct reprise_log_key key = { "t", thread };
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &key, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
	cr_assert(eq(u64, report.events, 3));
}

Test(log_sqlite, L20_a_file_of_version_2_gets_the_checksums_of_every_row)
{
	char *const path = scratch_path("log");
	struct reprise_log *log = open_at(path);

	fill_every_table(log);
	close_log(log);
	const int64_t sum =
		scratch_ask(path, "SELECT sum(checksum) FROM (SELECT checksum FROM lives"
				  " UNION ALL SELECT checksum FROM rises"
				  " UNION ALL SELECT checksum FROM commits)");

	make_version_2(path);
	log = open_at(path);
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), VERSION_NOW));
	cr_assert(eq(i64,
		     scratch_ask(path, "SELECT sum(checksum) FROM (SELECT checksum FROM lives"
				       " UNION ALL SELECT checksum FROM rises"
				       " UNION ALL SELECT checksum FROM commits)"),
		     sum));
	expect_whole(log, "ring");
	expect_whole(log, "direct");
	close_log(log);
}

Test(log_sqlite, L31_a_file_of_version_3_has_sessions_without_a_lease)
{
	char *const path = scratch_path("log");
	const struct reprise_log_key key = { "t", "ring" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log *log = open_at(path);
	struct log_write renewal = { .type = LOG_RENEW,
				     .thread = "ring",
				     .incarnation = { { 2 } },
				     .lease_ns = UINT64_C(60000000000) };

	fill_every_table(log);
	close_log(log);
	const int64_t sum = scratch_ask(path, "SELECT sum(checksum) FROM heads");

	make_version_3(path);
	log = open_at(path);
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), VERSION_NOW));
	cr_assert(eq(i64, scratch_ask(path, "SELECT sum(checksum) FROM heads"), sum));
	expect_whole(log, "ring");
	expect_whole(log, "direct");
	cr_assert(eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", &renewal, 1, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_log_stats(log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(gt(u64, stats.lease_left_ns, 0));
	expect_whole(log, "ring");
	close_log(log);
}

/* A checksum of the answers of a library of version 4 about the log in fixtures/version_4.sql. */
static const uint32_t answers_of_version_4 = 0xa7601934;

/* The head's checksums are as they were: no row was written. */
static const char *const sum_of_heads = "SELECT sum(checksum + writes) FROM heads";

static void
expect_appends(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal head)
{
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };
	reprise_ordinal appended = 0;

	cr_assert(eq(int, reprise_log_append(log, key, NULL, &entry, 1, &appended, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, appended, head));
}

/* One whole blob, and no faults. */
static void
expect_blob_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_bytes bytes = { "bytes", 5 };
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_blob_put(log, key, NULL, "b", bytes, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, key, "b", page, &bytes, NULL), REPRISE_OK));
	cr_assert(eq(sz, bytes.size, 5));
	cr_assert(eq(int, memcmp(bytes.data, "bytes", 5), 0));
	reprise_log_page_close(page);
	cr_assert(eq(int, reprise_log_verify(log, key, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
	cr_assert(eq(u64, report.blobs, 1));
}

Test(log_sqlite, L50_a_file_of_version_4_answers_what_it_answered_and_takes_blobs)
{
	const struct reprise_log_key direct = { "t", "direct" }, other = { "u", "direct" };
	char *const path = scratch_path("log");
	char *const sql = fixture_text("log_sqlite/fixtures/version_4.sql");
	struct reprise_log_sqlite_options options = options_of(path);

	scratch_sql(path, sql);
	free(sql);
	const int64_t sum = scratch_ask(path, sum_of_heads);

	options.is_read_only = 1;
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_VERSION));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), 4));
	struct reprise_log *log = open_at(path);
	const struct reading reading = reading_of(log);

	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), VERSION_NOW));
	cr_assert(eq(i64, scratch_ask(path, sum_of_heads), sum));
	cr_assert(not(reading.is_told));
	cr_assert(eq(u32, reading.answers, answers_of_version_4));
	expect_appends(log, &direct, 181);
	expect_appends(log, &other, 3);
	expect_blob_of(log, &direct);
	expect_blob_of(log, &other);
	close_log(log);
	log = open_at(path);
	expect_blob_of(log, &direct);
	close_log(log);
}

/* As the library does it, but that the new table is there already. */
Test(log_sqlite, L50_a_step_to_version_5_that_fails_leaves_version_4)
{
	char *const path = scratch_path("log");
	char *const sql = fixture_text("log_sqlite/fixtures/version_4.sql");
	const struct reprise_log_sqlite_options options = options_of(path);

	scratch_sql(path, sql);
	free(sql);
	scratch_sql(path, "CREATE TABLE blobs (x)");
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), 4));
	scratch_sql(path, "DROP TABLE blobs");
	struct reprise_log *const log = open_at(path);
	const struct reading reading = reading_of(log);

	cr_assert(eq(u32, reading.answers, answers_of_version_4));
	close_log(log);
}

/* Snapshots of a conversation are put over and over. */
Test(log_sqlite, L50_the_file_does_not_grow_with_blobs_that_were_replaced)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	static char bytes[30000];
	int64_t size = 0;

	options.durability = REPRISE_WRITTEN;
	for (int round = 0; round < 10; round++) {
		struct reprise_log *const log = opened(&options);

		cr_assert(eq(int, append_bytes(log, 1), REPRISE_OK));
		for (int i = 0; i < 50; i++) {
			const char *const name = i % 2 == 0 ? "0" : "1";
			const struct reprise_bytes blob = { bytes, sizeof(bytes) };

			cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, name, blob, NULL),
				     REPRISE_OK));
		}
		close_log(log);
		if (round == 0)
			size = size_of(path, "");
		cr_assert(le(i64, size_of(path, ""), size + 4096));
	}
}
