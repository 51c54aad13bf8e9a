/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <semaphore.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/*
 * Subscriptions that go on by themselves, and snapshots, in a store with a log: rules S08 and S09.
 */

TestSuite(continuous, .fini = scratch_remove, .timeout = 60);

static struct reprise_subscription *
resumed_at(struct world *world, const char *id, uint64_t revision,
	   const struct reprise_subscription_options *options)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(
		int,
		reprise_resume_snapshot(world->store, id, revision, options, &subscription, NULL),
		REPRISE_OK));
	return subscription;
}

/* Events of revision = position; the window holds the last 8. */
Test(continuous, S09_a_snapshot_is_placed_by_the_log_where_the_window_cannot_tell)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	world_write(&world);
	for (reprise_position next = 1; next <= 40; next++) {
		world_append_until(&world, next);
		world_flush(&world);
	}
	for (uint64_t revision = 0; revision <= 40; revision += 8) {
		struct reprise_subscription *const subscription =
			resumed_at(&world, "s", revision, NULL);

		(void)world_expect(subscription, revision + 1, 40);
		expect_empty(subscription);
		reprise_subscription_close(subscription);
	}
	struct reprise_subscription *const live = resumed_at(&world, "s", 35, NULL);

	cr_assert(eq(u64, world_expect(live, 36, 40), 0),
		  "the window has it: the log is not asked");
	world_append_until(&world, 44);
	(void)world_expect(live, 41, 44);
	reprise_subscription_close(live);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S09_a_snapshot_begins_in_an_earlier_life_if_that_has_newer_events)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	struct reprise_subscription *const before = resumed_at(&world, "s", 38, NULL);

	(void)world_expect(before, 39, 40);
	world_write(&world);
	world_append_until(&world, 43);
	(void)world_expect_gap(before, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(before, 41, 43);
	reprise_subscription_close(before);

	struct reprise_subscription *const after = resumed_at(&world, "s", 38, NULL);

	(void)world_expect(after, 39, 40);
	(void)world_expect_gap(after, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(after, 41, 43);
	reprise_subscription_close(after);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S09_a_snapshot_of_a_session_that_no_log_knows_is_refused)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *const subscription = resumed_at(&world, "s", 3, NULL);
	const struct reprise_gap gap = world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
							REPRISE_GAP_UNKNOWN_SESSION);
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(u64, gap.cursor.revision, 3));
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	cr_assert(eq(int, reprise_session_stats(world.store, "s", &stats), REPRISE_E_NOT_FOUND));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S09_a_snapshot_of_lives_that_are_all_void_is_refused)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	struct reprise_subscription *const subscription = resumed_at(&world, "s", 3, NULL);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static const struct reprise_subscription_options go_on = { .size = sizeof(go_on),
							   .is_continuous = 1 };

