/* SPDX-License-Identifier: MIT */

/*
 * Subscriptions against a writer that overwrites what they are copying: the smallest rings, the
 * largest events. Nothing is torn (G1), nothing is missing without being told (G2).
 */

#include <sched.h>
#include <stdio.h>

#include "stress.h"

enum {
	HOSTS = 3,
};

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
	bool polls; /* else it sleeps */
};

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	stress_follow(host->subscription, &host->books, host->polls);
	return NULL;
}

/* A look never finds `oldest` beyond the position after `newest`, nor more than may be retained. */
struct looker {
	pthread_t thread;
	struct reprise_store *store;
	_Atomic bool is_over;
};

static void *
looker_main(void *argument)
{
	struct looker *const looker = argument;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	reprise_position oldest = 0, newest = 0;

	while (!atomic_load(&looker->is_over)) {
		CHECK_OK(reprise_session_stats(looker->store, "s", &stats));
		CHECK(stats.newest + 1 >= stats.oldest);
		CHECK(stats.oldest >= oldest);
		CHECK(stats.newest >= newest);
		oldest = stats.oldest;
		newest = stats.newest;
	}
	return NULL;
}

static void
run(uint64_t events_max, uint64_t bytes_max, uint64_t appends)
{
	struct reprise_store *const store = stress_store(events_max, bytes_max);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct host hosts[HOSTS] = { 0 };
	struct looker looker = { .store = store };
	unsigned int random = 1;

	CHECK(pthread_create(&looker.thread, NULL, looker_main, &looker) == 0);

	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i].polls = i != 0;
		hosts[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	for (reprise_position next = 1; next <= appends; next++) {
		stress_append(writer, next);
		if (stress_random(&random) % 8 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 1));
	atomic_store(&looker.is_over, true);
	CHECK(pthread_join(looker.thread, NULL) == 0);
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		stress_balance(&hosts[i].books, appends);
		stress_report(hosts[i].polls ? "polls" : "sleeps", &hosts[i].books);
		reprise_subscription_close(hosts[i].subscription);
	}
	reprise_writer_close(writer);
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
