/* SPDX-License-Identifier: MIT */
/* Which files are opened, and what becomes of a store whose file is moved away. */
#include "support_threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "thread_sqlite/connection.h"

static void
write_file(const char *path, const void *data, size_t bytes)
{
	FILE *const file = fopen(path, "wb");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(data, 1, bytes, file), bytes));
	fclose(file);
}

static mode_t
mode_of(const char *path)
{
	struct stat status;

	cr_assert(eq(int, stat(path, &status), 0), "%s", path);
	return status.st_mode & 0777;
}

static bool
is_there(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

Test(thread_sqlite, B01_a_file_that_is_not_there_is_made_for_its_owner_alone)
{
	char *const path = scratch_path("threads"), *const shared = scratch_path("shared");
	struct reprise_thread_sqlite_options options = default_options();
	struct reprise_thread_store *store = open_at(path);

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(u32, mode_of(path), 0600));
	cr_assert(eq(u32, mode_of(beside(path, "-wal")), 0600));
	reprise_thread_store_close(store);
	options.mode = 0660;
	umask(077);
	cr_assert(eq(int, reprise_thread_sqlite_open(shared, &options, &store, NULL), REPRISE_OK));
	cr_assert(eq(u32, mode_of(shared), 0660));
	cr_assert(eq(u32, mode_of(beside(shared, "-shm")), 0660));
	reprise_thread_store_close(store);
	/* NULL: the defaults. */
	cr_assert(eq(int, open_status(path, NULL, NULL), REPRISE_OK));
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_store_that_is_to_be_there_is_not_created)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_sqlite_options options = default_options();
	struct reprise_error error = { .size = sizeof(error) };
	struct stat status;

	options.is_set_up = 1;
	cr_assert(eq(int, open_status(path, &options, &error), REPRISE_E_NOT_FOUND));
	cr_assert(eq(str, error.what, (char *)"path"));
	cr_assert(not(is_there(path)));
	fclose(fopen(path, "w"));
	cr_assert(eq(int, open_status(path, &options, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, stat(path, &status), 0));
	cr_assert(eq(i64, status.st_size, 0));
	cr_assert(eq(int, open_status(path, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, open_status(path, &options, NULL), REPRISE_OK));
	expect_no_leaks();
}

static void
expect_bad_option(const struct reprise_thread_sqlite_options *options, const char *what)
{
	char *const path = scratch_path("bad");
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, open_status(path, options, &error), REPRISE_E_INVALID), "%s", what);
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(not(is_there(path)));
}

