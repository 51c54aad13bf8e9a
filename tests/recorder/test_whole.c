/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "log_sqlite/scratch.h"
#include "store/port.h"
#include "world.h"

/*
 * A batch of the writer is recorded whole: contract C23. The limits of a transaction are as small
 * as they can be, and events are appended between two copies of the recorder by its own thread, in
 * port_take.
 */

static void (*act_between)(uint64_t after); /* called before each copy, by the writing thread */

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
struct port_look __real_reprise_private_port_take(struct reprise_session *session,
						  reprise_position after, struct stretch *stretch);
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
struct port_look __wrap_reprise_private_port_take(struct reprise_session *session,
						  reprise_position after, struct stretch *stretch);

struct port_look
__wrap_reprise_private_port_take(struct reprise_session *session, reprise_position after,
				 struct stretch *stretch)
{
	if (act_between != NULL)
		act_between(after);
	return __real_reprise_private_port_take(session, after, stretch);
}

static void
forget_action(void)
{
	act_between = NULL;
	scratch_remove();
}

TestSuite(whole, .fini = forget_action, .timeout = 60);

enum {
	EVENTS_MOST = 64,
	WINDOW_EVENTS = 256,
	SIZE_MOST = 7,      /* of a random batch */
	PAYLOAD_BYTES = 24, /* a record of 64 bytes */
	WINDOW_BYTES = 1024 /* 16 records */
};

static const unsigned char payload[PAYLOAD_BYTES];

/* Each event has the number of its batch as its revision. */
static void
append_batch_of(struct reprise_writer *writer, size_t count, uint64_t revision)
{
	struct reprise_new_event events[EVENTS_MOST];

	for (size_t i = 0; i < count; i++)
		events[i] = (struct reprise_new_event){ .revision = revision,
							.kind = (uint16_t)i,
							.flags = i % 2 == 0 ? REPRISE_EVENT_COMMIT
									    : 0x0100,
							.payload = { payload, sizeof(payload) } };
	cr_assert(eq(int, reprise_append_batch(writer, events, count, NULL), REPRISE_OK));
}

/* A recorder with those limits, which looks at nothing before it is asked to. */
static struct world
limited_world(uint64_t events_max, uint64_t bytes_max, uint64_t window_bytes,
	      reprise_when_full when_full)
{
	struct reprise_recorder_options options = world_options();
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = WINDOW_EVENTS,
							 .bytes_max = window_bytes,
							 .when_full = when_full };

	options.batch_events_max = events_max;
	options.batch_bytes_max = bytes_max;
	options.linger_ns = 10 * one_second;
	options.durability = REPRISE_WRITTEN;
	struct world world = world_open(scratch_path("log"), 0, &options);

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &session, &world.writer, NULL),
		     REPRISE_OK));
	return world;
}

/* Has the recorder begin, and does not wait until all is recorded. */
static void
urge(struct world *world)
{
	const reprise_status status =
		reprise_recorder_flush(world->recorder, "s", REPRISE_WRITTEN, 1);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_TIMEOUT);
}

static uint64_t
count_transactions(uint64_t events_max, uint64_t bytes_max, size_t events_count)
{
	struct world world =
		limited_world(events_max, bytes_max, 1 << 16, REPRISE_WHEN_FULL_DEFAULT);
	const struct reprise_log_entry *entries;
	size_t count = 0;

	append_batch_of(world.writer, events_count, 1);
	append_batch_of(world.writer, 1, 2);
	world_flush(&world);
	struct reprise_log_page *const page = world_load(&world, 0, &entries, &count);

	cr_assert(eq(sz, count, events_count + 1));
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(u64, entries[i].revision, i < events_count ? 1 : 2));
		cr_assert(eq(u16, entries[i].kind, i < events_count ? i : 0));
		cr_assert(eq(u16, entries[i].flags,
			     entries[i].kind % 2 == 0 ? REPRISE_EVENT_COMMIT : 0x0100));
	}
	reprise_log_page_close(page);
	const uint64_t batches = world_stats(&world).batches;

	world_close(&world, REPRISE_OK);
	scratch_remove();
	return batches;
}

Test(whole, C23_a_batch_is_one_transaction_whatever_the_limits_are)
{
	/* The batch, and the event after it. */
	cr_assert(eq(u64, count_transactions(1, 0, 40), 2));
	cr_assert(eq(u64, count_transactions(3, 0, 40), 2));
	cr_assert(eq(u64, count_transactions(40, 0, 40), 2));
	cr_assert(eq(u64, count_transactions(0, 1, 40), 2));
	cr_assert(eq(u64, count_transactions(0, 130, 40), 2));
	cr_assert(eq(u64, count_transactions(1, 1, 2), 2));
	/* Both. */
	cr_assert(eq(u64, count_transactions(41, 0, 40), 1));
	cr_assert(eq(u64, count_transactions(0, 0, 40), 1));
	expect_no_leaks();
}

