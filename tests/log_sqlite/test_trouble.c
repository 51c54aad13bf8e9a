/* SPDX-License-Identifier: MIT */
/* Disks that are full, pages that are damaged; and how SQLite would go about each statement. */
#include "support_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/conversation.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/connection.h"

/* A small file system in a mount namespace of one's own, or the test is skipped. */
static char *
small_disk(void)
{
	char *const folder = scratch_path("disk");

	cr_assert(eq(int, mkdir(folder, 0700), 0));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0)
		cr_skip_test("no file system may be mounted");
	return folder;
}

Test(log_sqlite, a_full_disk_is_said_and_nothing_is_lost)
{
	char *const folder = small_disk();
	char path[1400], filler[1400];
	size_t count = 0, appended = 0;
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_log_new_entry entry = { .payload = { folder, 10 } };

	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	struct reprise_log *const log = open_at(path);
	FILE *const file = fopen(filler, "wb");

	for (int i = 0; i < 300; i++)
		cr_assert(eq(sz, fwrite(path, 1, 1000, file), 1000));
	fclose(file);
	while (append_bytes(log, 10000) == REPRISE_OK)
		appended++;
	cr_assert(gt(sz, appended, 5));
	cr_assert(eq(int, append_bytes(log, 100000), REPRISE_E_IO));
	while (reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error) == REPRISE_OK)
		appended++;
	cr_assert(eq(int, error.status, REPRISE_E_IO));
	cr_assert(eq(str, error.detail, "database or disk is full"));
	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, appended));
	cr_assert(eq(int, unlink(filler), 0));
	cr_assert(eq(int, append_bytes(log, 10000), REPRISE_OK));
	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, appended + 1));
	close_log(log);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
}

Test(log_sqlite, L50_a_full_disk_leaves_the_blob_that_was_there)
{
	char *const folder = small_disk();
	static char bytes[200000];
	char path[1400];
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_bytes got;
	size_t size = 1000;

	snprintf(path, sizeof(path), "%s/log", folder);
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	while (reprise_log_blob_put(log, &k, NULL, "b", (struct reprise_bytes){ bytes, size },
				    &error) == REPRISE_OK)
		size += 10000;
	cr_assert(eq(int, error.status, REPRISE_E_IO));
	cr_assert(eq(str, error.detail, "database or disk is full"));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "b", page, &got, NULL), REPRISE_OK));
	cr_assert(eq(sz, got.size, size - 10000));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
	cr_assert(eq(u64, report.blobs, 1));
	reprise_log_page_close(page);
	close_log(log);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
}

/* A transaction of somebody who reads: until it ends, the -wal cannot begin anew, and grows. */
static sqlite3 *
begin_reading(const char *path)
{
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN; SELECT count(*) FROM heads", NULL, NULL, NULL),
		     SQLITE_OK));
	return db;
}

static struct reprise_log_report
verified(struct reprise_log *log)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
	return report;
}

Test(log_sqlite, L54_a_full_disk_stops_the_pruning_and_nothing_is_lost)
{
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 2,
							 .includes_direct = 1 };
	char *const folder = small_disk();
	char path[1400], filler[1400];
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };

	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	struct reprise_log *const log = open_at(path);

	for (int i = 0; i < 30; i++)
		cr_assert(eq(int, append_bytes(log, 5000), REPRISE_OK));
	sqlite3 *const reading = begin_reading(path);
	FILE *const file = fopen(filler, "wb");

	while (fwrite(path, 1, 1000, file) == 1000 && fflush(file) == 0)
		;
	(void)fclose(file);
	cr_assert(eq(int, reprise_log_prune(log, k.tenant, &retention, NULL, &error), REPRISE_E_IO),
		  "%s", error.detail);
	cr_assert(eq(str, error.detail, "database or disk is full"));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats.head, 30));
	cr_assert(le(u64, stats.watermark, 28));
	cr_assert(eq(u64, verified(log).events, 30 - stats.watermark));
	cr_assert(eq(int, unlink(filler), 0));
	cr_assert(eq(int, reprise_log_prune(log, k.tenant, &retention, NULL, &error), REPRISE_OK));
	cr_assert(eq(u64, verified(log).events, 2));
	cr_assert(eq(int, sqlite3_close(reading), SQLITE_OK));
	close_log(log);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
}

