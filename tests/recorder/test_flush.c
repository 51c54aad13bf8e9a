/* SPDX-License-Identifier: MIT */

/*
 * Flush requests: each has a target of its own, which the writing thread reaches in bounded time.
 */

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(flush, .fini = scratch_remove, .timeout = 60);

enum {
	SESSIONS = 4,
};

struct writers {
	struct reprise_writer *writers[SESSIONS];
	atomic_bool is_over;
};

static struct world
open_with(struct writers *writers, const struct reprise_recorder_options *options)
{
	const struct world world = world_open(scratch_path("log"), 0, options);

	for (int i = 0; i < SESSIONS; i++) {
		const char id[] = { (char)('a' + i), '\0' };

		cr_assert(eq(int,
			     reprise_writer_open(world.store, id, NULL, &writers->writers[i], NULL),
			     REPRISE_OK));
	}
	return world;
}

static void
close_with(struct world *world, struct writers *writers, reprise_status status)
{
	for (int i = 0; i < SESSIONS; i++)
		reprise_writer_close(writers->writers[i]);
	world_close(world, status);
	expect_no_leaks();
}

static reprise_position
through(const struct world *world, const char *id, reprise_durability durability)
{
	reprise_position position = 0;

	cr_assert(eq(int,
		     reprise_recorder_recorded_through(world->recorder, id, durability, &position),
		     REPRISE_OK));
	return position;
}

Test(flush, F01_a_flush_to_synced_returns_on_a_recorder_that_only_writes)
{
	struct reprise_recorder_options options = world_options();

	options.durability = REPRISE_WRITTEN;
	struct world world = world_open(scratch_path("log"), 0, &options);

	world_write(&world);
	for (reprise_position newest = 1; newest <= 100; newest++) {
		world_append_until(&world, newest);
		if (newest % 3 == 0) /* it is written before it is to be synced */
			world_flush(&world);
		cr_assert(eq(
			int,
			reprise_recorder_flush(world.recorder, "s", REPRISE_SYNCED, 5 * one_second),
			REPRISE_OK));
		cr_assert(ge(u64, through(&world, "s", REPRISE_SYNCED), newest));
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(flush, F01_a_flush_of_all_to_synced_returns_when_every_event_is_synced)
{
	struct reprise_recorder_options options = world_options();
	struct writers writers = { .is_over = false };

	options.durability = REPRISE_WRITTEN;
	options.batch_events_max = 64;
	struct world world = open_with(&writers, &options);

	for (int round = 1; round <= 10; round++) {
		for (int i = 0; i < SESSIONS; i++)
			for (int event = 0; event < 200; event++)
				(void)append_text(writers.writers[i], "x");
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED,
						    10 * one_second),
			     REPRISE_OK));
		for (int i = 0; i < SESSIONS; i++) {
			const char id[] = { (char)('a' + i), '\0' };

			cr_assert(eq(u64, through(&world, id, REPRISE_SYNCED),
				     (uint64_t)round * 200));
		}
	}
	close_with(&world, &writers, REPRISE_OK);
}

static void *
append_steadily(void *argument)
{
	struct writers *const writers = argument;

	for (unsigned int i = 0; !atomic_load(&writers->is_over); i++) {
		(void)append_text(writers->writers[i % SESSIONS], "an event of a steady flow");
		if (i % 64 == 0)
			usleep(50);
	}
	return NULL;
}

Test(flush, F02_a_flush_of_all_returns_while_others_append_steadily)
{
	struct reprise_recorder_options options = world_options();
	struct writers writers = { .is_over = false };
	pthread_t thread;

	options.durability = REPRISE_WRITTEN;
	options.batch_events_max = 32;
	struct world world = open_with(&writers, &options);

	pthread_create(&thread, NULL, append_steadily, &writers);
	for (int i = 0; i < 30; i++)
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, NULL,
						    (reprise_durability)(i % 3), 10 * one_second),
			     REPRISE_OK),
			  "flush %d", i);
	atomic_store(&writers.is_over, true);
	pthread_join(thread, NULL);
	close_with(&world, &writers, REPRISE_OK);
}

/* One statement of another program's, as damage. */
static void
execute(const char *path, const char *statement)
{
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	sqlite3_busy_timeout(db, 5000);
	cr_assert(eq(int, sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK));
	sqlite3_close(db);
}