static struct reprise_subscription *
followed(struct world *world, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int,
		     reprise_subscribe_after(world->store, cursor, &go_on, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

/* A cursor that has seen nothing. */
static struct reprise_cursor
nothing_seen(void)
{
	return (struct reprise_cursor){ .session_id = "s" };
}

static void
expect_life_end(struct reprise_subscription *subscription, reprise_position position,
		int32_t status)
{
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_LIFE_ENDED);

	cr_assert(eq(i32, gap.end_status, status));
	cr_assert(eq(u64, gap.lost, 0));
	cr_assert(eq(u64, gap.lost_first, 0));
	cr_assert(eq(u64, gap.cursor.position, position));
	cr_assert(eq(u64, gap.newest.position, position));
}

/* The log was asked, and there is nothing. */
static void
expect_nothing_more(struct reprise_subscription *subscription)
{
	cr_assert(eq(int, reprise_wait(subscription, one_second / 20), REPRISE_E_TIMEOUT));
	expect_empty(subscription);
}

/* Appends @count events, ends the session with @status, and leaves. */
static void
live(struct world *world, reprise_position newest, int32_t status)
{
	world_write(world);
	world_append_until(world, newest);
	cr_assert(eq(int, reprise_writer_end(world->writer, status), REPRISE_OK));
	world_leave_writer(world);
}

Test(continuous, S08_a_subscription_goes_from_life_to_life_and_is_told_each_end)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	expect_nothing_more(subscription);
	for (int32_t lives = 1; lives <= 20; lives++) {
		const reprise_position before = (reprise_position)(lives - 1) * 5;

		live(&world, before + 5, lives);
		(void)world_expect(subscription, before + 1, before + 5);
		expect_life_end(subscription, before + 5, lives);
		expect_empty(subscription);
	}
	world_write(&world);
	expect_nothing_more(subscription);
	world_append_until(&world, 101);
	(void)world_expect(subscription, 101, 101);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The window is gone: the log alone knows of the end. */
Test(continuous, S08_the_end_is_told_by_the_log_once)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	live(&world, 5, 6);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	world_close(&world, REPRISE_OK);

	world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 2);
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	cr_assert(eq(u64, world_expect(subscription, 3, 5), 3));
	expect_life_end(subscription, 5, 6);
	expect_nothing_more(subscription);
	live(&world, 8, -2);
	(void)world_expect(subscription, 6, 8);
	expect_life_end(subscription, 8, -2);
	expect_nothing_more(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* An end without events, of a life that nobody else has seen. */
Test(continuous, S08_a_life_without_events_has_an_end_too)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	live(&world, 0, 3);
	expect_life_end(subscription, 0, 3);
	expect_nothing_more(subscription);
	live(&world, 2, 4);
	(void)world_expect(subscription, 1, 2);
	expect_life_end(subscription, 2, 4);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_a_subscription_that_has_seen_nothing_begins_where_the_log_begins)
{
	const char *const path = scratch_path("log");
	const struct reprise_log_key key = { "default", "s" };
	const struct reprise_cursor cursor = nothing_seen();

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	struct reprise_subscription *subscription = followed(&world, &cursor);
	uint64_t moved = 0;

	cr_assert(eq(u64, world_expect(subscription, 1, 40), 40));
	expect_nothing_more(subscription);
	reprise_subscription_close(subscription);

	cr_assert(
		eq(int, reprise_log_archive_before(world.log, &key, 10, &moved, NULL), REPRISE_OK));
	subscription = followed(&world, &cursor);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_ARCHIVED);

	cr_assert(eq(u64, gap.lost_first, 1));
	(void)world_expect(subscription, gap.lost_last + 1, 40);
	reprise_subscription_close(subscription);

	/* A subscription that is not continuous is refused, as ever (L49). */
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
			       REPRISE_GAP_OTHER_INCARNATION);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_void_lives_are_passed_by_a_subscription_that_has_seen_nothing)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();

	for (reprise_position newest = 5; newest <= 10; newest += 5) {
		world_write(&world);
		world_append_until(&world, newest);
		world_flush(&world);
		cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
		world_leave_writer(&world);
	}
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	expect_nothing_more(subscription);
	world_write(&world);
	world_append_until(&world, 12);
	(void)world_expect(subscription, 11, 12);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* A made-up position in no life: events before the next life are lost. */
