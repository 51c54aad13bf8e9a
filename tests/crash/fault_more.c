/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

/* The log's file is damaged, or foreign. */

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *database = NULL;

	CHECK(sqlite3_open(path, &database) == SQLITE_OK);
	CHECK(sqlite3_busy_timeout(database, 10000) == SQLITE_OK);
	CHECK(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
	CHECK(sqlite3_close(database) == SQLITE_OK);
}

/* Pages @first and later are something else from now on. */
static void
damage(const char *path, off_t first)
{
	unsigned char garbage[4096];
	struct stat status;
	const int file = open(path, O_RDWR | O_CLOEXEC);

	CHECK(file >= 0 && fstat(file, &status) == 0);
	memset(garbage, 0xa5, sizeof(garbage));
	for (off_t at = first * 4096; at + 4096 <= status.st_size; at += 4096)
		CHECK(pwrite(file, garbage, sizeof(garbage), at) == sizeof(garbage));
	CHECK(close(file) == 0);
}

static void
expect_no_log(const char *path, reprise_status status)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };
	struct reprise_log *log = NULL;

	CHECK(reprise_log_sqlite_open(&options, &log, NULL) == status);
	CHECK(log == NULL);
}

static enum fault_end
foreign_at_open(void)
{
	run_sql(fault_path("other"), "PRAGMA application_id = 77; CREATE TABLE t(a);");
	expect_no_log(fault_path("other"), REPRISE_E_CORRUPT);
	run_sql(fault_path("tables"), "CREATE TABLE heads(a);");
	expect_no_log(fault_path("tables"), REPRISE_E_CORRUPT);
	run_sql(fault_path("other"), "INSERT INTO t VALUES(1);");
	return FAULT_PASSED;
}

/* A file with 5,000 entries, and no more than that. */
static void
fill_log(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 1 << 16, REPRISE_WHEN_FULL_OVERWRITE);

	fault_append_many(&fault, 5000);
	fault_close_with_books(&fault, false);
	run_sql(fault_path("log"), "PRAGMA wal_checkpoint(TRUNCATE);");
}

static enum fault_end
damaged_at_open(void)
{
	fill_log();
	damage(fault_path("log"), 0);
	expect_no_log(fault_path("log"), REPRISE_E_CORRUPT);
	return FAULT_PASSED;
}

/*
 * Damaged after it was opened. No host is handed wrong data: rows that cannot be read are a gap.
 * The runtime goes on.
 */
static enum fault_end
damaged_while_running(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 64, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *subscription = NULL;
	uint64_t seen = 0, gaps = 0;
	struct reprise_event event;
	struct reprise_gap gap;

	for (int i = 0; i < 100; i++) {
		fault_append_many(&fault, 50);
		fault_flush(&fault);
	}
	run_sql(fault_path("log"), "PRAGMA wal_checkpoint(TRUNCATE);");
	damage(fault_path("log"), 3);
	CHECK_OK(reprise_session_stats(fault.store, "s", &stats));
	cursor.incarnation = stats.incarnation;
	CHECK_OK(reprise_subscribe_after(fault.store, &cursor, NULL, &subscription, NULL));
	while (seen < fault.newest) {
		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EMPTY:
			CHECK_OK(reprise_wait(subscription, 20 * FAULT_SECOND));
			break;
		case REPRISE_NEXT_EVENT:
			CHECK(event.position == ++seen && event.payload.size == 1000);
			CHECK(((const unsigned char *)event.payload.data)[0] == seen % 256);
			break;
		case REPRISE_NEXT_GAP:
			CHECK(gap.reason == REPRISE_GAP_TRIMMED && gap.lost_first == seen + 1);
			CHECK(gap.detail == REPRISE_GAP_NOT_RECORDED ||
			      gap.detail == REPRISE_GAP_DAMAGED);
			seen = gap.lost_last;
			gaps++;
			break;
		case REPRISE_NEXT_ENDED:
			crash_die(__FILE__, __LINE__, "an end");
		}
	}
	CHECK(gaps > 0);
	fault_append_until_it_fails(&fault, REPRISE_E_CORRUPT);
	fault_append_many(&fault, 1000);
	reprise_subscription_close(subscription);
	fault_close(&fault, REPRISE_E_CORRUPT);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

