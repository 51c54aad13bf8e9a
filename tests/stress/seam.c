/* SPDX-License-Identifier: MIT */

/*
 * Subscribing races appending: whoever comes with a cursor of any age finds the seam between what
 * is buffered and what is live neither losing nor doubling anything (G2, A18, A25).
 */

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum {
	VISITORS = 3,
};

struct visitor {
	pthread_t thread;
	struct reprise_store *store;
	struct stress_books books;
	reprise_position first; /* where its first cursor stood */
	unsigned int seed;
};

/* Comes back with the text of its last cursor until it is told the end. */
static void *
visitor_main(void *argument)
{
	struct visitor *const visitor = argument;
	struct reprise_cursor cursor = stress_cursor(visitor->store, "s");
	unsigned int random = visitor->seed;

	visitor->first = visitor->books.seen = cursor.position;
	while (!visitor->books.is_ended) {
		char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
		struct reprise_subscription *subscription;

		subscription = stress_subscribe(visitor->store, &cursor, 1);
		for (unsigned int n = stress_random(&random) % 20; n > 0; n--) {
			const reprise_outcome outcome = stress_take(subscription, &visitor->books);

			if (outcome == REPRISE_NEXT_ENDED)
				break;
			if (outcome == REPRISE_NEXT_EMPTY)
				CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
		}
		CHECK_OK(reprise_subscription_cursor(subscription, &cursor));
		CHECK(cursor.position == visitor->books.seen);
		reprise_subscription_close(subscription);
		CHECK_OK(reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL));
		CHECK_OK(reprise_cursor_parse(text, strlen(text), &cursor, NULL));
	}
	return NULL;
}

static void
run(uint64_t events_max, uint64_t appends)
{
	struct reprise_store *const store = stress_store(events_max, 65536);
	struct reprise_writer *const writer = stress_writer(store, "s");
	struct visitor visitors[VISITORS] = { 0 };
	unsigned int random = 5;

	for (size_t i = 0; i < VISITORS; i++) {
		visitors[i].store = store;
		visitors[i].seed = (unsigned int)i + 1;
		CHECK(pthread_create(&visitors[i].thread, NULL, visitor_main, &visitors[i]) == 0);
	}
	for (reprise_position next = 1; next <= appends; next++) {
		stress_append(writer, next);
		if (stress_random(&random) % 4 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	for (size_t i = 0; i < VISITORS; i++) {
		CHECK(pthread_join(visitors[i].thread, NULL) == 0);
		CHECK(visitors[i].books.seen == appends);
		stress_balance(&visitors[i].books, appends - visitors[i].first);
		stress_report("visitor", &visitors[i].books);
	}
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(256);
	do {
		run(8, 20000);
		run(64, 20000);
	} while (!stress_is_over());
	return 0;
}
