/* SPDX-License-Identifier: MIT */
/* L01, L02, L06: the files that a log is bound to, and whose they are. */
#include "support_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_sqlite/connection.h"

static char *
beside(const char *path, const char *suffix)
{
	static char names[4][1400];
	static int next;
	char *const name = names[next++ % 4];

	snprintf(name, sizeof(names[0]), "%s%s", path, suffix);
	return name;
}

static void
copy_file(const char *from, const char *to)
{
	struct noted noted = note(from);
	FILE *const file = fopen(to, "wb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(noted.bytes, 1, (size_t)noted.size, file), (size_t)noted.size));
	fclose(file);
	free(noted.bytes);
}

static struct reprise_log *
open_read_only(const char *path)
{
	struct reprise_log_sqlite_options options = options_of(path);

	options.is_read_only = 1;
	return opened(&options);
}

static bool
visit_none(const struct reprise_log_key *key, void *context)
{
	(void)key;
	(void)context;
	return true;
}

/* Every call answers @status, and its words name the file. */
static void
expect_all_refused(struct reprise_log *log, bool writes, reprise_status status, const char *name)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };

	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, &error), status), "%s", error.detail);
	cr_assert(ne(ptr, strstr(error.detail, name), NULL), "%s", error.detail);
	error.detail[0] = '\0';
	cr_assert(eq(int, reprise_log_each(log, "t", visit_none, NULL, &error), status));
	cr_assert(ne(ptr, strstr(error.detail, name), NULL), "%s", error.detail);
	if (!writes)
		return;
	error.detail[0] = '\0';
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, &error), status));
	cr_assert(ne(ptr, strstr(error.detail, name), NULL), "%s", error.detail);
}

Test(log_sqlite, L01_a_relative_path_is_not_followed_after_chdir)
{
	char *const here = scratch_path("here"), *const there = scratch_path("there");
	struct reprise_log *another = NULL;

	cr_assert(eq(int, mkdir(here, 0700), 0));
	cr_assert(eq(int, mkdir(there, 0700), 0));
	cr_assert(eq(int, chdir(here), 0));
	struct reprise_log *const log = open_at("log");

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, chdir(there), 0));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	/* A recorder opens its second connection so. */
	cr_assert(eq(int, log->adapter->another(log, &another, NULL), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(another), 2));
	cr_assert(eq(int, append_bytes(another, 10), REPRISE_OK));
	cr_assert(eq(i64, size_of(there, "/log"), -1));
	reprise_log_close(another);
	close_log(log);
	cr_assert(eq(int, chdir("/"), 0));
}

enum change {
	DELETED,
	RENAMED,
	REPLACED,
	LINKED,
	CHANGES
};

static void
make_change(enum change change, const char *name)
{
	char aside[1500];

	snprintf(aside, sizeof(aside), "%s.aside", name);
	if (change == REPLACED)
		copy_file(name, aside);
	if (change == DELETED)
		cr_assert(eq(int, unlink(name), 0));
	else if (change == RENAMED)
		cr_assert(eq(int, rename(name, aside), 0));
	else if (change == REPLACED)
		cr_assert(eq(int, rename(aside, name), 0));
	else
		cr_assert(eq(int, link(name, aside), 0));
}

static void
expect_bound(enum change change, const char *suffix)
{
	char number[32];

	snprintf(number, sizeof(number), "log%d%s", (int)change, suffix);
	char *const folder = scratch_path(number);
	char path[1400];

	cr_assert(eq(int, mkdir(folder, 0700), 0));
	snprintf(path, sizeof(path), "%s/log", folder);
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	struct reprise_log *const looker = open_read_only(path);
	char *const name = beside(path, suffix);

	cr_assert(eq(u64, head_of_k(looker), 1));
	make_change(change, name);
	expect_all_refused(log, true, REPRISE_E_IO, name);
	expect_all_refused(looker, false, REPRISE_E_IO, name);
	reprise_log_close(looker);
	close_log(log);
}

Test(log_sqlite, L01_a_database_that_was_deleted_renamed_replaced_or_linked_is_told)
{
	for (enum change change = DELETED; change < CHANGES; change++)
		expect_bound(change, "");
}

Test(log_sqlite, L01_a_file_beside_it_that_was_deleted_renamed_or_replaced_is_told)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-lock" };

	for (enum change change = DELETED; change < LINKED; change++)
		for (size_t i = 0; i < 3; i++)
			expect_bound(change, suffixes[i]);
}

