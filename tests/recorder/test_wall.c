/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/*
 * The wall time of what is recorded: the clock is stepped while a recorder runs, and hosts bring
 * their own stamps.
 */

TestSuite(recorder_wall, .fini = scratch_remove, .timeout = 60);

static _Atomic int64_t step_ns; /* what CLOCK_REALTIME has been set forward */

/* The linker's names of the function. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int
__wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	const int answer = __real_clock_gettime(clock, time);

	if (clock == CLOCK_REALTIME) {
		const int64_t ns =
			time->tv_sec * INT64_C(1000000000) + time->tv_nsec + atomic_load(&step_ns);

		time->tv_sec = ns / 1000000000;
		time->tv_nsec = ns % 1000000000;
	}
	return answer;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static uint64_t
wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * one_second + (uint64_t)now.tv_nsec;
}

/* The time of the entry at @position in the log. */
static uint64_t
time_at(struct world *world, reprise_ordinal position)
{
	const struct reprise_log_entry *entries;
	size_t count = 0;
	struct reprise_log_page *const page = world_load(world, position - 1, &entries, &count);

	cr_assert(gt(sz, count, 0));
	const uint64_t time = entries[0].time_ns;

	reprise_log_page_close(page);
	return time;
}

/*
 * Appends one event and has it recorded; its time in the log is what the wall clock says,
 * but for @slack_ns.
 */
static void
record_one(struct world *world, reprise_position position, uint64_t slack_ns)
{
	const uint64_t before = wall_now();

	world_append_until(world, position);
	world_flush(world);
	const uint64_t time = time_at(world, position), after = wall_now();

	/* The stamp word may be a tick of the store's clock behind. */
	cr_assert(ge(u64, time + 30000000 + slack_ns, before));
	cr_assert(le(u64, time, after + 1000000));
}

Test(recorder_wall, F21_a_clock_that_is_stepped_concerns_no_event_recorded_after_it)
{
	static const int64_t steps[] = { INT64_C(3600000000000), INT64_C(-7200000000000), 5000000,
					 INT64_C(86400000000000) };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	reprise_position position = 0;

	world_write(&world);
	record_one(&world, ++position, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		atomic_fetch_add(&step_ns, steps[i]);
		record_one(&world, ++position, 0);
		record_one(&world, ++position, 0);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The stamp of the event that the subscription has next. */
static uint64_t
stamp_of_next(struct reprise_subscription *subscription, reprise_source source)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };

	cr_assert(eq(int, world_next(subscription, &event, &gap, &end), REPRISE_NEXT_EVENT));
	cr_assert(eq(int, event.source, source));
	return event.stamp_ns;
}

Test(recorder_wall, F21_an_event_has_one_stamp_in_the_ring_and_from_the_log)
{
	struct world world = world_open(scratch_path("log"), 4, NULL);

	world_write(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 0);

	world_append_until(&world, 1);
	world_flush(&world);
	struct reprise_subscription *live = world_subscribe(&world, &cursor);
	const uint64_t stamp = stamp_of_next(live, REPRISE_SOURCE_RING);

	for (reprise_position newest = 2; newest <= 20; newest++) {
		world_append_until(&world, newest);
		world_flush(&world);
	}
	reprise_subscription_close(live);
	live = world_subscribe(&world, &cursor);
	cr_assert(eq(u64, stamp_of_next(live, REPRISE_SOURCE_LOG), stamp));
	reprise_subscription_close(live);

	/* A step moves the stamps of what was recorded before by itself, and by no more. */
	atomic_fetch_add(&step_ns, (int64_t)one_second);
	live = world_subscribe(&world, &cursor);
	const uint64_t moved = stamp_of_next(live, REPRISE_SOURCE_LOG);

	cr_assert(le(u64, moved, stamp - one_second + 1000000));
	cr_assert(ge(u64, moved, stamp - one_second - 1000000));
	reprise_subscription_close(live);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/*
 * Clocks of a host: UTC, another's monotonic one, one that began a second ago, one far
 * in the future.
 */
Test(recorder_wall, F22_a_hosts_stamps_may_be_on_any_clock)
{
	const uint64_t clocks[] = { wall_now(), 77 * one_hour, one_second, UINT64_C(1) << 62,
				    one_hour };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	reprise_position position = 0;

	world_write(&world);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		cr_assert(eq(int, reprise_stamp_set(world.store, clocks[i]), REPRISE_OK));
		record_one(&world, ++position, 0);
		cr_assert(eq(int, reprise_stamp_set(world.store, clocks[i] + 1000), REPRISE_OK));
		record_one(&world, ++position, 0);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_wall, F22_an_event_is_as_old_in_the_log_as_on_the_hosts_clock)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	cr_assert(eq(int, reprise_stamp_set(world.store, 5 * one_hour), REPRISE_OK));
	world_write(&world);
	world_append_until(&world, 1);
	world_flush(&world);
	const int blocked = world_block_log(path);
	struct reprise_recorder_stats stats = world_stats(&world);

	/*
	 * The batch is taken when the log is back: by then the host's clock has gone on
	 * for an hour.
	 */
	world_append_until(&world, 2);
	for (const uint64_t failures = stats.failures; stats.failures == failures;
	     stats = world_stats(&world))
		usleep(1000);
	world_append_until(&world, 3);
	cr_assert(eq(int, reprise_stamp_set(world.store, 6 * one_hour), REPRISE_OK));
	world_append_until(&world, 4);
	world_unblock_log(blocked);
	world_flush(&world);
	const uint64_t now = wall_now();

	cr_assert(ge(u64, time_at(&world, 2) + 10 * one_second, now), "copied before it");
	cr_assert(le(u64, time_at(&world, 3) + one_hour, now));
	cr_assert(ge(u64, time_at(&world, 3) + one_hour + 10 * one_second, now));
	cr_assert(ge(u64, time_at(&world, 4) + 10 * one_second, now));
	/* An hour by the host's clock is told as the lag of nothing. */
	cr_assert(eq(u64, world_stats(&world).lag_ns, 0));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_wall, F22_a_host_that_sets_its_clock_back_records_nothing_in_the_future)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	cr_assert(eq(int, reprise_stamp_set(world.store, 9 * one_hour), REPRISE_OK));
	record_one(&world, 1, 0);
	cr_assert(eq(int, reprise_stamp_set(world.store, one_hour), REPRISE_OK));
	/* A session's stamps never decrease: this one is at nine hours. */
	record_one(&world, 2, 0);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
