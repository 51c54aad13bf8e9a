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
	HOSTS = 2,
};

struct host {
	pthread_t thread;
	struct reprise_store *store;
	struct reprise_subscription *subscription;
	struct stress_books books;
	uint64_t replays;
};

static void
check_newest(struct host *host)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	struct reprise_subscription *replay = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	reprise_outcome outcome;

	CHECK_OK(reprise_session_stats(host->store, "s", &stats));
	CHECK(stats.newest % BATCH == 0);
	CHECK_OK(reprise_session_current_cursor(host->store, "s", UINT64_MAX, &cursor));
	CHECK(cursor.position % BATCH == 0);

	/* A replay ends with a whole batch, too. */
	CHECK_OK(reprise_replay_after(host->store, &cursor, NULL, &replay, NULL));
	while ((outcome = reprise_next(replay, &event, &gap, &end)) != REPRISE_NEXT_ENDED)
		CHECK(outcome != REPRISE_NEXT_EMPTY);
	CHECK_OK(reprise_subscription_cursor(replay, &cursor));
	CHECK(cursor.position % BATCH == 0);
	reprise_subscription_close(replay);
	host->replays++;
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	for (;;) {
		const reprise_outcome outcome = stress_take(host->subscription, &host->books);

		if (outcome == REPRISE_NEXT_ENDED)
			return NULL;
		if (outcome == REPRISE_NEXT_EMPTY) {
			CHECK(host->books.seen % BATCH == 0);
			check_newest(host);
			CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
		}
	}
}

static void
append_batch(struct reprise_writer *writer, reprise_position first)
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
	CHECK_OK(reprise_append_batch(writer, events, BATCH, &given));
	CHECK(given == first);
}

static void
run(uint64_t events_max, uint64_t bytes_max, uint64_t batches)
{
	struct reprise_store *const store = stress_store(events_max, bytes_max);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct host hosts[HOSTS] = { 0 };
	unsigned int random = 1;

	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i].store = store;
		hosts[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	for (uint64_t i = 0; i < batches; i++) {
		append_batch(writer, BATCH * i + 1);
		if (stress_random(&random) % 4 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		stress_balance(&hosts[i].books, BATCH * batches);
		stress_report("host", &hosts[i].books);
		reprise_subscription_close(hosts[i].subscription);
	}
	reprise_writer_close(writer);
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
