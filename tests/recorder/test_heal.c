/* SPDX-License-Identifier: MIT */
#include "log_sqlite/scratch.h"
#include "world.h"

/* Subscriptions that heal: contracts C08, C10, C22. */

TestSuite(heal, .fini = scratch_remove, .timeout = 60);

static uint64_t
lost_of(struct reprise_subscription *subscription)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_OK));
	return stats.lost;
}

Test(heal, C22_who_is_overtaken_reads_the_log_and_rejoins_the_ring)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	world_write(&world);
	const struct reprise_cursor beginning = world_cursor(&world, 0);
	struct reprise_subscription *const subscription = world_subscribe(&world, &beginning);

	for (reprise_position newest = 5; newest <= 1000; newest += 5) {
		world_append_until(&world, newest);
		world_flush(&world);
	}
	const uint64_t healed = world_expect(subscription, 1, 1000);

	cr_assert(ge(u64, healed, 992));
	world_append_until(&world, 1004);
	cr_assert(eq(u64, world_expect(subscription, 1001, 1004), 0), "live again, from the ring");
	expect_empty(subscription);
	cr_assert(eq(u64, lost_of(subscription), 0));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static void
append_40_of_50(const char *path)
{
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 40);
	world_flush(&world);
}

Test(heal, C08_a_cursor_of_a_crashed_life_heals_up_to_its_end_and_is_told_of_the_restart)
{
	const char *const path = scratch_path("log");

	world_crash(append_40_of_50, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_log_current_cursor(world.log, &key, UINT64_MAX, &cursor, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 40));
	cursor.position = 10;
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	cr_assert(eq(u64, world_expect(subscription, 11, 40), 30));
	expect_empty(subscription);
	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);

	cr_assert(eq(u64, gap.lost, 0));
	cr_assert(eq(u64, gap.cursor.position, 40));
	(void)world_expect(subscription, 41, 45);
	expect_empty(subscription);
	reprise_subscription_close(subscription);

	/* Further than the log is what the host saw and nobody recorded. */
	cursor.position = 43;
	struct reprise_subscription *const diverged = world_subscribe(&world, &cursor);
	const struct reprise_gap told =
		world_expect_gap(diverged, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, told.cursor.position, 40));
	cr_assert(memcmp(&told.cursor.incarnation, &cursor.incarnation, 16) == 0);
	reprise_subscription_close(diverged);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
