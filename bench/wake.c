/* SPDX-License-Identifier: MIT */

/*
 * wake: from before an append until the host runs, at each of the three doors, over the same with
 * the bare thing that the door is made of: a futex, or an eventfd in epoll. Writer and sleeper are
 * pinned apart, and the sleeper has slept for a while each time. A callback runs on the store's own
 * thread, pinned as the sleeper.
 */

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "histogram.h"
#include "result.h"
#include "rows.h"

enum {
	WAKES = 200, /* of each way in a run */
	SETTLE_NS = 300 * 1000,
	CALLBACK_NAP_US = 100,
};

enum way {
	WAY_FUTEX,
	WAY_WAIT,
	WAY_EVENTFD,
	WAY_DESCRIPTOR,
	WAY_CALLBACK,
	WAYS,
	WAY_NONE = WAYS, /* be done */
};

struct bench {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscriptions[WAYS];
	int host_core;
	int epolls[WAYS];
	int eventfd;
	atomic_uint word;
	atomic_uint going_to_sleep; /* how often the sleeper was about to */
	_Atomic uint64_t woken_at;  /* 0: not yet */
	_Atomic enum way way;       /* how to sleep the next time */
	uint64_t delivered, lost;
};

static void
take(struct bench *bench, enum way way)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_outcome outcome;

	while ((outcome = reprise_next(bench->subscriptions[way], &event, &gap, NULL)) !=
	       REPRISE_NEXT_EMPTY) {
		bench->delivered += outcome == REPRISE_NEXT_EVENT;
		bench->lost += outcome == REPRISE_NEXT_GAP ? gap.lost : 0;
	}
}

static void
sleep_in_futex(struct bench *bench)
{
	const unsigned int seen = atomic_load(&bench->word);

	atomic_fetch_add(&bench->going_to_sleep, 1);
	while (atomic_load(&bench->word) == seen)
		syscall(SYS_futex, &bench->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, NULL, NULL,
			0);
}

static void
sleep_in_epoll(struct bench *bench, enum way way)
{
	struct epoll_event event;

	atomic_fetch_add(&bench->going_to_sleep, 1);
	if (epoll_wait(bench->epolls[way], &event, 1, -1) != 1)
		harness_die("epoll failed");
}

static void
sleep_once(struct bench *bench, enum way way)
{
	uint64_t rings;

	/* Everything that has come since is taken, so that the door is shut. */
	if (way == WAY_WAIT || way == WAY_DESCRIPTOR)
		take(bench, way);
	if (way == WAY_FUTEX) {
		sleep_in_futex(bench);
	} else if (way == WAY_WAIT) {
		atomic_fetch_add(&bench->going_to_sleep, 1);
		if (reprise_wait(bench->subscriptions[way], REPRISE_NO_LIMIT) != REPRISE_OK)
			harness_die("wait failed");
	} else {
		sleep_in_epoll(bench, way);
	}
	atomic_store(&bench->woken_at, now_ns());
	if (way == WAY_EVENTFD && read(bench->eventfd, &rings, sizeof(rings)) != sizeof(rings))
		harness_die("eventfd failed");
	if (way == WAY_WAIT || way == WAY_DESCRIPTOR)
		take(bench, way);
}

static void *
sleeper_main(void *argument)
{
	struct bench *const bench = argument;
	enum way way;

	harness_pin(bench->host_core);
	while ((way = atomic_load(&bench->way)) != WAY_NONE) {
		if (way == WAY_CALLBACK)
			atomic_fetch_add(&bench->going_to_sleep, 1);
		else
			sleep_once(bench, way);
		/* A callback runs on the store's thread, which has the core to itself. */
		while (atomic_load(&bench->woken_at) != 0 || atomic_load(&bench->way) == way)
			if (way == WAY_CALLBACK)
				usleep(CALLBACK_NAP_US);
	}
	return NULL;
}

static void
call_back(struct reprise_subscription *subscription, void *context)
{
	struct bench *const bench = context;

	(void)subscription;
	atomic_store(&bench->woken_at, now_ns());
	take(bench, WAY_CALLBACK);
}

static double
wake_once(struct bench *bench, enum way way, enum way next, unsigned int *sleeps)
{
	const struct reprise_bytes payload = { "x", 1 };
	const uint64_t one = 1;
	uint64_t begin, woken;

	while (atomic_load(&bench->going_to_sleep) == *sleeps)
		;
	++*sleeps;
	for (begin = now_ns(); now_ns() - begin < SETTLE_NS;)
		;
	atomic_store(&bench->woken_at, 0);
	begin = now_ns();
	if (way == WAY_FUTEX) {
		atomic_fetch_add(&bench->word, 1);
		syscall(SYS_futex, &bench->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	} else if (way == WAY_EVENTFD) {
		if (write(bench->eventfd, &one, sizeof(one)) != sizeof(one))
			harness_die("eventfd failed");
	} else if (reprise_append(bench->writer, 0, 0, 0, payload, NULL) != REPRISE_OK) {
		harness_die("append failed");
	}
	while ((woken = atomic_load(&bench->woken_at)) == 0)
		;
	atomic_store(&bench->way, next);
	/* Long enough for a callback to be over, and the other doors to be rung. */
	for (const uint64_t now = now_ns(); now_ns() - now < SETTLE_NS / 6;)
		;
	atomic_store(&bench->woken_at, 0);
	return (double)(woken - begin);
}

static void
open_epoll(struct bench *bench, enum way way, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN };

	bench->epolls[way] = epoll_create1(EPOLL_CLOEXEC);
	if (bench->epolls[way] < 0 ||
	    epoll_ctl(bench->epolls[way], EPOLL_CTL_ADD, descriptor, &event) != 0)
		harness_die("epoll failed");
}

