/* SPDX-License-Identifier: MIT */
/* S25 to S28: events copied into the host's own buffer. */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/session.h"

SUITE(into);

enum {
	BUFFER_BYTES = 4096,
	FRAMES_MAX = 64,
	UNTOUCHED = 0xee,
};

static unsigned char buffer[BUFFER_BYTES];
static struct reprise_frame frames[FRAMES_MAX];

static struct reprise_into
into_of(size_t buffer_bytes, size_t head_bytes, size_t tail_bytes, size_t frames_max)
{
	memset(buffer, UNTOUCHED, sizeof(buffer));
	memset(frames, UNTOUCHED, sizeof(frames));
	return (struct reprise_into){ .size = sizeof(struct reprise_into),
				      .buffer = buffer,
				      .buffer_bytes = buffer_bytes,
				      .head_bytes = head_bytes,
				      .tail_bytes = tail_bytes,
				      .frames = frames,
				      .frames_max = frames_max,
				      .frames_count = 77,
				      .used_bytes = 77,
				      .needed_bytes = 77 };
}

static reprise_outcome
next_into(struct reprise_subscription *subscription, struct reprise_into *into)
{
	struct reprise_gap gap;

	return reprise_next_into(subscription, into, &gap, NULL);
}

static struct reprise_subscription_stats
stats_of(struct reprise_subscription *subscription)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_OK));
	return stats;
}

static void
expect_untouched(size_t from, size_t bytes)
{
	for (size_t i = from; i < from + bytes; i++)
		cr_assert(eq(u8, buffer[i], UNTOUCHED), "byte %zu", i);
}

static void
expect_nothing(const struct reprise_into *into)
{
	cr_assert(eq(sz, into->frames_count, 0));
	cr_assert(eq(sz, into->used_bytes, 0));
	expect_untouched(0, into->buffer_bytes);
}

/* The frames are what @other is told by reprise_next, one behind the other. */
static void
expect_same(const struct reprise_into *into, struct reprise_subscription *other)
{
	size_t at = 0;

	for (size_t i = 0; i < into->frames_count; i++) {
		const struct reprise_frame *const frame = &into->frames[i];
		struct reprise_event event;
		struct reprise_gap gap;

		cr_assert(eq(int, reprise_next(other, &event, &gap, NULL), REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, frame->position, event.position));
		cr_assert(eq(u64, frame->revision, event.revision));
		cr_assert(eq(u64, frame->stamp_ns, event.stamp_ns));
		cr_assert(eq(u16, frame->kind, event.kind));
		cr_assert(eq(u16, frame->flags, event.flags));
		cr_assert(eq(int, frame->source, REPRISE_SOURCE_RING));
		cr_assert(eq(sz, frame->offset, at + into->head_bytes));
		cr_assert(eq(sz, frame->payload_bytes, event.payload.size));
		cr_assert(memcmp(buffer + frame->offset, event.payload.data, event.payload.size) ==
			  0);
		expect_untouched(at, into->head_bytes);
		at = frame->offset + frame->payload_bytes;
		expect_untouched(at, into->tail_bytes);
		at += into->tail_bytes;
	}
	cr_assert(eq(sz, into->used_bytes, at));
	cr_assert(eq(sz, into->needed_bytes, 0));
	expect_untouched(at, sizeof(buffer) - at);
}

static void
append_sized(struct reprise_writer *writer, uint64_t revision, size_t bytes)
{
	unsigned char payload[BUFFER_BYTES];

	for (size_t i = 0; i < bytes; i++)
		payload[i] = (unsigned char)(i * 7 + bytes);
	cr_assert(eq(int,
		     reprise_append(writer, revision, (uint16_t)bytes,
				    bytes % 2 == 0 ? 0 : REPRISE_EVENT_COMMIT,
				    (struct reprise_bytes){ payload, bytes }, NULL),
		     REPRISE_OK));
}

Test(into, S25_events_lie_one_behind_the_other_with_room_for_framing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_subscription *other = subscribed_after(store, 0);

	for (size_t bytes = 0; bytes < 40; bytes++)
		append_sized(writer, bytes / 3, bytes);
	struct reprise_into into = into_of(BUFFER_BYTES, 5, 3, FRAMES_MAX);

	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 40));
	expect_same(&into, other);
	cr_assert(eq(u64, stats_of(subscription).delivered, 40));
	cr_assert(eq(u64, stats_of(subscription).delivered_bytes, 39 * 40 / 2));
	into = into_of(BUFFER_BYTES, 5, 3, FRAMES_MAX);
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EMPTY));
	expect_nothing(&into);
	cr_assert(eq(sz, into.needed_bytes, 0));
	reprise_subscription_close(subscription);
	reprise_subscription_close(other);
	reprise_writer_close(writer);
	close_store(store);
}

