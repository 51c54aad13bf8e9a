/* SPDX-License-Identifier: MIT */
/* C07 what is opened, and what is not. */
#include "support_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
write_file(const char *path, const void *data, size_t bytes)
{
	FILE *const file = fopen(path, "wb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(data, 1, bytes, file), bytes));
	fclose(file);
}

/* A log of 50 entries in a file, all of it. */
static char *
file_with_log(void)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);

	for (int i = 0; i < 50; i++)
		cr_assert(eq(int, append_bytes(log, 1000), REPRISE_OK));
	close_log(log);
	return path;
}

/* Refused, with nothing written to it nor left beside it. */
static void
expect_refused(const char *path, reprise_status status, const char *detail)
{
	const struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };
	const bool has_lock = size_of(path, "-lock") >= 0;
	struct noted noted = note(path);

	cr_assert(eq(int, open_status(&options, &error), status), "%s", error.detail);
	cr_assert(eq(int, error.status, status));
	cr_assert(ne(ptr, strstr(error.detail, detail), NULL), "%s", error.detail);
	expect_as_noted(&noted);
	if (!has_lock && status == REPRISE_E_CORRUPT)
		cr_expect(eq(i64, size_of(path, "-wal"), -1));
}

Test(log_sqlite, C07_a_file_that_is_not_there_is_made)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);

	options.deadline_ns = 0; /* the default */
	struct reprise_log *log = opened(&options);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
	cr_assert(gt(i64, size_of(path, ""), 0));
	cr_assert(gt(i64, size_of(path, "-lock"), 0));
	/* All of it is in the file. */
	cr_assert(eq(i64, size_of(path, "-wal"), 0));
	log = open_at(path);
	cr_assert(eq(u64, head_of_k(log), 1));
	close_log(log);
}

Test(log_sqlite, C07_an_empty_file_becomes_a_log)
{
	char *const path = scratch_path("log"), *const database = scratch_path("database");

	write_file(path, "", 0);
	struct reprise_log *log = open_at(path);

	close_log(log);
	scratch_sql(database, "VACUUM");
	log = open_at(database);
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
}

Test(log_sqlite, C07_a_text_is_refused)
{
	static const char text[] =
		"Call me Ishmael. Some years ago - never mind how long precisely - "
		"having little or no money in my purse, and nothing particular";
	char *const path = scratch_path("text");

	write_file(path, text, sizeof(text));
	expect_refused(path, REPRISE_E_CORRUPT, "the file is not a SQLite database");
	write_file(path, text, 20);
	expect_refused(path, REPRISE_E_CORRUPT, "the file is not a SQLite database");
	write_file(path, "x", 1);
	expect_refused(path, REPRISE_E_CORRUPT, "the file is not a SQLite database");
	cr_assert(eq(i64, size_of(path, "-lock"), -1));
	expect_no_leaks();
}

Test(log_sqlite, C07_another_applications_file_is_refused)
{
	char *const path = scratch_path("other");

	scratch_sql(path, "CREATE TABLE rows (x); PRAGMA application_id = 12345");
	expect_refused(path, REPRISE_E_CORRUPT, "another application");
	cr_assert(eq(i64, size_of(path, "-lock"), -1));
	expect_no_leaks();
}

Test(log_sqlite, C07_a_file_that_says_nothing_is_refused_if_it_has_tables)
{
	char *const path = scratch_path("other");

	scratch_sql(path, "CREATE TABLE heads (x)");
	expect_refused(path, REPRISE_E_CORRUPT, "another application");
	scratch_sql(path, "DROP TABLE heads; PRAGMA user_version = 1");
	expect_refused(path, REPRISE_E_CORRUPT, "another application");
	expect_no_leaks();
}

Test(log_sqlite, C07_a_newer_version_is_refused)
{
	char *const path = file_with_log();

	scratch_sql(path, "PRAGMA journal_mode = DELETE; PRAGMA user_version = 6");
	expect_refused(path, REPRISE_E_VERSION, "newer");
	scratch_sql(path, "PRAGMA user_version = 0");
	expect_refused(path, REPRISE_E_CORRUPT, "no schema version");
	scratch_sql(path, "PRAGMA user_version = 5");
	close_log(open_at(path));
}

/* Also when only the write-ahead log says so. */
Test(log_sqlite, C07_a_newer_version_beside_the_file_is_refused)
{
	char *const path = file_with_log();

	scratch_sql(path, "PRAGMA user_version = 6");
	cr_assert(gt(i64, size_of(path, "-wal"), 0));
	expect_refused(path, REPRISE_E_VERSION, "newer");
	expect_no_leaks();
}

