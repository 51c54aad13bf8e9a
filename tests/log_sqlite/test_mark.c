/* SPDX-License-Identifier: MIT */
/*
 * L03: a synced commit that the database has lost is told, and nothing that is well is
 * taken for that.
 */
#include "support_sqlite.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_sqlite/mark.h"

enum {
	ENTRIES = 12,
};

static void
put_file(const char *path, const char *suffix, const struct noted *noted)
{
	char name[1400];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	FILE *const file = fopen(name, "wb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(noted->bytes, 1, (size_t)noted->size, file), (size_t)noted->size));
	fclose(file);
}

static void
remove_beside(const char *path, const char *suffix)
{
	char name[1400];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	(void)unlink(name);
}

/* The files as kill -9 would leave them, without the -shm. */
struct left {
	struct noted database, wal, lock;
};

static struct left
leave(const char *path)
{
	char wal[1400], lock[1400];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	return (struct left){ note(path), note(wal), note(lock) };
}

static void
put_left(const char *path, const struct left *left)
{
	remove_beside(path, "-shm");
	put_file(path, "", &left->database);
	put_file(path, "-wal", &left->wal);
	put_file(path, "-lock", &left->lock);
}

static void
free_left(struct left *left)
{
	free(left->database.bytes);
	free(left->wal.bytes);
	free(left->lock.bytes);
}

static struct left
leave_entries(const char *name, reprise_durability durability)
{
	char *const path = scratch_path(name);
	struct reprise_log_sqlite_options options = options_of(path);

	options.durability = durability;
	struct reprise_log *const log = opened(&options);

	for (int i = 0; i < ENTRIES; i++)
		cr_assert(eq(int, append_bytes(log, 500), REPRISE_OK));
	const struct left left = leave(path);

	close_log(log);
	return left;
}

static void
expect_entries(const char *path, size_t expected)
{
	struct reprise_log *const log = open_at(path);
	size_t count = 0;

	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, expected));
	close_log(log);
}

static void
expect_missing(const char *path, const char *how)
{
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };

	for (int i = 0; i < 2; i++) {
		options.is_read_only = i;
		cr_assert(eq(int, open_status(&options, &error), REPRISE_E_CORRUPT), "%s, %d", how,
			  i);
		cr_assert(ne(ptr, strstr(error.detail, path), NULL), "%s", error.detail);
	}
}

Test(log_sqlite, L03_damage_anywhere_in_the_wal_is_told)
{
	char *const path = scratch_path("damaged");
	struct left left = leave_entries("log", REPRISE_SYNCED);

	put_left(path, &left);
	expect_entries(path, ENTRIES);
	for (int64_t i = 0; i < 60; i++) {
		const int64_t at = i < 8 ? i * 4 : (left.wal.size - 1) * i / 59;

		left.wal.bytes[at] ^= 0x10;
		put_left(path, &left);
		left.wal.bytes[at] ^= 0x10;
		expect_missing(path, "a bit");
	}
	for (int64_t i = 0; i < 20; i++) {
		const int64_t size = left.wal.size;

		left.wal.size = (size - 1) * i / 19;
		put_left(path, &left);
		left.wal.size = size;
		expect_missing(path, "truncated");
	}
	put_left(path, &left);
	remove_beside(path, "-wal");
	expect_missing(path, "no -wal");
	/* It was only looked at. */
	put_left(path, &left);
	expect_entries(path, ENTRIES);
	free_left(&left);
}

Test(log_sqlite, L03_who_removes_the_lock_goes_on_with_what_is_left)
{
	char *const path = scratch_path("damaged");
	struct left left = leave_entries("log", REPRISE_SYNCED);

	left.wal.bytes[left.wal.size / 2] ^= 1;
	put_left(path, &left);
	expect_missing(path, "a bit");
	remove_beside(path, "-lock");
	struct reprise_log *const log = open_at(path);

	cr_assert(lt(u64, head_of_k(log), ENTRIES));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
	close_log(open_at(path));
	free_left(&left);
}

Test(log_sqlite, L03_an_older_copy_under_a_newer_lock_is_told)
{
	char *const path = scratch_path("log");
	struct left left = leave_entries("log", REPRISE_SYNCED);
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
	put_file(path, "", &left.database);
	put_file(path, "-wal", &left.wal);
	remove_beside(path, "-shm");
	expect_missing(path, "older");
	free_left(&left);
}

/* As after a power loss: the mark was not synced, what it speaks of was. */
Test(log_sqlite, L03_a_mark_that_is_behind_or_torn_raises_no_alarm)
{
	char *const path = scratch_path("copy");
	struct left left = leave_entries("log", REPRISE_SYNCED);
	struct mark mark;

	for (int64_t size = 0; size <= left.lock.size; size++) {
		struct noted lock = left.lock;

		lock.size = size;
		put_left(path, &left);
		put_file(path, "-lock", &lock);
		expect_entries(path, ENTRIES);
	}
	for (int64_t at = 0; at < left.lock.size; at++) {
		left.lock.bytes[at] ^= 4;
		put_left(path, &left);
		left.lock.bytes[at] ^= 4;
		expect_entries(path, ENTRIES);
	}
	put_left(path, &left);
	char lock[1400];

	snprintf(lock, sizeof(lock), "%s-lock", path);
	const int fd = open(lock, O_RDWR | O_CLOEXEC);

	cr_assert(eq(int, mark_read(fd, &mark), true));
	cr_assert(eq(u64, mark.writes, ENTRIES));
	mark.writes = 1;
	cr_assert(eq(int, mark_write(fd, &mark), 0));
	close(fd);
	expect_entries(path, ENTRIES);
	free_left(&left);
}