Test(log_sqlite, L01_a_file_that_comes_back_is_used_again)
{
	char *const path = scratch_path("log"), *const aside = scratch_path("aside");
	struct reprise_log *const log = open_at(path);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, rename(path, aside), 0));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_E_IO));
	cr_assert(eq(int, rename(aside, path), 0));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 2));
	close_log(log);
}

/* Between a transaction's begin and its end. */
Test(log_sqlite, L01_nothing_is_acknowledged_that_went_to_a_file_without_a_name)
{
	char *const path = scratch_path("log");
	const char *const threads[] = { "k" };
	struct reprise_log *const log = open_at(path);
	struct reprise_error error = { .size = sizeof(error) };
	struct log_head head;

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(
		eq(int,
		   log->adapter->begin(log, LOG_SYNCED, "t", threads, 1, LOG_PATIENT, &head, NULL),
		   REPRISE_OK));
	cr_assert(eq(int, log->adapter->put_head(log, &head, NULL), REPRISE_OK));
	cr_assert(eq(int, unlink(path), 0));
	cr_assert(eq(int, log->adapter->commit(log, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "deleted or renamed"), NULL), "%s", error.detail);
	close_log(log);
}

Test(log_sqlite, L01_a_file_with_two_names_is_not_opened)
{
	char *const path = scratch_path("log"), *const link_name = scratch_path("link");
	struct reprise_log_sqlite_options options = options_of(link_name);
	struct reprise_error error = { .size = sizeof(error) };

	close_log(open_at(path));
	cr_assert(eq(int, link(path, link_name), 0));
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "hard link"), NULL), "%s", error.detail);
	options.is_read_only = 1;
	cr_assert(eq(int, open_status(&options, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "hard link"), NULL), "%s", error.detail);
	expect_no_leaks();
}

/*
 * SQLite keeps the descriptor of a connection that was closed, to use it again: in a child
 * it is closed.
 */
Test(log_sqlite, P04_a_child_opens_a_log_whose_parent_has_closed_a_handle)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	int ended = -1;

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	reprise_log_close(open_at(path));
	const pid_t child = fork();

	if (child == 0) {
		const struct reprise_log_sqlite_options options = options_of(path);
		struct reprise_log *own = NULL;

		_exit(reprise_log_sqlite_open(&options, &own, NULL) == REPRISE_OK &&
				      append_bytes(own, 10) == REPRISE_OK
			      ? 0
			      : 1);
	}
	cr_assert(eq(int, waitpid(child, &ended, 0), child));
	cr_assert(eq(int, ended, 0));
	cr_assert(eq(u64, head_of_k(log), 2));
	close_log(log);
}

/* Another program, which takes itself for the last one, deletes the -wal when it is done. */
static pid_t
start_other_program(const char *path, int go)
{
	const pid_t child = fork();
	char byte;

	if (child != 0)
		return child;
	sqlite3 *db = NULL;

	if (read(go, &byte, 1) != 1 || sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "SELECT count(*) FROM rows", NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	_exit(sqlite3_close(db) == SQLITE_OK ? 0 : 2);
}

Test(log_sqlite, L01_a_second_open_and_close_in_the_process_exposes_nothing)
{
	char *const path = scratch_path("log");
	int go[2], ended = -1;
	size_t count = 0;

	cr_assert(eq(int, pipe(go), 0));
	/* Before SQLite has anything open here. */
	const pid_t child = start_other_program(path, go[0]);
	struct reprise_log *const log = open_at(path);
	struct stat before, after;

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, stat(beside(path, "-wal"), &before), 0));
	/* This drops SQLite's locks. So does the end of another handle of ours. */
	close(open(path, O_RDONLY));
	reprise_log_close(open_read_only(path));
	cr_assert(eq(int, (int)write(go[1], "x", 1), 1));
	cr_assert(eq(int, waitpid(child, &ended, 0), child));
	cr_assert(eq(int, ended, 0));
	cr_assert(eq(int, stat(beside(path, "-wal"), &after), 0));
	cr_assert(eq(u64, before.st_ino, after.st_ino));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
	cr_assert(eq(sz, count, 2));
	close_log(log);
}

