/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* Cursors of earlier lives, and subscriptions that have no window: contracts C08, C10. */

TestSuite(heal_lives, .fini = scratch_remove, .timeout = 60);

Test(heal_lives, C08_a_cursor_of_a_crashed_life_heals_up_to_its_end_and_is_told_of_the_restart)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	struct reprise_cursor cursor = world_cursor_in_log(&world, 10);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	cr_assert(eq(u64, world_expect(subscription, 11, 40), 30));
	cr_assert(eq(int, reprise_wait(subscription, one_second / 10), REPRISE_E_TIMEOUT));
	world_write(&world);
	world_append_until(&world, 45);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	const struct reprise_session_stats stats = stats_of_s(world.store);

	cr_assert(eq(u64, gap.lost, 0));
	cr_assert(eq(u64, gap.lost_first, 0));
	cr_assert(eq(u64, gap.cursor.position, 40));
	cr_assert(memcmp(&gap.cursor.incarnation, &stats.incarnation, 16) == 0,
		  "who comes back with it is not told again");
	(void)world_expect(subscription, 41, 45);
	expect_empty(subscription);
	reprise_subscription_close(subscription);

	struct reprise_subscription *const again = world_subscribe(&world, &gap.cursor);

	cr_assert(eq(u64, world_expect(again, 41, 45), 0));
	reprise_subscription_close(again);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, C08_who_saw_what_was_never_recorded_is_told_where_it_diverged)
{
	const char *const path = scratch_path("log");

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	struct reprise_cursor cursor = world_cursor_in_log(&world, 43);
	struct reprise_subscription *const early = world_subscribe(&world, &cursor);

	/* Perhaps it is recorded yet, by somebody: the next life will tell. */
	cr_assert(eq(int, reprise_wait(early, one_second / 10), REPRISE_E_TIMEOUT));
	world_write(&world);
	world_append_until(&world, 50);
	struct reprise_subscription *const late = world_subscribe(&world, &cursor);
	struct reprise_subscription *const both[] = { early, late };

	for (int i = 0; i < 2; i++) {
		const struct reprise_gap gap =
			world_expect_gap(both[i], REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_DIVERGED);

		cr_assert(eq(u64, gap.cursor.position, 40));
		cr_assert(memcmp(&gap.cursor.incarnation, &cursor.incarnation, 16) == 0);
		expect_ended(both[i], REPRISE_END_INVALIDATED, 0);
		struct reprise_subscription *const again = world_subscribe(&world, &gap.cursor);

		(void)world_expect_gap(again, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
		(void)world_expect(again, 41, 50);
		reprise_subscription_close(again);
		reprise_subscription_close(both[i]);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, C08_the_end_of_a_clean_life_is_crossed_without_a_word)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 8, NULL);

	for (reprise_position newest = 10; newest <= 50; newest += 10) {
		world_write(&world);
		for (reprise_position next = newest - 9; next <= newest; next++) {
			world_append_until(&world, next);
			world_flush(&world);
		}
		world_close(&world, REPRISE_OK);
		world = world_open(path, 8, NULL);
	}
	world_write(&world);
	world_append_until(&world, 53);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 0);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	cr_assert(ge(u64, world_expect(subscription, 1, 53), 50));
	world_append_until(&world, 54);
	cr_assert(eq(u64, world_expect(subscription, 54, 54), 0));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, C10_the_end_is_told_after_it_unless_a_later_life_exists)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	cr_assert(eq(int, reprise_writer_end(world.writer, 6), REPRISE_OK));
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	world_close(&world, REPRISE_OK);

	world = world_open(world.path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 2);
	struct reprise_subscription *subscription = world_subscribe(&world, &cursor);

	(void)world_expect(subscription, 3, 5);
	cr_assert(eq(int, reprise_wait(subscription, 30 * one_second), REPRISE_OK));
	expect_ended(subscription, REPRISE_END_SESSION, 6);
	reprise_subscription_close(subscription);

	world_write(&world);
	world_append_until(&world, 8);
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect(subscription, 3, 8);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* As from the ring: the session's end is the more that is to be said. */
Test(heal_lives, C10_a_replay_that_reaches_the_sessions_end_is_told_of_that)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *replay = NULL;

	world_write(&world);
	world_append_until(&world, 5);
	cr_assert(eq(int, reprise_writer_end(world.writer, 6), REPRISE_OK));
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	for (int is_in_log = 0; is_in_log < 2; is_in_log++) {
		for (reprise_position after = 3; after <= 5; after++) {
			struct reprise_cursor cursor = world_cursor_in_log(&world, 3);

			cursor.position = after;
			cr_assert(
				eq(int,
				   reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
				   REPRISE_OK));
			if (after < 5)
				(void)world_expect(replay, after + 1, 5);
			cr_assert(eq(int, reprise_wait(replay, 30 * one_second), REPRISE_OK));
			expect_ended(replay, REPRISE_END_SESSION, 6);
			reprise_subscription_close(replay);
		}
		world_close(&world, REPRISE_OK);
		world = world_open(world.path, 0, NULL);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, C08_an_invalidated_life_is_never_read_again)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 5);
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	world_close(&world, REPRISE_OK);

	/* Its mark is in memory only, for now. */
	struct reprise_recorder_options async = world_options();

	async.invalidates_async = 1;
	world = world_open(path, 0, &async);
	world_write(&world);
	world_append_until(&world, 8);
	world_flush(&world);
	const struct reprise_cursor voided = world_cursor(&world, 6);
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	struct reprise_subscription *subscription = world_subscribe(&world, &voided);

	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(subscription);
	world_unblock_log(blocked);
	world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	subscription = world_subscribe(&world, &voided);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(subscription);

	/*
	 * A host that comes from before the void life waits there until something follows, and is
	 * told the loss.
	 */
	const struct reprise_cursor before = world_cursor_in_log(&world, 3);

	subscription = world_subscribe(&world, &before);
	(void)world_expect(subscription, 4, 5);
	cr_assert(eq(int, reprise_wait(subscription, one_second / 10), REPRISE_E_TIMEOUT));
	world_leave_writer(&world);
	world_write(&world);
	world_append_until(&world, 10);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.lost_first, 6));
	cr_assert(eq(u64, gap.lost_last, 8));
	(void)world_expect(subscription, 9, 10);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, A13_what_the_log_does_not_know_is_unavailable)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *subscription;

	cursor.incarnation.bytes[3] = 9;
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_UNKNOWN_SESSION);
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);

	world_write(&world);
	world_append_until(&world, 3);
	world_flush(&world);
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE,
			       REPRISE_GAP_OTHER_INCARNATION);
	reprise_subscription_close(subscription);

	/* Of the live window, the ring's rules. */
	cursor = world_cursor(&world, 4);
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_AHEAD);
	reprise_subscription_close(subscription);
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	world_close(&world, REPRISE_OK);

	/* Before its life. */
	world = world_open(world.path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 6);
	world_flush(&world);
	cursor = world_cursor(&world, 1);
	world_leave_writer(&world);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	world_close(&world, REPRISE_OK);
	world = world_open(world.path, 0, NULL);
	subscription = world_subscribe(&world, &cursor);
	(void)world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_BEFORE_WINDOW);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal_lives, C08_a_replay_of_an_earlier_life_ends_at_the_newest_of_its_opening)
{
	const char *const path = scratch_path("log");
	struct reprise_subscription *replay = NULL;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 38);

	cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
		     REPRISE_OK));
	(void)world_expect(replay, 39, 40);
	cr_assert(eq(int, reprise_wait(replay, 30 * one_second), REPRISE_OK));
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);

	world_write(&world);
	world_append_until(&world, 43);
	cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
		     REPRISE_OK));
	world_append_until(&world, 50);
	(void)world_expect(replay, 39, 40);
	(void)world_expect_gap(replay, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(replay, 41, 43);
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static void
post(struct reprise_subscription *subscription, void *called)
{
	(void)subscription;
	sem_post(called);
}

static bool
is_readable(int fd, int ms)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };

	return poll(&asked, 1, ms) == 1;
}

