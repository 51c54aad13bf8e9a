/* SPDX-License-Identifier: MIT */
#include "support.h"

SUITE(retention);

Test(retention, A10_the_defaults_are_2048_events_1_MiB_and_120_s)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	writer = writer_of(store);
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(u64, stats.events_max, 2048));
	cr_assert(eq(u64, stats.bytes_max, 1u << 20));
	cr_assert(eq(u64, stats.age_ns_max, 120 * one_second));
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A10_a_session_may_have_bounds_of_its_own)
{
	const struct reprise_session_options options = {
		.size = sizeof(options),
		.events_max = 3,
		.bytes_max = 1000,
	};
	struct reprise_store *store = store_with(7, 0, 5 * one_second);
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(u64, stats.events_max, 3));
	cr_assert(eq(u64, stats.bytes_max, 1024), "rounded up to a power of two");
	cr_assert(eq(u64, stats.age_ns_max, 5 * one_second), "the store's");
	reprise_writer_close(writer);
	close_store(store);
}

/* Not a power of two: the count is exact, whatever the index is rounded to. */
Test(retention, A10_the_oldest_go_first_by_count)
{
	struct reprise_store *store = store_with(5, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	for (reprise_position newest = 1; newest <= 20; newest++) {
		append_text(writer, "x");
		const struct reprise_session_stats stats = stats_of_s(store);

		cr_assert(eq(u64, stats.retained, newest < 5 ? newest : 5));
		cr_assert(eq(u64, stats.oldest, newest < 5 ? 1 : newest - 4));
	}
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A10_the_oldest_go_first_by_bytes)
{
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription;
	char text[216 + 1];

	memset(text, 'x', sizeof(text));
	text[216] = '\0'; /* 256 with its header: four fit */
	for (int i = 0; i < 4; i++)
		append_text(writer, text);
	cr_assert(eq(u64, stats_of_s(store).retained, 4));
	append_text(writer, "");
	cr_assert(eq(u64, stats_of_s(store).oldest, 2), "just as many as are in the way");
	append_text(writer, text);
	cr_assert(eq(u64, stats_of_s(store).oldest, 3));
	subscription = subscribed_after(store, 0);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 2);
	expect_text(subscription, text);
	expect_text(subscription, text);
	expect_text(subscription, "");
	expect_text(subscription, text);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A10_without_a_limit_of_events_the_bytes_decide)
{
	struct reprise_store *store = store_with(REPRISE_NO_LIMIT, 4096, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 5000);
	cr_assert(eq(u64, stats_of_s(store).events_max, 4096 / 40));
	cr_assert(eq(u64, stats_of_s(store).retained, 4096 / 40));
	reprise_writer_close(writer);
	close_store(store);
}

/* The limit is 10 s, a tick is 10 ms: strictly older than both together goes. */
Test(retention, A10_age_is_strict_and_has_a_tick_of_slack)
{
	struct reprise_store *store = store_with(0, 0, 10 * one_second);
	struct reprise_writer *writer = writer_of(store);
	const uint64_t slack = UINT64_C(10) * 1000 * 1000;

	append_until(writer, 2);
	cr_assert(eq(int, reprise_stamp_set(store, one_hour + one_second), REPRISE_OK));
	append_text(writer, "later");
	cr_assert(
		eq(int, reprise_stamp_set(store, one_hour + 10 * one_second + slack), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).retained, 3));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour + 10 * one_second + slack + 1),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).retained, 1));
	cr_assert(eq(u64, stats_of_s(store).oldest, 3));
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A10_age_is_applied_by_whoever_looks)
{
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;

	for (int who = 0; who < 6; who++) {
		struct reprise_store *store = store_with(0, 0, 10 * one_second);
		struct reprise_writer *writer = writer_of(store);

		append_until(writer, 3);
		cursor = cursor_at(store, 0);
		cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
		cr_assert(eq(u64, stats_of_s(store).retained, 3), "nobody has looked");
		if (who == 0)
			subscription = resubscribed(store, &cursor);
		else if (who == 1)
			cr_assert(
				eq(int,
				   reprise_replay_after(store, &cursor, NULL, &subscription, NULL),
				   REPRISE_OK));
		else if (who == 2)
			cr_assert(eq(
				int,
				reprise_resume_after(store, &cursor, 0, NULL, &subscription, NULL),
				REPRISE_OK));
		else if (who == 3)
			cr_assert(eq(int, reprise_session_current_cursor(store, "s", 0, &cursor),
				     REPRISE_OK));
		else if (who == 4)
			cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor),
				     REPRISE_OK));
		else
			cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
		cr_assert(eq(u64, stats_of_s(store).retained, 0), "who: %d", who);
		if (who < 3) {
			expect_trimmed(subscription, REPRISE_GAP_AGE, 1, 3);
			reprise_subscription_close(subscription);
		} else if (who < 5) {
			cr_assert(eq(u64, cursor.position, 3));
		}
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(retention, A10_without_an_age_limit_nothing_grows_old)
{
	struct reprise_store *store = store_with(0, 0, REPRISE_NO_LIMIT);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	cr_assert(eq(int, reprise_stamp_set(store, (UINT64_C(1) << 63) - 1), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).retained, 3));
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A11_trims_of_unknown_sessions_have_nothing_to_do)
{
	struct reprise_store *store = store_plain();
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_session_trim(store, "nobody"), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim_to(store, "nobody", 5), REPRISE_OK));
	cr_assert(eq(int, reprise_session_stats(store, "nobody", &stats), REPRISE_E_NOT_FOUND));
	close_store(store);
}