static void
expect_cut_off(const char *suffix, off_t bytes)
{
	char name[32];

	snprintf(name, sizeof(name), "cut%s%d", suffix, (int)bytes);
	char *const path = scratch_path(name);
	struct reprise_log *const log = open_at(path);

	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, append_bytes(log, 3000), REPRISE_OK));
	/* Of the database: all pages are in it. */
	if (suffix[0] == '\0')
		scratch_sql(path, "PRAGMA wal_checkpoint(PASSIVE)");
	cr_assert(eq(u64, head_of_k(log), 20));
	cr_assert(eq(int, truncate(beside(path, suffix), bytes), 0));
	expect_all_refused(log, true, REPRISE_E_CORRUPT, beside(path, suffix));
	close_log(log);
}

Test(log_sqlite, L02_a_file_that_is_cut_off_under_an_open_log_is_told)
{
	expect_cut_off("", 0);
	expect_cut_off("", 50);
	expect_cut_off("", 8192);
	expect_cut_off("-wal", 0);
	expect_cut_off("-wal", 32);
	expect_cut_off("-wal", 20000);
	expect_cut_off("-shm", 0);
}

/* By other programs, in ways that lose nothing. */
Test(log_sqlite, L02_a_file_that_shrinks_as_it_may_is_not_told)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	struct reprise_log *const looker = open_read_only(path);

	for (int i = 0; i < 50; i++)
		cr_assert(eq(int, append_bytes(log, 3000), REPRISE_OK));
	scratch_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
	const int64_t size = size_of(path, "");

	cr_assert(eq(i64, size_of(path, "-wal"), 0));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(looker), 51));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 40, NULL, NULL), REPRISE_OK));
	scratch_sql(path, "DELETE FROM rows WHERE last <= 40");
	scratch_sql(path, "VACUUM");
	scratch_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
	cr_assert(lt(i64, size_of(path, ""), size));
	cr_assert(eq(u64, head_of_k(looker), 51));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	reprise_log_close(looker);
	close_log(log);
}

static unsigned int
mode_of(const char *name)
{
	struct stat status;

	cr_assert(eq(int, stat(name, &status), 0));
	return status.st_mode & 0777;
}

Test(log_sqlite, L06_files_are_for_their_owner_alone_unless_asked)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char *const path = scratch_path("log"), *const wide = scratch_path("wide");
	struct reprise_log_sqlite_options options = options_of(wide);
	const mode_t mask = umask(0);
	struct reprise_log *log = open_at(path);

	for (size_t i = 0; i < 4; i++)
		cr_assert(eq(uint, mode_of(beside(path, suffixes[i])), 0600));
	close_log(log);
	umask(077);
	options.mode = 0664;
	log = opened(&options);
	for (size_t i = 0; i < 4; i++)
		cr_assert(eq(uint, mode_of(beside(wide, suffixes[i])), 0664));
	close_log(log);
	/* Of a file that is there it says nothing. */
	options.mode = 0600;
	close_log(opened(&options));
	cr_assert(eq(uint, mode_of(wide), 0664));
	umask(mask);
	options.mode = 01600;
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_INVALID));
	options.mode = 0400;
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_INVALID));
}

Test(log_sqlite, L06_what_root_creates_belongs_to_the_databases_owner)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-lock" };
	char *const path = scratch_path("log");
	struct stat status;

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	close_log(open_at(path));
	for (size_t i = 0; i < 3; i++)
		cr_assert(eq(int, unlink(beside(path, suffixes[i])), 0));
	cr_assert(eq(int, chown(path, 65534, 65534), 0));
	close_log(open_at(path));
	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(int, stat(beside(path, suffixes[i]), &status), 0));
		cr_assert(eq(uint, status.st_uid, 65534), "%s", suffixes[i]);
		cr_assert(eq(uint, status.st_gid, 65534), "%s", suffixes[i]);
	}
}

Test(log_sqlite, L06_a_fifo_is_refused_before_it_is_opened)
{
	char *const path = scratch_path("fifo");
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, mkfifo(path, 0600), 0));
	for (int i = 0; i < 2; i++) {
		options.is_read_only = i;
		cr_assert(eq(int, open_status(&options, &error), REPRISE_E_IO));
		cr_assert(ne(ptr, strstr(error.detail, "not a regular file"), NULL));
		cr_assert(ne(ptr, strstr(error.detail, path), NULL), "%s", error.detail);
	}
	cr_assert(eq(i64, size_of(path, "-lock"), -1));
}
