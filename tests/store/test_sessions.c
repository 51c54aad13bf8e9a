/* SPDX-License-Identifier: MIT */

/*
 * Windows that are made before their writer, look-ups that make none, and bounds that a writer
 * brings (rules S10 and S11).
 */

#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"

SUITE(sessions);

static struct reprise_store *
bounded_store(uint64_t sessions_max)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = sessions_max };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	return store;
}

static struct reprise_store_stats
counts_of(struct reprise_store *store)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	return stats;
}

static void
create(struct reprise_store *store, const char *id)
{
	cr_assert(eq(int, reprise_session_create(store, id, NULL, NULL), REPRISE_OK));
}

Test(sessions, S10_a_look_up_of_an_unknown_session_makes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_cursor cursor, untouched;

	memset(&untouched, 7, sizeof(untouched));
	memset(&cursor, 7, sizeof(cursor));
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 0, &cursor),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor),
		     REPRISE_E_NOT_FOUND));
	/* Every byte was set, padding, too. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	cr_assert(eq(int, memcmp(&cursor, &untouched, sizeof(cursor)), 0));
	cr_assert(eq(u64, counts_of(store).sessions, 0));
	cr_assert(eq(u64, counts_of(store).arena_bytes, 0));
	close_store(store);
}

Test(sessions, S10_look_ups_of_made_up_ids_evict_nothing)
{
	struct reprise_store *store = bounded_store(3);
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	char id[16];

	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "kept-%d", i);
		create(store, id);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "made-up-%d", i);
		cr_assert(eq(int, reprise_session_current_cursor(store, id, 0, &cursor),
			     REPRISE_E_NOT_FOUND));
		cr_assert(eq(int, reprise_session_earliest_cursor(store, id, 0, &cursor),
			     REPRISE_E_NOT_FOUND));
	}
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "kept-%d", i);
		cr_assert(eq(int, reprise_session_stats(store, id, &stats), REPRISE_OK));
	}
	create(store, "fourth");
	cr_assert(eq(int, reprise_session_stats(store, "kept-0", &stats), REPRISE_E_NOT_FOUND));
	close_store(store);
}

Test(sessions, S10_a_window_is_made_before_its_writer_comes)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options options = {
		.size = sizeof(options), .events_max = 5, .bytes_max = 4000, .age_ns_max = 77
	};
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_session_create(store, "s", &options, &error), REPRISE_OK));
	cr_assert(eq(int, error.status, REPRISE_OK));
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(u64, stats.events_max, 5));
	cr_assert(eq(u64, stats.bytes_max, 4096));
	cr_assert(eq(u64, stats.age_ns_max, 77));
	cr_assert(eq(int, stats.has_writer, 0));
	cr_assert(eq(u64, counts_of(store).sessions_idle, 1));
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "first");
	expect_text(subscription, "first");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S10_making_a_session_that_has_a_window_changes_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options other = { .size = sizeof(other), .events_max = 5 };
	const struct reprise_session_options bad = { .size = sizeof(bad), .bytes_max = 255 };
	struct reprise_error error = { .size = sizeof(error) };

	create(store, "s");
	const struct reprise_session_stats first = stats_of_s(store);
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "x");
	cr_assert(eq(int, reprise_session_create(store, "s", &other, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_session_create(store, "s", &other, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_session_create(store, "s", &bad, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "bytes_max"));
	const struct reprise_session_stats last = stats_of_s(store);

	cr_assert(eq(u64, last.events_max, first.events_max));
	cr_assert(eq(u64, last.newest, 1));
	cr_assert(eq(int, last.end_status, 3));
	cr_assert(eq(int, memcmp(&last.incarnation, &first.incarnation, sizeof(first.incarnation)),
		     0));
	close_store(store);
}

Test(sessions, S10_bad_options_make_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_session_options bad[] = {
		{ .size = 3 },
		{ .size = sizeof(bad[0]), .bytes_max = 255 },
		{ .size = sizeof(bad[0]), .when_full = (reprise_when_full)9 },
		{ .size = sizeof(bad[0]), .when_full = REPRISE_WHEN_FULL_REFUSE },
		{ .size = sizeof(bad[0]), .is_shared = 2 },
	};
	static const char *const named[] = { "session options: size", "bytes_max", "when_full",
					     "when_full", "is_shared" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int, reprise_session_create(store, "s", &bad[i], &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, strcmp(error.what, named[i]), 0));
	}
	cr_assert(eq(u64, counts_of(store).sessions, 0));
	close_store(store);
}

static const struct reprise_session_options five = {
	.size = sizeof(five), .events_max = 5, .bytes_max = 8192, .age_ns_max = 77000000000
};

static struct reprise_writer *
opened_with(struct reprise_store *store, const struct reprise_session_options *options)
{
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, "s", options, &writer, NULL), REPRISE_OK));
	return writer;
}

static struct reprise_writer_opened
opened_as(struct reprise_writer *writer)
{
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	cr_assert(eq(int, reprise_writer_opened(writer, &opened), REPRISE_OK));
	return opened;
}

static void
expect_five(struct reprise_writer *writer, int is_rebuilt)
{
	const struct reprise_writer_opened opened = opened_as(writer);

	cr_assert(eq(int, opened.is_joined, 1));
	cr_assert(eq(int, opened.is_rebuilt, is_rebuilt));
	cr_assert(eq(u64, opened.events_max, 5));
	cr_assert(eq(u64, opened.bytes_max, 8192));
	cr_assert(eq(u64, opened.age_ns_max, 77000000000));
}

Test(sessions, S11_a_window_without_events_gets_the_writers_bounds)
{
	struct reprise_store *store = store_plain();

	create(store, "s");
	const struct reprise_session_stats before = stats_of_s(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_writer *writer = opened_with(store, &five);

	expect_five(writer, 1);
	const struct reprise_session_stats after = stats_of_s(store);

	cr_assert(eq(u64, after.events_max, 5));
	cr_assert(eq(u64, after.bytes_max, 8192));
	cr_assert(eq(u64, after.first, before.first));
	cr_assert(eq(int,
		     memcmp(&after.incarnation, &before.incarnation, sizeof(after.incarnation)),
		     0));
	expect_empty(subscription);
	append_until(writer, 3);
	expect_events(subscription, 1, 3);
	expect_empty(subscription);
	/* A cursor of before is as good as ever, and the bounds are exact. */
	append_until(writer, 8);
	struct reprise_subscription *late = resubscribed(store, &cursor);

	expect_trimmed(late, REPRISE_GAP_CAPACITY, 1, 3);
	expect_events(late, 4, 8);
	expect_events(subscription, 4, 8);
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 2));
	cr_assert(eq(u64, counts_of(store).sessions, 1));
	reprise_subscription_close(late);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_a_window_with_events_is_joined_as_it_is)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = opened_with(store, &five);

	cr_assert(eq(int, opened_as(writer).is_joined, 0));
	cr_assert(eq(int, opened_as(writer).is_rebuilt, 0));
	append_text(writer, "x");
	reprise_writer_close(writer);
	writer = opened_with(store, NULL);
	expect_five(writer, 0);
	append_until(writer, 7);
	cr_assert(eq(u64, stats_of_s(store).retained, 5));
	/* Also if nothing is retained. */
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 7), REPRISE_OK));
	reprise_writer_close(writer);
	writer = opened_with(store, NULL);
	expect_five(writer, 0);
	/* The next life is a window of its own. */
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);
	writer = opened_with(store, NULL);
	cr_assert(eq(int, opened_as(writer).is_joined, 0));
	cr_assert(eq(u64, opened_as(writer).events_max, 2048));
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_bounds_that_are_the_same_leave_the_window)
{
	struct reprise_store *store = store_plain();
	struct reprise_session_options same = five;

	cr_assert(eq(int, reprise_session_create(store, "s", &five, NULL), REPRISE_OK));
	/* As resolved: rounded up. */
	same.bytes_max = 5000;
	struct reprise_writer *writer = opened_with(store, &same);

	expect_five(writer, 0);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_each_bound_alone_is_reason_enough)
{
	for (int i = 0; i < 3; i++) {
		struct reprise_store *store = store_plain();
		struct reprise_session_options other = five;

		*(i == 0 ? &other.events_max : i == 1 ? &other.bytes_max : &other.age_ns_max) *= 2;
		cr_assert(eq(int, reprise_session_create(store, "s", &other, NULL), REPRISE_OK));
		struct reprise_writer *writer = opened_with(store, &five);

		expect_five(writer, 1);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(sessions, S11_who_appends_and_how_follows_the_last_opening)
{
	struct reprise_store *store = store_plain();
	struct reprise_session_options shared = five;

	shared.is_shared = 1;
	struct reprise_writer *writer = opened_with(store, &shared);

	cr_assert(eq(int, opened_as(writer).is_shared, 1));
	append_text(writer, "x");
	reprise_writer_close(writer);
	writer = opened_with(store, NULL);
	cr_assert(eq(int, opened_as(writer).is_shared, 0));
	cr_assert(eq(int, opened_as(writer).refuses, 0));
	expect_five(writer, 0);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_an_append_by_id_takes_the_window_as_it_is)
{
	struct reprise_store *store = store_plain();
	reprise_position position = 0;

	cr_assert(eq(int, reprise_session_create(store, "s", &five, NULL), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_session_append(store, "s", 0, 0, 0, (struct reprise_bytes){ "x", 1 },
					    &position),
		     REPRISE_OK));
	cr_assert(eq(u64, position, 1));
	cr_assert(eq(u64, stats_of_s(store).events_max, 5));
	close_store(store);
}

Test(sessions, S11_openings_of_many_say_what_they_have_found)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer_opening openings[3] = { { .session_id = "new", .is_joined = 7 },
						      { .session_id = "s", .is_joined = 7 },
						      { .session_id = "", .is_joined = 7 } };

	create(store, "s");
	cr_assert(eq(int, reprise_writers_open(store, openings, 3, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, openings[0].is_joined, 0));
	cr_assert(eq(int, openings[1].is_joined, 1));
	cr_assert(eq(int, openings[2].is_joined, 0));
	reprise_writer_close(openings[0].writer);
	reprise_writer_close(openings[1].writer);
	close_store(store);
}

/*
 * Held by a subscription that has not looked yet, the new window is no more evicted than the
 * old one was.
 */
Test(sessions, S11_what_holds_a_window_holds_the_one_that_goes_on)
{
	struct reprise_store *store = bounded_store(1);

	create(store, "s");
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	reprise_writer_close(opened_with(store, &five));
	cr_assert(eq(int, reprise_session_create(store, "other", NULL, NULL), REPRISE_E_FULL));
	cr_assert(eq(u64, counts_of(store).sessions_idle, 0));
	/* Again, and on. */
	reprise_writer_close(opened_with(store, NULL));
	struct reprise_writer *writer = opened_with(store, &five);

	append_until(writer, 2);
	expect_events(subscription, 1, 2);
	reprise_writer_close(writer);
	reprise_subscription_close(subscription);
	cr_assert(eq(u64, counts_of(store).sessions_idle, 1));
	create(store, "other");
	close_store(store);
}

Test(sessions, S11_a_subscription_that_closes_before_it_has_looked_lets_go)
{
	struct reprise_store *store = bounded_store(1);
	struct reprise_writer *writer = NULL;
	struct reprise_subscription *subscriptions[3];

	create(store, "s");
	for (int i = 0; i < 3; i++) {
		subscriptions[i] = subscribed_after(store, 0);
		writer = opened_with(store, i % 2 == 0 ? &five : NULL);
		reprise_writer_close(writer);
	}
	for (int i = 0; i < 3; i++)
		reprise_subscription_close(subscriptions[i]);
	cr_assert(eq(u64, counts_of(store).sessions_idle, 1));
	create(store, "other");
	close_store(store);
}

/* A subscription that never looks keeps each window of the chain, and gives all of them back. */
Test(sessions, S11_a_window_may_be_rebuilt_thousands_of_times)
{
	struct reprise_store *store = store_plain();
	const uint64_t until = clock_ns() + 20 * one_second;

	create(store, "s");
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_subscription *late = subscribed_after(store, 0);

	for (int i = 0; i < 5000; i++)
		reprise_writer_close(opened_with(store, i % 2 == 0 ? &five : NULL));
	struct reprise_writer *writer = opened_with(store, &five);

	append_text(writer, "x");
	expect_text(subscription, "x");
	reprise_subscription_close(late);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	while (counts_of(store).arena_bytes != 0)
		cr_assert(lt(u64, clock_ns(), until));
	close_store(store);
}

Test(sessions, S11_a_window_that_goes_on_and_is_declared_void_is_told)
{
	struct reprise_store *store = store_plain();

	create(store, "s");
	struct reprise_subscription *early = subscribed_after(store, 0);
	struct reprise_subscription *late = subscribed_after(store, 0);
	struct reprise_writer *writer = opened_with(store, &five);

	expect_empty(early);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	expect_unavailable(early, REPRISE_GAP_INVALIDATED);
	expect_unavailable(late, REPRISE_GAP_INVALIDATED);
	reprise_subscription_close(early);
	reprise_subscription_close(late);
	reprise_writer_close(writer);
	cr_assert(eq(u64, counts_of(store).bytes, 0));
	close_store(store);
}

Test(sessions, S11_a_subscription_goes_over_to_a_life_that_has_ended_and_was_replaced)
{
	struct reprise_store *store = store_plain();

	create(store, "s");
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_writer *writer = opened_with(store, &five);

	append_text(writer, "x");
	cr_assert(eq(int, reprise_writer_end(writer, 4), REPRISE_OK));
	reprise_writer_close(writer);
	writer = opened_with(store, NULL);
	expect_text(subscription, "x");
	expect_ended(subscription, REPRISE_END_SESSION, 4);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * Judged by a window that the cursor's revision is ahead of nothing in, and that went on meanwhile.
 */
Test(sessions, S11_a_cursor_is_judged_by_the_window_that_goes_on)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = NULL;

	create(store, "s");
	const struct reprise_cursor cursor = cursor_at_revision(store, 0, 3);

	cr_assert(eq(int, reprise_resume_after(store, &cursor, 5, NULL, &subscription, NULL),
		     REPRISE_OK));
	struct reprise_writer *writer = opened_with(store, &five);

	append_event(writer, 5, 0, REPRISE_EVENT_COMMIT, "state");
	expect_text(subscription, "state");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_a_replay_of_nothing_ends_all_the_same)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = NULL;

	create(store, "s");
	const struct reprise_cursor cursor = cursor_at(store, 0);

	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	struct reprise_writer *writer = opened_with(store, &five);

	append_text(writer, "later");
	expect_ended(subscription, REPRISE_END_REPLAY, 0);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_a_bound_that_has_no_room_is_told_and_nothing_changes)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .bytes_max = 3 << 20 };
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = 4 << 20 };
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	create(store, "s");
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const struct reprise_session_stats before = stats_of_s(store);

	cr_assert(
		eq(int, reprise_writer_open(store, "s", &large, &writer, &error), REPRISE_E_FULL));
	cr_assert(eq(str, error.what, "bytes_max"));
	cr_assert(eq(ptr, writer, NULL));
	const struct reprise_session_stats after = stats_of_s(store);

	cr_assert(eq(int, memcmp(&before, &after, sizeof(before)), 0));
	writer = opened_with(store, &five);
	append_text(writer, "x");
	expect_text(subscription, "x");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void
