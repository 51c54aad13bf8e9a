/* SPDX-License-Identifier: MIT */
/*
 * L57: a log that goes back under open subscriptions: over the log alone, and in windows. The
 * backup has 40 events of a life that is still open.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "following.h"
#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(went_back, .fini = scratch_remove, .timeout = 60);

static const char *path, *backup;

static struct reprise_log *
open_log(void)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	return log;
}

/* In steps that a small window holds. */
static void
record_until(struct world *world, reprise_position first, reprise_position newest)
{
	for (reprise_position position = first; position <= newest; position += 4) {
		world_append_until(world, position + 3);
		world_flush(world);
	}
}

/* A runtime that has recorded 60 events, of which the backup has 40. */
static struct world
open_world(uint64_t events_max, const struct reprise_recorder_options *options)
{
	path = scratch_path("log");
	backup = scratch_path("backup");
	struct world world = world_open(path, events_max, options);

	world_write(&world);
	record_until(&world, 1, 40);
	scratch_copy(path, backup);
	record_until(&world, 41, 60);
	return world;
}

static struct reprise_subscription *
follow(struct world *world, const struct reprise_cursor *cursor)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = 1 };
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int,
		     reprise_subscribe_after(world->store, cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static void
expect_diverged(struct reprise_subscription *subscription, reprise_position end)
{
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, gap.cursor.position, end));
}

/* Events after @after, and DIVERGED where they end; answers where that is. */
static reprise_position
expect_diverged_after(struct reprise_subscription *subscription, reprise_position after)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end;

	while (world_next(subscription, &event, &gap, &end) == REPRISE_NEXT_EVENT)
		cr_assert(eq(u64, event.position, ++after));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_DIVERGED));
	cr_assert(eq(u64, gap.cursor.position, after));
	return after;
}

static void
expect_over(struct reprise_subscription *subscription)
{
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
}

static void
expect_nothing(struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap = { 0 };

	for (int i = 0; i < 50; i++) {
		cr_assert(
			eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EMPTY),
			"gap %d", (int)gap.detail);
		usleep(1000);
	}
}

/* Appends until the writer is told that the session is another's, or nobody's. */
static void
append_until_closed(struct world *world)
{
	reprise_status status = REPRISE_OK;
	reprise_position position;

	for (int i = 0; status == REPRISE_OK && i < 20000; i++) {
		status = reprise_append(world->writer, 100, 0, 0, (struct reprise_bytes){ "x", 1 },
					&position);
		usleep(1000);
	}
	cr_assert(eq(int, status, REPRISE_E_CLOSED));
}

Test(went_back, L57_a_subscription_over_the_log_alone_is_told_at_once)
{
	struct world world = open_world(0, NULL);
	struct following reading = following_reading(open_log);
	struct reprise_subscription *const one = following_subscribe(&reading, 0),
					   *const all = following_subscribe(&reading, 1);

	(void)world_expect(one, 1, 60);
	(void)world_expect(all, 1, 60);
	expect_nothing(one);
	expect_nothing(all);
	world_close(&world, REPRISE_OK);
	scratch_copy(backup, path);
	expect_diverged(one, 40);
	expect_over(one);
	expect_diverged(all, 40);
	expect_nothing(all);
	reprise_subscription_close(all);
	following_close(&reading);
	expect_no_leaks();
}

Test(went_back, L57_a_subscription_that_is_not_ahead_of_the_backup_reads_on)
{
	struct world world = open_world(0, NULL);
	struct following reading = following_reading(open_log);

	world_close(&world, REPRISE_OK);
	scratch_copy(backup, path);
	struct reprise_subscription *const all = following_subscribe(&reading, 1);

	(void)world_expect(all, 1, 40);
	expect_nothing(all);
	/* The same content once more: another commit, and nothing is lost. */
	scratch_copy(backup, path);
	expect_nothing(all);
	reprise_subscription_close(all);
	following_close(&reading);
	expect_no_leaks();
}