Test(continuous, S08_a_cursor_of_no_life_goes_on_with_the_first_life_after_it)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_cursor cursor = nothing_seen();

	live(&world, 5, 0);
	live(&world, 10, 0);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	cursor.position = 3;
	struct reprise_subscription *subscription = followed(&world, &cursor);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_OTHER_INCARNATION);

	cr_assert(eq(u64, gap.lost_first, 4));
	cr_assert(eq(u64, gap.lost_last, 5));
	(void)world_expect(subscription, 6, 10);
	reprise_subscription_close(subscription);

	cursor.position = 5;
	subscription = followed(&world, &cursor);
	(void)world_expect(subscription, 6, 10);
	expect_life_end(subscription, 10, 0);
	reprise_subscription_close(subscription);

	cursor.position = 10;
	subscription = followed(&world, &cursor);
	expect_nothing_more(subscription);
	live(&world, 11, 0);
	(void)world_expect(subscription, 11, 11);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_a_life_that_becomes_void_is_told_and_the_next_one_follows)
{
	struct world world = world_open(scratch_path("log"), 4, NULL);
	const struct reprise_cursor cursor = nothing_seen();

	world_write(&world);
	world_append_until(&world, 4);
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	(void)world_expect(subscription, 1, 4);
	for (reprise_position newest = 4; newest <= 40; newest += 4) {
		struct reprise_gap gap;

		cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
		gap = world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
				       REPRISE_GAP_INVALIDATED);
		cr_assert(eq(u64, gap.cursor.revision, newest));
		cr_assert(eq(u64, gap.cursor.position, 0));
		world_leave_writer(&world);
		world_write(&world);
		world_append_until(&world, newest + 4);
		(void)world_expect(subscription, newest + 1, newest + 4);
	}
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* It waits in its window for what is not recorded, and that window becomes void. */
Test(continuous, S08_a_void_window_is_left_while_the_log_is_asked)
{
	struct reprise_recorder_options options = world_options();
	const char *const path = scratch_path("log");

	options.invalidates_async = 1;
	struct world world = world_open(path, 4, &options);

	world_write(&world);
	world_append_until(&world, 2);
	world_flush(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 2);
	struct reprise_subscription *const subscription = followed(&world, &cursor);
	const int blocked = world_block_log(path);

	world_append_until(&world, 10);
	expect_nothing_more(subscription);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	expect_nothing_more(subscription);
	world_unblock_log(blocked);
	world_leave_writer(&world);
	world_write(&world);
	world_append_until(&world, 12);
	(void)world_expect(subscription, 11, 12);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The subscription stands in the life before, which is not void. */
Test(continuous, S08_after_a_void_life_an_earlier_one_is_gone_on_from)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 43);
	const struct reprise_cursor cursor = world_cursor(&world, 41);
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	(void)world_expect(subscription, 42, 43);
	world_flush(&world);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	world_leave_writer(&world);
	const uint64_t pages = world_stats(&world).pages;

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	/* The place, and what follows there. */
	while (world_stats(&world).pages < pages + 2) {
		expect_empty(subscription);
		usleep(1000);
	}
	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.lost_first, 41));
	cr_assert(eq(u64, gap.lost_last, 43));
	(void)world_expect(subscription, 44, 45);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* It was told the end of a life that is declared void later. */
Test(continuous, S08_a_life_that_has_ended_may_become_void)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	live(&world, 5, 1);
	(void)world_expect(subscription, 1, 5);
	expect_life_end(subscription, 5, 1);
	expect_nothing_more(subscription);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	expect_nothing_more(subscription);
	live(&world, 7, 2);
	(void)world_expect(subscription, 6, 7);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_a_cursor_that_has_diverged_goes_on_where_its_life_ends)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 43);
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	expect_nothing_more(subscription);
	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, gap.cursor.position, 40));
	(void)world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(subscription, 41, 45);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_a_cursor_at_the_last_of_all_positions_has_diverged)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	struct reprise_cursor cursor = world_cursor_in_log(&world, 40);

	cursor.position = UINT64_MAX;
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, gap.cursor.position, 40));
	(void)world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(subscription, 41, 45);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_a_refused_cursor_goes_on_in_the_live_window)
{
	struct world world = world_open(scratch_path("log"), 4, NULL);
	struct reprise_cursor cursor = { .position = 7, .revision = 2, .session_id = "s" };
	struct reprise_subscription *subscription = NULL;

	world_write(&world);
	world_append_until(&world, 4);
	cursor.incarnation.bytes[0] = 77;
	subscription = followed(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
			       REPRISE_GAP_OTHER_INCARNATION);
	(void)world_expect(subscription, 1, 4);
	reprise_subscription_close(subscription);

	/* Judged by a durable state, once. */
	cursor = world_cursor(&world, 2);
	cursor.revision = 9;
	cr_assert(eq(int,
		     reprise_resume_after(world.store, &cursor, 8, &go_on, &subscription, NULL),
		     REPRISE_OK));
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_AHEAD);

	cr_assert(eq(u64, gap.cursor.revision, 8));
	(void)world_expect(subscription, 1, 4);
	world_append_until(&world, 6);
	(void)world_expect(subscription, 5, 6);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* A cursor that has seen nothing is judged as any other, once the session has a life. */
Test(continuous, S08_a_cursor_of_no_life_is_behind_a_durable_state_without_a_commit)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int,
		     reprise_resume_after(world.store, &cursor, 7, &go_on, &subscription, NULL),
		     REPRISE_OK));
	expect_nothing_more(subscription);
	world_write(&world);
	world_append_until(&world, 10);
	world_flush(&world);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_BEHIND_DURABLE);

	cr_assert(eq(u64, gap.cursor.revision, 7));
	(void)world_expect(subscription, gap.cursor.position + 1, 10);
	reprise_subscription_close(subscription);

	cr_assert(eq(int,
		     reprise_append(world.writer, 9, 0, REPRISE_EVENT_COMMIT,
				    (struct reprise_bytes){ "11", 2 }, NULL),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_resume_after(world.store, &cursor, 7, &go_on, &subscription, NULL),
		     REPRISE_OK));
	(void)world_expect(subscription, 1, 11);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The log is asked for a COMMIT that has left the window, and has none. */