/*
 * Whether @position is the last one of a batch, when every batch has been appended: by the sizes of
 * batches.
 */
struct sizes {
	size_t sizes[256];
	size_t count;
};

static bool
is_boundary(const struct sizes *sizes, reprise_position position)
{
	reprise_position end = 0;

	for (size_t i = 0; i < sizes->count && end < position; i++)
		end += sizes->sizes[i];
	return end == position;
}

static struct sizes sizes;

/* Answers how many positions a thread saw that looks while the recorder is at work. */
static uint64_t
watch_batches(void)
{
	struct world world = limited_world(2, 100, 1 << 16, REPRISE_WHEN_FULL_DEFAULT);
	uint64_t random = 7, looks = 0;
	reprise_position newest = 0, position = 0, before = 0;

	sizes.count = 0;
	while (newest + SIZE_MOST <= WINDOW_EVENTS) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		const size_t size = 1 + (random >> 33) % SIZE_MOST;

		append_batch_of(world.writer, size, sizes.count);
		sizes.sizes[sizes.count++] = size;
		newest += size;
	}

	urge(&world);
	while (position < newest) {
		cr_assert(eq(int,
			     reprise_recorder_recorded_through(world.recorder, "s", REPRISE_WRITTEN,
							       &position),
			     REPRISE_OK));
		cr_assert(is_boundary(&sizes, position), "%" PRIu64, position);
		cr_assert(is_boundary(&sizes, world_log_stats(&world).head));
		cr_assert(is_boundary(&sizes, stats_of_s(world.store).recorded));
		looks += position != before;
		before = position;
	}
	world_close(&world, REPRISE_OK);
	scratch_remove();
	return looks;
}

/*
 * With any appends while the recorder is at work, it never says that a batch is recorded in part,
 * as long as the writer overtakes no copy: the window holds everything. A thread that the system
 * keeps from running sees the end alone, and tries again.
 */
Test(whole, C23_what_is_recorded_ends_with_a_batch_at_every_moment)
{
	uint64_t looks = 0;

	for (int tries = 0; tries < 50 && looks < 2; tries++)
		looks = watch_batches();
	cr_assert(gt(u64, looks, 1));
	expect_no_leaks();
}

/*
 * The log has each batch as events, all of them, or as a part of a gap, all of it. Answers how many
 * are lost.
 */
static size_t
expect_whole(struct world *world, const struct sizes *appended)
{
	const struct reprise_log_entry *entries;
	size_t count = 0, at = 0, lost = 0;
	reprise_position first = 1;
	struct reprise_log_page *const page = world_load(world, 0, &entries, &count);

	for (size_t i = 0; i < appended->count; i++) {
		const reprise_position last = first + appended->sizes[i] - 1;

		while (entries[at].last < first)
			at++;
		cr_assert(lt(sz, at, count));
		if (entries[at].type == REPRISE_LOG_GAP) {
			cr_assert(le(u64, entries[at].first, first));
			cr_assert(ge(u64, entries[at].last, last));
			lost++;
		} else {
			for (reprise_position position = first; position <= last; position++) {
				cr_assert(eq(int, entries[at].type, REPRISE_LOG_EVENT));
				cr_assert(eq(u64, entries[at].first, position));
				at++;
			}
			at--;
		}
		first = last + 1;
	}
	cr_assert(eq(u64, entries[count - 1].last, first - 1));
	reprise_log_page_close(page);
	return lost;
}

/* A batch of 6 that is cut by @singles later events, before any of it is recorded. */
static size_t
lose_by(size_t singles)
{
	struct world world = limited_world(0, 0, WINDOW_BYTES, REPRISE_WHEN_FULL_DEFAULT);
	struct sizes appended = { .sizes = { 1, 6 }, .count = 2 + singles };

	append_batch_of(world.writer, 1, 0);
	append_batch_of(world.writer, 6, 1);
	for (size_t i = 0; i < singles; i++) {
		appended.sizes[2 + i] = 1;
		append_batch_of(world.writer, 1, 2 + i);
	}
	const reprise_position newest = stats_of_s(world.store).newest;
	const reprise_position oldest = stats_of_s(world.store).oldest;

	world_flush(&world);
	const size_t lost = expect_whole(&world, &appended);

	cr_assert(eq(u64, world_log_stats(&world).head, newest));
	/* No event more than those is lost. */
	cr_assert(eq(u64, lost, oldest <= 1 ? 0 : oldest <= 2 ? 1 : oldest <= 8 ? 2 : oldest - 6));
	cr_assert(eq(u64, world_stats(&world).gaps, lost > 0));
	world_close(&world, REPRISE_OK);
	scratch_remove();
	return oldest > 2 && oldest <= 7;
}

