/* SPDX-License-Identifier: MIT */

/*
 * Lives of one session, one after the other, each ended under the eyes of its hosts: the last
 * event and the end reach everybody, also those that sleep; positions go on; an old cursor never
 * matches a new life (G6).
 */

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum {
	HOSTS = 2,
};

struct host {
	pthread_t thread;
	struct reprise_store *store;
	_Atomic bool *is_over; /* no life will follow */
	bool polls;            /* else it sleeps */
	_Atomic uint64_t lives;
	uint64_t refused;
};

/*
 * Follows the life that its cursor is of, to the end; false if the cursor was of another by then.
 */
static bool
follow_to_the_end(struct host *host, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *const subscription = stress_subscribe(host->store, cursor, 1);
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	reprise_position seen = cursor->position;
	bool is_followed = true;

	for (;;) {
		const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

		if (outcome == REPRISE_NEXT_EVENT) {
			CHECK(event.position == seen + 1);
			stress_verify(&event);
			seen = event.position;
		} else if (outcome == REPRISE_NEXT_GAP && gap.reason == REPRISE_GAP_TRIMMED) {
			CHECK(gap.lost_first == seen + 1);
			seen = gap.lost_last;
		} else if (outcome == REPRISE_NEXT_GAP) {
			CHECK(gap.detail == REPRISE_GAP_OTHER_INCARNATION);
			CHECK(memcmp(&gap.cursor.incarnation, &cursor->incarnation, 16) != 0);
			is_followed = false;
		} else if (outcome == REPRISE_NEXT_ENDED) {
			break;
		} else if (!host->polls) {
			CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
		}
	}
	if (is_followed) {
		/* The writer ends each life with its last position for a status. */
		CHECK(end.cause == REPRISE_END_SESSION);
		CHECK(end.status == (int32_t)seen);
	} else {
		CHECK(end.cause == REPRISE_END_INVALIDATED);
	}
	reprise_subscription_close(subscription);
	return is_followed;
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	while (!atomic_load(host->is_over)) {
		const struct reprise_cursor cursor = stress_cursor(host->store, "s");

		if (follow_to_the_end(host, &cursor))
			atomic_fetch_add(&host->lives, 1);
		else
			host->refused++;
		/* That life is over: its cursor opens nothing of a later one. */
	}
	return NULL;
}

/* However short the time is. */
static bool
have_lived(const struct host *hosts)
{
	for (size_t i = 0; i < HOSTS; i++)
		if (atomic_load(&hosts[i].lives) == 0)
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct host hosts[HOSTS] = { 0 };
	_Atomic bool is_over = false;
	reprise_position newest = 0;
	unsigned int random = 3;
	uint64_t lives = 0;

	stress_begin(argc, argv);
	stress_limit_payload(512);
	struct reprise_store *const store = stress_store(4, 4096);

	for (size_t i = 0; i < HOSTS; i++) {
		hosts[i] = (struct host){ .store = store, .is_over = &is_over, .polls = i == 0 };
		CHECK(pthread_create(&hosts[i].thread, NULL, host_main, &hosts[i]) == 0);
	}
	while (!stress_is_over() || !have_lived(hosts)) {
		struct reprise_writer *const writer = stress_writer(store, "s");

		/*
		 * Mostly the last event and the end back to back, so that both are found at once.
		 */
		for (unsigned int n = stress_random(&random) % 4; n > 0; n--) {
			newest = stress_append(writer, newest + 1);
			if (stress_random(&random) % 2 == 0)
				stress_dawdle(&random);
		}
		if (newest > INT32_MAX / 2)
			break;
		if (stress_random(&random) % 8 != 0) {
			CHECK_OK(reprise_writer_end(writer, (int32_t)newest));
			lives++;
		}
		reprise_writer_close(writer); /* sometimes without an end: the life goes on */
	}
	atomic_store(&is_over, true);
	struct reprise_writer *const last = stress_writer(store, "s");

	CHECK_OK(reprise_writer_end(last, (int32_t)newest));
	reprise_writer_close(last);
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(hosts[i].thread, NULL) == 0);
		printf("host  lives %llu  refused %llu\n",
		       (unsigned long long)atomic_load(&hosts[i].lives),
		       (unsigned long long)hosts[i].refused);
		CHECK(hosts[i].lives > 0);
	}
	printf("lives %llu\n", (unsigned long long)lives);
	CHECK_OK(reprise_store_close(store));
	return 0;
}