/* Waits at all three doors while there is no window, gets one, and waits there. */
Test(heal_lives, the_doors_move_with_a_subscription_that_gets_its_window)
{
	const char *const path = scratch_path("log");
	sem_t called;
	int fd = -1;

	sem_init(&called, 0, 0);
	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 40);
	struct reprise_subscription *const by_fd = world_subscribe(&world, &cursor);
	struct reprise_subscription *const by_call = world_subscribe(&world, &cursor);
	struct reprise_subscription *const by_wait = world_subscribe(&world, &cursor);

	cr_assert(eq(int, reprise_subscription_fd(by_fd, &fd, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_notify(by_call, post, &called, NULL), REPRISE_OK));
	while (is_readable(fd, 100))
		expect_empty(by_fd);
	while (sem_trywait(&called) == 0)
		expect_empty(by_call);
	world_write(&world);
	cr_assert(is_readable(fd, 30000));
	sem_wait(&called);
	cr_assert(eq(int, reprise_wait(by_wait, 30 * one_second), REPRISE_OK));
	(void)world_expect_gap(by_fd, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect_gap(by_call, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect_gap(by_wait, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	for (reprise_position newest = 41; newest <= 60; newest++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap;

		/* Everything is said: then each waits for the next. */
		while (reprise_next(by_fd, &event, &gap, NULL) != REPRISE_NEXT_EMPTY ||
		       is_readable(fd, 0))
			cr_assert(eq(u64, event.position, newest - 1));
		while (reprise_next(by_call, &event, &gap, NULL) != REPRISE_NEXT_EMPTY ||
		       sem_trywait(&called) == 0)
			cr_assert(eq(u64, event.position, newest - 1));
		world_append_until(&world, newest);
		cr_assert(is_readable(fd, 30000));
		sem_wait(&called);
		(void)world_expect(by_wait, newest, newest);
	}
	reprise_subscription_close(by_fd);
	reprise_subscription_close(by_call);
	reprise_subscription_close(by_wait);
	world_close(&world, REPRISE_OK);
	sem_destroy(&called);
	expect_no_leaks();
}

static void *
interrupt(void *subscription)
{
	usleep(50000);
	cr_assert(eq(int, reprise_subscription_interrupt(subscription), REPRISE_OK));
	return NULL;
}

Test(heal_lives, a_wait_without_a_window_can_be_interrupted_and_closed)
{
	const char *const path = scratch_path("log");
	pthread_t thread;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 40);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	pthread_create(&thread, NULL, interrupt, subscription);
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_E_INTERRUPTED));
	pthread_join(thread, NULL);
	for (int i = 0; i < 200; i++) {
		struct reprise_subscription *const brief = world_subscribe(&world, &cursor);

		cr_assert(eq(int, reprise_wait(brief, i % 3 == 0 ? 0 : 100000), REPRISE_E_TIMEOUT));
		reprise_subscription_close(brief);
	}
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
