/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "support.h"

/* The last batch and the session's end in one call: contract A29. */

TestSuite(append_end, .timeout = 60);

static const struct reprise_new_event two[2] = { { .revision = 1, .payload = { "a", 1 } },
						 { .revision = 2, .payload = { "b", 1 } } };

static struct reprise_writer *
opened(struct reprise_store *store, uint64_t events_max, int32_t is_shared)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max = events_max,
							 .is_shared = is_shared };
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	return writer;
}

static struct reprise_subscription *
subscribed(struct reprise_store *store, int32_t is_continuous)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = is_continuous };
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor), REPRISE_OK));
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static void
expect_end_after(struct reprise_subscription *subscription, reprise_position first,
		 reprise_position last)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end = { 0 };

	for (reprise_position position = first; position <= last; position++) {
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, &end),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, position));
		cr_assert(eq(u16, event.flags, 0));
	}
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, &end), REPRISE_NEXT_ENDED));
	cr_assert(eq(int, end.cause, REPRISE_END_SESSION));
	cr_assert(eq(i32, end.status, -7));
}

static void
end_with_batch(int32_t is_shared)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = opened(store, 8, is_shared);
	struct reprise_subscription *const before = subscribed(store, 0);
	reprise_position first = 77;

	(void)append_text(writer, "x");
	cr_assert(eq(int, reprise_append_end(writer, two, 2, -7, &first), REPRISE_OK));
	cr_assert(eq(u64, first, 2));
	cr_assert(eq(i32, stats_of_s(store).ended, 1));
	cr_assert(eq(i32, stats_of_s(store).end_status, -7));
	first = 77;
	cr_assert(eq(int, reprise_append_end(writer, two, 2, 8, &first), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_append_batch(writer, two, 2, &first), REPRISE_E_CLOSED));
	cr_assert(eq(int,
		     reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ NULL, 0 }, &first),
		     REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_writer_end(writer, 8), REPRISE_E_CLOSED));
	cr_assert(eq(u64, first, 77));
	expect_end_after(before, 1, 3);
	struct reprise_subscription *const later = subscribed(store, 0);

	expect_end_after(later, 1, 3);
	reprise_subscription_close(before);
	reprise_subscription_close(later);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	expect_no_leaks();
}

Test(append_end, A29_the_last_batch_and_the_end_are_one)
{
	end_with_batch(0);
	end_with_batch(1);
}

Test(append_end, A29_a_call_that_is_refused_ends_nothing)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = opened(store, 2, 0);
	const struct reprise_new_event three[3] = { { 0 } };
	const struct reprise_new_event flagged = { .flags = 2 };
	const struct reprise_new_event marked = { .flags = 4 };
	void *payload = NULL;

	cr_assert(eq(int, reprise_append_end(writer, three, 3, 1, NULL), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, reprise_append_end(writer, three, 0, 1, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_end(writer, &flagged, 1, 1, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append_end(writer, &marked, 1, 1, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_reserve(writer, 8, &payload), REPRISE_OK));
	cr_assert(eq(int, reprise_append_end(writer, three, 1, 1, NULL), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_OK));
	cr_assert(eq(i32, stats_of_s(store).ended, 0));
	cr_assert(eq(u64, stats_of_s(store).newest, 0));
	cr_assert(eq(u64, append_text(writer, "x"), 1));
	cr_assert(eq(int, reprise_append_end(writer, three, 1, 1, NULL), REPRISE_OK));
	cr_assert(eq(i32, stats_of_s(store).end_status, 1));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	expect_no_leaks();
}

Test(append_end, A29_a_continuous_subscription_and_the_roster_are_told)
{
	struct reprise_store *const store = store_plain();
	struct reprise_subscription *roster = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	struct reprise_writer *writer = opened(store, 8, 0);

	cr_assert(eq(int, reprise_sessions_subscribe(store, NULL, &roster, NULL), REPRISE_OK));
	struct reprise_subscription *const host = subscribed(store, 1);

	cr_assert(eq(int, reprise_append_end(writer, two, 2, -7, NULL), REPRISE_OK));
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, reprise_next(host, &event, &gap, &end), REPRISE_NEXT_EVENT));
	cr_assert(eq(int, reprise_next(host, &event, &gap, &end), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_LIFE_ENDED));
	cr_assert(eq(int, reprise_wait(roster, 20 * one_second), REPRISE_OK));
	cr_assert(eq(int, reprise_next(roster, &event, &gap, &end), REPRISE_NEXT_EVENT));
	cr_assert(eq(u16, event.kind, REPRISE_SESSION_ENDED));
	reprise_writer_close(writer);
	writer = opened(store, 8, 0);
	cr_assert(eq(u64, append_text(writer, "y"), 3));
	cr_assert(eq(int, reprise_wait(host, 20 * one_second), REPRISE_OK));
	reprise_subscription_close(host);
	reprise_subscription_close(roster);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	expect_no_leaks();
}

static void *
end_soon(void *writer)
{
	cr_assert(eq(int, reprise_append_end(writer, two, 1, -7, NULL), REPRISE_OK));
	return NULL;
}

/* It wakes up once for both, and never finds the last event without the end. */
Test(append_end, A29_a_subscription_that_sleeps_sees_both)
{
	for (int i = 0; i < 200; i++) {
		const struct reprise_subscription_options asleep = { .size = sizeof(asleep),
								     .spin_ns = 1 };
		struct reprise_store *const store = store_plain();
		struct reprise_writer *const writer = opened(store, 8, i % 2);
		struct reprise_subscription *subscription = NULL;
		struct reprise_cursor cursor;
		pthread_t thread;

		cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor),
			     REPRISE_OK));
		cr_assert(eq(int,
			     reprise_subscribe_after(store, &cursor, &asleep, &subscription, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, pthread_create(&thread, NULL, end_soon, writer), 0));
		cr_assert(eq(int, reprise_wait(subscription, 20 * one_second), REPRISE_OK));
		expect_end_after(subscription, 1, 1);
		cr_assert(eq(int, pthread_join(thread, NULL), 0));
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	}
	expect_no_leaks();
}
