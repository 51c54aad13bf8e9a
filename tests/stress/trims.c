/* SPDX-License-Identifier: MIT */

/*
 * Trims by age and by request, and questions for cursors, under traffic: whatever is given up is
 * told exactly (G2), and every cursor that is handed out is accepted or gets an ordinary gap.
 */

#include <sched.h>
#include <stdio.h>

#include "stress.h"

enum {
	HOSTS = 2,
	TRIMMERS = 2,
};

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
};

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	stress_follow(host->subscription, &host->books, false);
	return NULL;
}

struct trimmer {
	pthread_t thread;
	struct reprise_store *store;
	_Atomic bool is_over;
	_Atomic uint64_t *clock;
	unsigned int seed;
};

/* A cursor that is handed out is never refused, though it may be behind by the time it is used. */
static void
check_cursor(struct trimmer *trimmer, uint64_t revision)
{
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription;
	struct stress_books books = { 0 };

	CHECK_OK(reprise_session_current_cursor(trimmer->store, "s", revision, &cursor));
	books.seen = cursor.position;
	subscription = stress_subscribe(trimmer->store, &cursor, 1);
	for (int i = 0; i < 5 && stress_take(subscription, &books) != REPRISE_NEXT_ENDED; i++)
		;
	reprise_subscription_close(subscription);
}

static void *
trimmer_main(void *argument)
{
	struct trimmer *const trimmer = argument;
	unsigned int random = trimmer->seed;
	reprise_position oldest = 0;

	while (!atomic_load(&trimmer->is_over)) {
		struct reprise_session_stats stats = { .size = sizeof(stats) };

		CHECK_OK(reprise_session_stats(trimmer->store, "s", &stats));
		CHECK(stats.newest + 1 >= stats.oldest);
		CHECK(stats.oldest >= oldest); /* events given up never come back */
		oldest = stats.oldest;
		switch (stress_random(&random) % 4) {
		case 0:
			CHECK_OK(reprise_session_trim_to(
				trimmer->store, "s", stats.newest - stress_random(&random) % 8));
			break;
		case 1:
			CHECK_OK(reprise_stamp_set(trimmer->store,
						   atomic_fetch_add(trimmer->clock, 5000000)));
			CHECK_OK(reprise_session_trim(trimmer->store, "s"));
			break;
		case 2:
			check_cursor(trimmer, stats.newest / 7);
			break;
		default:
			check_cursor(trimmer, stress_random(&random) % (stats.newest / 7 + 2));
			break;
		}
		sched_yield();
	}
	return NULL;
}

static struct reprise_store *
store_that_forgets(uint64_t events_max)
{
	const struct reprise_session_options bounds = {
		.size = sizeof(bounds),
		.events_max = events_max,
		.bytes_max = 16384,
		.age_ns_max = 1,
	};
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &bounds };
	struct reprise_store *store = NULL;

	CHECK_OK(reprise_store_open(&options, &store, NULL));
	return store;
}

static void
run(uint64_t events_max, uint64_t appends)
{
	struct reprise_store *const store = store_that_forgets(events_max);
	_Atomic uint64_t clock = 1;

	CHECK_OK(reprise_stamp_set(store, atomic_fetch_add(&clock, 1)));
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct host hosts[HOSTS] = { 0 };
	struct trimmer trimmers[TRIMMERS] = { 0 };
	unsigned int random = 9;

	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i].subscription = stress_subscribe(store, &cursor, 1);
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	for (size_t i = 0; i < TRIMMERS; i++) {
		trimmers[i].store = store;
		trimmers[i].clock = &clock;
		trimmers[i].seed = (unsigned int)i + 1;
		CHECK(pthread_create(&trimmers[i].thread, NULL, trimmer_main, &trimmers[i]) == 0);
	}
	for (reprise_position next = 1; next <= appends; next++) {
		stress_append(writer, next);
		if (stress_random(&random) % 4 == 0)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	for (size_t i = 0; i < TRIMMERS; i++) {
		atomic_store(&trimmers[i].is_over, true);
		CHECK(pthread_join(trimmers[i].thread, NULL) == 0);
	}
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		stress_balance(&hosts[i].books, appends);
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
	stress_limit_payload(512);
	do {
		run(4, 20000);
		run(64, 20000);
	} while (!stress_is_over());
	return 0;
}
