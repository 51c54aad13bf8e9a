/* SPDX-License-Identifier: MIT */
/* L55: nothing of an erased key can be read in the log's files. */
#include "support_sqlite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log_sqlite/connection.h"

enum {
	ENTRIES = 300,
	ENTRIES_OF_BOTH = 2 * ENTRIES,
};

static const struct reprise_log_key secret = { "t", "the secret name" };
static const struct reprise_log_key other = { "t", "the public name" };

/* How often the words stand in the database, the -wal and the -shm. */
static size_t
count_in_files(const char *path, const char *words)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	size_t count = 0;

	for (size_t i = 0; i < 4; i++) {
		char name[1400];
		const size_t length = strlen(words);

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (size_of(path, suffixes[i]) <= 0)
			continue;
		const struct noted file = note(name);

		for (int64_t at = 0; at + (int64_t)length <= file.size; at++)
			count += memcmp(file.bytes + at, words, length) == 0;
		free(file.bytes);
	}
	return count;
}

/* Entries of every size up to some pages, each with @words; from several commits. */
static void
fill(struct reprise_log *log, const struct reprise_log_key *key, const char *words)
{
	static char payload[9000];

	for (int i = 0; i < ENTRIES; i++) {
		const size_t size = i % 10 == 0 ? sizeof(payload) : (size_t)(40 + i);
		const struct reprise_log_new_entry entry = { .payload = { payload, size } };

		memset(payload, 'x', sizeof(payload));
		snprintf(payload, 40, "%s of %d", words, i);
		if (size == sizeof(payload))
			snprintf(payload + size - 20, 20, "%s", words);
		cr_assert(eq(int, reprise_log_append(log, key, NULL, &entry, 1, NULL, NULL),
			     REPRISE_OK));
	}
}

static struct reprise_log *
open_filled(const char *path)
{
	struct reprise_log *const log = open_at(path);

	/* Debian's SQLite overwrites by itself; others do not. */
	cr_assert(eq(int, connection_run(connection_of(log), "PRAGMA secure_delete = OFF", NULL),
		     REPRISE_OK));
	for (int i = 0; i < 2; i++) {
		fill(log, &secret, "secret words");
		fill(log, &other, "public words");
	}
	cr_assert(eq(int,
		     reprise_log_blob_put(log, &secret, NULL, "b",
					  (struct reprise_bytes){ "secret words", 12 }, NULL),
		     REPRISE_OK));
	return log;
}

static void
erase(struct reprise_log *log, const struct reprise_log_key *key, uint32_t flags)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_erase(log, key, flags, NULL, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
}

static void
expect_other(struct reprise_log *log)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &other, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	cr_assert(eq(u64, report.events, ENTRIES_OF_BOTH));
}

Test(log_sqlite, L55_nothing_of_an_erased_key_stands_in_the_files)
{
	const char *const path = scratch_path("log");
	struct reprise_log *const log = open_filled(path), *const reading = open_at(path);
	int64_t secure = -1;

	cr_assert(gt(sz, count_in_files(path, "secret words"), ENTRIES));
	cr_assert(gt(sz, count_in_files(path, "the secret name"), 0));
	erase(log, &secret, 0);
	cr_assert(eq(sz, count_in_files(path, "secret words"), 0));
	cr_assert(eq(sz, count_in_files(path, "the secret name"), 0));
	cr_assert(ge(sz, count_in_files(path, "public words"), ENTRIES_OF_BOTH));
	expect_other(log);
	expect_other(reading);
	/* The setting from before is set again. */
	cr_assert(eq(int, connection_ask(connection_of(log), "PRAGMA secure_delete", &secure, NULL),
		     REPRISE_OK));
	cr_assert(eq(i64, secure, 0));
	reprise_log_close(reading);
	close_log(log);
	/* The high-water mark named a key that is gone. */
	struct reprise_log *const again = open_at(path);

	expect_other(again);
	close_log(again);
}

