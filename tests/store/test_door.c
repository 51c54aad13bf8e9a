/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

#include "store/session.h"

SUITE(door);

/* Events, then nothing. */
static void
expect_rest(struct reprise_subscription *subscription, reprise_position first,
	    reprise_position last)
{
	expect_events(subscription, first, last);
	expect_empty(subscription);
}

static int
fd_of(struct reprise_subscription *subscription)
{
	int fd = -1;

	cr_assert(eq(int, reprise_subscription_fd(subscription, &fd, NULL), REPRISE_OK));
	return fd;
}

static bool
is_readable_within(int fd, int timeout_ms)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };

	return poll(&asked, 1, timeout_ms) == 1 && (asked.revents & POLLIN);
}

/* Never: the alarm of the suite is the limit. */
static void
expect_becomes_readable(int fd)
{
	cr_assert(is_readable_within(fd, -1));
}

static struct reprise_store *
store_that_wakes(reprise_wake wake)
{
	const struct reprise_store_options options = { .size = sizeof(options), .wake = wake };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	return store;
}

static const reprise_wake wakes[] = { REPRISE_WAKE_RELAY, REPRISE_WAKE_DEFERRED };

Test(door, the_descriptor_is_readable_when_next_has_something_to_say)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		const int fd = fd_of(subscription);

		cr_assert(not(is_readable_within(fd, 0)));
		append_text(writer, "1");
		expect_becomes_readable(fd);
		append_text(writer, "2");
		expect_event(subscription, 1);
		cr_assert(is_readable_within(fd, 0), "level-triggered: there is more");
		expect_event(subscription, 2);
		expect_empty(subscription);
		cr_assert(not(is_readable_within(fd, 0)));
		append_text(writer, "3");
		expect_becomes_readable(fd);
		expect_rest(subscription, 3, 3);
		cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
		expect_becomes_readable(fd);
		expect_ended(subscription, REPRISE_END_SESSION, 0);
		cr_assert(is_readable_within(fd, 0), "the end is said again and again");
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(door, the_descriptor_is_readable_from_the_start_if_there_is_something)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	append_text(writer, "x");
	cr_assert(is_readable_within(fd_of(subscription), 0));
	cr_assert(eq(int, fd_of(subscription), fd_of(subscription)), "there is but one");
	expect_rest(subscription, 1, 1);
	cr_assert(not(is_readable_within(fd_of(subscription), 0)));
	reprise_subscription_close(subscription);

	/* A replay of nothing has its end to tell; an unknown session its gap. */
	const struct reprise_cursor cursor = cursor_at(store, 1);

	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	cr_assert(is_readable_within(fd_of(subscription), 0));
	reprise_subscription_close(subscription);
	struct reprise_cursor unknown = cursor;

	strcpy(unknown.session_id, "unknown");
	subscription = resubscribed(store, &unknown);
	cr_assert(is_readable_within(fd_of(subscription), 0));
	expect_unavailable(subscription, REPRISE_GAP_UNKNOWN_SESSION);
	cr_assert(is_readable_within(fd_of(subscription), 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, the_descriptor_does_not_block_and_is_not_inherited)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const int fd = fd_of(subscription);

	cr_assert(ne(int, fcntl(fd, F_GETFL) & O_NONBLOCK, 0));
	cr_assert(ne(int, fcntl(fd, F_GETFD) & FD_CLOEXEC, 0));
	reprise_subscription_close(subscription);
	cr_assert(eq(int, fcntl(fd, F_GETFD), -1), "closed with the subscription");
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, what_invalidates_rings_too)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		const int fd = fd_of(subscription);

		cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
		expect_becomes_readable(fd);
		expect_unavailable(subscription, REPRISE_GAP_INVALIDATED);
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

/* Filtered events may ring, but the descriptor does not stay readable over them. */
Test(door, a_filter_that_leaves_everything_out_makes_the_descriptor_unreadable)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const uint16_t kind = 5;
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .kinds = &kind,
							      .kinds_count = 1 };
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &subscription, NULL),
		     REPRISE_OK));
	const int fd = fd_of(subscription);

	append_text(writer, "left out");
	expect_becomes_readable(fd);
	expect_empty(subscription);
	cr_assert(not(is_readable_within(fd, 0)));
	append_event(writer, 0, 5, 0, "wanted");
	expect_becomes_readable(fd);
	expect_text(subscription, "wanted");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* The state of the callbacks in these tests. */
