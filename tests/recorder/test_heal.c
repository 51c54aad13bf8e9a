/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* Subscriptions that heal, within one life: contract C22. */

TestSuite(heal, .fini = scratch_remove, .timeout = 60);

static struct reprise_subscription_stats
stats_of(struct reprise_subscription *subscription)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_OK));
	return stats;
}

/* Appends up to @newest, a few at a time, each few recorded. */
static void
record_until(struct world *world, reprise_position newest)
{
	for (reprise_position next = stats_of_s(world->store).newest; next < newest;) {
		next = next + 5 < newest ? next + 5 : newest;
		world_append_until(world, next);
		world_flush(world);
	}
}

static struct reprise_subscription *
subscribe_with(struct world *world, reprise_position position,
	       const struct reprise_subscription_options *options)
{
	const struct reprise_cursor cursor = world_cursor(world, position);
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int,
		     reprise_subscribe_after(world->store, &cursor, options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

Test(heal, C22_who_is_overtaken_reads_the_log_and_rejoins_the_ring)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);

	record_until(&world, 1000);
	const uint64_t healed = world_expect(subscription, 1, 1000);

	cr_assert(ge(u64, healed, 992));
	world_append_until(&world, 1004);
	cr_assert(eq(u64, world_expect(subscription, 1001, 1004), 0), "live again, from the ring");
	expect_empty(subscription);
	cr_assert(eq(u64, stats_of(subscription).lost, 0));
	cr_assert(eq(u64, stats_of(subscription).healed, healed));
	cr_assert(eq(u64, stats_of(subscription).delivered, 1004));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_it_crosses_in_both_directions_as_often_as_needed)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);

	for (reprise_position done = 0; done < 600; done += 20) {
		record_until(&world, done + 15);
		cr_assert(ge(u64, world_expect(subscription, done + 1, done + 15), 7));
		expect_empty(subscription);
		world_append_until(&world, done + 20);
		cr_assert(eq(u64, world_expect(subscription, done + 16, done + 20), 0));
	}
	cr_assert(eq(u64, stats_of(subscription).gaps, 0));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_what_was_trimmed_is_healed)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	record_until(&world, 30);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);

	cr_assert(eq(u64, world_expect(subscription, 1, 3), 0));
	cr_assert(eq(int, reprise_session_trim_to(world.store, "s", 20), REPRISE_OK));
	cr_assert(eq(u64, world_expect(subscription, 4, 20), 17));
	(void)world_expect(subscription, 21, 30);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_batches_and_filters_hold_while_healing)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const uint16_t kinds[] = { 1 };
	const struct reprise_subscription_options odd = { .size = sizeof(odd),
							  .kinds = kinds,
							  .kinds_count = 1 };
	struct reprise_event events[64];
	struct reprise_gap gap;
	size_t count = 0;
	reprise_position seen = 0;

	world_write(&world);
	struct reprise_subscription *const all = subscribe_with(&world, 0, NULL);
	struct reprise_subscription *const some = subscribe_with(&world, 0, &odd);

	for (int i = 1; i <= 200; i++) {
		(void)append_event(world.writer, 0, i % 2, 0, "x");
		world_flush(&world);
	}
	while (seen < 200) {
		switch (reprise_next_batch(all, events, 64, &count, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			for (size_t i = 0; i < count; i++)
				cr_assert(eq(u64, events[i].position, ++seen));
			break;
		case REPRISE_NEXT_EMPTY:
			cr_assert(eq(int, reprise_wait(all, 30 * one_second), REPRISE_OK));
			break;
		case REPRISE_NEXT_GAP:
		case REPRISE_NEXT_ENDED:
			cr_assert(false);
		}
	}
	for (reprise_position position = 1; position < 200; position += 2) {
		struct reprise_event event = { 0 };

		cr_assert(eq(int, world_next(some, &event, &gap, NULL), REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, position));
	}
	cr_assert(eq(int, reprise_wait(some, one_second / 10), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of(some).filtered, 100));
	cr_assert(eq(u64, stats_of(some).lost, 0));
	reprise_subscription_close(all);
	reprise_subscription_close(some);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_a_replay_heals_and_ends_where_it_began_to_end)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	struct reprise_subscription *replay = NULL;

	world_write(&world);
	record_until(&world, 100);
	const struct reprise_cursor cursor = world_cursor(&world, 10);

	cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &replay, NULL),
		     REPRISE_OK));
	record_until(&world, 200);
	cr_assert(eq(u64, world_expect(replay, 11, 100), 90));
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_what_is_in_neither_is_an_exact_gap_after_a_while)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.heal_wait_ns = one_second / 5;
	struct world world = world_open(path, 8, &options);

	world_write(&world);
	record_until(&world, 10);
	struct reprise_subscription *const subscription = subscribe_with(&world, 10, NULL);
	const int blocked = world_block_log(path);

	world_append_until(&world, 100);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_NOT_RECORDED);

	cr_assert(eq(u64, gap.lost_first, 11));
	cr_assert(eq(u64, gap.lost_last, 92));
	cr_assert(eq(u64, gap.lost, 82));
	cr_assert(eq(u64, gap.cursor.position, 92));
	cr_assert(eq(u64, world_expect(subscription, 93, 100), 0));
	world_unblock_log(blocked);
	record_until(&world, 101);
	(void)world_expect(subscription, 101, 101);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_what_the_recorder_lost_is_an_exact_gap)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 8, NULL);
	reprise_position next = 1;
	uint64_t lost = 0;

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);
	const int blocked = world_block_log(path);

	for (reprise_position newest = 1; newest <= 100; newest++) {
		world_append_until(&world, newest);
		usleep(100);
	}
	world_unblock_log(blocked);
	world_flush(&world);
	while (next <= 100) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };

		if (world_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT) {
			cr_assert(eq(u64, event.position, next));
			next++;
		} else {
			cr_assert(eq(int, gap.detail, REPRISE_GAP_OVERRUN));
			cr_assert(eq(u64, gap.lost_first, next));
			lost += gap.lost;
			next = gap.lost_last + 1;
		}
	}
	cr_assert(gt(u64, lost, 0));
	cr_assert(eq(u64, lost, world_stats(&world).lost));
	cr_assert(eq(u64, stats_of(subscription).lost + stats_of(subscription).delivered, 100));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C22_what_is_archived_is_a_gap)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	const struct reprise_log_key key = { "default", "s" };

	world_write(&world);
	record_until(&world, 100);
	cr_assert(eq(int, reprise_log_archive_before(world.log, &key, 60, NULL, NULL), REPRISE_OK));
	struct reprise_subscription *const subscription = subscribe_with(&world, 10, NULL);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_ARCHIVED);

	cr_assert(eq(u64, gap.lost_first, 11));
	cr_assert(eq(u64, gap.lost_last, 60));
	(void)world_expect(subscription, 61, 100);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, C08_recorded_only_sees_nothing_that_can_vanish)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	const struct reprise_subscription_options careful = { .size = sizeof(careful),
							      .is_recorded_only = 1 };

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, &careful);

	record_until(&world, 10);
	(void)world_expect(subscription, 1, 10);
	const int blocked = world_block_log(path);

	world_append_until(&world, 20);
	cr_assert(eq(int, reprise_wait(subscription, one_second / 10), REPRISE_E_TIMEOUT));
	cr_assert(eq(int, reprise_writer_end(world.writer, 4), REPRISE_OK));
	expect_empty(subscription);
	world_unblock_log(blocked);
	(void)world_expect(subscription, 11, 20);
	cr_assert(eq(int, reprise_wait(subscription, 30 * one_second), REPRISE_OK));
	expect_ended(subscription, REPRISE_END_SESSION, 4);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* There appends wake nobody, and the store's thread looks for appends alone. */