/* Writes one life of five events into the log @of. */
static void
write_five(const char *of)
{
	struct world world = world_open(of, 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	world_close(&world, REPRISE_OK);
}

Test(went_back, L57_a_life_that_took_the_place_of_one_as_long_is_noticed)
{
	path = scratch_path("log");
	backup = scratch_path("backup");
	write_five(path);
	write_five(backup);
	struct following reading = following_reading(open_log);
	struct reprise_subscription *const one = following_subscribe(&reading, 0);

	(void)world_expect(one, 1, 5);
	expect_nothing(one);
	scratch_copy(backup, path);
	(void)world_expect_gap(one, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_OTHER_INCARNATION);
	expect_over(one);
	following_close(&reading);
	expect_no_leaks();
}

Test(went_back, L57_hosts_of_a_window_are_told_how_far_the_log_went_back)
{
	struct world world = open_world(0, NULL);
	const struct reprise_cursor at_60 = world_cursor(&world, 60),
				    at_30 = world_cursor(&world, 30);
	struct reprise_subscription *const ahead = world_subscribe(&world, &at_60),
					   *const behind = world_subscribe(&world, &at_30),
					   *const all = follow(&world, &at_30);

	expect_nothing(ahead);
	scratch_copy(backup, path);
	append_until_closed(&world);
	cr_assert(eq(u64, world_stats(&world).fenced, 1));
	expect_diverged(ahead, 40);
	expect_over(ahead);
	expect_diverged(behind, 30);
	expect_over(behind);
	/* Nothing up to the backup's end is lost to a subscription that goes on. */
	expect_diverged(all, 30);
	cr_assert(eq(u64, world_expect(all, 31, 40), 10));
	expect_nothing(all);
	world_leave_writer(&world);
	world_write(&world);
	world_append_until(&world, 45);
	(void)world_expect_gap(all, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(all, 41, 45);
	reprise_subscription_close(all);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_a_window_that_heals_finds_out_without_an_append)
{
	struct world world = open_world(8, NULL);
	const struct reprise_cursor at_10 = world_cursor(&world, 10);

	scratch_copy(backup, path);
	struct reprise_subscription *const one = world_subscribe(&world, &at_10),
					   *const all = follow(&world, &at_10);

	cr_assert(le(u64, expect_diverged_after(one, 10), 40));
	expect_over(one);
	/* Nothing up to the backup's end is lost to a subscription that goes on. */
	(void)world_expect(all, expect_diverged_after(all, 10) + 1, 40);
	expect_nothing(all);
	append_until_closed(&world);
	reprise_subscription_close(all);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_a_window_without_a_writer_finds_out_when_it_heals)
{
	struct world world = open_world(8, NULL);
	const struct reprise_cursor at_10 = world_cursor(&world, 10);

	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	scratch_copy(backup, path);
	struct reprise_subscription *const one = world_subscribe(&world, &at_10);

	cr_assert(le(u64, expect_diverged_after(one, 10), 40));
	expect_over(one);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_a_renewal_of_a_lease_finds_out)
{
	struct reprise_recorder_options options = world_options();

	options.lease_ns = one_second / 2;
	struct world world = open_world(0, &options);
	const struct reprise_cursor at_60 = world_cursor(&world, 60);
	struct reprise_subscription *const one = world_subscribe(&world, &at_60);

	scratch_copy(backup, path);
	expect_diverged(one, 40);
	expect_over(one);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The log can be read, and not be written, until the connection is closed. */
static sqlite3 *
begin_writing(void)
{
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	sqlite3_busy_timeout(db, 10000);
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK));
	return db;
}

Test(went_back, L57_a_life_whose_end_was_told_is_told_to_have_diverged)
{
	struct world world = open_world(0, NULL);
	const struct reprise_cursor at_60 = world_cursor(&world, 60);
	struct reprise_subscription *const all = follow(&world, &at_60);

	cr_assert(eq(int, reprise_writer_end(world.writer, 3), REPRISE_OK));
	world_flush(&world);
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	/* The window alone has told how far the life was recorded: no page was read before. */
	scratch_copy(backup, path);
	sqlite3 *const writing = begin_writing();

	(void)world_expect_gap(all, REPRISE_GAP_TRIMMED, REPRISE_GAP_LIFE_ENDED);
	/* The window is not void before the writing thread has looked; it has the lost events. */
	expect_nothing(all);
	cr_assert(eq(int, sqlite3_close(writing), SQLITE_OK));
	expect_diverged(all, 40);
	expect_nothing(all);
	reprise_subscription_close(all);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_events_that_were_never_recorded_are_no_sign)
{
	struct reprise_recorder_options options = world_options();

	options.invalidates_async = 1;
	struct world world = open_world(0, &options);
	const struct reprise_cursor at_60 = world_cursor(&world, 60);
	struct reprise_subscription *const all = follow(&world, &at_60);
	const int blocked = world_block_log(path);

	world_append_until(&world, 70);
	(void)world_expect(all, 61, 70);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	(void)world_expect_gap(all, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	expect_nothing(all);
	world_unblock_log(blocked);
	reprise_subscription_close(all);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_a_life_that_is_shorter_in_the_log_is_not_closed_as_clean)
{
	struct world world = open_world(0, NULL);

	scratch_copy(backup, path);
	world_leave_writer(&world);
	while (world_stats(&world).fenced == 0)
		usleep(1000);
	cr_assert(eq(int, world_log_stats(&world).life.state, REPRISE_LIFE_OPEN));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(went_back, L57_a_silent_session_does_not_hold_up_the_closing)
{
	struct world world = open_world(0, NULL);

	scratch_copy(backup, path);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