Test(whole, C23_a_batch_whose_beginning_is_lost_is_in_the_gap_as_a_whole)
{
	size_t cut = 0;

	for (size_t singles = 1; singles < 24; singles++)
		cut += lose_by(singles);
	cr_assert(eq(sz, cut, 5));
	expect_no_leaks();
}

/* The writing thread has copied the beginning of a batch when its rest is displaced. */

static struct {
	struct reprise_writer *writer;
	uint64_t after; /* the copy that follows this position finds more */
	size_t singles;
	struct sizes appended;
} meanwhile;

static void
displace(uint64_t after)
{
	if (after != meanwhile.after)
		return;
	meanwhile.after = UINT64_MAX;
	for (size_t i = 0; i < meanwhile.singles; i++) {
		append_batch_of(meanwhile.writer, 1, 9);
		meanwhile.appended.sizes[meanwhile.appended.count++] = 1;
	}
}

static size_t
lose_inside(uint64_t after, size_t singles)
{
	struct world world = limited_world(1, 0, WINDOW_BYTES, REPRISE_WHEN_FULL_DEFAULT);

	memset(&meanwhile, 0, sizeof(meanwhile));
	meanwhile.writer = world.writer;
	meanwhile.after = after;
	meanwhile.singles = singles;
	meanwhile.appended = (struct sizes){ .sizes = { 1, 6, 3 }, .count = 3 };
	append_batch_of(world.writer, 1, 0);
	append_batch_of(world.writer, 6, 1);
	append_batch_of(world.writer, 3, 2);
	act_between = displace;
	world_flush(&world);
	act_between = NULL;
	cr_assert(eq(u64, meanwhile.after, UINT64_MAX));
	world_flush(&world);
	const size_t lost = expect_whole(&world, &meanwhile.appended);

	world_close(&world, REPRISE_OK);
	scratch_remove();
	return lost;
}

Test(whole, C23_a_batch_whose_rest_is_lost_while_it_is_copied_is_taken_back)
{
	size_t lost = 0, kept = 0;

	for (uint64_t after = 2; after < 7; after++)
		for (size_t singles = 6; singles < 17; singles++) {
			const size_t now = lose_inside(after, singles);

			lost += now;
			kept += now == 0;
		}
	cr_assert(gt(sz, lost, 0));
	cr_assert(gt(sz, kept, 0));
	expect_no_leaks();
}

Test(whole, C23_a_session_that_refuses_loses_no_batch)
{
	struct world world = limited_world(1, 1, WINDOW_BYTES, REPRISE_WHEN_FULL_REFUSE);
	struct sizes appended = { .count = 0 };
	struct reprise_new_event events[EVENTS_MOST] = { 0 };

	while (appended.count < 100) {
		const size_t count = 1 + appended.count % 15;
		const reprise_status status =
			reprise_append_batch(world.writer, events, count, NULL);

		if (status == REPRISE_OK) {
			appended.sizes[appended.count++] = count;
			continue;
		}
		cr_assert(eq(int, status, REPRISE_E_FULL));
		cr_assert(eq(int, reprise_writer_wait_room(world.writer, 20 * one_second),
			     REPRISE_OK));
	}
	world_flush(&world);
	cr_assert(eq(sz, expect_whole(&world, &appended), 0));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(whole, C23_a_subscription_that_sees_what_is_recorded_sees_whole_batches)
{
	struct world world = limited_world(1, 1, 1 << 16, REPRISE_WHEN_FULL_DEFAULT);
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_recorded_only = 1 };
	const struct reprise_cursor cursor = world_cursor(&world, 0);
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int,
		     reprise_subscribe_after(world.store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	for (uint64_t i = 0; i < 25; i++)
		append_batch_of(world.writer, 9, i);
	urge(&world);
	for (reprise_position position = 1; position <= 225; position++) {
		reprise_outcome outcome = reprise_next(subscription, &event, &gap, NULL);

		/* Nothing is awaited inside a batch. */
		cr_assert(outcome == REPRISE_NEXT_EVENT || position % 9 == 1);
		while (outcome == REPRISE_NEXT_EMPTY) {
			cr_assert(eq(int, reprise_wait(subscription, 20 * one_second), REPRISE_OK));
			outcome = reprise_next(subscription, &event, &gap, NULL);
		}
		cr_assert(eq(u64, event.position, position));
		cr_assert(eq(u16, event.flags & 0xfe, 0));
	}
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The limits of a log's transaction bound a batch only in a store with a log. */
static reprise_status
append_large(struct reprise_store *store, size_t count, size_t bytes)
{
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = UINT64_C(1) << 22,
							 .bytes_max = UINT64_C(1) << 28 };
	struct reprise_new_event *const events = calloc(count, sizeof(*events));
	unsigned char *const large = calloc(1, bytes != 0 ? bytes : 1);
	struct reprise_writer *writer = NULL;
	reprise_position first = 77;

	cr_assert(ne(ptr, events, NULL));
	cr_assert(ne(ptr, large, NULL));
	for (size_t i = 0; i < count; i++)
		events[i].payload = (struct reprise_bytes){ large, bytes };
	cr_assert(eq(int, reprise_writer_open(store, "s", &session, &writer, NULL), REPRISE_OK));
	const uint64_t newest = stats_of_s(store).newest;
	const reprise_status status = reprise_append_batch(writer, events, count, &first);

	cr_assert(eq(u64, first, status == REPRISE_OK ? newest + 1 : 77));
	cr_assert(eq(u64, stats_of_s(store).newest, newest + (status == REPRISE_OK ? count : 0)));
	reprise_writer_close(writer);
	free(large);
	free(events);
	return status;
}

Test(whole, C23_a_batch_larger_than_a_transaction_is_refused_where_there_is_a_log)
{
	const size_t events_most = 1 << 20;
	const size_t half = REPRISE_LOG_APPEND_BYTES_MAX / 2;
	struct world world = limited_world(1, 1, 0, REPRISE_WHEN_FULL_DEFAULT);

	reprise_writer_close(world.writer);
	world.writer = NULL;
	cr_assert(eq(int, append_large(world.store, events_most + 1, 0), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, append_large(world.store, 3, half / 2 * 3 / 2), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, append_large(world.store, 2, half + 1), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, append_large(world.store, 2, half), REPRISE_OK));
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).head, 2));
	cr_assert(eq(u64, world_stats(&world).gaps, 0));
	/* An event alone becomes a gap of its own, as ever. */
	cr_assert(eq(int, append_large(world.store, 1, half + 1), REPRISE_OK));
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).gaps, 1));
	world_close(&world, REPRISE_OK);

	struct reprise_store *const plain = store_plain();

	cr_assert(eq(int, append_large(plain, events_most + 1, 0), REPRISE_OK));
	cr_assert(eq(int, append_large(plain, 3, half / 2 * 3 / 2), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(plain), REPRISE_OK));
	expect_no_leaks();
}

