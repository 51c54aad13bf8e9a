/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "ring/append.h"
#include "store/subscription.h"

SUITE(subscription);

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

static struct reprise_subscription_stats
stats_of(struct reprise_subscription *subscription)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_OK));
	return stats;
}

Test(subscription, A18_what_is_buffered_then_live_through_one_ring)
{
	struct reprise_store *store = store_with(8, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	/* Every interleaving of one append and one next around the seam. */
	for (unsigned int schedule = 0; schedule < 1u << 10; schedule++) {
		const reprise_position begin = stats_of_s(store).newest;
		struct reprise_subscription *subscription;
		reprise_position seen = begin;

		append_until(writer, begin + 3);
		subscription = subscribed_after(store, begin);
		for (unsigned int step = 0; step < 10; step++) {
			struct reprise_event event;
			struct reprise_gap gap;

			if (schedule >> step & 1) {
				append_text(writer, "x");
				continue;
			}
			switch (reprise_next(subscription, &event, &gap, NULL)) {
			case REPRISE_NEXT_EVENT:
				cr_assert(eq(u64, event.position, ++seen));
				break;
			case REPRISE_NEXT_GAP:
				cr_assert(eq(u64, gap.lost_first, seen + 1));
				seen = gap.lost_last;
				break;
			case REPRISE_NEXT_EMPTY:
				cr_assert(eq(u64, seen, stats_of_s(store).newest));
				break;
			case REPRISE_NEXT_ENDED:
				cr_fail("nothing has ended");
			}
		}
		reprise_subscription_close(subscription);
	}
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, next_batch_hands_out_as_many_as_there_is_room_for)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_event events[8];
	struct reprise_gap gap;
	size_t count = 77;

	cr_assert(eq(int, reprise_next_batch(subscription, events, 8, &count, &gap, NULL),
		     REPRISE_NEXT_EMPTY));
	cr_assert(eq(sz, count, 77), "set on EVENT alone");
	append_until(writer, 10);
	cr_assert(eq(int, reprise_next_batch(subscription, events, 3, &count, &gap, NULL),
		     REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, count, 3));
	cr_assert(eq(u64, events[2].position, 3));
	cr_assert(eq(int, reprise_next_batch(subscription, events, 8, &count, &gap, NULL),
		     REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, count, 7));
	cr_assert(eq(u64, events[6].position, 10));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* Staging smaller than an event, and an arena whose records wrap at every place. */
Test(subscription, every_staging_size_hands_out_the_same)
{
	const uint64_t sizes[] = { 64, 100, 1000, 4096, 16u << 20 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct reprise_store *store = store_with(0, 2048, 0);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_with(
			store, (struct reprise_subscription_options){ .staging_bytes = sizes[i] });
		char text[600];

		for (reprise_position position = 1; position < 400; position++) {
			const size_t size = position * 37 % 300;

			memset(text, (int)('a' + position % 26), size);
			text[size] = '\0';
			append_text(writer, text);
			if (position % 3 != 0)
				continue;
			for (reprise_position back = 2; back + 1 > 0; back--) {
				const reprise_position p = position - back;

				memset(text, (int)('a' + p % 26), p * 37 % 300);
				text[p * 37 % 300] = '\0';
				expect_text(subscription, text);
				if (back == 0)
					break;
			}
			expect_empty(subscription);
		}
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(subscription, the_filter_leaves_out_other_kinds_and_moves_the_cursor)
{
	const uint16_t kinds[] = { 1, 3 };
	struct reprise_store *store = store_with(8, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_with(
		store, (struct reprise_subscription_options){ .kinds = kinds, .kinds_count = 2 });
	struct reprise_cursor cursor;

	for (uint16_t kind = 0; kind < 5; kind++)
		append_event(writer, kind == 4 ? 9 : 1, kind, 0, "x");
	expect_event(subscription, 2);
	expect_event(subscription, 4);
	expect_empty(subscription);
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5), "what is filtered is behind it");
	cr_assert(eq(u64, cursor.revision, 9));

	/* Lost events cannot be filtered: nobody knows their kinds. */
	append_until(writer, 15);
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 6, 7);
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_E_TIMEOUT));
	const struct reprise_subscription_stats stats = stats_of(subscription);

	cr_assert(eq(u64, stats.delivered, 2));
	cr_assert(eq(u64, stats.filtered, 11));
	cr_assert(eq(u64, stats.lost, 2));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, the_filter_holds_in_batches_and_to_the_end)
{
	const uint16_t kind = 1;
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_with(
		store, (struct reprise_subscription_options){ .kinds = &kind, .kinds_count = 1 });
	struct reprise_event events[8];
	struct reprise_gap gap;
	size_t count = 0;

	for (uint16_t i = 0; i < 9; i++)
		append_event(writer, 0, i % 3, 0, "x");
	cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_OK));
	cr_assert(eq(int, reprise_next_batch(subscription, events, 8, &count, &gap, NULL),
		     REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, count, 3));
	cr_assert(eq(u64, events[1].position, 5));
	expect_ended(subscription, REPRISE_END_SESSION, 1);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, statistics_count_everything)
{
	struct reprise_store *store = store_with(2, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	for (int i = 0; i < 5; i++)
		append_text(writer, "12345");
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 3);
	expect_events(subscription, 4, 5);
	const struct reprise_subscription_stats stats = stats_of(subscription);

	cr_assert(eq(u64, stats.delivered, 2));
	cr_assert(eq(u64, stats.delivered_bytes, 10));
	cr_assert(eq(u64, stats.lost, 3));
	cr_assert(eq(u64, stats.gaps, 1));
	cr_assert(eq(u64, stats.filtered, 0));
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 1));
	reprise_subscription_close(subscription);
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 0));
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, wait_of_0_only_looks)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_E_TIMEOUT));
	append_text(writer, "x");
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
	expect_event(subscription, 1);
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of(subscription).sleeps, 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, wait_ends_when_its_time_is_up)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *no_spin =
		subscribed_with(store, (struct reprise_subscription_options){ .spin_ns = 1 });
	struct reprise_subscription *only_spin = subscribed_with(
		store, (struct reprise_subscription_options){ .spin_ns = REPRISE_NO_LIMIT });

	cr_assert(eq(int, reprise_wait(no_spin, UINT64_C(1000) * 1000), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of(no_spin).sleeps, 1));
	cr_assert(eq(int, reprise_wait(only_spin, UINT64_C(1000) * 1000), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of(only_spin).sleeps, 0));

	/* The hand that a time-out leaves raised costs the next append one wake, and no more. */
	append_text(writer, "x");
	append_text(writer, "x");
	cr_assert(eq(u64, stats_of_s(store).wakes, 1));
	reprise_subscription_close(no_spin);
	reprise_subscription_close(only_spin);
	reprise_writer_close(writer);
	close_store(store);
}

