/* SPDX-License-Identifier: MIT */

/*
 * Closing races ringing, and the number of a descriptor that was closed is somebody else's at once.
 * Visitors raise the hands of many descriptors, close them while the relay rings, and fill each
 * slot with a socket in the same moment. Nothing ever comes out of such a socket but what its owner
 * has sent, and nobody else takes that.
 */

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stress.h"

enum {
	VISITORS = 3,
	SLOTS = 8, /* of a visitor, at a time */
	VISITS = 150,
};

struct visitor {
	pthread_t thread;
	struct reprise_store *store;
	unsigned int random;
	uint64_t slots, reused;
	uint64_t rung; /* were readable when they were closed: ringing was about them */
};

struct pair {
	int ends[2];
};

static _Atomic unsigned int visitors_left;
static uint64_t appends, slots, reused, rung;

/* With its hand up, or rung, or about to be. */
static int
open_descriptor(struct visitor *visitor, const struct reprise_cursor *cursor,
		struct reprise_subscription **ret_subscription)
{
	struct stress_books books = { .seen = cursor->position };
	int descriptor = -1;

	*ret_subscription = stress_subscribe(visitor->store, cursor, 1);
	CHECK_OK(reprise_subscription_fd(*ret_subscription, &descriptor, NULL));
	for (unsigned int n = stress_random(&visitor->random) % 8; n > 0; n--)
		if (stress_take(*ret_subscription, &books) == REPRISE_NEXT_EMPTY)
			break;
	return descriptor;
}

/* The lowest number that is free: with any luck the one that was closed just now. */
static struct pair
fill_slot(struct visitor *visitor, int closed)
{
	struct pair pair;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.ends) == 0);
	visitor->slots++;
	visitor->reused += pair.ends[0] == closed || pair.ends[1] == closed;
	return pair;
}

static void
check_silence(const struct pair *pair)
{
	char byte;

	for (int i = 0; i < 2; i++) {
		CHECK(recv(pair->ends[i], &byte, 1, MSG_DONTWAIT) == -1);
		CHECK(errno == EAGAIN);
	}
}

/* Bytes sent through the pair arrive, for nobody else reads there; then the pair is closed. */
static void
use_up(const struct pair *pair)
{
	static const char sent[] = "eight bytes and more";
	char received[2 * sizeof(sent)];

	for (int i = 0; i < 2; i++)
		CHECK(send(pair->ends[i], sent, sizeof(sent), 0) == sizeof(sent));
	sched_yield();
	for (int i = 0; i < 2; i++) {
		CHECK(recv(pair->ends[i], received, sizeof(received), MSG_DONTWAIT) ==
		      sizeof(sent));
		CHECK(memcmp(received, sent, sizeof(sent)) == 0);
		CHECK(close(pair->ends[i]) == 0);
	}
}

static void
visit(struct visitor *visitor)
{
	struct reprise_subscription *subscriptions[SLOTS];
	int descriptors[SLOTS];
	struct pair pairs[SLOTS];
	struct reprise_cursor cursor;

	CHECK_OK(reprise_session_current_cursor(visitor->store, "s", UINT64_MAX, &cursor));
	for (size_t i = 0; i < SLOTS; i++)
		descriptors[i] = open_descriptor(visitor, &cursor, &subscriptions[i]);
	for (size_t i = 0; i < SLOTS; i++) {
		struct pollfd at = { .fd = descriptors[i], .events = POLLIN };

		stress_dawdle(&visitor->random);
		visitor->rung += poll(&at, 1, 0) == 1;
		reprise_subscription_close(subscriptions[i]);
		pairs[i] = fill_slot(visitor, descriptors[i]);
	}
	for (int look = 0; look < 4; look++) {
		for (size_t i = 0; i < SLOTS; i++)
			check_silence(&pairs[i]);
		sched_yield();
	}
	for (size_t i = 0; i < SLOTS; i++)
		use_up(&pairs[i]);
}

static void *
visitor_main(void *argument)
{
	struct visitor *const visitor = argument;

	for (uint64_t visits = stress_work(VISITS); visits > 0; visits--)
		visit(visitor);
	atomic_fetch_sub(&visitors_left, 1);
	return NULL;
}

static void
run(reprise_wake wake)
{
	struct reprise_store *const store = stress_store_that_wakes(wake, 10000, 64, 65536);
	struct reprise_writer *const writer = stress_writer(store, "s");
	struct visitor visitors[VISITORS] = { 0 };
	reprise_position newest = 0;
	unsigned int random = 7;

	atomic_store(&visitors_left, VISITORS);
	for (size_t i = 0; i < VISITORS; i++) {
		visitors[i].store = store;
		visitors[i].random = (unsigned int)i + 1;
		CHECK(pthread_create(&visitors[i].thread, NULL, visitor_main, &visitors[i]) == 0);
	}
	while (atomic_load(&visitors_left) > 0) {
		newest = stress_append(writer, newest + 1);
		stress_dawdle(&random);
		if (stress_random(&random) % 4 == 0)
			sched_yield();
	}
	for (size_t i = 0; i < VISITORS; i++) {
		CHECK(pthread_join(visitors[i].thread, NULL) == 0);
		slots += visitors[i].slots;
		reused += visitors[i].reused;
		rung += visitors[i].rung;
	}
	appends += newest;
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(64);
	do {
		run(REPRISE_WAKE_RELAY);
		run(REPRISE_WAKE_DEFERRED);
		/* However short the time is, until something was shown; the alarm is the limit. */
	} while (!stress_is_over() || reused == 0 || rung == 0);
	printf("appends %llu  slots %llu  reused %llu  rung %llu\n", (unsigned long long)appends,
	       (unsigned long long)slots, (unsigned long long)reused, (unsigned long long)rung);
	return 0;
}
