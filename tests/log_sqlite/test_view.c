/* SPDX-License-Identifier: MIT */
/* L04: a log that only reads creates nothing. L05: many logs that read keep the -wal small. */
#include "support_sqlite.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ENTRIES = 20,
	THREADS = 10,
};

static void
copy_beside(const char *from, const char *to, const char *suffix)
{
	char name[1400];

	snprintf(name, sizeof(name), "%s%s", from, suffix);
	struct noted noted = note(name);

	snprintf(name, sizeof(name), "%s%s", to, suffix);
	FILE *const file = fopen(name, "wb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(noted.bytes, 1, (size_t)noted.size, file), (size_t)noted.size));
	fclose(file);
	free(noted.bytes);
	cr_assert(eq(int, chmod(name, 0444), 0));
}

/*
 * A folder with a copy of a log, made while all but the schema was in its -wal, or after
 * it was closed.
 */
static char *
make_copy(const char *folder_name, bool has_wal)
{
	static char path[1400];
	char *const from = scratch_path(has_wal ? "log-ahead" : "log"),
		    *const folder = scratch_path(folder_name);
	struct reprise_log *const log = open_at(from);

	cr_assert(eq(int, chmod(scratch_path("."), 0755), 0));
	for (int i = 0; i < ENTRIES; i++)
		cr_assert(eq(int, append_bytes(log, 500), REPRISE_OK));
	if (!has_wal)
		close_log(log);
	cr_assert(eq(int, mkdir(folder, 0755), 0));
	snprintf(path, sizeof(path), "%s/a ?#%%41'.db", folder);
	copy_beside(from, path, "");
	if (has_wal) {
		copy_beside(from, path, "-wal");
		close_log(log);
	}
	return path;
}

static int
count_files(const char *folder)
{
	DIR *const directory = opendir(folder);
	int count = 0;

	cr_assert(ne(ptr, directory, NULL));
	for (const struct dirent *file; (file = readdir(directory)) != NULL;)
		count += file->d_name[0] != '.';
	closedir(directory);
	return count;
}

static struct reprise_log *
open_read_only(const char *path)
{
	struct reprise_log_sqlite_options options = options_of(path);

	options.is_read_only = 1;
	return opened(&options);
}

/* In a child that is nobody, if this is root: how many entries it reads. */
static int
count_as_nobody(const char *path)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct reprise_log_sqlite_options options = options_of(path);
		struct reprise_log *log = NULL;
		struct reprise_log_stats stats = { .size = sizeof(stats) };

		options.is_read_only = 1;
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(101);
		if (reprise_log_sqlite_open(&options, &log, NULL) != REPRISE_OK)
			_exit(102);
		if (reprise_log_stats(log, &k, &stats, NULL) != REPRISE_OK)
			_exit(103);
		reprise_log_close(log);
		_exit((int)stats.head);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, WIFEXITED(status) != 0, 1));
	return WEXITSTATUS(status);
}

static void
expect_read_without_traces(const char *folder, bool has_wal)
{
	char *const path = make_copy(folder, has_wal);
	size_t count = 0;
	struct reprise_log *const log = open_read_only(path);

	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, ENTRIES));
	cr_assert(eq(int, count_files(scratch_path(folder)), has_wal ? 2 : 1));
	close_log(log);
	cr_assert(eq(int, count_files(scratch_path(folder)), has_wal ? 2 : 1));
	/* And where nothing could be created. */
	cr_assert(eq(int, chmod(scratch_path(folder), 0555), 0));
	cr_assert(eq(int, count_as_nobody(path), ENTRIES));
	cr_assert(eq(int, count_files(scratch_path(folder)), has_wal ? 2 : 1));
	cr_assert(eq(int, chmod(scratch_path(folder), 0755), 0));
}

Test(log_sqlite, L04_a_bare_copy_is_read_without_traces)
{
	expect_read_without_traces("bare", false);
}

Test(log_sqlite, L04_a_copy_with_its_wal_is_read_whole_and_without_traces)
{
	expect_read_without_traces("with", true);
}