Test(into, S25_payloads_of_every_size_are_copied_whole_to_every_alignment)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_subscription *other = subscribed_after(store, 0);

	for (size_t bytes = 0; bytes < 600; bytes++) {
		append_sized(writer, 0, bytes);
		struct reprise_into into = into_of(BUFFER_BYTES, bytes % 11, bytes % 3, 1);

		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
		cr_assert(eq(sz, into.frames_count, 1));
		expect_same(&into, other);
	}
	reprise_subscription_close(subscription);
	reprise_subscription_close(other);
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * Looks that copy ahead, reprise_next and reprise_next_into by turns, in every order, around
 * an arena's end.
 */
Test(into, S25_it_goes_on_where_the_other_calls_stand)
{
	for (unsigned int schedule = 0; schedule < 1u << 10; schedule++) {
		struct reprise_store *store = store_with(0, 512, 0);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		reprise_position seen = 0;

		for (unsigned int step = 0; step < 20; step++) {
			const unsigned int turn = schedule >> (step % 9) & 3;
			struct reprise_into into = into_of(30, 1, 1, 2);
			struct reprise_event event;
			struct reprise_gap gap;

			if (turn % 2 == 1)
				append_text(writer, "x");
			if (turn == 2)
				(void)!reprise_wait(subscription, 0);
			const reprise_outcome outcome =
				turn == 3 ? reprise_next(subscription, &event, &gap, NULL)
					  : reprise_next_into(subscription, &into, &gap, NULL);

			if (outcome == REPRISE_NEXT_EMPTY) {
				cr_assert(eq(u64, seen, stats_of_s(store).newest));
			} else if (outcome == REPRISE_NEXT_GAP) {
				cr_assert(eq(u64, gap.lost_first, seen + 1));
				seen = gap.lost_last;
			} else if (turn == 3) {
				cr_assert(eq(u64, event.position, ++seen));
			} else {
				for (size_t i = 0; i < into.frames_count; i++)
					cr_assert(eq(u64, into.frames[i].position, ++seen));
			}
			cr_assert(outcome != REPRISE_NEXT_ENDED);
		}
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

static struct reprise_subscription *
subscribed_with(struct reprise_store *store, struct reprise_subscription_options options)
{
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *subscription = NULL;

	options.size = sizeof(options);
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

Test(into, S25_kinds_that_are_not_wanted_move_the_cursor)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const uint16_t kinds[] = { 3 };
	struct reprise_subscription *subscription = subscribed_with(
		store, (struct reprise_subscription_options){ .kinds = kinds, .kinds_count = 1 });
	struct reprise_into into = into_of(BUFFER_BYTES, 0, 0, FRAMES_MAX);
	struct reprise_cursor cursor;

	for (uint16_t i = 0; i < 12; i++)
		append_event(writer, i, i % 4, 0, "x");
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 3));
	cr_assert(eq(u64, frames[2].position, 12));
	append_event(writer, 20, 1, 0, "unwanted");
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EMPTY));
	cr_assert(eq(u64, stats_of(subscription).filtered, 10));
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 13));
	cr_assert(eq(u64, cursor.revision, 20));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(into, S25_a_replay_and_a_session_end)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *replay = NULL, *live = subscribed_after(store, 0);
	struct reprise_into into = into_of(BUFFER_BYTES, 0, 0, FRAMES_MAX);
	struct reprise_gap gap;
	struct reprise_end end;

	append_until(writer, 5);
	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &replay, NULL), REPRISE_OK));
	append_until(writer, 8);
	cr_assert(eq(int, next_into(replay, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 5));
	cr_assert(eq(int, reprise_next_into(replay, &into, &gap, &end), REPRISE_NEXT_ENDED));
	cr_assert(eq(int, end.cause, REPRISE_END_REPLAY));
	cr_assert(eq(sz, into.frames_count, 0));
	cr_assert(eq(int, reprise_writer_end(writer, 9), REPRISE_OK));
	cr_assert(eq(int, next_into(live, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 8));
	cr_assert(eq(int, reprise_next_into(live, &into, &gap, &end), REPRISE_NEXT_ENDED));
	cr_assert(eq(int, end.cause, REPRISE_END_SESSION));
	cr_assert(eq(int, end.status, 9));
	reprise_subscription_close(replay);
	reprise_subscription_close(live);
	reprise_writer_close(writer);
	close_store(store);
}

/* Once straight from the ring, and once from what a wait has copied ahead. */
Test(into, S26_an_event_that_does_not_fit_stays_the_next_one)
{
	for (int has_waited = 0; has_waited < 2; has_waited++) {
		struct reprise_store *store = store_plain();
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		struct reprise_into into = into_of(25, 2, 4, FRAMES_MAX);

		append_text(writer, "12345678901234567890");
		append_text(writer, "another");
		if (has_waited)
			cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_OK));
		for (int i = 0; i < 2; i++) {
			cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
			expect_nothing(&into);
			cr_assert(eq(sz, into.needed_bytes, 26));
			cr_assert(eq(u64, stats_of(subscription).delivered, 0));
		}
		into.buffer = NULL;
		into.buffer_bytes = 0;
		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
		cr_assert(eq(sz, into.needed_bytes, 26));
		into = into_of(26, 2, 4, FRAMES_MAX);
		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
		cr_assert(eq(sz, into.frames_count, 1), "it just fits, and the other one does not");
		cr_assert(eq(sz, into.used_bytes, 26));
		cr_assert(eq(sz, into.needed_bytes, 0));
		expect_text(subscription, "another");
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(into, S26_framing_alone_may_be_more_than_there_is_room_for)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_into into = into_of(10, REPRISE_INTO_FRAMING_BYTES_MAX,
					   REPRISE_INTO_FRAMING_BYTES_MAX, FRAMES_MAX);

	append_text(writer, "");
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	expect_nothing(&into);
	cr_assert(eq(sz, into.needed_bytes, (size_t)2 * REPRISE_INTO_FRAMING_BYTES_MAX));
	into = into_of(10, 0, 11, FRAMES_MAX);
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	expect_nothing(&into);
	cr_assert(eq(sz, into.needed_bytes, 11));
	into = into_of(0, 0, 0, FRAMES_MAX);
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 1), "an empty payload takes no room");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(into, S27_what_is_lost_is_a_gap_before_what_follows)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_into into = into_of(BUFFER_BYTES, 0, 0, FRAMES_MAX);
	struct reprise_gap gap;

	append_until(writer, 10);
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_GAP));
	expect_nothing(&into);
	cr_assert(eq(u64, gap.lost_first, 1));
	cr_assert(eq(u64, gap.lost_last, 6));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_CAPACITY));
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 4));
	cr_assert(eq(u64, frames[0].position, 7));
	append_until(writer, 13);
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_OK), "copied ahead");
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 12), REPRISE_OK));
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(u64, gap.lost_last, 12));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_REQUEST));
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, into.frames_count, 1));
	append_until(writer, 14);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.reason, REPRISE_GAP_UNAVAILABLE));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_INVALIDATED));
	cr_assert(eq(int, reprise_next_into(subscription, &into, &gap, NULL), REPRISE_NEXT_ENDED));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(into, S27_a_descriptor_is_readable_until_it_has_answered_empty)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_into into = into_of(BUFFER_BYTES, 0, 0, 2);
	int descriptor = -1;

	cr_assert(eq(int, reprise_subscription_fd(subscription, &descriptor, NULL), REPRISE_OK));
	for (reprise_position newest = 3; newest < 12; newest += 3) {
		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EMPTY));
		append_until(writer, newest);
		cr_assert(eq(int, reprise_wait(subscription, 20 * one_second), REPRISE_OK));
		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
		cr_assert(eq(sz, into.frames_count, 2));
		cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, frames[0].position, newest));
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(into, S27_in_the_child_of_a_fork_it_has_ended)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_into into = into_of(BUFFER_BYTES, 0, 0, 1);
	int status = 0;

	append_until(writer, 3);
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	const pid_t child = fork();

	if (child == 0) {
		struct reprise_gap gap;
		struct reprise_end end;

		if (reprise_next_into(subscription, &into, &gap, &end) != REPRISE_NEXT_ENDED)
			_exit(1);
		_exit(end.cause == REPRISE_END_STORE && into.frames_count == 0 ? 0 : 2);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	cr_assert(eq(int, next_into(subscription, &into), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, frames[0].position, 2));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}