Test(continuous, S08_a_cursor_that_the_log_refuses_goes_on_in_its_window)
{
	struct world world = world_open(scratch_path("log"), 4, NULL);
	struct reprise_subscription *subscription = NULL;

	world_write(&world);
	for (reprise_position next = 1; next <= 10; next++) {
		world_append_until(&world, next);
		world_flush(&world);
	}
	struct reprise_cursor cursor = world_cursor(&world, 1);

	cursor.revision = 1;
	cr_assert(eq(int,
		     reprise_resume_after(world.store, &cursor, 20, &go_on, &subscription, NULL),
		     REPRISE_OK));
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_BEHIND_DURABLE);

	cr_assert(eq(u64, gap.cursor.position, 6));
	(void)world_expect(subscription, 7, 10);
	world_append_until(&world, 12);
	(void)world_expect(subscription, 11, 12);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The log is read again when something of that session was committed, and not before. */
Test(continuous, S08_a_host_that_waits_for_a_session_costs_no_look_at_the_log)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_writer *other = NULL;
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	while (reprise_next(subscription, &(struct reprise_event){ 0 }, &(struct reprise_gap){ 0 },
			    NULL) == REPRISE_NEXT_EMPTY &&
	       world_stats(&world).pages < 1)
		usleep(1000);
	cr_assert(
		eq(int, reprise_writer_open(world.store, "other", NULL, &other, NULL), REPRISE_OK));
	(void)append_text(other, "x");
	cr_assert(eq(int, reprise_wait(subscription, one_second / 2), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, world_stats(&world).pages, 1));
	reprise_writer_close(other);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* No window: where the log has what is newer than the host's revision. */
