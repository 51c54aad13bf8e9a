/* SPDX-License-Identifier: MIT */
/*
 * L53 and L52: the answers to hosts and writers of a session whose key was dropped, or is a copy.
 */
#include <stdio.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(drop, .fini = scratch_remove, .timeout = 60);

static const struct reprise_log_key key_of_s = { "default", "s" };

static void
drop(struct world *world, bool takes_open)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_drop(world->log, &key_of_s, takes_open, NULL, &error),
		     REPRISE_OK),
		  "%s: %s", error.what, error.detail);
}

static void
expect_refused(struct world *world, const struct reprise_cursor *cursor, reprise_gap_detail detail)
{
	struct reprise_subscription *const subscription = world_subscribe(world, cursor);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, detail);
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
}

Test(drop, L53_a_session_that_was_dropped_is_closed_and_its_hosts_are_told)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const struct reprise_bytes payload = { "x", 1 };
	struct reprise_error error = { .size = sizeof(error) };
	reprise_position position = 0;
	reprise_status status = REPRISE_OK;

	world_write(&world);
	for (reprise_position newest = 5; newest <= 100; newest += 5) {
		world_append_until(&world, newest);
		world_flush(&world);
	}
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 10);
	struct reprise_subscription *const healing = world_subscribe(&world, &cursor);

	(void)world_expect(healing, 11, 20);
	cr_assert(eq(int, reprise_log_drop(world.log, &key_of_s, false, NULL, &error),
		     REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "life"));
	drop(&world, true);
	expect_refused(&world, &cursor, REPRISE_GAP_OTHER_INCARNATION);
	for (int i = 0; status == REPRISE_OK && i < 20000; i++) {
		status = reprise_append(world.writer, 1, 0, 0, payload, &position);
		usleep(1000);
	}
	cr_assert(eq(int, status, REPRISE_E_CLOSED));
	cr_assert(eq(u64, world_stats(&world).fenced, 1));
	reprise_subscription_close(healing);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The log is locked while the window becomes void, and the recorder pauses behind its failure. */
Test(drop, L53_a_void_life_that_is_dropped_before_the_log_knows_is_done)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.retry_ns_min = options.retry_ns_max = 2 * one_second;
	options.deadline_ns = one_second / 2;
	struct world world = world_open(path, 8, &options);

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_E_TIMEOUT));
	for (int i = 0; i < 10000 && world_stats(&world).failures == 0; i++)
		usleep(1000);
	cr_assert(gt(u64, world_stats(&world).failures, 0));
	world_unblock_log(blocked);
	drop(&world, true);
	world_leave_writer(&world);
	reprise_status status = REPRISE_E_TIMEOUT;

	for (int i = 0; i < 100 && status != REPRISE_OK; i++)
		status = reprise_writer_open(world.store, "s", NULL, &world.writer, NULL);
	cr_assert(eq(int, status, REPRISE_OK));
	world_append_until(&world, 7);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).stuck, 0));
	cr_assert(eq(u64, world_log_stats(&world).head, 7));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(drop, L53_a_dropped_session_goes_on_above_its_ordinals)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 10);
	struct reprise_cursor none = { .session_id = "s" };

	drop(&world, true);
	expect_refused(&world, &cursor, REPRISE_GAP_OTHER_INCARNATION);
	cr_assert(eq(int, reprise_log_current_cursor(world.log, &key_of_s, 0, &none, NULL),
		     REPRISE_E_NOT_FOUND));
	world_write(&world);
	world_append_until(&world, 45);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).life.first, 41));
	const struct reprise_cursor again = world_cursor_in_log(&world, 41);
	struct reprise_subscription *const subscription = world_subscribe(&world, &again);

	(void)world_expect(subscription, 42, 45);
	expect_refused(&world, &cursor, REPRISE_GAP_OTHER_INCARNATION);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(drop, L52_a_cursor_of_the_source_means_the_same_place_in_the_copy)
{
	const char *const path = scratch_path("log");
	const struct reprise_log_key original = { "default", "original" };
	struct reprise_log *log = NULL;
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };

	/* The copy is "s"; its source is a session of another id. */
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	reprise_log_close(log);
	world_crash(world_record_40, path);
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_fork(log, &key_of_s, &original, 40, NULL), REPRISE_OK));
	reprise_log_close(log);
	struct world world = world_open(path, 0, NULL);
	struct reprise_cursor cursor = world_cursor_in_log(&world, 10);

	snprintf(cursor.session_id, sizeof(cursor.session_id), "original");
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);
	struct reprise_writer *writer = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	reprise_position position = 0;

	(void)world_expect(subscription, 11, 40);
	cr_assert(eq(int, reprise_writer_open(world.store, "original", NULL, &writer, NULL),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_append(writer, 41, 0, 0, (struct reprise_bytes){ "41", 2 }, &position),
		     REPRISE_OK));
	cr_assert(eq(u64, position, 41));
	/* The copy's last life is clean: no gap is between it and the next. */
	cr_assert(eq(int, world_next(subscription, &event, &gap, &end), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, 41));
	reprise_writer_close(writer);
	reprise_subscription_close(subscription);
	/* A host of the source that saw events after the copy's end is told DIVERGED. */
	cursor = world_cursor_in_log(&world, 40);
	snprintf(cursor.session_id, sizeof(cursor.session_id), "original");
	cursor.position = 44;
	struct reprise_subscription *const ahead = world_subscribe(&world, &cursor);

	(void)world_expect_gap(ahead, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);
	reprise_subscription_close(ahead);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
