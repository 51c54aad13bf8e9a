/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* Sessions that refuse rather than lose: contract C21. And waiting for what is recorded. */

TestSuite(refuse, .fini = scratch_remove, .timeout = 60);

static const struct reprise_bytes nothing = { NULL, 0 };

static struct world
refusing_world(const char *path, uint64_t events_max)
{
	struct reprise_recorder_options options = world_options();

	options.invalidates_async = 1;
	struct world world = world_open(path, events_max, &options);
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .when_full = REPRISE_WHEN_FULL_REFUSE };

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &refusing, &world.writer, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, stats_of_s(world.store).refuses, 1));
	return world;
}

Test(refuse, C21_what_would_displace_the_unrecorded_changes_nothing)
{
	const char *const path = scratch_path("log");
	struct world world = refusing_world(path, 8);
	const struct reprise_new_event events[2] = { { .revision = 1 }, { .revision = 2 } };
	struct iovec part = { "x", 1 };
	reprise_position position = 77;
	void *payload = NULL;

	world_append_until(&world, 5);
	world_flush(&world);
	const int blocked = world_block_log(path);

	world_append_until(&world, 13);
	cr_assert(
		eq(int, reprise_append(world.writer, 0, 0, 0, nothing, &position), REPRISE_E_FULL));
	cr_assert(eq(int, reprise_appendv(world.writer, 0, 0, 0, &part, 1, &position),
		     REPRISE_E_FULL));
	cr_assert(
		eq(int, reprise_append_batch(world.writer, events, 2, &position), REPRISE_E_FULL));
	cr_assert(eq(int, reprise_reserve(world.writer, 10, &payload), REPRISE_E_FULL));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(ptr, payload, NULL));
	cr_assert(eq(u64, stats_of_s(world.store).newest, 13));
	cr_assert(eq(u64, stats_of_s(world.store).oldest, 6));
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, 1000), REPRISE_E_TIMEOUT));
	cr_assert(eq(int, reprise_writer_end(world.writer, 3), REPRISE_OK), "always");
	world_unblock_log(blocked);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).head, 13));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(refuse, W08_a_full_session_knows_the_keys_that_it_retains)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 4, NULL);
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .when_full = REPRISE_WHEN_FULL_REFUSE,
							  .is_deduplicated = 1 };
	int32_t is_new = 77;

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &refusing, &world.writer, NULL),
		     REPRISE_OK));
	const int blocked = world_block_log(path);

	for (reprise_position key = 1; key <= 4; key++)
		cr_assert(eq(int,
			     reprise_append_once(world.writer, key, 1, 0, 0, nothing, NULL, NULL),
			     REPRISE_OK));
	cr_assert(eq(int, reprise_append_once(world.writer, 5, 1, 0, 0, nothing, NULL, &is_new),
		     REPRISE_E_FULL));
	cr_assert(eq(i32, is_new, 77));
	for (reprise_position key = 1; key <= 4; key++) {
		reprise_position position = 0;

		cr_assert(eq(int,
			     reprise_append_once(world.writer, key, 1, 0, 0, nothing, &position,
						 &is_new),
			     REPRISE_OK));
		cr_assert(eq(u64, position, key));
		cr_assert(eq(i32, is_new, 0));
	}
	world_unblock_log(blocked);
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, 20 * one_second), REPRISE_OK));
	cr_assert(eq(int, reprise_append_once(world.writer, 5, 1, 0, 0, nothing, NULL, &is_new),
		     REPRISE_OK));
	cr_assert(eq(i32, is_new, 1));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static void *
unblock_later(void *blocked)
{
	usleep(300000);
	world_unblock_log(*(int *)blocked);
	return NULL;
}

