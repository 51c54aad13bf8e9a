/* SPDX-License-Identifier: MIT */

/* Shared writers in a store with a log (rules W04 and W05). */

#include <pthread.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(writers, .fini = scratch_remove, .timeout = 60);

enum {
	THREADS = 4,
	EVENTS = 200,
};

struct appender {
	pthread_t thread;
	struct world *world;
	bool is_by_id;
	uint32_t number;
};

/* Waits for room where a session refuses. */
static void *
append_all(void *argument)
{
	const struct appender *const appender = argument;

	for (uint32_t i = 0; i < EVENTS;) {
		const uint32_t text[2] = { appender->number, i };
		const struct reprise_bytes payload = { text, sizeof(text) };
		const reprise_status status =
			appender->is_by_id
				? reprise_session_append(appender->world->store, "s", 0, 1, 0,
							 payload, NULL)
				: reprise_append(appender->world->writer, 0, 1, 0, payload, NULL);

		if (status == REPRISE_E_FULL) {
			cr_assert(eq(
				int,
				reprise_writer_wait_room(appender->world->writer, 30 * one_second),
				REPRISE_OK));
			continue;
		}
		cr_assert(eq(int, status, REPRISE_OK));
		i++;
	}
	return argument;
}

static void
append_from_threads(struct world *world, bool is_by_id)
{
	struct appender appenders[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		appenders[i] =
			(struct appender){ .world = world, .is_by_id = is_by_id, .number = i };
		cr_assert(eq(int,
			     pthread_create(&appenders[i].thread, NULL, append_all, &appenders[i]),
			     0));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(appenders[i].thread, NULL);
}

/* The log has each event once, and each thread's events in its order. */
static void
expect_recorded(struct world *world)
{
	const struct reprise_log_entry *entries;
	uint32_t numbers[THREADS] = { 0 }, text[2];
	reprise_ordinal after = 0;
	size_t count;

	for (;;) {
		struct reprise_log_page *const page = world_load(world, after, &entries, &count);

		for (size_t i = 0; i < count; i++) {
			memcpy(text, entries[i].payload.data, sizeof(text));
			cr_assert(eq(u32, text[1], numbers[text[0]]++));
		}
		after = count > 0 ? entries[count - 1].last : after;
		reprise_log_page_close(page);
		if (count == 0)
			break;
	}
	for (int i = 0; i < THREADS; i++)
		cr_assert(eq(u32, numbers[i], EVENTS));
}

static void
open_shared(struct world *world, reprise_when_full when_full)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;

	options.is_shared = 1;
	options.when_full = when_full;
	cr_assert(eq(int, reprise_writer_open(world->store, "s", &options, &world->writer, NULL),
		     REPRISE_OK));
}

Test(writers, W04_a_session_that_refuses_loses_nothing_of_several_threads)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	open_shared(&world, REPRISE_WHEN_FULL_REFUSE);
	append_from_threads(&world, false);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).lost, 0));
	expect_recorded(&world);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(writers, W05_appends_by_id_are_recorded_through_a_shared_writer)
{
	struct world world = world_open(scratch_path("log"), UINT64_C(2) * THREADS * EVENTS, NULL);

	open_shared(&world, REPRISE_WHEN_FULL_OVERWRITE);
	append_from_threads(&world, true);
	world_flush(&world);
	expect_recorded(&world);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Each append may open the session's life, find it opened by another one, or find it being left. */
Test(writers, W05_appends_by_id_are_recorded_without_a_writer)
{
	struct world world = world_open(scratch_path("log"), UINT64_C(2) * THREADS * EVENTS, NULL);

	append_from_threads(&world, true);
	world_flush(&world);
	expect_recorded(&world);
	cr_assert(eq(int, world_log_stats(&world).lives > 0, 1));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
