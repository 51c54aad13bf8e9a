/* SPDX-License-Identifier: MIT */

/*
 * A batch becomes visible whole (G5): no look of any kind ever finds the newest position inside
 * one. Batches of n begin after a multiple of n here, so every newest must be one.
 */

#include <sched.h>
#include <stdio.h>

#include "stress.h"

enum {
	BATCH = 3,
	READERS = 2,
};

struct reader {
	pthread_t thread;
	struct reprise_store *store;
	struct reprise_subscription *subscription;
	struct stress_books books;
	uint64_t replays;
};

static void
check_newest(struct reader *reader)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	struct reprise_subscription *replay = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	reprise_outcome outcome;

	CHECK_OK(reprise_session_stats(reader->store, "s", &stats));
	CHECK(stats.newest % BATCH == 0);
	CHECK_OK(reprise_current_cursor(reader->store, "s", UINT64_MAX, &cursor));
	CHECK(cursor.position % BATCH == 0);

	/* A replay ends with a whole batch, too. */
	CHECK_OK(reprise_replay_after(reader->store, &cursor, NULL, &replay, NULL));
	while ((outcome = reprise_next(replay, &event, &gap, &end)) != REPRISE_NEXT_ENDED)
		CHECK(outcome != REPRISE_NEXT_EMPTY);
	CHECK_OK(reprise_subscription_cursor(replay, &cursor));
	CHECK(cursor.position % BATCH == 0);
	reprise_subscription_close(replay);
	reader->replays++;
}

static void *
reader_main(void *argument)
{
	struct reader *const reader = argument;

	for (;;) {
		const reprise_outcome outcome = stress_take(reader->subscription, &reader->books);

		if (outcome == REPRISE_NEXT_ENDED)
			return NULL;
		if (outcome == REPRISE_NEXT_EMPTY) {
			CHECK(reader->books.seen % BATCH == 0);
			check_newest(reader);
			CHECK_OK(reprise_wait(reader->subscription, REPRISE_NO_LIMIT));
		}
	}
}

static void
append_batch(struct reprise_session *session, reprise_position first)
{
	unsigned char payloads[BATCH][STRESS_PAYLOAD_MAX];
	struct reprise_new_event events[BATCH];
	reprise_position given = 0;

	for (size_t i = 0; i < BATCH; i++) {
		const reprise_position position = first + i;

		events[i] = (struct reprise_new_event){
			.revision = position / 7,
			.kind = (uint16_t)position,
			.payload = { payloads[i], stress_payload(position, payloads[i]) },
		};
	}
	CHECK_OK(reprise_append_batch(session, events, BATCH, &given));
	CHECK(given == first);
}

static void
run(uint64_t events_max, uint64_t bytes_max, uint64_t batches)
{
	struct reprise_store *const store = stress_store(events_max, bytes_max);
	struct reprise_session *const session = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct reader readers[READERS] = { 0 };
	unsigned int random = 1;

	for (size_t i = 0; i < READERS; i++) {
		readers[i].store = store;
		readers[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]) == 0);
	}
	for (uint64_t i = 0; i < batches; i++) {
		append_batch(session, BATCH * i + 1);
		if (stress_random(&random) % 4 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_session_end(session, 0));
	for (size_t i = 0; i < READERS; i++) {
		CHECK(pthread_join(readers[i].thread, NULL) == 0);
		stress_balance(&readers[i].books, BATCH * batches);
		stress_report("reader", &readers[i].books);
		reprise_subscription_close(readers[i].subscription);
	}
	reprise_session_close(session);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(1024);
	do {
		run(BATCH, 4096, 10000);
		run(2 * BATCH + 1, 8192, 10000);
	} while (!stress_is_over());
	return 0;
}
