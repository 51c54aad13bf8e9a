/* SPDX-License-Identifier: MIT */

/*
 * parked: an append under 64 and 1,000 subscriptions over the same under one. Parked: threads asleep in
 * reprise_wait, in a store that defers, with a tick longer than the run. Stalled: opened, never read.
 */

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <reprise/reprise.h>

#include "bench.h"

enum {
	APPENDS = 1000 * 1000, /* a run */
	WARM_UP = 50 * 1000,
	MANY = 1000,
};

static unsigned char payload[256];

struct sleeper {
	pthread_t thread;
	struct reprise_subscription *subscription;
};

/* A session with its hosts. */
struct crowd {
	struct reprise_store *store;
	struct reprise_session *session;
	struct sleeper sleepers[MANY];
	size_t count;
	int is_parked;
};

static void *
sleeper_main(void *argument)
{
	struct sleeper *const sleeper = argument;

	if (reprise_wait(sleeper->subscription, REPRISE_NO_LIMIT) != REPRISE_E_INTERRUPTED)
		bench_die("woken by an append");
	return NULL;
}

static void
subscribe(struct crowd *crowd, struct sleeper *sleeper)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .spin_ns = 1 };
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	pthread_attr_t small;

	if (reprise_current_cursor(crowd->store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(crowd->store, &cursor, &options, &sleeper->subscription,
				    NULL) != REPRISE_OK)
		bench_die("subscribe failed");
	if (!crowd->is_parked)
		return;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (pthread_create(&sleeper->thread, &small, sleeper_main, sleeper) != 0)
		bench_die("no thread");
	pthread_attr_destroy(&small);
	do {
		sched_yield();
		if (reprise_subscription_stats(sleeper->subscription, &stats) != REPRISE_OK)
			bench_die("no statistics");
	} while (stats.sleeps == 0);
}

static void
open_crowd(struct crowd *crowd, size_t count, int is_parked)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .wake = REPRISE_WAKE_DEFERRED,
						       .deferred_tick_ns = 3600000000000u };

	crowd->count = count;
	crowd->is_parked = is_parked;
	if (reprise_store_open(&options, &crowd->store, NULL) != REPRISE_OK ||
	    reprise_session_open(crowd->store, "bench", NULL, &crowd->session, NULL) != REPRISE_OK)
		bench_die("open failed");
	for (size_t i = 0; i < count; i++)
		subscribe(crowd, &crowd->sleepers[i]);
}

/* What its hosts take and lose, at the end of it all. */
static void
close_crowd(struct crowd *crowd, struct bench_result *result)
{
	struct reprise_event event;
	struct reprise_gap gap;

	for (size_t i = 0; i < crowd->count; i++) {
		struct sleeper *const sleeper = &crowd->sleepers[i];
		reprise_outcome outcome;

		if (crowd->is_parked) {
			if (reprise_subscription_interrupt(sleeper->subscription) != REPRISE_OK)
				bench_die("interrupt failed");
			pthread_join(sleeper->thread, NULL);
		}
		while ((outcome = reprise_next(sleeper->subscription, &event, &gap, NULL)) !=
		       REPRISE_NEXT_EMPTY) {
			result->delivered += outcome == REPRISE_NEXT_EVENT;
			result->lost += outcome == REPRISE_NEXT_GAP ? gap.lost : 0;
		}
		reprise_subscription_close(sleeper->subscription);
	}
	reprise_session_close(crowd->session);
	if (reprise_store_close(crowd->store) != REPRISE_OK)
		bench_die("close failed");
}

static double
run(struct reprise_session *session, uint64_t appends)
{
	const struct reprise_bytes bytes = { payload, sizeof(payload) };
	const uint64_t begin = bench_ns();

	for (uint64_t i = 0; i < appends; i++)
		if (reprise_append(session, i / 64, 1, 0, bytes, NULL) != REPRISE_OK)
			bench_die("append failed");
	return (double)(bench_ns() - begin) / (double)appends;
}

static void
measure(const char *name, size_t count, int is_parked)
{
	static struct crowd many, one;
	double ours[BENCH_RUNS], theirs[BENCH_RUNS];
	struct bench_result result = { .name = name,
				       .payload_bytes = sizeof(payload),
				       .ours = ours,
				       .theirs = theirs,
				       .goal = 1.1 };

	open_crowd(&one, 1, is_parked);
	open_crowd(&many, count, is_parked);
	run(one.session, WARM_UP);
	run(many.session, WARM_UP);
	for (size_t i = 0; i < BENCH_RUNS; i++) {
		theirs[i] = run(one.session, APPENDS);
		ours[i] = run(many.session, APPENDS);
	}
	close_crowd(&one, &result);
	close_crowd(&many, &result);
	bench_print(&result);
}

int
main(void)
{
	if (!bench_pin(0))
		fprintf(stderr, "bench: not pinned\n");
	measure("append under 64 stalled, over one", 64, 0);
	measure("append under 1000 stalled, over one", MANY, 0);
	measure("append under 64 parked, over one", 64, 1);
	measure("append under 1000 parked, over one", MANY, 1);
	return 0;
}