Test(thread_sqlite, B05_an_option_out_of_its_range_is_refused_by_name)
{
	struct reprise_thread_sqlite_options options = default_options();
	struct reprise_error error = { .size = sizeof(error) };

	options.deadline_ns = 3601 * one_second;
	expect_bad_option(&options, "deadline_ns");
	options = default_options();
	options.horizon_ns = 47 * one_hour;
	expect_bad_option(&options, "horizon_ns");
	options.horizon_ns = UINT64_MAX;
	expect_bad_option(&options, "horizon_ns");
	options = default_options();
	options.retry_limit_ns = one_second - 1;
	expect_bad_option(&options, "retry_limit_ns");
	options.retry_limit_ns = UINT64_MAX;
	expect_bad_option(&options, "retry_limit_ns");
	options.retry_limit_ns = 100 * one_hour;
	expect_bad_option(&options, "horizon_ns");
	options = default_options();
	options.durability = (reprise_durability)3;
	expect_bad_option(&options, "durability");
	options = default_options();
	options.is_set_up = 2;
	expect_bad_option(&options, "is_set_up");
	options = default_options();
	options.mode = 0400;
	expect_bad_option(&options, "mode");
	options.mode = 010600;
	expect_bad_option(&options, "mode");
	options = default_options();
	options.reserved = 1;
	expect_bad_option(&options, "reserved");
	options.size = 1;
	expect_bad_option(&options, "options: size");
	options = default_options();
	cr_assert(eq(int, open_status(NULL, &options, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"path"));
	cr_assert(eq(int, open_status("", &options, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, open_status(":memory:", &options, NULL), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_thread_sqlite_open("x", &options, NULL, NULL), REPRISE_E_INVALID));
}

static int64_t
synchronous_at(const char *path, const struct reprise_thread_sqlite_options *options)
{
	struct reprise_thread_store *store = NULL;
	int64_t level = -1;

	cr_assert(eq(int, reprise_thread_sqlite_open(path, options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, connection_ask(connection_of(store), "PRAGMA synchronous", &level, NULL),
		     REPRISE_OK));
	reprise_thread_store_close(store);
	return level;
}

Test(thread_sqlite, B02_a_write_is_synced_unless_less_is_asked_for)
{
	enum {
		NORMAL = 1,
		FULL = 2
	};
	char *const path = scratch_path("threads");
	struct reprise_thread_sqlite_options options = default_options();

	cr_assert(eq(i64, synchronous_at(path, NULL), FULL));
	options.durability = REPRISE_WRITTEN;
	cr_assert(eq(i64, synchronous_at(path, &options), NORMAL));
	options.durability = REPRISE_SYNCED;
	cr_assert(eq(i64, synchronous_at(path, &options), FULL));
	expect_no_leaks();
}

static void
expect_refused(const char *path, reprise_status status, const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_thread_sqlite_options options = default_options();

	cr_assert(eq(int, open_status(path, &options, &error), status), "%s", error.detail);
	cr_assert(ne(ptr, strstr(error.detail, detail), NULL), "%s", error.detail);
}

Test(thread_sqlite, B01_a_file_of_another_program_is_left_alone)
{
	char *const text = scratch_path("text"), *const tables = scratch_path("tables");
	char *const log = scratch_path("log"), *const newer = scratch_path("newer");
	char sql[128];
	char words[200];

	memset(words, 'x', sizeof(words));
	write_file(text, words, sizeof(words));
	expect_refused(text, REPRISE_E_CORRUPT, "not a SQLite database");
	write_file(text, "short", 5);
	expect_refused(text, REPRISE_E_CORRUPT, "not a SQLite database");
	scratch_sql(tables, "CREATE TABLE heads (id)");
	expect_refused(tables, REPRISE_E_CORRUPT, "another application");
	/* "repr", as a log calls itself. */
	scratch_sql(log, "PRAGMA application_id = 1919250546; CREATE TABLE heads (id)");
	expect_refused(log, REPRISE_E_CORRUPT, "another application");
	cr_assert(eq(i64, scratch_ask(log, "SELECT count(*) FROM sqlite_schema"), 1));
	reprise_thread_store_close(open_at(newer));
	snprintf(sql, sizeof(sql), "PRAGMA user_version = 2");
	scratch_sql(newer, sql);
	expect_refused(newer, REPRISE_E_VERSION, "newer schema");
	scratch_sql(newer, "PRAGMA user_version = 0");
	expect_refused(newer, REPRISE_E_CORRUPT, "no schema version");
	expect_refused("/", REPRISE_E_IO, "not a regular file");
	expect_refused("/dev/null", REPRISE_E_IO, "not a regular file");
	expect_refused("/nowhere/at/all", REPRISE_E_IO, "No such file");
	expect_no_leaks();
}

Test(thread_sqlite, B01_an_empty_file_becomes_a_store)
{
	char *const path = scratch_path("threads"), *const database = scratch_path("database");

	write_file(path, "", 0);
	reprise_thread_store_close(open_at(path));
	scratch_sql(database, "VACUUM");
	reprise_thread_store_close(open_at(database));
	cr_assert(eq(i64, scratch_ask(path, "PRAGMA application_id"), THREAD_SQLITE_APPLICATION));
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_table_that_is_gone_is_told)
{
	char *const path = scratch_path("threads");
	const struct reprise_thread_sqlite_options options = default_options();
	struct reprise_thread_store *const store = open_at(path);

	reprise_thread_store_close(store);
	scratch_sql(path, "DROP TABLE applied");
	cr_assert(eq(int, open_status(path, &options, NULL), REPRISE_E_CORRUPT));
	expect_no_leaks();
}

/* Each call says so, and nothing is acknowledged. */
static void
expect_all_refused(struct reprise_thread_store *store, const char *words)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, append_number(store, 77, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, words), NULL), "%s", error.detail);
	cr_assert(eq(int, reprise_thread_create(store, "u", text_bytes("{}"), NULL, NULL),
		     REPRISE_E_IO));
	cr_assert(eq(int, reprise_thread_delete(store, "t", NULL), REPRISE_E_IO));
	cr_assert(eq(int, reprise_thread_load(store, "t", page, &document, NULL), REPRISE_E_IO));
	cr_assert(eq(int, reprise_thread_list(store, 0, 1, page, &list, NULL), REPRISE_E_IO));
	reprise_thread_page_close(page);
}

static struct reprise_thread_store *
store_with_t(const char *path)
{
	struct reprise_thread_store *const store = open_at(path);

	cr_assert(eq(int, reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, append_number(store, 1, NULL), REPRISE_OK));
	return store;
}