Test(heal, C08_recorded_only_is_woken_in_a_store_that_defers)
{
	const char *const path = scratch_path("log");
	const struct reprise_store_options deferring = { .size = sizeof(deferring),
							 .wake = REPRISE_WAKE_DEFERRED };
	const struct reprise_subscription_options careful = { .size = sizeof(careful),
							      .spin_ns = 1,
							      .is_recorded_only = 1 };
	struct world other = world_open(path, 0, NULL);
	struct world world = { .log = other.log };

	cr_assert(eq(int, reprise_store_open(&deferring, &world.store, NULL), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_recorder_open(world.store, other.log, NULL, &world.recorder, NULL),
		     REPRISE_OK));
	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, &careful);

	for (reprise_position newest = 1; newest <= 20; newest++) {
		world_append_until(&world, newest);
		(void)world_expect(subscription, newest, newest);
		expect_empty(subscription);
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(world.writer);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, recorded_only_is_refused_where_nothing_is_recorded)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription_options options = { .size = sizeof(options),
							.is_recorded_only = 1 };
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_recorded_only"));
	options.is_recorded_only = 2;
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &subscription, &error),
		     REPRISE_E_INVALID));
	reprise_writer_close(writer);
	close_store(store);
}

Test(heal, A24_a_commit_in_the_log_is_a_bridge)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_subscription *resumed = NULL;

	world_write(&world);
	for (int i = 1; i <= 30; i++)
		(void)append_event(world.writer, i < 10 ? 1 : 5, 0,
				   i == 10 ? REPRISE_EVENT_COMMIT : 0, "x");
	world_flush(&world);
	cr_assert(eq(int, reprise_session_trim_to(world.store, "s", 20), REPRISE_OK));
	struct reprise_cursor cursor = world_cursor(&world, 4);
	struct reprise_event event;
	struct reprise_gap gap;

	cursor.revision = 1;
	cr_assert(eq(int, reprise_resume_after(world.store, &cursor, 5, NULL, &resumed, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, world_next(resumed, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, 5));
	reprise_subscription_close(resumed);

	cursor.position = 10;
	cr_assert(eq(int, reprise_resume_after(world.store, &cursor, 5, NULL, &resumed, NULL),
		     REPRISE_OK));
	(void)world_expect_gap(resumed, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_BEHIND_DURABLE);
	reprise_subscription_close(resumed);

	cr_assert(eq(int, reprise_resume_after(world.store, &cursor, 0, NULL, &resumed, NULL),
		     REPRISE_OK));
	(void)world_expect_gap(resumed, REPRISE_GAP_UNAVAILABLE, REPRISE_GAP_AHEAD);
	reprise_subscription_close(resumed);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The log's page has room for less than one of these. */
Test(heal, C22_events_larger_than_a_page_are_healed)
{
	struct world world = world_open(scratch_path("log"), 4, NULL);
	const struct reprise_session_options large = { .size = sizeof(large),
						       .events_max = 4,
						       .bytes_max = UINT64_C(8) << 20 };
	static char bytes[1 << 20];

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &large, &world.writer, NULL),
		     REPRISE_OK));
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);

	for (int i = 1; i <= 20; i++) {
		memset(bytes, i, sizeof(bytes));
		cr_assert(eq(int,
			     reprise_append(world.writer, 0, 0, 0,
					    (struct reprise_bytes){ bytes, sizeof(bytes) }, NULL),
			     REPRISE_OK));
		world_flush(&world);
	}
	for (int i = 1; i <= 20; i++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap;

		cr_assert(
			eq(int, world_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
		memset(bytes, i, sizeof(bytes));
		cr_assert(eq(sz, event.payload.size, sizeof(bytes)));
		cr_assert(memcmp(event.payload.data, bytes, sizeof(bytes)) == 0);
	}
	reprise_subscription_close(subscription);
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
	cr_assert(eq(u64, stats_of(first).lost + stats_of(second).lost, 0));
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
	cr_assert(le(u64, position, 5000 + 2 * 4096));
	(void)world_expect(subscription, 15001, LONG);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/*
 * Its end is in a life that becomes void meanwhile: of that all is lost, and the cursor is
 * the next one's.
 */
Test(heal, C08_a_replay_that_would_end_in_a_void_life_passes_it)
{
	struct reprise_cursor cursor;
	struct world world = open_long_log(&cursor);
	struct reprise_subscription *subscription = NULL;

	world_write(&world);
	world_append_until(&world, LONG + 15);
	world_flush(&world);
	cr_assert(eq(int, reprise_replay_after(world.store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	(void)world_expect(subscription, 1, 1);
	world_append_until(&world, LONG + 20);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	reprise_writer_close(world.writer);
	world_write(&world);
	world_append_until(&world, LONG + 23);
	world_flush(&world);

	(void)world_expect(subscription, 2, LONG);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.lost_first, LONG + 1));
	cr_assert(eq(u64, gap.lost_last, LONG + 20));
	expect_ended(subscription, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(subscription);
	subscription = world_subscribe(&world, &gap.cursor);
	(void)world_expect(subscription, LONG + 21, LONG + 23);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Copies all events first .. last, which may come from both; answers how many came from the log. */
static uint64_t
expect_into(struct reprise_subscription *subscription, reprise_position first,
	    reprise_position last)
{
	static unsigned char buffer[4096];
	struct reprise_frame frames[7];
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = buffer,
				     .buffer_bytes = sizeof(buffer),
				     .head_bytes = 3,
				     .frames = frames,
				     .frames_max = 7 };
	uint64_t healed = 0;
	char text[24];

	while (first <= last) {
		struct reprise_gap gap;

		if (reprise_next_into(subscription, &into, &gap, NULL) == REPRISE_NEXT_EMPTY) {
			cr_assert(eq(int, reprise_wait(subscription, 20 * one_second), REPRISE_OK));
			continue;
		}
		cr_assert(ne(sz, into.frames_count, 0));
		for (size_t i = 0; i < into.frames_count; i++, first++) {
			const int bytes =
				snprintf(text, sizeof(text), "%llu", (unsigned long long)first);

			cr_assert(eq(u64, frames[i].position, first));
			cr_assert(eq(u64, frames[i].revision, first));
			cr_assert(eq(sz, frames[i].payload_bytes, (size_t)bytes));
			cr_assert(memcmp(buffer + frames[i].offset, text, (size_t)bytes) == 0);
			healed += frames[i].source == REPRISE_SOURCE_LOG;
		}
	}
	cr_assert(eq(u64, first, last + 1));
	return healed;
}

Test(heal, S27_what_is_in_the_log_alone_is_copied_into_the_buffer_as_well)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, NULL);

	record_until(&world, 1000);
	const uint64_t healed = expect_into(subscription, 1, 1000);

	cr_assert(ge(u64, healed, 992));
	world_append_until(&world, 1004);
	cr_assert(eq(u64, expect_into(subscription, 1001, 1004), 0), "live again, from the ring");
	expect_empty(subscription);
	cr_assert(eq(u64, stats_of(subscription).healed, healed));
	cr_assert(eq(u64, stats_of(subscription).delivered, 1004));
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(heal, S27_a_buffer_is_given_the_recorded_alone_if_that_is_asked_for)
{
	struct world world = world_open(scratch_path("log"), 64, NULL);
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = 1 };

	world_write(&world);
	struct reprise_subscription *const subscription = subscribe_with(&world, 0, &options);

	record_until(&world, 10);
	(void)expect_into(subscription, 1, 10);
	const int blocked = world_block_log(world.path);
	struct reprise_frame frame;
	unsigned char byte[64];
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = byte,
				     .buffer_bytes = sizeof(byte),
				     .frames = &frame,
				     .frames_max = 1 };
	struct reprise_gap gap;

	world_append_until(&world, 12);
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_EMPTY));
	world_unblock_log(blocked);
	world_flush(&world);
	(void)expect_into(subscription, 11, 12);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