count_call(struct reprise_subscription *subscription, void *context)
{
	struct reprise_event event;
	struct reprise_gap gap;

	while (reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
		atomic_fetch_add((atomic_int *)context, 1);
}

static void *
wait_for_one(void *argument)
{
	struct reprise_event event;
	struct reprise_gap gap;

	if (reprise_wait(argument, REPRISE_NO_LIMIT) != REPRISE_OK ||
	    reprise_next(argument, &event, &gap, NULL) != REPRISE_NEXT_EVENT)
		return argument;
	return NULL;
}

/* Asleep at each door when the window goes on. */
static void
go_on_under_sleepers(reprise_wake wake)
{
	const struct reprise_store_options options = { .size = sizeof(options), .wake = wake };
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_store *store = NULL;
	struct reprise_subscription *by_wait[2], *by_fd, *by_call;
	struct pollfd at = { .events = POLLIN };
	atomic_int calls = 0;
	pthread_t threads[2];
	void *failed = store;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	create(store, "s");
	by_fd = subscribed_after(store, 0);
	by_call = subscribed_after(store, 0);
	cr_assert(eq(int, reprise_subscription_fd(by_fd, &at.fd, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_notify(by_call, count_call, &calls, NULL),
		     REPRISE_OK));
	expect_empty(by_fd);
	for (int i = 0; i < 2; i++) {
		by_wait[i] = subscribed_after(store, 0);
		cr_assert(eq(int, pthread_create(&threads[i], NULL, wait_for_one, by_wait[i]), 0));
		do
			cr_assert(eq(int, reprise_subscription_stats(by_wait[i], &stats),
				     REPRISE_OK));
		while (stats.sleeps == 0);
	}
	struct reprise_writer *writer = opened_with(store, &five);

	append_text(writer, "x");
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &failed);
		cr_assert(eq(ptr, failed, NULL));
		reprise_subscription_close(by_wait[i]);
	}
	struct reprise_event event;
	struct reprise_gap gap;

	/* It may be rung before the event is there. */
	do
		cr_assert(eq(int, poll(&at, 1, 20000), 1));
	while (reprise_next(by_fd, &event, &gap, NULL) != REPRISE_NEXT_EVENT);
	while (atomic_load(&calls) < 1)
		;
	reprise_subscription_close(by_fd);
	reprise_subscription_close(by_call);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_who_sleeps_as_the_window_goes_on_gets_its_events)
{
	go_on_under_sleepers(REPRISE_WAKE_RELAY);
	go_on_under_sleepers(REPRISE_WAKE_DEFERRED);
}

