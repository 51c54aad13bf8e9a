/* SPDX-License-Identifier: MIT */
#include "log_sqlite/scratch.h"
#include "world.h"

/* Windows without events get their next writer's bounds in a store with a log, too (rule S11). */

TestSuite(rebuilt, .fini = scratch_remove, .timeout = 60);

static const struct reprise_session_options five = { .size = sizeof(five), .events_max = 5 };
static const struct reprise_session_options many = { .size = sizeof(many), .events_max = 10000 };

static struct reprise_writer_opened
reopened_with(struct world *world, const struct reprise_session_options *options)
{
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	if (world->writer != NULL)
		reprise_writer_close(world->writer);
	cr_assert(eq(int, reprise_writer_open(world->store, "s", options, &world->writer, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_opened(world->writer, &opened), REPRISE_OK));
	return opened;
}

static void
expect_rebuilt(struct world *world, const struct reprise_session_options *options)
{
	const struct reprise_writer_opened opened = reopened_with(world, options);

	cr_assert(eq(int, opened.is_joined, 1));
	cr_assert(eq(int, opened.is_rebuilt, 1));
	cr_assert(eq(u64, opened.events_max, options->events_max));
}

static uint64_t
recorded_through(struct world *world)
{
	reprise_position position = 0;

	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(world->recorder, "s", REPRISE_WRITTEN, &position),
		REPRISE_OK));
	return position;
}

static void
close_world(struct world *world, reprise_status status)
{
	world_close(world, status);
	expect_no_leaks();
}

Test(rebuilt, S11_a_window_in_a_log_gets_the_writers_bounds)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 0);
	struct reprise_subscription *const before = world_subscribe(&world, &cursor);

	expect_rebuilt(&world, &five);
	struct reprise_subscription *const after = world_subscribe(&world, &cursor);

	cr_assert(eq(int, reopened_with(&world, &five).is_rebuilt, 0), "the bounds are the same");
	world_append_until(&world, 3);
	world_flush(&world);
	cr_assert(eq(u64, recorded_through(&world), 3));
	(void)world_expect(before, 1, 3);
	(void)world_expect(after, 1, 3);
	reprise_subscription_close(before);
	reprise_subscription_close(after);
	cr_assert(eq(int, reopened_with(&world, &many).is_rebuilt, 0), "it has events");
	world_append_until(&world, 8);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).recorded, 8));
	cr_assert(eq(u64, world_stats(&world).lost, 0));
	close_world(&world, REPRISE_OK);
}

/* Its window has grown far beyond what the batch had room for. */
Test(rebuilt, S11_a_window_that_has_grown_is_recorded)
{
	const struct reprise_session_options large = { .size = sizeof(large),
						       .events_max = 50000,
						       .bytes_max = UINT64_C(64) << 20 };
	struct world world = world_open(scratch_path("log"), 4, NULL);

	world_write(&world);
	expect_rebuilt(&world, &large);
	world_append_until(&world, 20000);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).recorded, 20000));
	close_world(&world, REPRISE_OK);
}

/* Also where the life was closed in the log, and the recorder holds the window no more. */
Test(rebuilt, S11_a_window_whose_life_was_closed_is_rebuilt)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	for (reprise_position i = 0; i < 20; i++) {
		reprise_writer_close(world.writer);
		world.writer = NULL;
		world_await_life(&world, REPRISE_LIFE_CLEAN);
		expect_rebuilt(&world, i % 2 == 0 ? &five : &many);
	}
	world_append_until(&world, 2);
	reprise_writer_close(world.writer);
	world.writer = NULL;
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	cr_assert(eq(u64, world_stats(&world).recorded, 2));
	close_world(&world, REPRISE_OK);
}

