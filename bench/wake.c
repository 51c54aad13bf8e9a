/* SPDX-License-Identifier: MIT */

/*
 * wake: from before an append to running after reprise_wait, one sleeper, over the same with a
 * bare futex. Medians of single wake-ups; writer and sleeper pinned apart.
 */

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "bench.h"

enum {
	WAKES = 300, /* a run */
	SETTLE_NS = 300 * 1000,
};

struct pair {
	struct reprise_session *session;
	struct reprise_subscription *subscription;
	atomic_uint word;
	atomic_uint going_to_sleep; /* how often the sleeper was about to */
	_Atomic uint64_t woken_at;  /* 0: not yet */
	atomic_int bare;            /* how to sleep the next time; -1: be done */
	uint64_t delivered, lost;
};

static void
sleep_bare(struct pair *pair)
{
	const unsigned int seen = atomic_load(&pair->word);

	atomic_fetch_add(&pair->going_to_sleep, 1);
	while (atomic_load(&pair->word) == seen)
		syscall(SYS_futex, &pair->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, NULL, NULL,
			0);
	atomic_store(&pair->woken_at, bench_ns());
}

static void
sleep_ours(struct pair *pair)
{
	struct reprise_event event;
	struct reprise_gap gap;

	atomic_fetch_add(&pair->going_to_sleep, 1);
	if (reprise_wait(pair->subscription, REPRISE_NO_LIMIT) != REPRISE_OK)
		bench_die("wait failed");
	atomic_store(&pair->woken_at, bench_ns());
	if (reprise_next(pair->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
		pair->delivered++;
	else
		pair->lost++;
}

static void *
sleeper_main(void *argument)
{
	struct pair *const pair = argument;

	bench_pin(1);
	for (;;) {
		const int bare = atomic_load(&pair->bare);

		if (bare < 0)
			return NULL;
		if (bare)
			sleep_bare(pair);
		else
			sleep_ours(pair);
		while (atomic_load(&pair->woken_at) != 0)
			;
	}
}

static double
wake_once(struct pair *pair, int bare, int bare_next)
{
	static unsigned int sleeps;
	const struct reprise_bytes payload = { "x", 1 };
	uint64_t begin, woken;

	while (atomic_load(&pair->going_to_sleep) == sleeps)
		;
	sleeps++;
	for (begin = bench_ns(); bench_ns() - begin < SETTLE_NS;)
		;
	atomic_store(&pair->bare, bare_next);
	begin = bench_ns();
	if (bare) {
		atomic_fetch_add(&pair->word, 1);
		syscall(SYS_futex, &pair->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	} else if (reprise_append(pair->session, 0, 0, 0, payload, NULL) != REPRISE_OK) {
		bench_die("append failed");
	}
	while ((woken = atomic_load(&pair->woken_at)) == 0)
		;
	atomic_store(&pair->woken_at, 0);
	return (double)(woken - begin);
}

static void
measure(struct pair *pair, double *ours, double *theirs)
{
	double bare[WAKES], waits[WAKES];

	for (size_t run = 0; run < BENCH_RUNS; run++) {
		for (size_t i = 0; i < WAKES; i++) {
			const int last = run + 1 == BENCH_RUNS && i + 1 == WAKES;

			bare[i] = wake_once(pair, 1, 0);
			waits[i] = wake_once(pair, 0, last ? -1 : 1);
		}
		theirs[run] = bench_median(bare, WAKES);
		ours[run] = bench_median(waits, WAKES);
	}
}

int
main(void)
{
	const struct reprise_subscription_options no_spin = {
		.size = sizeof(no_spin),
		.spin_ns = 1,
	};
	struct pair pair = { .bare = 1 };
	struct reprise_store *store = NULL;
	struct reprise_cursor cursor;
	double ours[BENCH_RUNS], theirs[BENCH_RUNS];
	pthread_t sleeper;

	if (!bench_pin(0))
		fprintf(stderr, "bench: not pinned\n");
	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_session_open(store, "bench", NULL, &pair.session, NULL) != REPRISE_OK ||
	    reprise_current_cursor(store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(store, &cursor, &no_spin, &pair.subscription, NULL) !=
		    REPRISE_OK ||
	    pthread_create(&sleeper, NULL, sleeper_main, &pair) != 0)
		bench_die("open failed");

	measure(&pair, ours, theirs);
	pthread_join(sleeper, NULL);
	bench_print(&(struct bench_result){
		.name = "append to running after wait, over a bare futex wake, p50",
		.payload_bytes = 1,
		.ours = ours,
		.theirs = theirs,
		.goal = 1.15,
		.delivered = pair.delivered,
		.lost = pair.lost });
	reprise_subscription_close(pair.subscription);
	reprise_session_close(pair.session);
	if (reprise_store_close(store) != REPRISE_OK)
		bench_die("close failed");
	return 0;
}