Test(flush, F03_a_flush_reports_a_refused_session_and_waits_for_the_others)
{
	struct writers writers = { .is_over = false };
	struct world world = open_with(&writers, NULL);

	execute(world.path, "UPDATE heads SET watermark = 1000000 WHERE thread = 'b'");
	for (int round = 1; round <= 5; round++) {
		for (int i = 0; i < SESSIONS; i++)
			(void)append_text(writers.writers[i], "x");
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED,
						    10 * one_second),
			     REPRISE_E_CORRUPT));
		cr_assert(eq(u64, through(&world, "a", REPRISE_SYNCED), (uint64_t)round));
		cr_assert(eq(u64, through(&world, "b", REPRISE_SYNCED), 0));
		cr_assert(eq(u64, through(&world, "d", REPRISE_SYNCED), (uint64_t)round));
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, "b", REPRISE_WRITTEN,
						    10 * one_second),
			     REPRISE_E_CORRUPT));
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, "c", REPRISE_SYNCED,
						    10 * one_second),
			     REPRISE_OK));
	}
	/* A flush of one session has it tried at once, however long its pause would be. */
	execute(world.path, "UPDATE heads SET watermark = 0 WHERE thread = 'b'");
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, "b", REPRISE_SYNCED, 10 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED, 10 * one_second),
		     REPRISE_OK));
	close_with(&world, &writers, REPRISE_OK);
}

/*
 * The commit that is to sync what was written is of a session that another runtime has taken over:
 * the next one does.
 */
Test(flush, F37_a_sync_that_is_refused_to_one_session_is_done_by_another)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();
	struct reprise_writer *second = NULL;

	options.durability = REPRISE_WRITTEN;
	struct world one = world_open(path, 0, &options);
	struct world other = world_open(path, 0, NULL);

	world_write(&one);
	cr_assert(eq(int, reprise_writer_open(one.store, "t", NULL, &second, NULL), REPRISE_OK));
	world_append_until(&one, 3);
	(void)append_text(second, "x");
	cr_assert(eq(int,
		     reprise_recorder_flush(one.recorder, NULL, REPRISE_WRITTEN, 30 * one_second),
		     REPRISE_OK));
	world_write(&other);
	/*
	 * Nothing is left to record: "s", which was opened first, is asked to sync, and is not its
	 * own any more. On a slow machine it may have found that out before the flush.
	 */
	const reprise_status flushed =
		reprise_recorder_flush(one.recorder, NULL, REPRISE_SYNCED, 10 * one_second);

	cr_assert(flushed == REPRISE_E_CLOSED || flushed == REPRISE_OK, "it has come to an end");
	reprise_position synced = 0;

	cr_assert(eq(int,
		     reprise_recorder_recorded_through(one.recorder, "t", REPRISE_SYNCED, &synced),
		     REPRISE_OK));
	cr_assert(eq(u64, synced, 1));
	reprise_writer_close(second);
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

/* Nothing is left that this runtime may sync. */
Test(flush, F37_a_sync_ends_when_the_only_session_was_taken_over)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.durability = REPRISE_WRITTEN;
	struct world one = world_open(path, 0, &options);
	struct world other = world_open(path, 0, NULL);

	world_write(&one);
	world_append_until(&one, 3);
	cr_assert(eq(int,
		     reprise_recorder_flush(one.recorder, NULL, REPRISE_WRITTEN, 30 * one_second),
		     REPRISE_OK));
	world_write(&other);
	const reprise_status flushed =
		reprise_recorder_flush(one.recorder, NULL, REPRISE_SYNCED, 10 * one_second);

	cr_assert(flushed == REPRISE_E_CLOSED || flushed == REPRISE_OK, "it has come to an end");
	/* The next flush has nothing to wait for. */
	cr_assert(eq(int,
		     reprise_recorder_flush(one.recorder, NULL, REPRISE_SYNCED, 10 * one_second),
		     REPRISE_OK));
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(flush, F37_what_a_closed_session_has_written_is_synced)
{
	struct reprise_recorder_options options = world_options();

	options.durability = REPRISE_WRITTEN;
	struct world world = world_open(scratch_path("log"), 0, &options);

	world_write(&world);
	world_append_until(&world, 3);
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_WRITTEN, 30 * one_second),
		     REPRISE_OK));
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED, 10 * one_second),
		     REPRISE_OK));
	cr_assert(eq(u64, through(&world, "s", REPRISE_SYNCED), 3));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