Test(continuous, S08_a_refused_cursor_is_placed_by_its_revision_where_no_window_is)
{
	const char *const path = scratch_path("log");
	struct reprise_cursor cursor = { .position = 7, .revision = 37, .session_id = "s" };

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);

	cursor.incarnation.bytes[0] = 77;
	struct reprise_subscription *const subscription = followed(&world, &cursor);
	const struct reprise_gap gap = world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
							REPRISE_GAP_OTHER_INCARNATION);

	cr_assert(eq(u64, gap.cursor.position, 0));
	(void)world_expect(subscription, 38, 40);
	expect_nothing_more(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* An event is lost once: a flood, and a window that is left. */
Test(continuous, S08_what_has_left_the_ring_is_healed_in_each_life)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	for (int32_t lives = 1; lives <= 5; lives++) {
		const reprise_position before = (reprise_position)(lives - 1) * 40;

		world_write(&world);
		for (reprise_position next = before + 1; next <= before + 40; next++) {
			world_append_until(&world, next);
			world_flush(&world);
		}
		cr_assert(eq(int, reprise_writer_end(world.writer, lives), REPRISE_OK));
		world_leave_writer(&world);
		(void)world_expect(subscription, before + 1, before + 40);
		expect_life_end(subscription, before + 40, lives);
	}
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Events of lives that come while the subscription is away from their windows. */
Test(continuous, S08_lives_that_nobody_looked_at_are_handed_out_whole)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	expect_empty(subscription);
	for (int32_t lives = 1; lives <= 5; lives++)
		live(&world, (reprise_position)lives * 5, lives);
	(void)world_expect(subscription, 1, 25);
	expect_life_end(subscription, 25, 5);
	expect_nothing_more(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S08_the_recorded_alone_is_followed_from_life_to_life)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription_options options = go_on;
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *subscription = NULL;

	options.is_recorded_only = 1;
	cr_assert(eq(int,
		     reprise_subscribe_after(world.store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	for (int32_t lives = 1; lives <= 5; lives++) {
		const reprise_position before = (reprise_position)(lives - 1) * 5;

		live(&world, before + 5, lives);
		(void)world_expect(subscription, before + 1, before + 5);
		expect_life_end(subscription, before + 5, lives);
	}
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* By a descriptor that is polled, and by a callback. */
static void
post(struct reprise_subscription *subscription, void *context)
{
	sem_t *const called = context;

	(void)subscription;
	sem_post(called);
}

Test(continuous, S08_a_life_that_begins_rings_the_descriptor_and_the_callback)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const polled = followed(&world, &cursor);
	struct reprise_subscription *const called = followed(&world, &cursor);
	struct pollfd poller = { .events = POLLIN };
	sem_t calls;

	sem_init(&calls, 0, 0);
	cr_assert(eq(int, reprise_subscription_fd(polled, &poller.fd, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_notify(called, post, &calls, NULL), REPRISE_OK));
	for (int32_t lives = 1; lives <= 10; lives++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };
		uint64_t heard[2] = { 0 };

		live(&world, (reprise_position)lives * 2, lives);
		while (heard[0] < 3) {
			const reprise_outcome outcome = reprise_next(polled, &event, &gap, NULL);

			heard[0] += outcome != REPRISE_NEXT_EMPTY;
			if (outcome == REPRISE_NEXT_EMPTY)
				cr_assert(eq(int, poll(&poller, 1, 30000), 1), "life %d, heard %d",
					  (int)lives, (int)heard[0]);
		}
		cr_assert(eq(i32, gap.end_status, lives));
		while (heard[1] < 3) {
			const reprise_outcome outcome = reprise_next(called, &event, &gap, NULL);

			heard[1] += outcome != REPRISE_NEXT_EMPTY;
			if (outcome == REPRISE_NEXT_EMPTY)
				sem_wait(&calls);
		}
		cr_assert(eq(i32, gap.end_status, lives));
	}
	reprise_subscription_close(polled);
	reprise_subscription_close(called);
	sem_destroy(&calls);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* A runtime of its own writes the log; this one reads it. */
Test(continuous, S08_lives_of_another_runtime_are_followed)
{
	const char *const path = scratch_path("log");
	struct world reading = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *const subscription = followed(&reading, &cursor);

	expect_nothing_more(subscription);
	for (int32_t lives = 1; lives <= 3; lives++) {
		const reprise_position before = (reprise_position)(lives - 1) * 5;
		struct world writing = world_open(path, 0, NULL);

		world_write(&writing);
		world_append_until(&writing, before + 5);
		cr_assert(eq(int, reprise_writer_end(writing.writer, lives), REPRISE_OK));
		(void)world_expect(subscription, before + 1, before + 5);
		expect_life_end(subscription, before + 5, lives);
		world_close(&writing, REPRISE_OK);
	}
	reprise_subscription_close(subscription);
	world_close(&reading, REPRISE_OK);
	expect_no_leaks();
}

/* Another runtime takes the session over before the last events of this one are recorded. */
Test(continuous, S08_a_life_of_which_the_log_has_less_than_was_handed_out_has_diverged)
{
	struct reprise_recorder_options options = world_options();
	const char *const path = scratch_path("log");
	const struct reprise_cursor cursor = nothing_seen();

	options.linger_ns = 10 * one_second;
	struct world world = world_open(path, 0, &options), other = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	struct reprise_subscription *const subscription = followed(&world, &cursor);

	(void)world_expect(subscription, 1, 5);
	world_write(&other);
	world_append_until(&world, 8);
	cr_assert(eq(int, reprise_writer_end(world.writer, 1), REPRISE_OK));
	(void)world_expect(subscription, 6, 8);
	expect_life_end(subscription, 8, 1);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, gap.cursor.position, 5));
	(void)world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	world_append_until(&other, 7);
	(void)world_expect(subscription, 6, 7);
	reprise_subscription_close(subscription);
	world_close(&other, REPRISE_OK);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(continuous, S09_a_continuous_snapshot_waits_for_its_session)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *const subscription = resumed_at(&world, "s", 3, &go_on);

	expect_nothing_more(subscription);
	live(&world, 5, 1);
	(void)world_expect(subscription, 1, 5);
	expect_life_end(subscription, 5, 1);
	reprise_subscription_close(subscription);

	struct reprise_subscription *const late = resumed_at(&world, "s", 3, &go_on);

	(void)world_expect(late, 4, 5);
	expect_life_end(late, 5, 1);
	reprise_subscription_close(late);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