/* A host from 0 to 100, but for 30 to 31, which cannot be read. */
static void
expect_all_but_damaged(struct reprise_store *store, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK_OK(reprise_subscribe_after(store, cursor, NULL, &subscription, NULL));
	for (reprise_position expected = 1; expected <= 100;) {
		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EMPTY:
			CHECK_OK(reprise_wait(subscription, 20 * FAULT_SECOND));
			break;
		case REPRISE_NEXT_EVENT:
			CHECK(event.position == expected++);
			break;
		case REPRISE_NEXT_GAP:
			CHECK(expected == 30 && gap.lost_first == 30 && gap.lost_last == 31);
			CHECK(gap.detail == REPRISE_GAP_DAMAGED);
			expected = 32;
			break;
		case REPRISE_NEXT_ENDED:
			crash_die(__FILE__, __LINE__, "an end");
		}
	}
	reprise_subscription_close(subscription);
}

/*
 * Rows that cannot be read are an exact gap, for a host with a window to go on in and for a host
 * without.
 */
static enum fault_end
two_rows_damaged(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 64, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_store *store = NULL;

	for (int i = 0; i < 10; i++) {
		fault_append_many(&fault, 10);
		fault_flush(&fault);
	}
	run_sql(fault_path("log"), "UPDATE rows SET payload = x'00' WHERE last = 30;"
				   "UPDATE rows SET first = 1 WHERE last = 31;");
	CHECK_OK(reprise_session_stats(fault.store, "s", &stats));
	cursor.incarnation = stats.incarnation;
	expect_all_but_damaged(fault.store, &cursor);
	fault_close(&fault, REPRISE_OK);

	CHECK_OK(reprise_store_open(NULL, &store, NULL));
	CHECK_OK(reprise_recorder_open(store, fault.log, NULL, &fault.recorder, NULL));
	expect_all_but_damaged(store, &cursor);
	CHECK_OK(reprise_recorder_close(fault.recorder));
	CHECK_OK(reprise_store_close(store));
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

/* Damage of one session does not keep the other sessions from being recorded. */
static enum fault_end
one_key_damaged(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 1024, REPRISE_WHEN_FULL_OVERWRITE);
	struct reprise_writer *other = NULL;
	reprise_position position = 0;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	CHECK_OK(reprise_writer_open(fault.store, "good", NULL, &other, NULL));
	run_sql(fault_path("log"), "UPDATE heads SET watermark = 99 WHERE thread = 's';");
	for (int i = 0; i < 100; i++) {
		fault_append_many(&fault, 1);
		CHECK_OK(reprise_append(other, 0, 0, 0, (struct reprise_bytes){ "x", 1 },
					&position));
	}
	CHECK_OK(reprise_recorder_flush(fault.recorder, "good", REPRISE_SYNCED, 10 * FAULT_SECOND));
	CHECK(fault_stats(&fault).failures > 0);
	CHECK(reprise_recorder_flush(fault.recorder, NULL, REPRISE_SYNCED, 10 * FAULT_SECOND) ==
	      REPRISE_E_CORRUPT);
	/* Nor from being opened. */
	reprise_writer_close(other);
	CHECK_OK(reprise_writer_open(fault.store, "another", NULL, &other, NULL));
	reprise_writer_close(other);
	run_sql(fault_path("log"), "UPDATE heads SET watermark = 0 WHERE thread = 's';");
	fault_flush(&fault);
	CHECK(fault_stats(&fault).recorded == 110 + 100 && fault_stats(&fault).lost == 0);
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

const struct fault_scene fault_more_scenes[] = {
	{ "foreign_at_open", foreign_at_open },
	{ "damaged_at_open", damaged_at_open },
	{ "damaged_while_running", damaged_while_running },
	{ "two_rows_damaged", two_rows_damaged },
	{ "one_key_damaged", one_key_damaged },
	{ NULL, NULL },
};