static void
expect_follows(const char *folder, bool has_wal)
{
	char *const path = make_copy(folder, has_wal);
	char wal[1420];
	struct reprise_log *const looker = open_read_only(path);

	cr_assert(eq(int, chmod(path, 0600), 0));
	snprintf(wal, sizeof(wal), "%s-wal", path);
	(void)chmod(wal, 0600);
	cr_assert(eq(u64, head_of_k(looker), ENTRIES));
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(looker), ENTRIES + 1));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(looker), ENTRIES + 2));
	close_log(log);
	cr_assert(eq(u64, head_of_k(looker), ENTRIES + 2));
	reprise_log_close(looker);
}

Test(log_sqlite, L04_who_reads_a_copy_sees_what_is_written_to_it_later)
{
	expect_follows("bare", false);
	expect_follows("with", true);
}

/* Written and closed again between two looks; what SQLite had beside the file is gone. */
Test(log_sqlite, L04_who_reads_a_copy_sees_what_was_written_meanwhile)
{
	char *const path = make_copy("bare", false);
	struct reprise_log *const looker = open_read_only(path);

	cr_assert(eq(int, chmod(path, 0600), 0));
	cr_assert(eq(u64, head_of_k(looker), ENTRIES));
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	reprise_log_close(log);
	for (size_t i = 0; i < 2; i++) {
		char name[1420];

		snprintf(name, sizeof(name), "%s%s", path, i == 0 ? "-wal" : "-shm");
		(void)unlink(name);
	}
	cr_assert(eq(u64, head_of_k(looker), ENTRIES + 1));
	reprise_log_close(looker);
}

struct reading {
	const char *path;
	atomic_bool *is_over;
	pthread_t thread;
	uint64_t pages;
	bool is_good;
};

/* Pages through the log again and again, without a pause. */
static void *
read_on(void *context)
{
	struct reading *const reading = context;
	const struct reprise_log_sqlite_options options = options_of(reading->path);
	struct reprise_log *log = NULL;
	struct reprise_log_page *page = NULL;
	reprise_ordinal after = 0;

	reading->is_good = reprise_log_sqlite_open(&options, &log, NULL) == REPRISE_OK &&
			   reprise_log_page_open(&page) == REPRISE_OK;
	while (reading->is_good && !atomic_load(reading->is_over)) {
		size_t count = 0;

		reading->is_good = reprise_log_load_after(log, &k, after, 100, 256 << 10, page,
							  NULL) == REPRISE_OK;
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		after = count > 0 ? entries[count - 1].last : 0;
		reading->pages++;
	}
	reprise_log_page_close(page);
	reprise_log_close(log);
	return NULL;
}

Test(log_sqlite, L05_readers_that_page_without_pause_keep_the_wal_bounded)
{
	enum {
		BYTES = 40000,
		COUNT = 600
	};
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	struct reading readings[THREADS];
	atomic_bool is_over = false;
	int64_t peak = 0;

	options.durability = REPRISE_WRITTEN;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, append_bytes(log, BYTES), REPRISE_OK));
	for (size_t i = 0; i < THREADS; i++) {
		readings[i] = (struct reading){ .path = path, .is_over = &is_over };
		cr_assert(eq(int, pthread_create(&readings[i].thread, NULL, read_on, &readings[i]),
			     0));
	}
	for (int i = 0; i < COUNT; i++) {
		cr_assert(eq(int, append_bytes(log, BYTES), REPRISE_OK));
		const int64_t size = size_of(path, "-wal");

		peak = size > peak ? size : peak;
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < THREADS; i++) {
		cr_assert(eq(int, pthread_join(readings[i].thread, NULL), 0));
		cr_assert(eq(int, readings[i].is_good, true));
		cr_assert(gt(u64, readings[i].pages, 0));
	}
	cr_log_info("-wal at most %lld of %d bytes", (long long)peak, BYTES * COUNT);
	/*
	 * 8 to 16 MB; the rest is for threads that the machine keeps from running.
	 * Unbounded: 36 MB.
	 */
	cr_assert(lt(i64, peak, (int64_t)BYTES * COUNT / 5 * 6), "%lld", (long long)peak);
	close_log(log);
}
