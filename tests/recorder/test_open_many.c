/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include <reprise/log_sqlite.h>

#include "log/adapter.h"
#include "log_sqlite/scratch.h"
#include "refusal.h"
#include "world.h"

/* Many sessions opened by one call: the answer for each, and the number of transactions. */

TestSuite(recorder_open_many, .fini = scratch_remove, .timeout = 60);

enum {
	MANY = 1500,
	TOGETHER = 1024, /* share a transaction */
};

/*
 * A log's adapter that counts the commits of all its connections, and of them those
 * that were synced.
 */
static struct {
	struct log_adapter adapter;
	const struct log_adapter *real;
	enum log_level level;
	_Atomic(unsigned int) commits, synced;
} counting;

static reprise_status
count_begin(struct reprise_log *log, enum log_level level, const char *tenant,
	    const char *const *threads, size_t threads_count, uint64_t patience_ns,
	    struct log_head *ret_heads, struct reprise_error *error)
{
	counting.level = level;
	return counting.real->begin(log, level, tenant, threads, threads_count, patience_ns,
				    ret_heads, error);
}

static reprise_status
count_commit(struct reprise_log *log, struct reprise_error *error)
{
	counting.commits++;
	counting.synced += counting.level == LOG_SYNCED;
	return counting.real->commit(log, error);
}

static reprise_status
count_another(struct reprise_log *log, struct reprise_log **ret_log, struct reprise_error *error)
{
	const reprise_status status = counting.real->another(log, ret_log, error);

	if (status == REPRISE_OK)
		(*ret_log)->adapter = &counting.adapter;
	return status;
}

static void
count_commits(struct reprise_log *log)
{
	counting.real = log->adapter;
	counting.adapter = *log->adapter;
	counting.adapter.begin = count_begin;
	counting.adapter.commit = count_commit;
	counting.adapter.another = count_another;
	log->adapter = &counting.adapter;
}

static char ids[MANY][16];

/* Openings of distinct ids. */
static struct reprise_writer_opening *
openings_of(size_t count)
{
	static struct reprise_writer_opening openings[MANY];

	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m%zu", i);
		openings[i] = (struct reprise_writer_opening){ .session_id = ids[i] };
	}
	return openings;
}

static void
close_all(struct reprise_writer_opening *openings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		reprise_writer_close(openings[i].writer);
}

static struct reprise_life
life_of(struct reprise_log *log, const char *id)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(
		eq(int,
		   reprise_log_stats(log, &(struct reprise_log_key){ "default", id }, &stats, NULL),
		   REPRISE_OK));
	return stats.life;
}

Test(recorder_open_many, F27_many_sessions_that_are_opened_together_share_transactions)
{
	const char *const path = scratch_path("log");
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };
	struct reprise_recorder_options written = world_options();
	struct world world = { .path = path };

	written.durability = REPRISE_WRITTEN;
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &world.log, NULL), REPRISE_OK));
	count_commits(world.log);
	world.store = store_plain();
	cr_assert(eq(int,
		     reprise_recorder_open(world.store, world.log, &written, &world.recorder, NULL),
		     REPRISE_OK));
	struct reprise_writer_opening *const openings = openings_of(MANY);

	cr_assert(eq(int, reprise_writers_open(world.store, openings, MANY, NULL), REPRISE_OK));
	cr_assert(eq(uint, counting.commits, (MANY + TOGETHER - 1) / TOGETHER));
	cr_assert(eq(uint, counting.synced, counting.commits), "whatever events are worth");
	/* Before the first append each life is in the log. */
	for (size_t i = 0; i < MANY; i++) {
		cr_assert(eq(int, openings[i].status, REPRISE_OK));
		cr_assert(eq(int, life_of(world.log, ids[i]).state, REPRISE_LIFE_OPEN));
		(void)append_text(openings[i].writer, "x");
	}
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_WRITTEN, 30 * one_second),
		     REPRISE_OK));
	close_all(openings, MANY);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_OK));
	for (size_t i = 0; i < MANY; i++)
		cr_assert(eq(u64, life_of(world.log, ids[i]).end, 1));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	reprise_log_close(world.log);
	expect_no_leaks();
}