struct waiter {
	pthread_t thread;
	struct reprise_subscription *subscription;
	reprise_status status;
};

static void *
waiter_main(void *argument)
{
	struct waiter *const waiter = argument;

	waiter->status = reprise_wait(waiter->subscription, REPRISE_NO_LIMIT);
	return NULL;
}

/* A thread that is in wait, and has gone to sleep at least once. */
static struct waiter *
sleeping_waiter(struct waiter *waiter, struct reprise_subscription *subscription)
{
	*waiter = (struct waiter){ .subscription = subscription, .status = REPRISE_E_SYSTEM };
	cr_assert(eq(int, pthread_create(&waiter->thread, NULL, waiter_main, waiter), 0));
	while (stats_of(subscription).sleeps == 0)
		sched_yield();
	return waiter;
}

static reprise_status
status_of(struct waiter *waiter)
{
	cr_assert(eq(int, pthread_join(waiter->thread, NULL), 0));
	return waiter->status;
}

Test(subscription, an_append_wakes_every_sleeper_with_two_system_calls_at_most)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscriptions[4];
	struct waiter waiters[4];

	for (size_t i = 0; i < 4; i++) {
		subscriptions[i] = subscribed_after(store, 0);
		sleeping_waiter(&waiters[i], subscriptions[i]);
	}
	append_text(writer, "x");
	for (size_t i = 0; i < 4; i++) {
		cr_assert(eq(int, status_of(&waiters[i]), REPRISE_OK));
		expect_event(subscriptions[i], 1);
		reprise_subscription_close(subscriptions[i]);
	}
	cr_assert(le(u64, stats_of_s(store).wakes, 2));
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * A wait that looks often enough finds the event without a sleep, and costs the append no system
 * call.
 */