struct visitor {
	sem_t called;
	_Atomic int calls;
	struct reprise_subscription *subscription, *other;
	struct visitor *other_visitor;
	struct reprise_store *store;
	_Atomic int status;
	_Atomic uint64_t seen;
	sem_t go_on;
};

static struct visitor *
visitor_open(struct visitor *visitor, struct reprise_subscription *subscription)
{
	*visitor = (struct visitor){ .subscription = subscription };
	sem_init(&visitor->called, 0, 0);
	sem_init(&visitor->go_on, 0, 0);
	return visitor;
}

static void
notify(struct reprise_subscription *subscription, reprise_callback callback,
       struct visitor *visitor)
{
	cr_assert(eq(int, reprise_subscription_notify(subscription, callback, visitor, NULL),
		     REPRISE_OK));
}

static void
just_tell(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	visitor->status += visitor->subscription != subscription;
	visitor->calls++;
	sem_post(&visitor->called);
}

Test(door, the_callback_comes_once_and_again_after_each_EMPTY)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		struct visitor visitor;

		notify(subscription, just_tell, visitor_open(&visitor, subscription));
		append_text(writer, "1");
		sem_wait(&visitor.called);
		append_text(writer, "2");
		expect_events(subscription, 1, 2);
		append_text(writer, "3");
		expect_events(subscription, 3, 3);
		cr_assert(eq(int, visitor.calls, 1));
		expect_empty(subscription);
		append_text(writer, "4");
		sem_wait(&visitor.called);
		cr_assert(eq(int, visitor.status, 0));
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(door, the_callback_comes_soon_whatever_there_is)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_cursor unknown = cursor_at(store, 0);
	struct visitor visitor, stranger;

	append_text(writer, "x");
	notify(subscription, just_tell, visitor_open(&visitor, subscription));
	sem_wait(&visitor.called);
	strcpy(unknown.session_id, "unknown");
	struct reprise_subscription *nowhere = resubscribed(store, &unknown);

	notify(nowhere, just_tell, visitor_open(&stranger, nowhere));
	sem_wait(&stranger.called);
	reprise_subscription_close(nowhere);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void
take_all(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;
	struct reprise_event event;
	struct reprise_gap gap;

	while (reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
		visitor->seen = event.position;
	visitor->calls++;
}

Test(door, a_callback_may_take_the_events_itself)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor visitor;

	notify(subscription, take_all, visitor_open(&visitor, subscription));
	for (uint64_t position = 1; position <= 1000; position++) {
		append_text(writer, "x");
		while (visitor.seen < position)
			sched_yield();
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void
close_itself(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	reprise_subscription_close(subscription);
	sem_post(&visitor->called);
}

Test(door, a_callback_may_close_its_own_subscription)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor visitor;

	(void)fd_of(subscription);
	notify(subscription, close_itself, visitor_open(&visitor, subscription));
	append_text(writer, "x");
	sem_wait(&visitor.called);
	append_text(writer, "y");
	reprise_writer_close(writer);
	while (reprise_store_close(store) == REPRISE_E_BUSY)
		sched_yield(); /* it goes when the callback has returned */
	expect_no_leaks();
}

static void
close_the_other(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;
	struct reprise_event event;
	struct reprise_gap gap;

	(void)subscription;
	reprise_subscription_close(visitor->other);
	visitor->other = NULL;
	visitor->status = (int)reprise_next(subscription, &event, &gap, NULL);
	sem_post(&visitor->called);
}

Test(door, a_callback_may_close_another_whose_callback_is_due)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *first = subscribed_after(store, 0);
	struct reprise_subscription *second = subscribed_after(store, 0);
	struct visitor visitor, never;

	visitor_open(&visitor, first)->other = second;
	notify(second, just_tell, visitor_open(&never, second));
	notify(first, close_the_other, &visitor);
	/*
	 * The other's hand goes up again, behind the first's: so its callback is due,
	 * and never called.
	 */
	expect_empty(second);
	cr_assert(eq(int, reprise_subscription_notify(second, NULL, NULL, NULL), REPRISE_OK));
	notify(second, just_tell, &never);
	append_text(writer, "x");
	sem_wait(&visitor.called);
	cr_assert(eq(int, visitor.status, REPRISE_NEXT_EVENT));
	reprise_subscription_close(first);
	reprise_writer_close(writer);
	close_store(store);
}