/* It looks by itself, takes one event, and waits at the descriptor for the rest. */
Test(sessions, S11_a_descriptor_is_readable_after_its_subscription_went_over_by_itself)
{
	for (int i = 0; i < 200; i++) {
		struct reprise_store *store = store_plain();
		struct pollfd at = { .events = POLLIN };

		create(store, "s");
		struct reprise_subscription *subscription = subscribed_after(store, 0);

		cr_assert(eq(int, reprise_subscription_fd(subscription, &at.fd, NULL), REPRISE_OK));
		expect_empty(subscription);
		struct reprise_writer *writer = opened_with(store, &five);

		append_until(writer, 1);
		expect_event(subscription, 1);
		append_until(writer, 2);
		cr_assert(eq(int, poll(&at, 1, 20000), 1));
		expect_event(subscription, 2);
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	}
}

/* Which neither comes nor goes. */
Test(sessions, S11_who_follows_the_sessions_is_told_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = NULL;

	create(store, "s");
	cr_assert(
		eq(int, reprise_sessions_subscribe(store, NULL, &subscription, NULL), REPRISE_OK));
	reprise_writer_close(opened_with(store, &five));
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(sessions, S11_bad_input_is_refused)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_writer_opened opened = { .size = sizeof(opened) - 1, .is_joined = 7 };

	cr_assert(eq(int, reprise_writer_opened(NULL, &opened), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writer_opened(writer, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writer_opened(writer, &opened), REPRISE_E_INVALID));
	cr_assert(eq(int, opened.is_joined, 7));
	reprise_writer_close(writer);
	close_store(store);
}

Test(sessions, S11_a_writer_learns_whether_the_window_keeps_keys)
{
	const struct reprise_session_options keys = { .size = sizeof(keys), .is_deduplicated = 1 };
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = opened_with(store, &keys);

	cr_assert(eq(int, opened_as(writer).is_deduplicated, 1));
	cr_assert(eq(int, opened_as(writer).reserved, 0));
	append_text(writer, "one");
	reprise_writer_close(writer);
	/* Joined with an event in it: the keys stay. */
	writer = opened_with(store, NULL);
	cr_assert(eq(int, opened_as(writer).is_joined, 1));
	cr_assert(eq(int, opened_as(writer).is_deduplicated, 1));
	reprise_writer_close(writer);
	close_store(store);
}