Test(log_sqlite, C07_a_file_that_was_cut_off_is_refused)
{
	char *const path = file_with_log();
	const int64_t size = size_of(path, "");

	cr_assert(eq(int, truncate(path, size - 4096), 0));
	expect_refused(path, REPRISE_E_CORRUPT, "truncated");
	cr_assert(eq(int, truncate(path, size / 2 + 100), 0));
	expect_refused(path, REPRISE_E_CORRUPT, "truncated");
	cr_assert(eq(int, truncate(path, 4096), 0));
	expect_refused(path, REPRISE_E_CORRUPT, "truncated");
	cr_assert(eq(int, truncate(path, 100), 0));
	expect_refused(path, REPRISE_E_CORRUPT, "truncated");
	cr_assert(eq(int, truncate(path, 99), 0));
	expect_refused(path, REPRISE_E_CORRUPT, "not a SQLite database");
	expect_no_leaks();
}

Test(log_sqlite, C07_a_table_that_is_missing_is_damage)
{
	static const char *const tables[] = { "heads",   "lives",   "rows", "rises",
					      "commits", "archive", "blobs" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char *const path = scratch_path(tables[i]);
		const struct reprise_log_sqlite_options options = options_of(path);
		struct reprise_error error = { .size = sizeof(error) };
		char drop[64];

		close_log(open_at(path));
		snprintf(drop, sizeof(drop), "DROP TABLE %s", tables[i]);
		scratch_sql(path, drop);
		cr_assert(eq(int, open_status(&options, &error), REPRISE_E_CORRUPT));
		cr_assert(ne(ptr, strstr(error.detail, tables[i]), NULL), "%s", error.detail);
	}
	expect_no_leaks();
}

Test(log_sqlite, C07_an_older_version_is_brought_up_to_date)
{
	char *const path = file_with_log();
	uint64_t count = 0;

	make_version_1(path);
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(u64, head_of_k(log), 50));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 20, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 20));
	close_log(log);
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), VERSION_NOW));
	cr_assert(eq(i64, scratch_ask(path, "SELECT count(*) FROM archive"), 20));
}

Test(log_sqlite, C07_a_step_that_fails_leaves_it_as_it_was)
{
	char *const path = file_with_log();
	const struct reprise_log_sqlite_options options = options_of(path);

	make_version_1(path);
	scratch_sql(path, "CREATE TABLE archive (x)");
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_CORRUPT));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), 1));
	scratch_sql(path, "DROP TABLE archive");
	close_log(open_at(path));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), VERSION_NOW));
}

Test(log_sqlite, C07_read_only_reads_and_makes_nothing)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_ordinal expected = 50;
	size_t count = 0;

	options.is_read_only = 1;
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_NOT_FOUND));
	cr_assert(eq(str, error.what, "path"));
	cr_assert(eq(i64, size_of(path, ""), -1));
	cr_assert(eq(i64, size_of(path, "-lock"), -1));
	file_with_log();
	struct reprise_log *const log = opened(&options);
	const struct reprise_log_new_entry entry = { .revision = 1 };

	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, 50));
	cr_assert(eq(int, reprise_log_append(log, &k, &expected, &entry, 1, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_read_only"));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 9, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, &error), REPRISE_E_INVALID));
	close_log(log);
	make_version_1(path);
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_VERSION));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA user_version"), 1));
}

Test(log_sqlite, L54_read_only_prunes_nothing_also_without_an_entry_beyond_the_limits)
{
	struct reprise_log_sqlite_options options = options_of(file_with_log());
	struct reprise_log_retention retention = { .size = sizeof(retention),
						   .includes_direct = 1 };
	struct reprise_error error = { .size = sizeof(error) };
	static const struct {
		const char *tenant;
		uint64_t entries_max;
	} cases[] = { { "t", 1 }, { "t", 1000 }, { "nobody", 1 } };

	options.is_read_only = 1;
	struct reprise_log *const log = opened(&options);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		retention.entries_max = cases[i].entries_max;
		error.what[0] = '\0';
		cr_expect(eq(int, reprise_log_prune(log, cases[i].tenant, &retention, NULL, &error),
			     REPRISE_E_INVALID));
		cr_expect(eq(str, error.what, "is_read_only"));
	}
	close_log(log);
}

Test(log_sqlite, L50_read_only_gets_blobs_and_puts_none)
{
	char *const path = file_with_log();
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { "bytes", 5 };
	struct reprise_log *log = open_at(path);

	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b", bytes, NULL), REPRISE_OK));
	close_log(log);
	options.is_read_only = 1;
	log = opened(&options);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "b", page, &bytes, NULL), REPRISE_OK));
	cr_assert(eq(int, memcmp(bytes.data, "bytes", 5), 0));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b", bytes, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_read_only"));
	reprise_log_page_close(page);
	close_log(log);
}

/* The file is bound as for every call: L01. */
Test(log_sqlite, L50_a_file_that_was_replaced_takes_no_blob)
{
	char *const path = file_with_log(), *const aside = scratch_path("aside");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *const log = open_at(path);
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { "bytes", 5 };

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, rename(path, aside), 0));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b", bytes, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "path"));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "b", page, &bytes, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "path"));
	cr_assert(eq(int, rename(aside, path), 0));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b", bytes, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "b", page, &bytes, NULL), REPRISE_OK));
	reprise_log_page_close(page);
	close_log(log);
}