static void
call_what_is_refused(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	if (reprise_wait(subscription, 0) != REPRISE_E_INVALID)
		visitor->status = 1;
	if (reprise_wait(subscription, REPRISE_NO_LIMIT) != REPRISE_E_INVALID)
		visitor->status = 2;
	if (reprise_store_close(visitor->store) != REPRISE_E_INVALID)
		visitor->status = 3;
	sem_post(&visitor->called);
}

Test(door, wait_and_store_close_are_refused_inside_a_callback)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor visitor;

	visitor_open(&visitor, subscription)->store = store;
	notify(subscription, call_what_is_refused, &visitor);
	append_text(writer, "x");
	sem_wait(&visitor.called);
	cr_assert(eq(int, visitor.status, 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void
linger(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	(void)subscription;
	sem_post(&visitor->called);
	sem_wait(&visitor->go_on);
	visitor->status = 1;
}

static void *
close_main(void *argument)
{
	struct visitor *const visitor = argument;

	reprise_subscription_close(visitor->subscription);
	/* It was waited for. */
	return visitor->status == 1 ? NULL : visitor;
}

Test(door, close_waits_for_a_callback_that_runs)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor visitor;
	pthread_t closer;
	void *failed = &visitor;

	notify(subscription, linger, visitor_open(&visitor, subscription));
	append_text(writer, "x");
	sem_wait(&visitor.called);
	cr_assert(eq(int, pthread_create(&closer, NULL, close_main, &visitor), 0));
	for (int i = 0; i < 100; i++)
		sched_yield(); /* the time to get it wrong */
	sem_post(&visitor.go_on);
	cr_assert(eq(int, pthread_join(closer, &failed), 0));
	cr_assert(eq(ptr, failed, NULL));
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, a_callback_can_be_replaced_and_taken_back)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor first, second;

	notify(subscription, just_tell, visitor_open(&first, subscription));
	notify(subscription, just_tell, visitor_open(&second, subscription));
	append_text(writer, "x");
	sem_wait(&second.called);
	expect_rest(subscription, 1, 1);
	cr_assert(eq(int, reprise_subscription_notify(subscription, NULL, NULL, NULL), REPRISE_OK));
	append_text(writer, "y");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
	cr_assert(le(int, first.calls, 1));
	cr_assert(eq(int, second.calls, 1));
}

Test(door, a_callback_that_is_set_when_nothing_is_to_be_said_is_not_called)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		struct visitor visitor;

		notify(subscription, just_tell, visitor_open(&visitor, subscription));
		for (int waits = 0; waits < 5; waits++) /* nor by a wait that times out */
			cr_assert(eq(int, reprise_wait(subscription, 1000000), REPRISE_E_TIMEOUT));
		cr_assert(eq(int, visitor.calls, 0));
		append_text(writer, "x");
		sem_wait(&visitor.called);
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

static void
set_itself_again(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	if (visitor->calls > 0)
		return; /* it was set again before the close, and is due */
	sem_post(&visitor->called);
	sem_wait(&visitor->go_on);
	visitor->status =
		(int)reprise_subscription_notify(subscription, set_itself_again, visitor, NULL);
	visitor->calls++;
}

static void *
close_and_come_back(void *argument)
{
	struct visitor *const visitor = argument;

	reprise_subscription_close(visitor->subscription);
	return visitor->calls > 0 ? NULL : visitor;
}

/*
 * Its owner is in close by then, most of the time; the subscription must not be due when
 * it is gone.
 */
