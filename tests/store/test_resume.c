/* SPDX-License-Identifier: MIT */
#include "support.h"

SUITE(resume);

static struct reprise_subscription *
replayed_after(struct reprise_store *store, reprise_position position)
{
	const struct reprise_cursor cursor = cursor_at(store, position);
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static struct reprise_subscription *
resumed_after(struct reprise_store *store, reprise_position position, uint64_t revision,
	      uint64_t durable_revision)
{
	const struct reprise_cursor cursor = cursor_at_revision(store, position, revision);
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(
		int,
		reprise_resume_after(store, &cursor, durable_revision, NULL, &subscription, NULL),
		REPRISE_OK));
	return subscription;
}

static bool
is_zero(const struct reprise_incarnation *incarnation)
{
	static const struct reprise_incarnation zero;

	return memcmp(incarnation, &zero, sizeof(zero)) == 0;
}

Test(resume, A13_an_unknown_session_is_unavailable)
{
	struct reprise_store *store = store_plain();
	const struct reprise_cursor cursor = { .session_id = "nobody", .revision = 4 };
	struct reprise_subscription *subscription = resubscribed(store, &cursor);
	const struct reprise_gap gap =
		expect_unavailable(subscription, REPRISE_GAP_UNKNOWN_SESSION);

	cr_assert(is_zero(&gap.cursor.incarnation));
	cr_assert(is_zero(&gap.newest.incarnation));
	cr_assert(eq(str, (char *)gap.cursor.session_id, "nobody"));
	cr_assert(eq(u64, gap.cursor.revision, 4));
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_OK), "there is something to say");
	cr_assert(eq(int, reprise_subscription_interrupt(subscription), REPRISE_OK));
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(resume, A13_another_incarnation_is_unavailable_even_at_0)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor = cursor_at_revision(store, 0, 6);

	append_event(writer, 9, 0, 0, "x");
	cursor.incarnation.bytes[15] ^= 1;
	struct reprise_subscription *subscription = resubscribed(store, &cursor);
	const struct reprise_gap gap =
		expect_unavailable(subscription, REPRISE_GAP_OTHER_INCARNATION);

	/* Its cursor is good: nothing that is retained is lost with it. */
	cr_assert(eq(u64, gap.cursor.position, 0));
	cr_assert(eq(u64, gap.cursor.revision, 6), "keeps the revision asked with");
	cr_assert(eq(u64, gap.newest.position, 1));
	cr_assert(eq(u64, gap.newest.revision, 9));
	struct reprise_subscription *again = resubscribed(store, &gap.cursor);

	expect_text(again, "x");
	reprise_subscription_close(again);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A13_a_current_cursor_of_an_unknown_session_is_valid_at_once)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	expect_empty(subscription);
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "first");
	expect_text(subscription, "first");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A14_a_position_ahead_of_the_newest_is_unavailable)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	struct reprise_subscription *subscription = subscribed_after(store, 4);
	const struct reprise_gap gap = expect_unavailable(subscription, REPRISE_GAP_AHEAD);

	cr_assert(eq(u64, gap.cursor.position, 0));
	reprise_subscription_close(subscription);
	subscription = replayed_after(store, 4);
	expect_unavailable(subscription, REPRISE_GAP_AHEAD);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A14_a_position_below_the_window_is_unavailable)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 2);

	expect_unavailable(subscription, REPRISE_GAP_BEFORE_WINDOW);
	reprise_subscription_close(subscription);
	subscription = subscribed_after(store, 3);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A15_a_stale_position_gets_the_exact_gap_and_goes_on)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 10);
	struct reprise_subscription *subscription = subscribed_after(store, 2);

	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 3, 6);
	expect_events(subscription, 7, 10);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A15_the_gap_is_that_of_the_moment_that_delivers_it)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 6);
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_OK), "sees a gap of 1..2");
	append_until(writer, 8);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 4);
	expect_event(subscription, 5);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A15_nothing_retained_is_one_gap_to_the_newest)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 4);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 4), REPRISE_OK));
	struct reprise_subscription *subscription = subscribed_after(store, 1);

	expect_trimmed(subscription, REPRISE_GAP_REQUEST, 2, 4);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A16_otherwise_what_is_after_the_position_then_live)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 5);
	struct reprise_subscription *subscription = subscribed_after(store, 3);
	struct reprise_subscription *at_newest = subscribed_after(store, 5);

	expect_events(subscription, 4, 5);
	expect_empty(subscription);
	expect_empty(at_newest);
	append_until(writer, 7);
	expect_events(subscription, 6, 7);
	expect_events(at_newest, 6, 7);
	reprise_subscription_close(subscription);
	reprise_subscription_close(at_newest);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A16_a_replay_ends_at_the_newest_of_its_opening)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 5);
	struct reprise_subscription *replay = replayed_after(store, 3);
	struct reprise_subscription *nothing = replayed_after(store, 5);

	append_until(writer, 9);
	expect_events(replay, 4, 5);
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	expect_ended(nothing, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);
	reprise_subscription_close(nothing);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A16_a_replay_that_is_overtaken_loses_no_more_than_its_own)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 4);
	struct reprise_subscription *replay = replayed_after(store, 0);

	append_until(writer, 20);
	expect_trimmed(replay, REPRISE_GAP_CAPACITY, 1, 4);
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(replay);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A17_a_gap_carries_both_cursors)
{
	struct reprise_store *store = store_with(2, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	for (uint64_t revision = 1; revision <= 5; revision++)
		append_event(writer, 10 * revision, 0, 0, "x");
	const struct reprise_cursor cursor = cursor_at_revision(store, 1, 77);
	struct reprise_subscription *subscription = resubscribed(store, &cursor);
	const struct reprise_gap gap = expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 2, 3);

	cr_assert(eq(u64, gap.cursor.position, 3));
	cr_assert(eq(u64, gap.cursor.revision, 77));
	cr_assert(eq(u64, gap.newest.position, 5));
	cr_assert(eq(u64, gap.newest.revision, 50));
	cr_assert(eq(str, (char *)gap.newest.session_id, "s"));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A19_a_subscription_that_is_overtaken_gets_its_gap_first)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_cursor cursor;

	append_event(writer, 8, 0, 0, "x");
	expect_event(subscription, 1);
	append_until(writer, 9);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 2, 5);
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5));
	cr_assert(eq(u64, cursor.revision, 8), "the greatest delivered so far");
	expect_events(subscription, 6, 9);
	append_until(writer, 30);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 10, 26);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A19_the_cursor_is_that_of_the_last_event_delivered_not_copied)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_cursor cursor;

	append_until(writer, 5);
	expect_events(subscription, 1, 2); /* all five are copied */
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 2));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A19_the_cursor_carries_the_greatest_revision_not_the_last)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_cursor cursor;

	append_event(writer, 8, 0, 0, "x");
	append_event(writer, 3, 0, 0, "x");
	expect_events(subscription, 1, 2);
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.revision, 8));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A19_what_is_copied_stays_good_when_it_is_displaced)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 4);
	expect_event(subscription, 1);
	append_until(writer, 20);
	expect_events(subscription, 2, 4);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 5, 16);
	expect_events(subscription, 17, 20);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A21_the_end_comes_after_what_is_retained_and_to_those_of_later)
{
	struct reprise_store *store = store_with(2, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *overtaken = subscribed_after(store, 0);

	append_until(writer, 5);
	struct reprise_subscription *replay = replayed_after(store, 3);

	cr_assert(eq(int, reprise_writer_end(writer, 42), REPRISE_OK));
	struct reprise_subscription *late = subscribed_after(store, 4);

	reprise_writer_close(writer);
	expect_trimmed(overtaken, REPRISE_GAP_CAPACITY, 1, 3);
	expect_events(overtaken, 4, 5);
	expect_ended(overtaken, REPRISE_END_SESSION, 42);
	expect_event(late, 5);
	expect_ended(late, REPRISE_END_SESSION, 42);
	expect_events(replay, 4, 5);
	expect_ended(replay, REPRISE_END_SESSION, 42);
	reprise_subscription_close(overtaken);
	reprise_subscription_close(late);
	reprise_subscription_close(replay);
	close_store(store);
}

Test(resume, A21_a_close_without_an_end_leaves_subscriptions_waiting)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_text(writer, "one");
	reprise_writer_close(writer);
	expect_text(subscription, "one");
	expect_empty(subscription);
	cr_assert(eq(int, reprise_wait(subscription, 1), REPRISE_E_TIMEOUT));
	writer = writer_of(store);
	append_text(writer, "two");
	expect_text(subscription, "two");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A24_a_cursor_newer_than_the_durable_state_is_ahead)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	struct reprise_subscription *subscription = resumed_after(store, 2, 8, 7);
	const struct reprise_gap gap = expect_unavailable(subscription, REPRISE_GAP_AHEAD);

	cr_assert(eq(u64, gap.cursor.position, 0));
	cr_assert(eq(u64, gap.cursor.revision, 7));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A24_the_durable_state_is_asked_before_the_window)
{
	struct reprise_store *store = store_plain();
	const struct reprise_cursor unknown = { .session_id = "nobody", .revision = 8 };
	struct reprise_cursor foreign = cursor_at_revision(store, 0, 8);
	const struct reprise_cursor *const cursors[] = { &unknown, &foreign };

	foreign.incarnation.bytes[0] ^= 1;
	for (size_t i = 0; i < 2; i++) {
		struct reprise_subscription *subscription = NULL;

		cr_assert(eq(int,
			     reprise_resume_after(store, cursors[i], 7, NULL, &subscription, NULL),
			     REPRISE_OK));
		expect_unavailable(subscription, REPRISE_GAP_AHEAD);
		reprise_subscription_close(subscription);
	}
	close_store(store);
}