/* In a child that is nobody: the status of opening. */
static reprise_status
open_as_nobody(const char *path)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0) {
		const struct reprise_log_sqlite_options options = options_of(path);

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(1);
		_exit(-(int)open_status(&options, NULL));
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, WIFEXITED(status) != 0, 1));
	return (reprise_status)-WEXITSTATUS(status);
}

Test(log_sqlite, C07_what_cannot_be_written_is_said)
{
	char *const path = file_with_log(), *const folder = scratch_path(".");

	cr_assert(eq(int, chmod(folder, 0755), 0));
	cr_assert(eq(int, chmod(path, 0444), 0));
	cr_assert(eq(int, open_as_nobody(path), REPRISE_E_IO));
	cr_assert(eq(int, chmod(folder, 0555), 0));
	cr_assert(eq(int, open_as_nobody(scratch_path("new")), REPRISE_E_IO));
	cr_assert(eq(int, chmod(folder, 0777), 0));
	cr_assert(eq(int, chmod(path, 0), 0));
	cr_assert(eq(int, open_as_nobody(path), REPRISE_E_IO));
	/* The lock is for whoever the file is for. */
	cr_assert(eq(int, chmod(path, 0666), 0));
	char lock[1400];

	snprintf(lock, sizeof(lock), "%s-lock", path);
	cr_assert(eq(int, unlink(lock), 0));
	close_log(open_at(path));
	struct stat status;

	cr_assert(eq(int, stat(lock, &status), 0));
	cr_assert(eq(int, status.st_mode & 0777, 0666));
}

Test(log_sqlite, C07_what_is_no_file_is_said)
{
	struct reprise_log_sqlite_options options = options_of(scratch_path("."));
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_IO), "%s", error.detail);
	options.path = scratch_path("no/such/folder");
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_IO));
	options.path = "/dev/null";
	cr_assert(ne(int, open_status(&options, &error), REPRISE_OK));
	cr_assert(eq(i64, size_of("/dev/null", "-lock"), -1));
	expect_no_leaks();
}

/* Else two who reach it by different ways would not take turns. */
Test(log_sqlite, C07_the_lock_stands_beside_the_file_itself)
{
	char *const path = file_with_log(), *const link = scratch_path("link");

	cr_assert(eq(int, symlink(path, link), 0));
	struct reprise_log *const log = open_at(link);

	cr_assert(eq(u64, head_of_k(log), 50));
	cr_assert(eq(i64, size_of(link, "-lock"), -1));
	close_log(log);
}

Test(log_sqlite, refuses_options_that_are_none)
{
	char *const path = scratch_path("log");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	struct reprise_log_sqlite_options bad[9];
	static const char *const what[9] = {
		"options: size",    "path",         "path", "path", "deadline_ns", "durability",
		"deletes_archived", "is_read_only", "mode"
	};

	for (size_t i = 0; i < 9; i++)
		bad[i] = options_of(path);
	bad[0].size = 8;
	bad[1].path = NULL;
	bad[2].path = "";
	bad[3].path = ":memory:";
	bad[4].deadline_ns = 3601 * one_second;
	bad[5].durability = (reprise_durability)3;
	bad[6].deletes_archived = -1;
	bad[7].is_read_only = 2;
	bad[8].mode = 0400;
	for (size_t i = 0; i < 9; i++) {
		cr_assert(
			eq(int, reprise_log_sqlite_open(&bad[i], &log, &error), REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)what[i]));
	}
	cr_assert(eq(ptr, log, NULL));
	cr_assert(eq(int, reprise_log_sqlite_open(NULL, &log, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "options"));
	cr_assert(eq(int, reprise_log_sqlite_open(&bad[0], NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_log"));
	cr_assert(eq(i64, size_of(path, ""), -1));
	expect_no_leaks();
}

/* Each child ends with 0 if the file was opened. */
static int
open_in_children(const char *path, int count)
{
	int failed = 0;

	for (int i = 0; i < count; i++) {
		const pid_t child = fork();

		cr_assert(ne(int, child, -1));
		if (child == 0) {
			const struct reprise_log_sqlite_options options = options_of(path);
			struct reprise_log *log = NULL;
			const reprise_status status = reprise_log_sqlite_open(&options, &log, NULL);

			if (status == REPRISE_OK)
				reprise_log_close(log);
			_exit(status == REPRISE_OK ? 0 : 1);
		}
	}
	for (int i = 0, exited; i < count; i++) {
		cr_assert(ne(int, wait(&exited), -1));
		failed += exited != 0;
	}
	return failed;
}

Test(log_sqlite, C07_several_processes_may_make_a_file_at_once)
{
	for (int i = 0; i < 30; i++) {
		char name[16];

		snprintf(name, sizeof(name), "log%d", i);
		cr_assert(eq(int, open_in_children(scratch_path(name), 6), 0));
	}
}