Test(door, a_callback_may_set_itself_again_while_its_owner_closes)
{
	for (int rounds = 0; rounds < 50; rounds++) {
		struct reprise_store *store = store_plain();
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		struct visitor visitor;
		pthread_t closer;
		void *failed = &visitor;

		append_text(writer, "x");
		notify(subscription, set_itself_again, visitor_open(&visitor, subscription));
		sem_wait(&visitor.called);
		cr_assert(eq(int, pthread_create(&closer, NULL, close_and_come_back, &visitor), 0));
		for (int i = 0; i < rounds; i++)
			sched_yield();
		sem_post(&visitor.go_on);
		cr_assert(eq(int, pthread_join(closer, &failed), 0));
		cr_assert(eq(ptr, failed, NULL));
		reprise_writer_close(writer);
		close_store(store);
	}
}

static void
take_itself_away(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context;

	visitor->status = (int)reprise_subscription_notify(subscription, NULL, NULL, NULL);
	sem_post(&visitor->called);
	sem_wait(&visitor->go_on);
	visitor->calls++;
}

Test(door, close_waits_for_a_callback_that_has_taken_itself_away)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct visitor visitor;
	pthread_t closer;
	void *failed = &visitor;

	append_text(writer, "x");
	notify(subscription, take_itself_away, visitor_open(&visitor, subscription));
	sem_wait(&visitor.called);
	cr_assert(eq(int, pthread_create(&closer, NULL, close_and_come_back, &visitor), 0));
	for (int i = 0; i < 100; i++)
		sched_yield();
	sem_post(&visitor.go_on);
	cr_assert(eq(int, pthread_join(closer, &failed), 0));
	cr_assert(eq(ptr, failed, NULL));
	cr_assert(eq(int, visitor.status, REPRISE_OK));
	reprise_writer_close(writer);
	close_store(store);
}

/* Each store has a relay of its own: one is not inside the other's callback. */
static void
close_another_stores(struct reprise_subscription *subscription, void *context)
{
	struct visitor *const visitor = context, *const lingering = visitor->other_visitor;

	(void)subscription;
	sem_post(&lingering->go_on);
	reprise_subscription_close(lingering->subscription);
	visitor->status = lingering->status;
	sem_post(&visitor->called);
}

Test(door, a_callback_that_closes_another_stores_subscription_waits_for_its_callback)
{
	struct reprise_store *stores[2] = { store_plain(), store_plain() };
	struct reprise_writer *writers[2] = { writer_of(stores[0]), writer_of(stores[1]) };
	struct reprise_subscription *subscriptions[2] = { subscribed_after(stores[0], 0),
							  subscribed_after(stores[1], 0) };
	struct visitor closer, lingering;

	notify(subscriptions[1], linger, visitor_open(&lingering, subscriptions[1]));
	append_text(writers[1], "x");
	sem_wait(&lingering.called);
	visitor_open(&closer, subscriptions[0])->other_visitor = &lingering;
	notify(subscriptions[0], close_another_stores, &closer);
	append_text(writers[0], "x");
	sem_wait(&closer.called);
	cr_assert(eq(int, closer.status, 1), "it had returned");
	reprise_subscription_close(subscriptions[0]);
	for (size_t i = 0; i < 2; i++) {
		reprise_writer_close(writers[i]);
		close_store(stores[i]);
	}
}

static _Atomic uint64_t slept_through;

static void *
sleep_to_the_end(void *argument)
{
	struct reprise_subscription *const subscription = argument;
	struct reprise_event event;
	struct reprise_gap gap;

	for (;;) {
		const reprise_outcome outcome = reprise_next(subscription, &event, &gap, NULL);

		if (outcome == REPRISE_NEXT_ENDED)
			return NULL;
		if (outcome == REPRISE_NEXT_EVENT)
			slept_through++;
		else if (reprise_wait(subscription, REPRISE_NO_LIMIT) != REPRISE_OK)
			return argument;
	}
}

/*
 * A sleeper that is rung, and sleeps again before other sleepers are rung, is not rung once more
 * for events that it has seen.
 */