Test(resume, A24_a_cursor_at_the_durable_state_is_judged_as_any)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 6);
	struct reprise_subscription *subscription = resumed_after(store, 0, 7, 7);

	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 2);
	expect_events(subscription, 3, 6);
	reprise_subscription_close(subscription);
	subscription = resumed_after(store, 9, 7, 7);
	expect_unavailable(subscription, REPRISE_GAP_AHEAD);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A24_an_older_cursor_needs_a_commit_for_a_bridge)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription;

	append_event(writer, 5, 0, 0, "1");
	append_event(writer, 7, 0, REPRISE_EVENT_COMMIT, "2");
	append_event(writer, 9, 0, 0, "3: a revision without COMMIT is no bridge");
	append_event(writer, 8, 0, REPRISE_EVENT_COMMIT | 0x100, "4");

	subscription = resumed_after(store, 1, 5, 7);
	expect_events(subscription, 2, 4);
	reprise_subscription_close(subscription);
	subscription = resumed_after(store, 2, 5, 8);
	expect_events(subscription, 3, 4);
	reprise_subscription_close(subscription);
	subscription = resumed_after(store, 1, 5, 9);
	expect_unavailable(subscription, REPRISE_GAP_BEHIND_DURABLE);
	reprise_subscription_close(subscription);
	/* The bridge must be after the cursor, and retained. */
	subscription = resumed_after(store, 4, 5, 8);
	expect_unavailable(subscription, REPRISE_GAP_BEHIND_DURABLE);
	reprise_subscription_close(subscription);
	subscription = resumed_after(store, 0, 5, 7);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 4), REPRISE_OK));
	expect_unavailable(subscription, REPRISE_GAP_BEHIND_DURABLE);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(resume, A25_who_comes_back_with_its_cursor_sees_every_event_once)
{
	struct reprise_store *store = store_with(6, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor = cursor_at(store, 0);
	uint64_t delivered = 0, lost = 0;
	reprise_position position = 0;
	uint32_t random = 1;

	for (int visit = 0; visit < 200; visit++) {
		char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
		struct reprise_event event;
		struct reprise_gap gap;
		size_t bytes = 0;

		random = random * 1664525u + 1013904223u;
		append_until(writer, stats_of_s(store).newest + 1 + (random >> 20) % 10);
		struct reprise_subscription *subscription = resubscribed(store, &cursor);

		for (uint32_t n = (random >> 12) % 8; n > 0; n--) {
			const reprise_outcome outcome =
				reprise_next(subscription, &event, &gap, NULL);

			if (outcome == REPRISE_NEXT_EVENT) {
				cr_assert(eq(u64, event.position, position + 1));
				position++;
				delivered++;
			} else if (outcome == REPRISE_NEXT_GAP) {
				cr_assert(eq(u64, gap.lost_first, position + 1));
				position = gap.lost_last;
				lost += gap.lost;
			}
		}
		cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
		reprise_subscription_close(subscription);
		cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), &bytes, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, reprise_cursor_parse(text, bytes, &cursor, NULL), REPRISE_OK));
		cr_assert(eq(u64, delivered + lost, position));
	}
	cr_assert(gt(u64, delivered, 0));
	cr_assert(gt(u64, lost, 0));
	reprise_writer_close(writer);
	close_store(store);
}
