/* SPDX-License-Identifier: MIT */
#include "log_sqlite/scratch.h"
#include "world.h"

#include <reprise/log_upkeep.h>

/* Subscriptions that go on by themselves, and snapshots, in a store with a log: rules S06 and S07. */

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
Test(continuous, S07_a_snapshot_is_placed_by_the_log_where_the_window_cannot_tell)
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

Test(continuous, S07_a_snapshot_begins_in_an_earlier_life_if_that_has_newer_events)
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

Test(continuous, S07_a_snapshot_of_a_session_that_no_log_knows_is_refused)
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

Test(continuous, S07_a_snapshot_of_lives_that_are_all_void_is_refused)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	cr_assert(eq(int, reprise_invalidate_session(world.store, "s"), REPRISE_OK));
	struct reprise_subscription *const subscription = resumed_at(&world, "s", 3, NULL);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