Test(recorder_open_many, F27_each_session_has_an_answer_of_its_own)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_session_options bad = { .size = sizeof(bad), .bytes_max = 1 };
	const struct reprise_log_new_entry entry = { .kind = 1 };
	struct reprise_writer_opening openings[] = {
		{ .session_id = "a" },
		{ .session_id = "direct" },
		{ .session_id = "" },
		{ .session_id = "a" },
		{ .session_id = "b", .options = &bad },
		{ .session_id = "left" },
		{ .session_id = "held" },
		{ .session_id = "b" },
	};
	static const reprise_status expected[] = { REPRISE_OK,        REPRISE_E_CONFLICT,
						   REPRISE_E_INVALID, REPRISE_E_BUSY,
						   REPRISE_E_INVALID, REPRISE_OK,
						   REPRISE_E_BUSY,    REPRISE_OK };
	const size_t count = sizeof(openings) / sizeof(openings[0]);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *left = NULL, *held = NULL;

	cr_assert(eq(int,
		     reprise_log_append(world.log, &(struct reprise_log_key){ "default", "direct" },
					NULL, &entry, 1, NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(world.store, "left", NULL, &left, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(world.store, "held", NULL, &held, NULL), REPRISE_OK));
	(void)append_text(left, "x");
	reprise_writer_close(left);
	cr_assert(eq(int, reprise_writers_open(world.store, openings, count, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(int, error.status, REPRISE_E_CONFLICT));
	cr_assert(ne(str, error.detail, ""), "of the first that was not opened");
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(int, openings[i].status, expected[i]), "opening %zu", i);
		cr_assert(eq(int, openings[i].writer != NULL, expected[i] == REPRISE_OK));
	}
	/* One window was joined: its life went on. */
	cr_assert(eq(u64, append_text(openings[5].writer, "y"), 2));
	close_all(openings, count);
	reprise_writer_close(held);
	cr_assert(eq(int, reprise_writers_open(world.store, NULL, 0, &error), REPRISE_OK));
	cr_assert(eq(int, reprise_writers_open(world.store, NULL, 1, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writers_open(NULL, openings, 1, &error), REPRISE_E_INVALID));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open_many, F27_a_log_that_is_away_opens_none_of_them)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_writer_opening *const openings = openings_of(20);
	struct reprise_error error = { .size = sizeof(error) };
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_writers_open(world.store, openings, 20, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.detail, "other connections are writing to the file"));
	for (size_t i = 0; i < 20; i++) {
		cr_assert(eq(int, openings[i].status, REPRISE_E_IO));
		cr_assert(eq(ptr, openings[i].writer, NULL));
	}
	world_unblock_log(blocked);
	cr_assert(eq(int, reprise_writers_open(world.store, openings, 20, &error), REPRISE_OK));
	close_all(openings, 20);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open_many, F27_without_a_log_they_are_opened_as_well)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer_opening *const openings = openings_of(3);
	struct reprise_error error = { .size = sizeof(error) };

	openings[1].session_id = ids[0];
	cr_assert(eq(int, reprise_writers_open(store, openings, 3, &error), REPRISE_E_BUSY));
	cr_assert(eq(int, openings[0].status, REPRISE_OK));
	cr_assert(eq(int, openings[1].status, REPRISE_E_BUSY));
	cr_assert(eq(ptr, openings[1].writer, NULL));
	cr_assert(eq(int, openings[2].status, REPRISE_OK));
	cr_assert(eq(u64, append_text(openings[2].writer, "x"), 1));
	close_all(openings, 3);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	expect_no_leaks();
}

Test(recorder_open_many, F27_what_fails_for_want_of_memory_can_be_asked_for_again)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	bool has_failed = true;
	int number = 0;

	for (; has_failed; number++) {
		struct reprise_writer_opening openings[3];
		char names[3][16];

		for (int i = 0; i < 3; i++) {
			snprintf(names[i], sizeof(names[i]), "n%d-%d", number, i);
			openings[i] = (struct reprise_writer_opening){ .session_id = names[i] };
		}
		refusal_begin(number + 1);
		const reprise_status status = reprise_writers_open(world.store, openings, 3, NULL);

		has_failed = refusal_end();
		for (int i = 0; i < 3; i++) {
			cr_assert(eq(int, openings[i].writer != NULL,
				     openings[i].status == REPRISE_OK));
			if (openings[i].writer != NULL)
				reprise_writer_close(openings[i].writer);
		}
		cr_assert(status == REPRISE_OK || has_failed);
		cr_assert(
			eq(int, reprise_writers_open(world.store, openings, 3, NULL), REPRISE_OK));
		close_all(openings, 3);
	}
	cr_assert(gt(int, number, 5));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