static void
subscribe(struct bench *bench, enum way way)
{
	const struct reprise_subscription_options no_spin = { .size = sizeof(no_spin),
							      .spin_ns = 1 };
	struct reprise_cursor cursor;

	if (reprise_session_current_cursor(bench->store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(bench->store, &cursor, &no_spin, &bench->subscriptions[way],
				    NULL) != REPRISE_OK)
		harness_die("subscribe failed");
}

static struct bench *
bench_open(const struct harness *harness, enum way way)
{
	struct bench *const bench = harness_allocate(1, sizeof(*bench));
	int descriptor;

	bench->host_core = harness->host_core;
	bench->eventfd = eventfd(0, EFD_CLOEXEC);
	/* The store's thread is started by the first session, and is pinned like its host's. */
	harness_pin(harness->host_core);
	if (bench->eventfd < 0 || reprise_store_open(NULL, &bench->store, NULL) != REPRISE_OK ||
	    reprise_writer_open(bench->store, "bench", NULL, &bench->writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_pin(harness->writer_core);
	subscribe(bench, way);
	open_epoll(bench, WAY_EVENTFD, bench->eventfd);
	if (way == WAY_DESCRIPTOR) {
		if (reprise_subscription_fd(bench->subscriptions[way], &descriptor, NULL) !=
		    REPRISE_OK)
			harness_die("no descriptor");
		open_epoll(bench, way, descriptor);
	}
	if (way == WAY_CALLBACK && reprise_subscription_notify(bench->subscriptions[way], call_back,
							       bench, NULL) != REPRISE_OK)
		harness_die("no callback");
	return bench;
}

static void
bench_close(struct bench *bench, enum way way)
{
	reprise_subscription_close(bench->subscriptions[way]);
	reprise_writer_close(bench->writer);
	if (reprise_store_close(bench->store) != REPRISE_OK)
		harness_die("close failed");
	close(bench->eventfd);
	close(bench->epolls[WAY_EVENTFD]);
	if (way == WAY_DESCRIPTOR)
		close(bench->epolls[way]);
	free(bench);
}

/* Medians of each run, ours and what it is compared with in turn; answers how many runs. */
static size_t
wake_often(const struct harness *harness, struct bench *bench, enum way way, enum way bare,
	   double *ret_ours, double *ret_theirs)
{
	static double ours_ns[WAKES], theirs_ns[WAKES];
	unsigned int sleeps = 0;
	bool is_last = false;
	size_t runs = 0;

	while (!is_last) {
		is_last = runs + 1 == harness->runs || harness_is_interrupted();
		for (size_t i = 0; i < WAKES; i++) {
			theirs_ns[i] = wake_once(bench, bare, way, &sleeps);
			ours_ns[i] = wake_once(
				bench, way, is_last && i + 1 == WAKES ? WAY_NONE : bare, &sleeps);
		}
		ret_theirs[runs] = median_of(theirs_ns, WAKES);
		ret_ours[runs] = median_of(ours_ns, WAKES);
		runs++;
	}
	return runs;
}

static void
measure_way(struct harness *harness, enum way way, enum way bare, const char *door,
	    const char *over, double goal)
{
	struct bench *const bench = bench_open(harness, way);
	double ratios[RUNS_MAX], ours[RUNS_MAX], theirs[RUNS_MAX];
	pthread_t sleeper;

	atomic_store(&bench->way, bare);
	if (pthread_create(&sleeper, NULL, sleeper_main, bench) != 0)
		harness_die("no thread");
	const size_t runs = wake_often(harness, bench, way, bare, ours, theirs);

	pthread_join(sleeper, NULL);
	struct result result = { .name = "wake",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = median_of(theirs, runs),
				 .delivered = bench->delivered,
				 .lost = bench->lost,
				 .goal_is = goal > 0 ? GOAL_AT_MOST : GOAL_NONE,
				 .goal = goal };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = ours[i] / theirs[i];
	result_add(&result, "side", "reprise");
	result_add(&result, "door", door);
	result_add(&result, "what", "p50");
	result_add(&result, "over", over);
	result_print(harness, &result);
	if (bench->lost != 0 || bench->delivered != runs * WAKES) {
		fprintf(stderr, "bench: wake: BROKEN accounting\n");
		harness->is_broken = true;
	}
	bench_close(bench, way);
}

void
measure_wake(struct harness *harness)
{
	measure_way(harness, WAY_WAIT, WAY_FUTEX, "wait", "a bare futex wake", 1.15);
	if (harness_is_interrupted())
		return;
	measure_way(harness, WAY_DESCRIPTOR, WAY_EVENTFD, "fd", "a bare eventfd in epoll", 0);
	measure_way(harness, WAY_CALLBACK, WAY_FUTEX, "callback", "a bare futex wake", 0);
}