Test(thread_sqlite, B01_a_file_that_was_moved_is_noticed)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = store_with_t(path);

	cr_assert(eq(int, rename(path, beside(path, "-moved")), 0));
	expect_all_refused(store, "deleted or renamed");
	cr_assert(eq(int, rename(beside(path, "-moved"), path), 0));
	cr_assert(eq(int, append_number(store, 2, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_file_that_was_replaced_is_noticed_and_left_alone)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = store_with_t(path);

	cr_assert(eq(int, rename(path, beside(path, "-moved")), 0));
	cr_assert(eq(int, rename(beside(path, "-wal"), beside(path, "-moved-wal")), 0));
	cr_assert(eq(int, rename(beside(path, "-shm"), beside(path, "-moved-shm")), 0));
	struct reprise_thread_store *const other = store_with_t(path);

	expect_all_refused(store, "replaced by another file");
	reprise_thread_store_close(store);
	cr_assert(eq(int, append_number(other, 2, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of_t(other), 2));
	reprise_thread_store_close(other);
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_write_ahead_log_that_was_deleted_is_noticed)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = store_with_t(path);

	cr_assert(eq(int, unlink(beside(path, "-wal")), 0));
	expect_all_refused(store, "-wal: the file was deleted");
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_second_name_is_noticed)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = store_with_t(path);

	cr_assert(eq(int, link(path, beside(path, "-again")), 0));
	expect_all_refused(store, "hard link");
	cr_assert(eq(int, unlink(beside(path, "-again")), 0));
	cr_assert(eq(int, append_number(store, 2, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

/* It happens between the check before a transaction and its commit. */
Test(thread_sqlite, B01_nothing_is_acknowledged_that_went_to_a_file_without_a_name)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_store *const store = store_with_t(path);
	struct thread_head head;
	uint64_t now;

	cr_assert(eq(int, store->adapter->begin(store, "t", &head, &now, NULL), REPRISE_OK));
	cr_assert(eq(int, rename(path, beside(path, "-moved")), 0));
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	cr_assert(eq(int, store->adapter->commit(store, NULL), REPRISE_E_IO));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

/* Another thread is in a call on the same handle. */
Test(thread_sqlite, B01_a_call_waits_for_its_handle_up_to_its_deadline)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_sqlite_options options = default_options();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	options.deadline_ns = one_second / 5;
	reprise_thread_store_close(store_with_t(path));
	cr_assert(eq(int, reprise_thread_sqlite_open(path, &options, &store, NULL), REPRISE_OK));
	pthread_mutex_lock(&store->lock);
	const uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, append_number(store, 2, &error), REPRISE_E_TIMEOUT));
	cr_assert(eq(str, error.what, (char *)"store"));
	const uint64_t waited_ns = clock_ns() - begin_ns;

	cr_assert(ge(u64, waited_ns, options.deadline_ns * 9 / 10));
	cr_assert(lt(u64, waited_ns, 25 * options.deadline_ns));
	pthread_mutex_unlock(&store->lock);
	cr_assert(eq(int, append_number(store, 2, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_sqlite, B01_a_call_waits_up_to_its_deadline)
{
	char *const path = scratch_path("threads");
	struct reprise_thread_sqlite_options options = default_options();
	struct reprise_thread_store *const other = store_with_t(path);
	struct reprise_thread_store *store = NULL;
	struct timespec before, after;
	struct thread_head head;
	uint64_t now;

	options.deadline_ns = one_second / 5;
	cr_assert(eq(int, reprise_thread_sqlite_open(path, &options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, other->adapter->begin(other, "t", &head, &now, NULL), REPRISE_OK));
	clock_gettime(CLOCK_MONOTONIC, &before);
	cr_assert(eq(int, append_number(store, 2, NULL), REPRISE_E_TIMEOUT));
	clock_gettime(CLOCK_MONOTONIC, &after);
	const int64_t waited_ms =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;

	cr_assert(ge(i64, waited_ms, 190));
	cr_assert(lt(i64, waited_ms, 5000));
	/* A reading call does not wait. */
	cr_assert(eq(u64, version_of_t(store), 1));
	other->adapter->rollback(other);
	cr_assert(eq(int, append_number(store, 2, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	reprise_thread_store_close(other);
	expect_no_leaks();
}

Test(thread_sqlite, B01_what_was_written_is_in_the_file_after_a_close)
{
	char *const path = scratch_path("threads");
	struct stat status;

	reprise_thread_store_close(store_with_t(path));
	cr_assert(eq(int, stat(beside(path, "-wal"), &status), 0));
	cr_assert(eq(i64, (int64_t)status.st_size, 0));
	expect_no_leaks();
}

/* No statement goes through a whole table, but for the list of documents. */
Test(thread_sqlite, B06_statements_find_their_rows_by_an_index)
{
	static const char *const texts[] = {
#define STATEMENT_TEXT(name, sql) sql,
		STATEMENT_TABLE(STATEMENT_TEXT)
#undef STATEMENT_TEXT
	};
	char *const path = scratch_path("threads");
	sqlite3 *db = NULL;

	reprise_thread_store_close(store_with_t(path));
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	for (size_t i = 0; i < STATEMENTS; i++) {
		char sql[1024];
		sqlite3_stmt *statement = NULL;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", texts[i]);
		cr_assert(eq(int, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK));
		while (sqlite3_step(statement) == SQLITE_ROW) {
			const char *const plan = (const char *)sqlite3_column_text(statement, 3);

			if (i != STATEMENT_COUNT && i != STATEMENT_HEADS)
				cr_assert(eq(ptr, strstr(plan, "SCAN"), NULL), "%s: %s", texts[i],
					  plan);
			cr_assert(eq(ptr, strstr(plan, "TEMP B-TREE"), NULL), "%s: %s", texts[i],
				  plan);
		}
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
}
