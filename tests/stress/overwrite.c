/* SPDX-License-Identifier: MIT */

/*
 * Subscriptions against a writer that overwrites what they are copying: the smallest rings, the
 * largest events. Nothing is torn (G1), nothing is missing without being told (G2).
 */

#include <sched.h>
#include <stdio.h>

#include "stress.h"

enum {
	READERS = 3,
};

struct reader {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
	bool polls; /* else it sleeps */
};

static void *
reader_main(void *argument)
{
	struct reader *const reader = argument;

	stress_follow(reader->subscription, &reader->books, reader->polls);
	return NULL;
}

static void
run(uint64_t events_max, uint64_t bytes_max, uint64_t appends)
{
	struct reprise_store *const store = stress_store(events_max, bytes_max);
	struct reprise_session *const session = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct reader readers[READERS] = { 0 };
	unsigned int random = 1;

	for (size_t i = 0; i < READERS; i++) {
		readers[i].polls = i != 0;
		readers[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]) == 0);
	}
	for (reprise_position next = 1; next <= appends; next++) {
		stress_append(session, next);
		if (stress_random(&random) % 8 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_session_end(session, 1));
	for (size_t i = 0; i < READERS; i++) {
		CHECK(pthread_join(readers[i].thread, NULL) == 0);
		stress_balance(&readers[i].books, appends);
		stress_report(readers[i].polls ? "polls" : "sleeps", &readers[i].books);
		reprise_subscription_close(readers[i].subscription);
	}
	reprise_session_close(session);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	do {
		run(2, 16384, 30000);
		run(1, 8192, 30000);
		run(3, 8192, 30000);
		run(REPRISE_NO_LIMIT, 8192, 30000); /* bytes alone */
	} while (!stress_is_over());
	return 0;
}