Test(subscription, a_wait_that_spins_finds_an_event_and_is_not_woken)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_with(
		store, (struct reprise_subscription_options){ .spin_ns = REPRISE_NO_LIMIT });
	struct waiter waiter = { .subscription = subscription, .status = REPRISE_E_SYSTEM };
	const struct timespec moment = { .tv_nsec = 5000000 };

	cr_assert(eq(int, pthread_create(&waiter.thread, NULL, waiter_main, &waiter), 0));
	nanosleep(&moment, NULL);
	append_text(writer, "x");
	cr_assert(eq(int, status_of(&waiter), REPRISE_OK));
	expect_event(subscription, 1);
	cr_assert(eq(u64, stats_of(subscription).sleeps, 0));
	cr_assert(eq(u64, stats_of_s(store).wakes, 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, the_end_wakes_a_sleeper)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct waiter waiter;

	sleeping_waiter(&waiter, subscription);
	cr_assert(eq(int, reprise_writer_end(writer, 6), REPRISE_OK));
	cr_assert(eq(int, status_of(&waiter), REPRISE_OK));
	expect_ended(subscription, REPRISE_END_SESSION, 6);
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, an_interrupt_ends_the_wait_that_is_running_and_no_other)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_subscription *other = subscribed_after(store, 0);
	struct waiter waiter, other_waiter;

	sleeping_waiter(&waiter, subscription);
	sleeping_waiter(&other_waiter, other);
	cr_assert(eq(int, reprise_subscription_interrupt(subscription), REPRISE_OK));
	cr_assert(eq(int, status_of(&waiter), REPRISE_E_INTERRUPTED));
	cr_assert(eq(int, reprise_wait(subscription, 0), REPRISE_E_TIMEOUT), "spent");
	append_text(writer, "x");
	cr_assert(eq(int, status_of(&other_waiter), REPRISE_OK));
	reprise_subscription_close(subscription);
	reprise_subscription_close(other);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, an_interrupt_before_the_wait_ends_the_next_one_once)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_text(writer, "x");
	cr_assert(eq(int, reprise_subscription_interrupt(subscription), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_interrupt(subscription), REPRISE_OK));
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_E_INTERRUPTED));
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
	expect_event(subscription, 1);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void
ignore(int signal)
{
	(void)signal;
}