Test(log_sqlite, D05_a_full_disk_leaves_a_conversation_as_it_was)
{
	char *const folder = small_disk();
	static char bytes[10000];
	char path[1400], filler[1400];
	struct reprise_conversation *chat = NULL;
	struct reprise_message_info info = { .size = sizeof(info) };
	const struct reprise_bytes output = { bytes, sizeof(bytes) };
	uint32_t steps = 0;
	reprise_status status;

	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	struct reprise_log *const log = open_at(path);
	FILE *const file = fopen(filler, "wb");

	for (int i = 0; i < 300; i++)
		cr_assert(eq(sz, fwrite(path, 1, 1000, file), 1000));
	fclose(file);
	cr_assert(eq(int, reprise_conversation_new(log, &k, NULL, &chat, NULL), REPRISE_OK));
	while ((status = reprise_conversation_record_step_completed(chat, "m", steps, output,
								    NULL)) == REPRISE_OK)
		steps++;
	cr_assert(gt(u32, steps, 5));
	cr_assert(eq(int, status, REPRISE_E_IO));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(chat), steps));
	cr_assert(eq(int, reprise_conversation_find(chat, "m", &info), REPRISE_OK));
	cr_assert(eq(u32, info.last_step, steps - 1));
	cr_assert(eq(int,
		     reprise_conversation_record_step_completed(chat, "m", steps, output, NULL),
		     REPRISE_E_STALE));
	/* The disk need not be written to for that. */
	cr_assert(eq(int, reprise_conversation_recover(chat, NULL), REPRISE_OK));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(chat), steps));
	cr_assert(eq(int, unlink(filler), 0));
	cr_assert(eq(int,
		     reprise_conversation_record_step_completed(chat, "m", steps, output, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), steps + 1));
	reprise_conversation_close(chat);
	close_log(log);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
}

Test(log_sqlite, a_full_disk_when_it_is_made_leaves_no_half)
{
	char *const folder = small_disk();
	char path[1400], filler[1400];
	static const char zeros[4096];

	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	const struct reprise_log_sqlite_options options = options_of(path);

	/* Ever less room, until nothing is left. */
	for (int pages = 256; pages >= 230; pages--) {
		const int fd = open(filler, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int written = 0;

		while (written < pages && write(fd, zeros, sizeof(zeros)) == sizeof(zeros))
			written++;
		close(fd);
		const reprise_status status = open_status(&options, NULL);

		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_IO), "with %d pages", pages);
		cr_assert(eq(int, unlink(filler), 0));
	}
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 1000), REPRISE_OK));
	close_log(log);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
}

Test(log_sqlite, a_damaged_page_is_said)
{
	char *const path = scratch_path("log");
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_log *log = open_at(path);
	char garbage[4096];
	size_t count = 0;

	for (int i = 0; i < 200; i++)
		cr_assert(eq(int, append_bytes(log, 900), REPRISE_OK));
	close_log(log);
	const int fd = open(path, O_RDWR);
	const int64_t size = size_of(path, "");

	memset(garbage, 0x5a, sizeof(garbage));
	/* Some of the middle: rows. */
	for (int64_t at = size / 4096 / 2; at < size / 4096 / 2 + 3; at++)
		cr_assert(eq(i64, pwrite(fd, garbage, sizeof(garbage), at * 4096), 4096));
	close(fd);
	log = open_at(path);
	cr_assert(eq(int, load_all(log, &count), REPRISE_E_CORRUPT));
	cr_assert(eq(sz, count, 0));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(ge(u64, report.faults, 1));
	cr_assert(eq(str, report.what, "the rows cannot be read"));
	/* The rest is there as before. */
	cr_assert(eq(u64, head_of_k(log), 200));
	close_log(log);
}

Test(log_sqlite, a_row_where_none_should_be_is_damage)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);

	for (int i = 0; i < 5; i++)
		cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	scratch_sql(path, "UPDATE heads SET head = 4");
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_E_CORRUPT));
	scratch_sql(path, "UPDATE heads SET head = 5");
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
}

Test(log_sqlite, what_is_dropped_while_it_is_open_is_damage)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	size_t count = 0;

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	scratch_sql(path, "DROP TABLE rows");
	cr_assert(eq(int, load_all(log, &count), REPRISE_E_CORRUPT));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_E_CORRUPT));
	cr_assert(eq(u64, head_of_k(log), 1));
	close_log(log);
}

struct planned {
	const char *name;
	const char *sql;
};

static const struct planned statements[] = {
#define STATEMENT_PLANNED(name, sql) { #name, "EXPLAIN QUERY PLAN " sql },
	STATEMENT_TABLE(STATEMENT_PLANNED)
#undef STATEMENT_PLANNED
};

/* None goes over a table, or sorts: each costs what it answers. */
Test(log_sqlite, C03_every_statement_finds_its_rows_by_an_index)
{
	char *const path = scratch_path("log");
	struct connection connection = { 0 };
	sqlite3 *db = NULL;
	size_t steps = 0;

	close_log(open_at(path));
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	connection.db = db;
	cr_assert(eq(int, read_create_function(&connection), SQLITE_OK));
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		sqlite3_stmt *statement = NULL;

		cr_assert(eq(int, sqlite3_prepare_v2(db, statements[i].sql, -1, &statement, NULL),
			     SQLITE_OK),
			  "%s", statements[i].name);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			const char *const step = (const char *)sqlite3_column_text(statement, 3);

			steps++;
			cr_assert(eq(ptr, strstr(step, "SCAN"), NULL), "%s: %s", statements[i].name,
				  step);
			cr_assert(eq(ptr, strstr(step, "TEMP"), NULL), "%s: %s", statements[i].name,
				  step);
		}
		sqlite3_finalize(statement);
	}
	cr_assert(gt(sz, steps, 10));
	sqlite3_close(db);
}
