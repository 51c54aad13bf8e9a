/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* Ten years. The stamps before are of the machine's clock, which counts from its start. */
static const uint64_t late_ns = 87600 * UINT64_C(3600000000000);

/* The writes of a recorder, and their time: contracts C08, C09, C20. */

TestSuite(recorder, .fini = scratch_remove, .timeout = 60);

Test(recorder, what_is_appended_is_in_the_log_with_its_position)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_log_entry *entries;
	reprise_position position = 0;
	size_t count = 0;

	world_write(&world);
	world_append_until(&world, 100);
	cr_assert(
		eq(u64, append_event(world.writer, 7, 9, REPRISE_EVENT_COMMIT | 0x0300, ""), 101));
	world_flush(&world);
	struct reprise_log_page *const page = world_load(&world, 40, &entries, &count);

	cr_assert(eq(sz, count, 61));
	cr_assert(eq(u64, entries[0].first, 41));
	cr_assert(eq(u64, entries[0].revision, 41));
	cr_assert(memcmp(entries[0].payload.data, "41", 2) == 0);
	cr_assert(eq(u64, entries[60].revision, 7));
	cr_assert(eq(u16, entries[60].kind, 9));
	cr_assert(eq(u16, entries[60].flags, REPRISE_EVENT_COMMIT | 0x0300));
	cr_assert(eq(sz, entries[60].payload.size, 0));
	for (int durability = REPRISE_ENQUEUED; durability <= REPRISE_SYNCED; durability++) {
		cr_assert(eq(int,
			     reprise_recorder_recorded_through(world.recorder, "s",
							       (reprise_durability)durability,
							       &position),
			     REPRISE_OK));
		cr_assert(eq(u64, position, 101));
	}
	cr_assert(eq(u64, world_stats(&world).recorded, 101));
	cr_assert(eq(u64, stats_of_s(world.store).recorded, 101));
	reprise_log_page_close(page);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C08_the_life_is_in_the_log_before_the_first_append)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	const struct reprise_log_stats stats = world_log_stats(&world);
	const struct reprise_session_stats session = stats_of_s(world.store);

	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_OPEN));
	cr_assert(eq(u64, stats.life.first, 1));
	cr_assert(memcmp(&stats.life.incarnation, &session.incarnation, 16) == 0);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C08_positions_go_on_where_the_log_ends)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	reprise_position position = 0;

	world_write(&world);
	world_append_until(&world, 100);
	world_close(&world, REPRISE_OK);

	world = world_open(path, 0, NULL);
	struct reprise_log_stats stats = world_log_stats(&world);

	cr_assert(eq(u64, stats.head, 100));
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_CLEAN));
	world_write(&world);
	position = append_text(world.writer, "101");
	cr_assert(eq(u64, position, 101));
	stats = world_log_stats(&world);
	cr_assert(eq(u64, stats.lives, 2));
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_OPEN));
	cr_assert(eq(u64, stats.life.first, 101));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C08_a_window_without_a_writer_is_clean_and_opens_again_as_the_same_life)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	for (int i = 1; i <= 5; i++) {
		world_write(&world);
		world_append_until(&world, (reprise_position)i * 3);
		cr_assert(eq(int, world_log_stats(&world).life.state, REPRISE_LIFE_OPEN));
		reprise_writer_close(world.writer);
		world.writer = NULL;
		if (i % 2 == 0)
			world_await_life(&world, REPRISE_LIFE_CLEAN);
	}
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	const struct reprise_log_stats stats = world_log_stats(&world);

	cr_assert(eq(u64, stats.lives, 1));
	cr_assert(eq(u64, stats.head, 15));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C10_the_end_is_recorded_and_a_later_life_goes_on_after_it)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 10);
	cr_assert(eq(int, reprise_writer_end(world.writer, -5), REPRISE_OK));
	reprise_writer_close(world.writer);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	struct reprise_log_stats stats = world_log_stats(&world);

	cr_assert(eq(int, stats.has_ended, 1));
	cr_assert(eq(int, stats.end_status, -5));
	cr_assert(eq(u64, stats.end_ordinal, 10));
	world_write(&world);
	world_append_until(&world, 12);
	world_flush(&world);
	stats = world_log_stats(&world);
	cr_assert(eq(int, stats.has_ended, 0));
	cr_assert(eq(u64, stats.lives, 2));
	cr_assert(eq(u64, stats.head, 12));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C20_trims_and_age_hide_nothing_from_it)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	const struct reprise_log_entry *entries;
	size_t count = 0;

	world_write(&world);
	const int blocked = world_block_log(path);

	world_append_until(&world, 50);
	cr_assert(eq(int, reprise_session_trim_to(world.store, "s", 40), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(world.store, late_ns), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim(world.store, "s"), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(world.store).retained, 0));
	world_unblock_log(blocked);
	world_flush(&world);
	struct reprise_log_page *const page = world_load(&world, 0, &entries, &count);

	cr_assert(eq(sz, count, 50));
	reprise_log_page_close(page);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C09_what_has_left_the_ring_unrecorded_is_a_gap_entry)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 8, NULL);
	const struct reprise_log_entry *entries;
	uint64_t events = 0, lost = 0;
	size_t count = 0;

	world_write(&world);
	world_append_until(&world, 3);
	world_flush(&world);
	const int blocked = world_block_log(path);

	/* The first of them may be in its batch, the last eight are in the ring. */
	for (reprise_position newest = 4; newest <= 200; newest++) {
		world_append_until(&world, newest);
		usleep(100);
	}
	cr_assert(eq(int, reprise_recorder_flush(world.recorder, "s", REPRISE_WRITTEN, 1000),
		     REPRISE_E_TIMEOUT));
	cr_assert(gt(u64, world_stats(&world).lag, 100));
	cr_assert(gt(u64, world_stats(&world).lag_ns, 1000000));
	cr_assert(eq(u64, world_stats(&world).sessions, 1));
	/* The log's deadline is longer than the loop above. */
	while (world_stats(&world).failures == 0)
		usleep(1000);
	world_unblock_log(blocked);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).lag, 0));
	struct reprise_log_page *const page = world_load(&world, 0, &entries, &count);

	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(u64, entries[i].first, i == 0 ? 1 : entries[i - 1].last + 1));
		if (entries[i].type == REPRISE_LOG_GAP)
			lost += entries[i].last - entries[i].first + 1;
		else
			events++;
	}
	cr_assert(eq(u64, events + lost, 200));
	cr_assert(gt(u64, lost, 0));
	cr_assert(eq(u64, world_stats(&world).recorded, events));
	cr_assert(eq(u64, world_stats(&world).lost, lost));
	reprise_log_page_close(page);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C20_a_session_is_not_evicted_before_it_is_recorded)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	uint64_t expired = 1;

	world_write(&world);
	const int blocked = world_block_log(path);

	world_append_until(&world, 5);
	reprise_writer_close(world.writer);
	world.writer = NULL;
	cr_assert(eq(int, reprise_stamp_set(world.store, late_ns), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(world.store, late_ns + 24 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(world.store, &expired), REPRISE_OK));
	cr_assert(eq(u64, expired, 0));
	world_unblock_log(blocked);
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	/* It lets go soon after that. */
	for (int i = 0; i < 5000 && expired == 0; i++) {
		usleep(1000);
		cr_assert(
			eq(int,
			   reprise_stamp_set(world.store, late_ns + (48 + (uint64_t)i) * one_hour),
			   REPRISE_OK));
		cr_assert(eq(int, reprise_sessions_expire_idle(world.store, &expired), REPRISE_OK));
	}
	cr_assert(eq(u64, expired, 1));
	cr_assert(eq(u64, world_log_stats(&world).head, 5));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C20_an_invalidated_window_is_recorded_and_its_life_marked)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.invalidates_async = 1;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	const int blocked = world_block_log(path);

	world_append_until(&world, 5);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	world_unblock_log(blocked);
	world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	reprise_writer_close(world.writer);
	world_write(&world);
	const struct reprise_log_stats stats = world_log_stats(&world);

	cr_assert(eq(u64, stats.head, 5), "what there was is recorded before the next life");
	cr_assert(eq(u64, stats.life.first, 6));
	/* A life that is clean, and of which nothing was left to record. */
	reprise_writer_close(world.writer);
	world.writer = NULL;
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	usleep(20000);
	cr_assert(eq(int, reprise_sessions_invalidate(world.store), REPRISE_OK));
	world_await_life(&world, REPRISE_LIFE_INVALIDATED);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C08_a_new_life_fences_the_one_of_another_process)
{
	const char *const path = scratch_path("log");
	struct world one = world_open(path, 0, NULL);
	struct world other = world_open(path, 0, NULL);
	reprise_status status = REPRISE_OK;

	world_write(&one);
	world_append_until(&one, 5);
	world_flush(&one);
	const struct reprise_cursor cursor = world_cursor(&one, 5);
	struct reprise_subscription *const subscription = world_subscribe(&one, &cursor);

	world_write(&other);
	cr_assert(eq(u64, stats_of_s(other.store).first, 6));
	while (status == REPRISE_OK) {
		status = reprise_append(one.writer, 0, 0, 0, (struct reprise_bytes){ 0 }, NULL);
		usleep(100);
	}
	cr_assert(eq(int, status, REPRISE_E_CLOSED));
	cr_assert(eq(u64, world_stats(&one).fenced, 1));
	cr_assert(eq(u64, world_log_stats(&other).head, 5), "nothing of it came in");
	for (;;) {
		struct reprise_event event;
		struct reprise_gap gap;

		if (world_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
			continue;
		cr_assert(eq(int, gap.detail, REPRISE_GAP_INVALIDATED));
		break;
	}
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	world_append_until(&other, 9);
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

struct flush {
	struct reprise_recorder *recorder;
	const char *session_id;
	reprise_status status;
	pthread_t thread;
};

static void *
flush(void *argument)
{
	struct flush *const mine = argument;

	mine->status = reprise_recorder_flush(mine->recorder, mine->session_id, REPRISE_WRITTEN,
					      REPRISE_NO_LIMIT);
	return NULL;
}

Test(recorder, C08_who_waits_for_what_is_fenced_is_told_though_the_window_has_gone)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.retry_ns_min = options.retry_ns_max = one_second;
	struct world one = world_open(path, 0, &options);
	struct world other = world_open(path, 0, NULL);
	struct flush flushes[] = { { .recorder = one.recorder, .session_id = "s" },
				   { .recorder = one.recorder } };

	world_write(&one);
	world_append_until(&one, 5);
	world_flush(&one);
	const int blocked = world_block_log(path);

	world_append_until(&one, 10);
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, pthread_create(&flushes[i].thread, NULL, flush, &flushes[i]), 0));
	while (world_stats(&one).failures == 0)
		usleep(100);
	/* Before its next attempt. */
	world_unblock_log(blocked);
	world_write(&other);
	reprise_writer_close(one.writer);
	one.writer = NULL;
	for (int i = 0; i < 2; i++) {
		pthread_join(flushes[i].thread, NULL);
		cr_assert(eq(int, flushes[i].status, REPRISE_E_CLOSED));
	}
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, what_is_larger_than_an_entry_can_be_is_a_gap_entry)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(256) << 20 };
	const size_t bytes = ((size_t)64 << 20) + 1;
	char *const payload = calloc(1, bytes);
	const struct reprise_log_entry *entries;
	size_t count = 0;

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &large, &world.writer, NULL),
		     REPRISE_OK));
	world_append_until(&world, 1);
	cr_assert(eq(int,
		     reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ payload, bytes },
				    NULL),
		     REPRISE_OK));
	cr_assert(eq(int,
		     reprise_append(world.writer, 0, 0, 0,
				    (struct reprise_bytes){ payload, bytes - 1 }, NULL),
		     REPRISE_OK));
	free(payload);
	world_flush(&world);
	struct reprise_log_page *const page = world_load(&world, 0, &entries, &count);

	cr_assert(eq(sz, count, 3));
	cr_assert(eq(int, entries[1].type, REPRISE_LOG_GAP));
	cr_assert(eq(int, entries[1].reason, REPRISE_LOG_GAP_TOO_LARGE));
	cr_assert(eq(sz, entries[2].payload.size, bytes - 1));
	reprise_log_page_close(page);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