Test(subscription, a_signal_does_not_end_a_wait)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct sigaction action = { .sa_handler = ignore };
	struct waiter waiter;

	sigaction(SIGUSR1, &action, NULL);
	sleeping_waiter(&waiter, subscription);
	const uint64_t sleeps = stats_of(subscription).sleeps;

	while (stats_of(subscription).sleeps < sleeps + 3) {
		pthread_kill(waiter.thread, SIGUSR1);
		sched_yield();
	}
	append_text(writer, "x");
	cr_assert(eq(int, status_of(&waiter), REPRISE_OK));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, refuses_bad_input_and_changes_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_cursor good = cursor_at(store, 0);
	struct reprise_cursor endless = good, empty = good, control = good;
	const uint16_t kinds[REPRISE_KINDS_MAX + 1] = { 0 };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_subscription *untouched = (struct reprise_subscription *)&error;
	struct reprise_subscription *subscription = untouched;
	const size_t size = sizeof(struct reprise_subscription_options);

	memset(endless.session_id, 'a', sizeof(endless.session_id));
	empty.session_id[0] = '\0';
	strcpy(control.session_id, "a\nb");

	const struct {
		const char *what;
		struct reprise_store *store;
		const struct reprise_cursor *cursor;
		struct reprise_subscription_options options;
	} cases[] = {
		{ "store", NULL, &good, { .size = size } },
		{ "cursor", store, NULL, { .size = size } },
		{ "cursor: session_id", store, &endless, { .size = size } },
		{ "cursor: session_id", store, &empty, { .size = size } },
		{ "cursor: session_id", store, &control, { .size = size } },
		{ "subscription options: size", store, &good, { .size = 0 } },
		{ "subscription options: size", store, &good, { .size = size - 1 } },
		{ "staging_bytes", store, &good, { .size = size, .staging_bytes = 63 } },
		{ "staging_bytes",
		  store,
		  &good,
		  { .size = size, .staging_bytes = (16u << 20) + 1 } },
		{ "staging_bytes",
		  store,
		  &good,
		  { .size = size, .staging_bytes = REPRISE_NO_LIMIT } },
		{ "kinds", store, &good, { .size = size, .kinds = kinds } },
		{ "kinds", store, &good, { .size = size, .kinds_count = 1 } },
		{ "kinds_count",
		  store,
		  &good,
		  { .size = size, .kinds = kinds, .kinds_count = REPRISE_KINDS_MAX + 1 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert(eq(int,
			     reprise_subscribe_after(cases[i].store, cases[i].cursor,
						     &cases[i].options, &subscription, &error),
			     REPRISE_E_INVALID),
			  "case %zu", i);
		cr_assert(eq(str, error.what, (char *)cases[i].what), "case %zu", i);
		cr_assert(eq(int,
			     reprise_replay_after(cases[i].store, cases[i].cursor,
						  &cases[i].options, &subscription, NULL),
			     REPRISE_E_INVALID));
		cr_assert(eq(int,
			     reprise_resume_after(cases[i].store, cases[i].cursor, 1,
						  &cases[i].options, &subscription, NULL),
			     REPRISE_E_INVALID));
		cr_assert(eq(ptr, subscription, untouched));
	}
	cr_assert(eq(int, reprise_subscribe_after(store, &good, NULL, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_subscription"));
	close_store(store);
}

Test(subscription, the_defaults_and_the_most_kinds_are_those_of_the_header)
{
	struct reprise_store *store = store_plain();
	uint16_t kinds[64];
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	cr_assert(eq(u64, subscription->spin_ns, 50000));
	cr_assert(eq(u64, subscription->stretch.bytes_want, 16384));
	reprise_subscription_close(subscription);
	for (uint16_t i = 0; i < 64; i++)
		kinds[i] = (uint16_t)(i + 1);
	subscription = subscribed_with(
		store, (struct reprise_subscription_options){ .kinds = kinds, .kinds_count = 64 });
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 0, 0, 0, "out");
	append_event(writer, 0, 64, 0, "in");
	expect_text(subscription, "in");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * As it is after a copy that was overtaken: what the stretch lacks was displaced,
 * whatever is trimmed.
 */
Test(subscription, A17_a_later_trim_does_not_take_the_blame_for_what_was_overtaken)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_until(writer, 4);
	expect_event(subscription, 1);
	stretch_drop(&subscription->stretch, 1);
	subscription->is_overtaken = true;
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 2), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 2, 2);
	expect_event(subscription, 3);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 4), REPRISE_OK));
	expect_trimmed(subscription, REPRISE_GAP_REQUEST, 4, 4);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* A newest that is displaced in the middle of an append, as others may find it. */
Test(subscription, L46_a_newest_revision_that_is_always_overtaken_is_the_greatest_seen)
{
	struct reprise_store *store = store_with(1, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *subscription = NULL;

	cursor.revision = 4;
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	append_event(writer, 5, 0, 0, "x");
	(void)ring_room(&writer_session(writer)->ring, 1, writer_session(writer)->ring.arena_bytes,
			1);
	const struct reprise_gap gap = expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 1);

	cr_assert(eq(u64, gap.newest.position, 1));
	cr_assert(eq(u64, gap.newest.revision, 4));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(subscription, every_call_refuses_NULL)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_wait(NULL, 0), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscription_interrupt(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscription_cursor(NULL, &cursor), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscription_cursor(subscription, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscription_stats(NULL, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscription_stats(subscription, NULL), REPRISE_E_INVALID));
	stats.size = 4;
	cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_E_INVALID));
	reprise_subscription_close(NULL);
	reprise_subscription_close(subscription);
	close_store(store);
}

/* Of a process that aborts: where a leak check finds it. */
static struct reprise_subscription *kept;

Test(subscription, next_without_a_place_for_gaps_aborts, .signal = SIGABRT)
{
	struct reprise_event event;

	kept = subscribed_after(store_plain(), 0);
	(void)!reprise_next(kept, &event, NULL, NULL);
}

Test(subscription, next_without_a_subscription_aborts, .signal = SIGABRT)
{
	struct reprise_event event;
	struct reprise_gap gap;

	(void)!reprise_next(NULL, &event, &gap, NULL);
}

Test(subscription, next_batch_without_room_aborts, .signal = SIGABRT)
{
	struct reprise_event event;
	struct reprise_gap gap;
	size_t count;

	kept = subscribed_after(store_plain(), 0);
	(void)!reprise_next_batch(kept, &event, 0, &count, &gap, NULL);
}
