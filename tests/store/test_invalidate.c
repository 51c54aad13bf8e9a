/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>

#include "store/session.h"

SUITE(invalidate);

static void
invalidate_s(struct reprise_store *store)
{
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
}

Test(invalidate, A20_subscriptions_get_a_gap_and_then_the_end_and_no_event)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *fresh = subscribed_after(store, 0);
	struct reprise_subscription *midway = subscribed_after(store, 0);
	struct reprise_subscription *live = subscribed_after(store, 3);

	append_until(writer, 3);
	expect_event(midway, 1); /* the others are copied already */
	expect_empty(live);
	invalidate_s(store);
	expect_unavailable(fresh, REPRISE_GAP_INVALIDATED);
	expect_unavailable(midway, REPRISE_GAP_INVALIDATED);
	expect_unavailable(live, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(fresh);
	reprise_subscription_close(midway);
	reprise_subscription_close(live);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, A20_an_end_that_was_found_but_not_told_is_void_too)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *live = subscribed_after(store, 0), *replay = NULL;
	struct reprise_subscription *told = subscribed_after(store, 0);

	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &replay, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	cr_assert(eq(int, reprise_wait(live, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_wait(replay, 0), REPRISE_OK));
	expect_ended(told, REPRISE_END_SESSION, 3);
	invalidate_s(store);
	expect_unavailable(live, REPRISE_GAP_INVALIDATED);
	expect_unavailable(replay, REPRISE_GAP_INVALIDATED);
	expect_ended(told, REPRISE_END_SESSION, 3);
	reprise_subscription_close(live);
	reprise_subscription_close(replay);
	reprise_subscription_close(told);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, A20_old_cursors_are_unavailable_and_fresh_ones_are_fresh)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_cursor old = cursor_at(store, 1);
	struct reprise_gap gap;

	append_until(writer, 3);
	invalidate_s(store);
	struct reprise_subscription *subscription = resubscribed(store, &old);

	gap = expect_unavailable(subscription, REPRISE_GAP_UNKNOWN_SESSION);
	cr_assert(eq(int, gap.cursor.incarnation.bytes[0] | gap.cursor.incarnation.bytes[7], 0));
	reprise_subscription_close(subscription);

	const struct reprise_cursor fresh = cursor_at(store, 3);

	cr_assert(
		ne(int, memcmp(&fresh.incarnation, &old.incarnation, sizeof(old.incarnation)), 0));
	subscription = resubscribed(store, &old);
	gap = expect_unavailable(subscription, REPRISE_GAP_OTHER_INCARNATION);
	cr_assert(eq(int,
		     memcmp(&fresh.incarnation, &gap.cursor.incarnation, sizeof(old.incarnation)),
		     0));
	reprise_subscription_close(subscription);
	subscription = resubscribed(store, &fresh);
	expect_empty(subscription);
	reprise_writer_close(writer);

	writer = writer_of(store);
	cr_assert(eq(u64, append_text(writer, "new life"), 4));
	expect_text(subscription, "new life");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* The gap's cursors are of the window that is live when the gap is delivered. */
Test(invalidate, A17_the_gap_says_where_the_new_life_stands)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 3);
	invalidate_s(store);
	reprise_writer_close(writer);
	writer = writer_of(store);
	append_event(writer, 9, 0, 0, "x");
	const struct reprise_gap gap = expect_unavailable(subscription, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.cursor.position, 3));
	cr_assert(eq(u64, gap.newest.position, 4));
	cr_assert(eq(u64, gap.newest.revision, 9));
	reprise_subscription_close(subscription);
	subscription = resubscribed(store, &gap.cursor);
	expect_event(subscription, 4);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, A20_other_sessions_are_untouched)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store), *other = NULL;
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_session_current_cursor(store, "other", 0, &cursor), REPRISE_OK));
	invalidate_s(store);
	append_text(other, "x");
	struct reprise_subscription *subscription = resubscribed(store, &cursor);

	expect_text(subscription, "x");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	reprise_writer_close(other);
	close_store(store);
}

Test(invalidate, A20_all_means_also_sessions_that_had_no_event)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursors[100];
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	char id[16];

	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "empty-%d", i);
		cr_assert(eq(int, reprise_session_create(store, id, NULL, NULL), REPRISE_OK));
		cr_assert(eq(int, reprise_session_current_cursor(store, id, 0, &cursors[i]),
			     REPRISE_OK));
	}
	struct reprise_subscription *held = resubscribed(store, &cursors[7]);

	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 0));
	for (int i = 0; i < 100; i++) {
		struct reprise_subscription *subscription = resubscribed(store, &cursors[i]);

		expect_unavailable(subscription, REPRISE_GAP_UNKNOWN_SESSION);
		reprise_subscription_close(subscription);
	}
	expect_unavailable(held, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(held);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, A09_the_writer_of_a_void_window_is_refused_everything)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_new_event event = { .payload = { "x", 1 } };
	const struct iovec part = { .iov_base = (void *)"x", .iov_len = 1 };
	struct reprise_cursor cursor;
	reprise_position position = 77;

	append_text(writer, "x");
	invalidate_s(store);
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, event.payload, &position),
		     REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &part, 1, &position), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_append_batch(writer, &event, 1, &position), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_writer_cursor(writer, 1, &cursor), REPRISE_E_CLOSED));
	cr_assert(eq(u64, position, 77));

	/* Another may begin the next life at once. */
	struct reprise_writer *next = writer_of(store);

	cr_assert(eq(u64, append_text(next, "y"), 2));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, event.payload, &position),
		     REPRISE_E_CLOSED));
	reprise_writer_close(next);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, A09_a_void_window_counts_until_its_last_handle_goes)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	invalidate_s(store);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 0));
	cr_assert(gt(u64, stats.bytes, 1u << 20));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(gt(u64, stats.bytes, 1u << 20));
	reprise_subscription_close(subscription);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.bytes, 0));
	cr_assert(eq(u64, stats.arena_bytes, 0));
	close_store(store);
}

Test(invalidate, A24_a_cursor_newer_than_the_durable_state_is_ahead_first)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_cursor cursor = cursor_at_revision(store, 0, 9);
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_resume_after(store, &cursor, 5, NULL, &subscription, NULL),
		     REPRISE_OK));
	invalidate_s(store);
	expect_unavailable(subscription, REPRISE_GAP_AHEAD);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(invalidate, of_an_unknown_session_there_is_nothing_to_do)
{
	struct reprise_store *store = store_plain();

	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	cr_assert(eq(int, reprise_session_invalidate(store, ""), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_invalidate(store, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_invalidate(NULL, "s"), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_sessions_invalidate(NULL), REPRISE_E_INVALID));
	close_store(store);
}
