/* SPDX-License-Identifier: MIT */

/*
 * Closing and replacing a callback that runs in another thread. Both wait until it has returned,
 * and from then on it is called no more: each time that a callback is set it has a context of its
 * own, which must be quiet when it is taken away, and stay so. The callbacks take what there is, so
 * that they raise the hand again while the subscription is being closed.
 */

#include <sched.h>
#include <stdio.h>

#include "links.h"

enum {
	CLOSERS = 4,
	CLOSES = 800,
};

struct closer {
	struct reprise_store *store;
	struct links *links;
	struct stress_books books; /* of the subscription of now: the callback's, while it is set */
	struct link *link;
	pthread_t thread;
	unsigned int random;
	_Atomic uint64_t calls;
	uint64_t closed, replaced, taken_away, delivered, lost;
};

static _Atomic unsigned int closers_left;
static uint64_t appends, calls, closed, replaced, taken_away, delivered, lost;

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct link *const link = context;
	struct closer *const closer = link->owner;
	unsigned int random = (unsigned int)closer->books.seen;
	reprise_outcome outcome;

	link_come_in(link, subscription);
	atomic_fetch_add(&closer->calls, 1);
	do {
		outcome = stress_take(subscription, &closer->books);
		stress_dawdle(&random);
	} while (outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP);
	if (closer->books.seen % 4 == 0)
		sched_yield();
	link_go_out(link);
}

/* In place of the one before, if there is one. */
static void
set_callback(struct closer *closer, struct reprise_subscription *subscription)
{
	struct link *const before = closer->link;

	closer->link = link_new(closer->links, closer, subscription);
	CHECK_OK(reprise_subscription_notify(subscription, be_called, closer->link, NULL));
	if (before != NULL)
		link_be_gone_quietly(before);
}

/* For a moment it has none, and its owner looks itself. */
static void
take_away(struct closer *closer, struct reprise_subscription *subscription)
{
	CHECK_OK(reprise_subscription_notify(subscription, NULL, NULL, NULL));
	link_be_gone_quietly(closer->link);
	closer->link = NULL;
	for (unsigned int n = stress_random(&closer->random) % 4; n > 0; n--)
		(void)stress_take(subscription, &closer->books);
	closer->taken_away++;
}

static void
wait_for_call(struct closer *closer)
{
	const uint64_t before = atomic_load(&closer->calls);

	while (atomic_load(&closer->calls) == before)
		sched_yield();
}

static void
open_and_close(struct closer *closer)
{
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor, end;

	CHECK_OK(reprise_session_current_cursor(closer->store, "s", UINT64_MAX, &cursor));
	subscription = stress_subscribe(closer->store, &cursor, 1);
	closer->books = (struct stress_books){ .seen = cursor.position };
	closer->link = NULL;
	set_callback(closer, subscription);
	for (unsigned int n = stress_random(&closer->random) % 3; n > 0; n--) {
		const unsigned int number = stress_random(&closer->random) % 4;

		/* There is always something soon; when it comes, its callback is running. */
		if (number <= 1)
			wait_for_call(closer);
		if (number == 1)
			take_away(closer, subscription);
		set_callback(closer, subscription);
		closer->replaced++;
	}
	if (stress_random(&closer->random) % 2 == 0)
		wait_for_call(closer);
	stress_dawdle(&closer->random);
	/* With its callback set, or (by one of two ways) without one that could still run. */
	if (stress_random(&closer->random) % 8 == 0) {
		take_away(closer, subscription);
		CHECK_OK(reprise_subscription_cursor(subscription, &end));
		CHECK(end.position == closer->books.seen);
	}
	reprise_subscription_close(subscription);
	if (closer->link != NULL)
		link_be_gone_quietly(closer->link);
	CHECK(closer->books.delivered + closer->books.lost == closer->books.seen - cursor.position);
	closer->delivered += closer->books.delivered;
	closer->lost += closer->books.lost;
	closer->closed++;
}

static void *
closer_main(void *argument)
{
	struct closer *const closer = argument;

	for (uint64_t closes = stress_work(CLOSES); closes > 0; closes--)
		open_and_close(closer);
	atomic_fetch_sub(&closers_left, 1);
	return NULL;
}

static void
run(reprise_wake wake)
{
	struct reprise_store *const store = stress_store_that_wakes(wake, 10000, 8, 4096);
	struct reprise_writer *const writer = stress_writer(store, "s");
	struct closer closers[CLOSERS] = { 0 };
	struct links links = { NULL };
	reprise_position newest = 0;
	unsigned int random = 1;

	atomic_store(&closers_left, CLOSERS);
	for (size_t i = 0; i < CLOSERS; i++) {
		closers[i] = (struct closer){ .store = store, .links = &links };
		closers[i].random = (unsigned int)(appends + i);
		CHECK(pthread_create(&closers[i].thread, NULL, closer_main, &closers[i]) == 0);
	}
	while (atomic_load(&closers_left) > 0) {
		newest = stress_append(writer, newest + 1);
		stress_dawdle(&random);
		if (stress_random(&random) % 8 == 0)
			sched_yield();
	}
	for (size_t i = 0; i < CLOSERS; i++) {
		CHECK(pthread_join(closers[i].thread, NULL) == 0);
		calls += closers[i].calls;
		closed += closers[i].closed;
		replaced += closers[i].replaced;
		taken_away += closers[i].taken_away;
		delivered += closers[i].delivered;
		lost += closers[i].lost;
	}
	appends += newest;
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
	links_free(&links);
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(64);
	do {
		run(REPRISE_WAKE_RELAY);
		run(REPRISE_WAKE_DEFERRED);
	} while (!stress_is_over());
	printf("appends %llu  calls %llu  closed %llu  replaced %llu  taken away %llu"
	       "  delivered %llu  lost %llu\n",
	       (unsigned long long)appends, (unsigned long long)calls, (unsigned long long)closed,
	       (unsigned long long)replaced, (unsigned long long)taken_away,
	       (unsigned long long)delivered, (unsigned long long)lost);
	CHECK(calls > 0);
	return 0;
}