Test(door, deferred_sleepers_are_woken_once_for_each_event)
{
	enum {
		SLEEPERS = 8,
		APPENDS = 50
	};
	const struct reprise_subscription_options no_spin = { .size = sizeof(no_spin),
							      .spin_ns = 1 };
	struct reprise_store *store = store_that_wakes(REPRISE_WAKE_DEFERRED);
	struct reprise_writer *writer = writer_of(store);
	const struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *subscriptions[SLEEPERS];
	pthread_t threads[SLEEPERS];
	uint64_t sleeps = 0;

	for (size_t i = 0; i < SLEEPERS; i++) {
		cr_assert(eq(
			int,
			reprise_subscribe_after(store, &cursor, &no_spin, &subscriptions[i], NULL),
			REPRISE_OK));
		cr_assert(eq(int,
			     pthread_create(&threads[i], NULL, sleep_to_the_end, subscriptions[i]),
			     0));
	}
	for (uint64_t position = 1; position <= APPENDS; position++) {
		append_text(writer, "x");
		while (slept_through < SLEEPERS * position)
			sched_yield();
	}
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	for (size_t i = 0; i < SLEEPERS; i++) {
		struct reprise_subscription_stats stats = { .size = sizeof(stats) };
		void *failed = NULL;

		cr_assert(eq(int, pthread_join(threads[i], &failed), 0));
		cr_assert(eq(ptr, failed, NULL));
		cr_assert(
			eq(int, reprise_subscription_stats(subscriptions[i], &stats), REPRISE_OK));
		sleeps += stats.sleeps;
		reprise_subscription_close(subscriptions[i]);
	}
	cr_assert(le(u64, sleeps, SLEEPERS * (UINT64_C(2) + APPENDS)));
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, one_subscription_may_have_all_three)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0);
		const int fd = fd_of(subscription);
		struct visitor visitor;

		notify(subscription, just_tell, visitor_open(&visitor, subscription));
		/* A wait that times out leaves both doors rung, or ready to be. */
		cr_assert(eq(int, reprise_wait(subscription, 1000000), REPRISE_E_TIMEOUT));
		append_text(writer, "x");
		cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
		expect_becomes_readable(fd);
		sem_wait(&visitor.called);
		expect_event(subscription, 1);
		cr_assert(is_readable_within(fd, 0));
		expect_empty(subscription);
		append_text(writer, "y");
		expect_becomes_readable(fd);
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		close_store(store);
	}
}

/*
 * The kernel granted the barrier and refuses it now: then an append may miss a hand, and
 * the relay looks.
 */
Test(door, a_door_whose_hand_an_append_has_missed_is_rung_where_membarrier_is_refused_later)
{
	struct reprise_store *store = store_that_wakes(REPRISE_WAKE_RELAY);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const int fd = fd_of(subscription);

	append_text(writer, "1");
	expect_becomes_readable(fd);
	refuse_membarrier();
	expect_rest(subscription, 1, 1);
	for (reprise_position next = 2; next < 10; next++) {
		/* As if the append had not seen it. */
		fetch_and_relaxed(&writer_session(writer)->bell.bits, ~(uint64_t)BELL_ARMED);
		append_text(writer, "x");
		cr_assert(is_readable_within(fd, 10000), "the relay looks");
		expect_rest(subscription, next, next);
		cr_assert(not(is_readable_within(fd, 0)));
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, refuses_what_is_NULL)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_error error = { .size = sizeof(error) };
	int fd = 77;

	cr_assert(eq(int, reprise_subscription_fd(NULL, &fd, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "subscription"));
	cr_assert(eq(int, fd, 77));
	cr_assert(eq(int, reprise_subscription_fd(subscription, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_fd"));
	cr_assert(eq(int, reprise_subscription_notify(NULL, just_tell, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "subscription"));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(door, bad_waking_options_are_named)
{
	const size_t size = sizeof(struct reprise_store_options);
	const struct {
		const char *what;
		struct reprise_store_options options;
	} cases[] = {
		{ "wake", { .size = size, .wake = (reprise_wake)2 } },
		{ "deferred_tick_ns", { .size = size, .deferred_tick_ns = 9999 } },
		{ "deferred_tick_ns", { .size = size, .deferred_tick_ns = REPRISE_NO_LIMIT } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reprise_error error = { .size = sizeof(error) };
		struct reprise_store *store = NULL;

		cr_assert(eq(int, reprise_store_open(&cases[i].options, &store, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)cases[i].what));
		cr_assert(eq(ptr, store, NULL));
	}
}
