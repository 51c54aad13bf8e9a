/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"
#include "world.h"

/* How replays end, and what gaps say of earlier lives: rules L40 to L49. */

TestSuite(log_semantics, .fini = scratch_remove, .timeout = 60);

/*
 * Nothing was ever said to a replay that began at the end, or whose way led into a void life alone.
 */
Test(log_semantics, L40_a_replay_ends_where_the_log_does)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *replay = NULL;

	world_write(&world);
	world_append_until(&world, 5);
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	for (int has_void_life = 0; has_void_life < 2; has_void_life++) {
		world_close(&world, REPRISE_OK);
		world = world_open(world.path, 0, NULL);
		for (reprise_position after = 3; after <= 5; after++) {
			const struct reprise_cursor cursor = world_cursor_in_log(&world, after);

			cr_assert(
				eq(int,
				   reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
				   REPRISE_OK));
			if (after < 5)
				(void)world_expect(replay, after + 1, 5);
			cr_assert(eq(int, reprise_wait(replay, 30 * one_second), REPRISE_OK));
			expect_ended(replay, REPRISE_END_REPLAY, 0);
			reprise_subscription_close(replay);
		}
		if (has_void_life)
			break;
		world_write(&world);
		world_append_until(&world, 8);
		world_flush(&world);
		cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
		world_leave_writer(&world);
		world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The recorder may be in another process. */
Test(log_semantics, L40_a_replay_ahead_of_an_open_life_ends_at_once)
{
	const char *const path = scratch_path("log");
	struct reprise_subscription *replay = NULL;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 43);

	cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_wait(replay, 30 * one_second), REPRISE_OK));
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(log_semantics, L41_a_replay_is_told_of_an_end_in_a_later_life_without_events)
{
	const char *const path = scratch_path("log");
	struct reprise_subscription *replay = NULL;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 38);

	world_write(&world);
	cr_assert(eq(int, reprise_writer_end(world.writer, 6), REPRISE_OK));
	world_leave_writer(&world);
	for (int is_in_log = 0; is_in_log < 2; is_in_log++) {
		cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
			     REPRISE_OK));
		(void)world_expect(replay, 39, 40);
		(void)world_expect_gap(replay, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
		cr_assert(eq(int, reprise_wait(replay, 30 * one_second), REPRISE_OK));
		expect_ended(replay, REPRISE_END_SESSION, 6);
		reprise_subscription_close(replay);
		world_await_life(&world, REPRISE_LIFE_CLEAN);
		world_close(&world, REPRISE_OK);
		world = world_open(path, 0, NULL);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(log_semantics, L46_the_newest_of_a_gap_is_the_windows_while_an_earlier_life_is_read)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 40);

	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_cursor newest = world_cursor(&world, 45);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);

	cr_assert(eq(u64, gap.newest.position, 45));
	cr_assert(eq(u64, gap.newest.revision, 45));
	cr_assert(memcmp(&gap.newest.incarnation, &newest.incarnation, 16) == 0);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static void
expect_newest_in_log(struct reprise_subscription *subscription, reprise_gap_detail detail,
		     const struct reprise_cursor *newest)
{
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, detail);

	cr_assert(eq(u64, gap.newest.position, newest->position));
	cr_assert(eq(u64, gap.newest.revision, newest->position));
	cr_assert(memcmp(&gap.newest.incarnation, &newest->incarnation, 16) == 0);
	reprise_subscription_close(subscription);
}

static void
write_life_until(struct world *world, reprise_position newest)
{
	world_write(world);
	world_append_until(world, newest);
	world_leave_writer(world);
	world_await_life(world, REPRISE_LIFE_CLEAN);
	world_close(world, REPRISE_OK);
	*world = world_open(world->path, 0, NULL);
}

