/* SPDX-License-Identifier: MIT */

/*
 * Threads that deliver the same events to a deduplicated session, each in an order of its own,
 * through one shared writer, while another thread trims. If all keys fit, each is appended once;
 * with trims, each event is told as new by one delivery.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "stress.h"

enum {
	THREADS = 3,
	KEYS = 512,
	EVENTS_MAX = 64,
};

struct deliverer {
	pthread_t thread;
	struct reprise_writer *writer;
	uint64_t deliveries, appended;
	unsigned int random;
};

static atomic_bool is_over;

static void *
deliver(void *argument)
{
	struct deliverer *const deliverer = argument;

	for (uint64_t i = 0; i < deliverer->deliveries; i++) {
		/* Near each other, so that keys are known mostly. */
		const uint64_t key = (i / 4 + stress_random(&deliverer->random) % 16) % KEYS;
		reprise_position position = 0;
		int32_t is_new = 77;

		CHECK_OK(reprise_append_once(deliverer->writer, key, 0, 1, 0,
					     (struct reprise_bytes){ &key, sizeof(key) }, &position,
					     &is_new));
		CHECK(position != 0 && (is_new == 0 || is_new == 1));
		deliverer->appended += (uint64_t)is_new;
	}
	return NULL;
}

static void *
trim(void *argument)
{
	struct reprise_store *const store = argument;
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	while (!atomic_load(&is_over)) {
		CHECK_OK(reprise_session_stats(store, "s", &stats));
		CHECK_OK(reprise_session_trim_to(store, "s", stats.oldest));
		for (int i = 0; i < 50; i++)
			sched_yield();
	}
	return NULL;
}

/* Every position once, delivered or lost; answers the last one. */
static uint64_t
follow(struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_position seen = 0;
	reprise_outcome outcome;

	while ((outcome = reprise_next(subscription, &event, &gap, NULL)) != REPRISE_NEXT_ENDED) {
		if (outcome == REPRISE_NEXT_EMPTY) {
			CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
		} else if (outcome == REPRISE_NEXT_GAP) {
			CHECK(gap.lost_first == seen + 1);
			seen = gap.lost_last;
		} else {
			const uint64_t key = *(const uint64_t *)event.payload.data;

			CHECK(event.position == seen + 1 && event.payload.size == sizeof(key));
			CHECK(key < KEYS);
			seen = event.position;
		}
	}
	return seen;
}

static void
run(bool has_trimmer)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_store *const store = stress_store(0, 0);
	struct deliverer deliverers[THREADS] = { 0 };
	struct reprise_writer *writer = NULL;
	uint64_t appended = 0, deliveries = 0;
	pthread_t trimmer;

	/* Without trims all keys fit: then each is appended once. */
	options.events_max = has_trimmer ? EVENTS_MAX : KEYS;
	options.is_shared = options.is_deduplicated = 1;
	CHECK_OK(reprise_writer_open(store, "s", &options, &writer, NULL));
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct reprise_subscription *const subscription = stress_subscribe(store, &cursor, 1);

	atomic_store(&is_over, false);
	if (has_trimmer)
		CHECK(pthread_create(&trimmer, NULL, trim, store) == 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		deliverers[i] = (struct deliverer){ .writer = writer,
						    .deliveries = stress_work(400000),
						    .random = i + 1 };
		CHECK(pthread_create(&deliverers[i].thread, NULL, deliver, &deliverers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		CHECK(pthread_join(deliverers[i].thread, NULL) == 0);
		appended += deliverers[i].appended;
		deliveries += deliverers[i].deliveries;
	}
	atomic_store(&is_over, true);
	if (has_trimmer)
		CHECK(pthread_join(trimmer, NULL) == 0);
	CHECK_OK(reprise_writer_end(writer, 1));
	CHECK(follow(subscription) == appended);
	CHECK(has_trimmer || appended <= KEYS);
	printf("%s: %llu deliveries, %llu events\n", has_trimmer ? "trimmed" : "all fit",
	       (unsigned long long)deliveries, (unsigned long long)appended);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	do {
		run(false);
		run(true);
	} while (!stress_is_over());
	return 0;
}
