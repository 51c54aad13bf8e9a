/* SPDX-License-Identifier: MIT */
#include <time.h>

#include <reprise/log_upkeep.h>

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

enum {
	LONG = 20000, /* many pages */
};

/* A log of a life that ended clean, opened again. */
static struct world
open_long_log(struct reprise_cursor *ret_beginning)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	*ret_beginning = world_cursor(&world, 0);
	for (reprise_position newest = 2000; newest <= LONG; newest += 2000) {
		world_append_until(&world, newest);
		world_flush(&world);
	}
	world_close(&world, REPRISE_OK);
	return world_open(path, 0, NULL);
}

Test(heal, C22_a_long_log_is_read_page_by_page)
{
	struct reprise_cursor cursor;
	struct world world = open_long_log(&cursor);
	struct reprise_subscription *const first = world_subscribe(&world, &cursor);

	cursor.position = 3000;
	struct reprise_subscription *const second = world_subscribe(&world, &cursor);

	/* By turns, so that what was read ahead for one is not what the other asks for. */
	for (reprise_position position = 0; position < LONG - 3000; position += 8500) {
		cr_assert(eq(u64, world_expect(first, position + 1, position + 8500), 8500));
		cr_assert(eq(u64, world_expect(second, position + 3001, position + 11500), 8500));
	}
	(void)world_expect(first, LONG - 2999, LONG);
	expect_empty(first);
	expect_empty(second);
	cr_assert(eq(u64, lost_of(first) + lost_of(second), 0));
	reprise_subscription_close(first);
	reprise_subscription_close(second);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C04_what_was_read_ahead_is_not_handed_out_once_it_is_archived)
{
	const struct reprise_log_key key = { "default", "s" };
	const struct timespec while_it_reads = { .tv_nsec = 50000000 };
	struct reprise_cursor cursor;
	struct world world = open_long_log(&cursor);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };
	reprise_position position = 5000;
	uint64_t archived = 0;

	(void)world_expect(subscription, 1, position);
	nanosleep(&while_it_reads, NULL);
	cr_assert(eq(int, reprise_log_archive_before(world.log, &key, 15000, &archived, NULL),
		     REPRISE_OK));
	while (world_next(subscription, &event, &gap, &end) == REPRISE_NEXT_EVENT)
		cr_assert(eq(u64, event.position, ++position));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_ARCHIVED));
	cr_assert(eq(u64, gap.lost_first, position + 1));
	cr_assert(eq(u64, gap.lost_last, 15000));
	/* The page in hand, and the one that was asked for before. */
	cr_assert(le(u64, position, 5000 + 2 * 2048));
	(void)world_expect(subscription, 15001, LONG);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