Test(log_sqlite, L55_the_mark_of_the_newest_commit_never_names_an_erased_key)
{
	const char *const path = scratch_path("log");
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log *log = open_at(path);

	for (int i = 0; i < 3; i++) {
		const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };

		cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL),
			     REPRISE_OK));
		erase(log, &k, 0);
		close_log(log);
		log = open_at(path);
		cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	}
	close_log(log);
}

/*
 * SQLite leaves a few copies in free space when it splits a page; many are left where
 * nothing is overwritten.
 */
Test(log_sqlite, L55_without_a_rebuild_rows_are_overwritten_and_copies_in_free_space_are_left)
{
	const char *const path = scratch_path("log");
	struct reprise_log *const log = open_filled(path);

	erase(log, &secret, REPRISE_LOG_ERASE_NO_VACUUM);
	cr_assert(eq(i64, size_of(path, "-wal"), 0));
	cr_assert(lt(sz, count_in_files(path, "secret words"), ENTRIES / 20));
	expect_other(log);
	/* A later call removes them: the key need not be there any more. */
	erase(log, &secret, 0);
	cr_assert(eq(sz, count_in_files(path, "secret words"), 0));
	expect_other(log);
	close_log(log);
}

/* Rows that were moved to the archive have left copies behind. */
Test(log_sqlite, L55_what_was_deleted_before_is_gone_as_well)
{
	const char *const path = scratch_path("log");
	struct reprise_log *const log = open_filled(path);
	uint64_t count = 1;

	fill(log, &k, "secret words");
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 200, NULL, NULL), REPRISE_OK));
	while (count != 0)
		cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	erase(log, &k, REPRISE_LOG_ERASE_NO_VACUUM);
	erase(log, &secret, 0);
	cr_assert(eq(sz, count_in_files(path, "secret words"), 0));
	cr_assert(eq(sz, count_in_files(path, "the secret name"), 0));
	expect_other(log);
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
}

Test(log_sqlite, L55_a_snapshot_that_stays_is_told_and_the_call_may_be_made_again)
{
	const char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = open_filled(path), *const reading = open_at(path);
	struct log_head head;

	close_log(log);
	options.deadline_ns = 100000000;
	log = opened(&options);
	cr_assert(eq(int, reading->adapter->look(reading, "t", "the public name", &head, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_log_erase(log, &secret, 0, NULL, &error), REPRISE_E_TIMEOUT));
	cr_assert(eq(str, error.what, "-wal"));
	reading->adapter->leave(reading);
	erase(log, &secret, 0);
	cr_assert(eq(sz, count_in_files(path, "secret words"), 0));
	reprise_log_close(reading);
	close_log(log);
}

/* A process that is killed leaves the key whole, hidden, or gone; and the next call ends it. */
Test(log_sqlite, L55_a_process_that_is_killed_is_followed_by_another, .timeout = 120)
{
	for (int round = 0; round < 12; round++) {
		char name[32];

		snprintf(name, sizeof(name), "log%d", round);
		const char *const path = scratch_path(name);
		struct reprise_log *log = open_filled(path);

		close_log(log);
		const pid_t child = fork();

		if (child == 0) {
			log = open_at(path);
			_exit(reprise_log_erase(log, &secret, 0, NULL, NULL) != REPRISE_OK);
		}
		const struct timespec nap = { .tv_nsec = round * 2000000L };

		nanosleep(&nap, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		struct reprise_log_report report = { .size = sizeof(report) };

		log = open_at(path);
		const reprise_status status = reprise_log_verify(log, &secret, &report, NULL);

		if (status == REPRISE_OK) {
			cr_assert(eq(u64, report.faults, 0), "%s", report.what);
			cr_assert(report.events == 0 || report.events == ENTRIES_OF_BOTH);
		} else {
			cr_assert(eq(int, status, REPRISE_E_NOT_FOUND));
		}
		erase(log, &secret, 0);
		cr_assert(eq(sz, count_in_files(path, "secret words"), 0));
		expect_other(log);
		close_log(log);
	}
}