/* Commits that were only written may be gone after a power loss, without being damage. */
Test(log_sqlite, L03_what_was_not_synced_is_not_marked)
{
	char *const path = scratch_path("copy");
	struct left left = leave_entries("log", REPRISE_WRITTEN);

	left.wal.size = left.wal.size / 2;
	put_left(path, &left);
	struct reprise_log *const log = open_at(path);

	cr_assert(lt(u64, head_of_k(log), ENTRIES));
	close_log(log);
	free_left(&left);
}

Test(log_sqlite, L03_other_programs_may_checkpoint_and_delete_the_wal)
{
	char *const path = scratch_path("copy");
	struct left left = leave_entries("log", REPRISE_SYNCED);
	sqlite3 *db = NULL;

	put_left(path, &left);
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, "SELECT count(*) FROM rows", NULL, NULL, NULL),
		     SQLITE_OK));
	cr_assert(eq(int, sqlite3_close(db), SQLITE_OK));
	cr_assert(eq(i64, size_of(path, "-wal"), -1));
	expect_entries(path, ENTRIES);
	scratch_sql(path, "VACUUM");
	expect_entries(path, ENTRIES);
	free_left(&left);
}

Test(log_sqlite, L03_verify_tells_what_is_missing)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 0));
	/* As if a commit had vanished. */
	scratch_sql(path, "UPDATE heads SET writes = writes - 1");
	cr_assert(eq(int, reprise_log_verify(log, &k, &report, NULL), REPRISE_OK));
	cr_assert(ge(u64, report.faults, 1));
	cr_assert(eq(str, report.what, "synced commits are missing"));
	close_log(log);
}

Test(log_sqlite, L03_a_database_cut_to_nothing_does_not_become_a_new_log)
{
	char *const path = scratch_path("log");
	const struct reprise_log_sqlite_options options = options_of(path);
	struct left left = leave_entries("log", REPRISE_SYNCED);
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, truncate(path, 0), 0));
	expect_missing(path, "but had a log");
	cr_assert(eq(i64, size_of(path, ""), 0));
	/* The -wal alone tells it as well, and is not deleted. */
	put_left(path, &left);
	remove_beside(path, "-lock");
	cr_assert(eq(int, truncate(path, 0), 0));
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_CORRUPT));
	cr_assert(ne(ptr, strstr(error.detail, "but had a log"), NULL), "%s", error.detail);
	cr_assert(eq(i64, size_of(path, "-wal"), left.wal.size));
	/* A log that nothing was ever committed to, too. */
	char *const other = scratch_path("other");

	close_log(open_at(other));
	cr_assert(eq(int, truncate(other, 0), 0));
	expect_missing(other, "but had a log");
	free_left(&left);
}

Test(log_sqlite, L50_a_blob_that_the_database_has_lost_is_told)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	struct left before = leave(path);

	cr_assert(eq(int,
		     reprise_log_blob_put(log, &k, NULL, "b", (struct reprise_bytes){ "bytes", 5 },
					  NULL),
		     REPRISE_OK));
	struct left after = leave(path);

	close_log(log);
	put_left(path, &before);
	put_file(path, "-lock", &after.lock);
	expect_missing(path, "the commit of a put");
	free_left(&before);
	free_left(&after);
}

/* To delete it is to begin anew, whatever stands beside it. */
Test(log_sqlite, L03_a_database_that_was_deleted_is_created)
{
	char *const path = scratch_path("log");
	struct left left = leave_entries("log", REPRISE_SYNCED);

	put_left(path, &left);
	cr_assert(eq(int, unlink(path), 0));
	expect_entries(path, 0);
	free_left(&left);
}

static void
append_until_killed(const char *path, atomic_ulong *acknowledged)
{
	const struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_log *log = NULL;

	if (reprise_log_sqlite_open(&options, &log, NULL) != REPRISE_OK)
		_exit(1);
	while (append_bytes(log, 3000) == REPRISE_OK)
		atomic_fetch_add(acknowledged, 1);
	_exit(1);
}

Test(log_sqlite, L03_a_killed_process_raises_no_alarm)
{
	char *const path = scratch_path("log");
	atomic_ulong *const acknowledged =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int round = 1; round <= 15; round++) {
		const pid_t child = fork();
		size_t count = 0;

		if (child == 0)
			append_until_killed(path, acknowledged);
		while (atomic_load(acknowledged) < 20ul * (unsigned int)round)
			usleep(500);
		usleep((useconds_t)(round * 37));
		cr_assert(eq(int, kill(child, SIGKILL), 0));
		cr_assert(eq(int, waitpid(child, NULL, 0), child));
		struct reprise_log *const log = open_at(path);

		cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
		cr_assert(ge(sz, count, atomic_load(acknowledged)));
		close_log(log);
	}
	munmap(acknowledged, 4096);
}