Test(log_semantics, L46_the_newest_of_a_refusal_is_the_logs_without_a_live_window)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	write_life_until(&world, 10);
	const struct reprise_cursor earlier = world_cursor_in_log(&world, 5);

	write_life_until(&world, 20);
	for (int reads_only = 0; reads_only < 2; reads_only++) {
		const struct reprise_cursor newest = world_cursor_in_log(&world, 20);
		struct reprise_recorder_options options = world_options();
		struct reprise_subscription *resumed = NULL;
		struct reprise_cursor cursor = earlier;

		cursor.position = 15;
		expect_newest_in_log(world_subscribe(&world, &cursor), REPRISE_GAP_DIVERGED,
				     &newest);
		cursor.incarnation.bytes[0] ^= 1;
		expect_newest_in_log(world_subscribe(&world, &cursor),
				     REPRISE_GAP_OTHER_INCARNATION, &newest);
		cr_assert(eq(int,
			     reprise_resume_after(world.store, &earlier, 99, NULL, &resumed, NULL),
			     REPRISE_OK));
		expect_newest_in_log(resumed, REPRISE_GAP_BEHIND_DURABLE, &newest);
		world_close(&world, REPRISE_OK);
		options.reads_only = 1;
		world = world_open(world.path, 0, &options);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/*
 * The page with the last events has the end, too: no request comes between, with EMPTY as the
 * answer. A page holds the whole life.
 */
static void
expect_end_at_once(struct world *world, const struct reprise_cursor *cursor, int is_continuous)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = is_continuous };
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	cr_assert(eq(int,
		     reprise_subscribe_after(world->store, cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	for (reprise_position position = cursor->position + 1; position <= 3; position++) {
		cr_assert(
			eq(int, world_next(subscription, &event, &gap, &end), REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, position));
	}
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

	cr_assert(eq(int, outcome, is_continuous ? REPRISE_NEXT_GAP : REPRISE_NEXT_ENDED));
	if (is_continuous) {
		cr_assert(eq(int, gap.detail, REPRISE_GAP_LIFE_ENDED));
		cr_assert(eq(i32, gap.end_status, 5));
		cr_assert(eq(u64, gap.newest.position, 3));
	} else {
		cr_assert(eq(int, end.cause, REPRISE_END_SESSION));
		cr_assert(eq(i32, end.status, 5));
	}
	reprise_subscription_close(subscription);
}

Test(log_semantics, A29_a_log_tells_the_end_right_after_the_last_event)
{
	const struct reprise_new_event last[2] = { { .kind = 1 }, { .kind = 2 } };
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 1);
	cr_assert(eq(int, reprise_append_end(world.writer, last, 2, 5, NULL), REPRISE_OK));
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	for (int reads_only = 0; reads_only < 2; reads_only++) {
		struct reprise_recorder_options options = world_options();

		world_close(&world, REPRISE_OK);
		options.reads_only = reads_only;
		world = world_open(world.path, 0, &options);
		for (reprise_position after = 0; after < 3; after++) {
			const struct reprise_cursor cursor = world_cursor_in_log(&world, after);

			expect_end_at_once(&world, &cursor, 0);
			expect_end_at_once(&world, &cursor, 1);
		}
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(log_semantics, L47_a_host_that_was_refused_resumes_with_the_gaps_cursor)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const uint64_t durable = 4;

	world_write(&world);
	world_append_until(&world, 5);
	/* Behind the durable revision, and ahead of it. */
	for (uint64_t revision = 2; revision <= 6; revision += 4) {
		struct reprise_subscription *resumed = NULL;
		struct reprise_cursor cursor = world_cursor(&world, 2);

		cursor.revision = revision;
		cr_assert(eq(
			int,
			reprise_resume_after(world.store, &cursor, durable, NULL, &resumed, NULL),
			REPRISE_OK));
		const struct reprise_gap gap = world_expect_gap(
			resumed, REPRISE_GAP_UNAVAILABLE,
			revision < durable ? REPRISE_GAP_BEHIND_DURABLE : REPRISE_GAP_AHEAD);

		reprise_subscription_close(resumed);
		cr_assert(eq(int,
			     reprise_resume_after(world.store, &gap.cursor, durable, NULL, &resumed,
						  NULL),
			     REPRISE_OK));
		(void)world_expect(resumed, 1, 5);
		reprise_subscription_close(resumed);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/*
 * As a gap's cursor is where there is no window. It was taken for one of the place
 * where subscriptions wait.
 */
Test(log_semantics, L49_a_cursor_of_no_life_is_refused)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_UNKNOWN_SESSION);
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Not recorded yet, so that the log knows of none. */
Test(log_semantics, A24_a_commit_of_the_window_is_a_bridge_from_an_earlier_life)
{
	const char *const path = scratch_path("log");
	struct reprise_subscription *resumed = NULL;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 38);

	world_write(&world);
	const int blocked = world_block_log(path);

	(void)append_event(world.writer, 50, 0, REPRISE_EVENT_COMMIT, "x");
	cr_assert(eq(int, reprise_resume_after(world.store, &cursor, 50, NULL, &resumed, NULL),
		     REPRISE_OK));
	(void)world_expect(resumed, 39, 40);
	(void)world_expect_gap(resumed, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	world_unblock_log(blocked);
	reprise_subscription_close(resumed);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Declares its window void, and dies right after the answer. */
static void
invalidate_and_die(const char *path)
{
	static struct world world; /* in use until it dies: no leak */

	world = world_open(path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	if (reprise_session_invalidate(world.store, "s") != REPRISE_OK)
		abort();
}

static void
invalidate_all_and_die(const char *path)
{
	static struct world world; /* in use until it dies: no leak */

	world = world_open(path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	if (reprise_sessions_invalidate(world.store) != REPRISE_OK)
		abort();
}

Test(log_semantics, L45_what_was_declared_void_is_not_healed_after_a_crash)
{
	void (*const ways[])(const char *path) = { invalidate_and_die, invalidate_all_and_die };

	for (int i = 0; i < 10; i++) {
		const char *const path = scratch_path(i % 2 == 0 ? "one" : "all");

		world_crash(ways[i % 2], path);
		struct world world = world_open(path, 0, NULL);
		const struct reprise_cursor cursor =
			world_cursor_in_log(&world, 5 * (1 + i / 2) - 2);
		struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

		(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
				       REPRISE_GAP_INVALIDATED);
		reprise_subscription_close(subscription);
		world_close(&world, REPRISE_OK);
	}
	expect_no_leaks();
}

/* The window is void all the same; and the log is told when that is possible. */
Test(log_semantics, L45_an_invalidation_that_the_log_is_not_told_of_times_out)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.deadline_ns = one_second / 5;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 5);
	const struct reprise_cursor cursor = world_cursor(&world, 3);
	const int blocked = world_block_log(path);
	const uint64_t begun = clock_ns();

	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_E_TIMEOUT));
	const uint64_t taken = clock_ns() - begun;

	cr_assert(ge(u64, taken, options.deadline_ns));
	cr_assert(le(u64, taken, options.deadline_ns + one_second / 2));
	cr_assert(eq(int,
		     reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL),
		     REPRISE_E_CLOSED));
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(subscription);
	world_unblock_log(blocked);
	world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(log_semantics, L45_an_option_leaves_out_the_wait)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.invalidates_async = 1;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 5);
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_sessions_invalidate(world.store), REPRISE_OK));
	cr_assert(eq(int, world_log_stats(&world).life.state, REPRISE_LIFE_OPEN));
	world_unblock_log(blocked);
	world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The advice of a gap without a window led back to a cursor that is refused, for ever. */
Test(log_semantics, L44_a_session_of_a_void_life_alone_has_no_cursor_until_it_is_opened)
{
	const struct reprise_log_key key = { "default", "s" };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_cursor cursor = { 0 };

	world_write(&world);
	world_append_until(&world, 5);
	world_flush(&world);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	world_leave_writer(&world);
	cr_assert(eq(int, reprise_log_current_cursor(world.log, &key, 9, &cursor, NULL),
		     REPRISE_E_NOT_FOUND));
	world_write(&world);
	world_append_until(&world, 7);
	cr_assert(
		eq(int, reprise_log_current_cursor(world.log, &key, 9, &cursor, NULL), REPRISE_OK));
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	(void)world_expect(subscription, 6, 7);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