/* Nobody but the appends themselves wakes the recorder, and its writer goes at once. */
Test(rebuilt, S11_events_right_after_are_recorded_each_time)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *subscription = NULL;

	for (int i = 1; i <= 100; i++) {
		const struct reprise_subscription_options recorded = { .size = sizeof(recorded),
								       .is_recorded_only = 1 };
		struct reprise_cursor cursor;

		world_write(&world);
		cr_assert(eq(int, reprise_session_current_cursor(world.store, "s", 0, &cursor),
			     REPRISE_OK));
		cr_assert(eq(int,
			     reprise_subscribe_after(world.store, &cursor, &recorded, &subscription,
						     NULL),
			     REPRISE_OK));
		expect_rebuilt(&world, i % 2 == 0 ? &five : &many);
		const reprise_position first = cursor.position + 1;

		world_append_until(&world, first + 2);
		if (i % 3 != 0)
			cr_assert(eq(int, reprise_writer_end(world.writer, 7), REPRISE_OK));
		else
			cr_assert(
				eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
		if (i % 3 != 0)
			(void)world_expect(subscription, first, first + 2);
		reprise_writer_close(world.writer);
		world.writer = NULL;
		reprise_subscription_close(subscription);
	}
	cr_assert(eq(u64, world_stats(&world).lost, 0));
	close_world(&world, REPRISE_OK);
}

/* The recorder may learn of the other process before it has gone over, and after. */
Test(rebuilt, S11_what_is_fenced_is_fenced_in_the_window_that_goes_on)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	expect_rebuilt(&world, &five);
	struct world other = world_open(path, 0, NULL);

	world_write(&other);
	world_append_until(&world, 1);
	cr_assert(ne(int, reprise_recorder_flush(world.recorder, "s", REPRISE_WRITTEN, one_second),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_append(world.writer, 2, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL),
		     REPRISE_E_CLOSED));
	world_close(&other, REPRISE_OK);
	close_world(&world, REPRISE_OK);
}

Test(rebuilt, S11_a_full_window_in_a_log_refuses_and_makes_room)
{
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .events_max = 2,
							  .when_full = REPRISE_WHEN_FULL_REFUSE };
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	cr_assert(eq(int, reopened_with(&world, &refusing).is_rebuilt, 1));
	for (int i = 0; i < 50; i++) {
		const struct reprise_bytes payload = { "x", 1 };
		reprise_status status = reprise_append(world.writer, 0, 0, 0, payload, NULL);

		if (status == REPRISE_E_FULL) {
			cr_assert(eq(int, reprise_writer_wait_room(world.writer, one_second),
				     REPRISE_OK));
			status = reprise_append(world.writer, 0, 0, 0, payload, NULL);
		}
		cr_assert(eq(int, status, REPRISE_OK));
	}
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).recorded, 50));
	close_world(&world, REPRISE_OK);
}

Test(rebuilt, S11_bounds_without_room_are_refused_in_a_log_and_nothing_changes)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .bytes_max = UINT64_C(8) << 20 };
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(16) << 20 };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *writer = NULL;
	struct reprise_store *store = NULL;
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, world.log, NULL, &recorder, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "t", &five, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(
		eq(int, reprise_writer_open(store, "t", &large, &writer, &error), REPRISE_E_FULL));
	cr_assert(eq(str, error.what, "bytes_max"));
	cr_assert(eq(int, reprise_writer_open(store, "t", &five, &writer, NULL), REPRISE_OK));
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	cr_assert(eq(int, reprise_writer_opened(writer, &opened), REPRISE_OK));
	cr_assert(eq(int, opened.is_joined, 1));
	cr_assert(eq(int, opened.is_rebuilt, 0));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	close_world(&world, REPRISE_OK);
}

static void
rebuild_and_record(const char *path)
{
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	expect_rebuilt(&world, &five);
	world_append_until(&world, 4);
	world_flush(&world);
}

Test(rebuilt, S11_a_process_that_dies_leaves_the_rebuilt_windows_events)
{
	const char *const path = scratch_path("log");

	world_crash(rebuild_and_record, path);
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 0);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	cr_assert(eq(u64, world_expect(subscription, 1, 4), 4));
	reprise_subscription_close(subscription);
	close_world(&world, REPRISE_OK);
}