Test(retention, A11_trim_to_drops_up_to_a_position_and_never_beyond_the_newest)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 5);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 2), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).oldest, 3));
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 1), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).oldest, 3), "never lowered");
	expect_trimmed(subscription, REPRISE_GAP_REQUEST, 1, 2);
	expect_events(subscription, 3, 4);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", UINT64_MAX), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).newest, 5));
	cr_assert(eq(u64, stats_of_s(store).retained, 0));

	/* The subscription lives on, though the last was copied before it was trimmed. */
	expect_trimmed(subscription, REPRISE_GAP_REQUEST, 5, 5);
	expect_empty(subscription);
	cr_assert(eq(u64, append_text(writer, "x"), 6));
	expect_event(subscription, 6);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* Below what is retained, too: a subscription may still have copies of it. */
Test(retention, A11_what_was_copied_is_not_handed_out_after_a_trim)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 4);
	expect_event(subscription, 1); /* all four are copied */
	append_until(writer, 10);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 3), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 2, 3); /* they had left before */
	expect_event(subscription, 4);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 5, 6);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, A12_capacity_1_two_appends)
{
	struct reprise_store *store = store_with(1, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 2);
	struct reprise_subscription *from_0 = subscribed_after(store, 0);
	struct reprise_subscription *from_1 = subscribed_after(store, 1);
	const struct reprise_gap gap = expect_trimmed(from_0, REPRISE_GAP_CAPACITY, 1, 1);

	cr_assert(eq(u64, gap.newest.position, 2));
	expect_event(from_0, 2);
	expect_event(from_1, 2);
	expect_empty(from_1);
	reprise_subscription_close(from_0);
	reprise_subscription_close(from_1);
	reprise_writer_close(writer);
	close_store(store);
}

Test(retention, of_several_causes_that_of_the_last_lost_position_is_said)
{
	struct reprise_store *store = store_with(4, 0, 10 * one_second);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 6); /* 1 and 2 by capacity */
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 3), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_REQUEST, 1, 3);
	reprise_subscription_close(subscription);

	subscription = subscribed_after(store, 0);
	append_until(writer, 8); /* 4 by capacity, after the trim of 3 */
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 4);
	reprise_subscription_close(subscription);

	subscription = subscribed_after(store, 0);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 6), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
	append_text(writer, "young");
	cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_AGE, 1, 8);
	expect_text(subscription, "young");
	reprise_subscription_close(subscription);

	/* A request does not take events again that age has taken. */
	subscription = subscribed_after(store, 8);
	cr_assert(eq(int, reprise_stamp_set(store, 3 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 9), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_AGE, 9, 9);
	reprise_subscription_close(subscription);

	/* A trim of what has left already does not take the blame. */
	subscription = subscribed_after(store, 0);
	append_until(writer, 14);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 10), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 10);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}