Test(refuse, C21_room_that_becomes_free_wakes_who_waits_for_it)
{
	const char *const path = scratch_path("log");
	struct world world = refusing_world(path, 8);
	int blocked = world_block_log(path);
	pthread_t thread;

	world_append_until(&world, 8);
	cr_assert(eq(int, reprise_append(world.writer, 0, 0, 0, nothing, NULL), REPRISE_E_FULL));
	pthread_create(&thread, NULL, unblock_later, &blocked);
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, REPRISE_NO_LIMIT), REPRISE_OK));
	cr_assert(eq(int, reprise_append(world.writer, 0, 0, 0, nothing, NULL), REPRISE_OK));
	pthread_join(thread, NULL);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(refuse, C21_nothing_is_lost_however_small_the_window)
{
	struct world world = refusing_world(scratch_path("log"), 4);

	for (int i = 0; i < 2000;) {
		const reprise_status status = reprise_append(world.writer, 0, 0, 0, nothing, NULL);

		if (status == REPRISE_E_FULL) {
			cr_assert(eq(int, reprise_writer_wait_room(world.writer, 30 * one_second),
				     REPRISE_OK));
			continue;
		}
		cr_assert(eq(int, status, REPRISE_OK));
		i++;
	}
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).recorded, 2000));
	cr_assert(eq(u64, world_stats(&world).lost, 0));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(refuse, C21_bytes_count_as_well_and_an_open_reservation_has_its_room)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .bytes_max = 1024,
							  .when_full = REPRISE_WHEN_FULL_REFUSE };
	char bytes[200] = { 0 };
	const struct reprise_bytes payload = { bytes, sizeof(bytes) };
	void *room = NULL;
	int appended = 0;

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &refusing, &world.writer, NULL),
		     REPRISE_OK));
	const int blocked = world_block_log(path);

	while (reprise_append(world.writer, 0, 0, 0, payload, NULL) == REPRISE_OK)
		appended++;
	cr_assert(eq(int, appended, 4));
	world_unblock_log(blocked);
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, REPRISE_NO_LIMIT), REPRISE_OK));
	world_flush(&world);
	const int again = world_block_log(path);

	cr_assert(eq(int, reprise_reserve(world.writer, sizeof(bytes), &room), REPRISE_OK));
	memset(room, 'x', sizeof(bytes));
	cr_assert(eq(int, reprise_publish(world.writer, 0, 0, 0, sizeof(bytes), NULL), REPRISE_OK));
	world_unblock_log(again);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(refuse, C21_the_host_may_choose_to_overwrite)
{
	const char *const path = scratch_path("log");
	struct world world = refusing_world(path, 8);
	const int blocked = world_block_log(path);

	world_append_until(&world, 8);
	cr_assert(eq(int, reprise_append(world.writer, 0, 0, 0, nothing, NULL), REPRISE_E_FULL));
	cr_assert(eq(int, reprise_writer_set_overwrite(world.writer), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, REPRISE_NO_LIMIT), REPRISE_OK));
	world_append_until(&world, 100);
	world_unblock_log(blocked);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).head, 100));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(refuse, C21_who_waits_for_room_in_a_window_that_becomes_void_is_told)
{
	const char *const path = scratch_path("log");
	struct world world = refusing_world(path, 8);
	const int blocked = world_block_log(path);

	world_append_until(&world, 8);
	cr_assert(eq(int, reprise_append(world.writer, 0, 0, 0, nothing, NULL), REPRISE_E_FULL));
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_wait_room(world.writer, REPRISE_NO_LIMIT),
		     REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_append(world.writer, 0, 0, 0, nothing, NULL), REPRISE_E_CLOSED));
	world_unblock_log(blocked);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The option is the store's as well as the session's. */
Test(refuse, a_session_may_overwrite_in_a_store_that_refuses)
{
	const struct reprise_session_options refuses = { .size = sizeof(refuses),
							 .when_full = REPRISE_WHEN_FULL_REFUSE };
	const struct reprise_session_options overwrites = { .size = sizeof(overwrites),
							    .when_full =
								    REPRISE_WHEN_FULL_OVERWRITE };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &refuses };
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(
		eq(int, reprise_writer_open(store, "s", NULL, &writer, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "when_full"), "nothing is recorded in this store");
	cr_assert(eq(int, reprise_writer_open(store, "s", &overwrites, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	close_store(store);
}