/* The end is in the transaction of the last batch: the log has both, whatever the limits are. */
static uint64_t
count_with_end(uint64_t events_max, uint64_t bytes_max, size_t events_count)
{
	struct world world =
		limited_world(events_max, bytes_max, 1 << 16, REPRISE_WHEN_FULL_DEFAULT);
	const struct reprise_new_event events[EVENTS_MOST] = { { 0 } };

	cr_assert(eq(int, reprise_append_end(world.writer, events, events_count, -3, NULL),
		     REPRISE_OK));
	world_flush(&world);
	const struct reprise_log_stats stats = world_log_stats(&world);

	cr_assert(eq(u64, stats.head, events_count));
	cr_assert(eq(i32, stats.has_ended, 1));
	cr_assert(eq(i32, stats.end_status, -3));
	cr_assert(eq(u64, stats.end_ordinal, events_count));
	const uint64_t batches = world_stats(&world).batches;

	world_close(&world, REPRISE_OK);
	scratch_remove();
	return batches;
}

Test(whole, A29_the_end_is_in_the_transaction_of_the_last_batch)
{
	for (size_t events_count = 1; events_count < 10; events_count += 4) {
		cr_assert(eq(u64, count_with_end(1, 1, events_count), 1));
		cr_assert(eq(u64, count_with_end(events_count, 0, events_count), 1));
		cr_assert(eq(u64, count_with_end(0, 0, events_count), 1));
	}
	expect_no_leaks();
}

Test(whole, A29_a_last_event_that_no_log_holds_is_refused_where_there_is_a_log)
{
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(1) << 28 };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	unsigned char *const bytes = calloc(1, REPRISE_LOG_PAYLOAD_BYTES_MAX + 1);
	struct reprise_new_event event = { .payload = { bytes,
							REPRISE_LOG_PAYLOAD_BYTES_MAX + 1 } };

	cr_assert(ne(ptr, bytes, NULL));
	cr_assert(eq(int, reprise_writer_open(world.store, "s", &large, &world.writer, NULL),
		     REPRISE_OK));
	cr_assert(
		eq(int, reprise_append_end(world.writer, &event, 1, 0, NULL), REPRISE_E_TOO_LARGE));
	cr_assert(eq(i32, stats_of_s(world.store).ended, 0));
	event.payload.size--;
	cr_assert(eq(int, reprise_append_end(world.writer, &event, 1, 0, NULL), REPRISE_OK));
	world_flush(&world);
	cr_assert(eq(i32, world_log_stats(&world).has_ended, 1));
	free(bytes);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
