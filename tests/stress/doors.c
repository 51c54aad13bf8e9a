/* SPDX-License-Identifier: MIT */

/*
 * No wake-up is lost at any door (G4): threads in reprise_wait, descriptors in a loop, callbacks
 * that take what there is, callbacks that tell a thread to, and a host that has all three doors and
 * sleeps now at one, now at another. First paced: the next append comes only when every host has
 * seen the one before, so that a single lost ring stops everything, and the alarm ends it. Each
 * kind has a round of its own, since a ring for one host wakes its neighbours, too. Then a flood,
 * and books that balance. In a store that wakes by the relay and in one that defers; with "fence"
 * the kernel refuses membarrier.
 */

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "stress.h"

enum {
	EVENTS_MAX = 4,
	HOSTS_MAX = 16,
	PACED = 400,
	FLOOD = 5000,
};

/* Where a host sleeps. */
enum door {
	DOOR_WAIT,
	DOOR_LOOP,   /* a descriptor, with others in one loop */
	DOOR_CALLED, /* a callback that takes */
	DOOR_TOLD,   /* a callback that tells a thread */
	DOOR_ANY,    /* all three */
	DOORS,
};

/* How many hosts of each door a round has. */
struct cast {
	unsigned int hosts[DOORS];
};

struct host {
	enum door door;
	struct reprise_subscription *subscription;
	struct stress_books books;
	_Atomic reprise_position seen;
	pthread_t thread;
	sem_t told;
	sem_t is_over;
	int descriptor;
	unsigned int random;
};

struct round {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct host hosts[HOSTS_MAX];
	size_t hosts_count;
	bool is_deferred;
	pthread_t loop;
	int epoll;
	unsigned int looped;
};

static uint64_t rounds, appends_all, wakes_all;

/* Takes what there is, but @most at a time, and answers what came last. */
static reprise_outcome
take(struct host *host, unsigned int most)
{
	reprise_outcome outcome;

	do {
		outcome = stress_take(host->subscription, &host->books);
		/* At once: the next append shall meet this host on its way to sleep. */
		atomic_store(&host->seen, host->books.seen);
	} while ((outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP) && --most > 0);
	if (outcome == REPRISE_NEXT_ENDED)
		CHECK(sem_post(&host->is_over) == 0);
	return outcome;
}

static void
be_told(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	CHECK(subscription == host->subscription);
	CHECK(sem_post(&host->told) == 0);
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	CHECK(subscription == host->subscription);
	CHECK(reprise_wait(subscription, 0) == REPRISE_E_INVALID);
	if (!host->books.is_ended)
		take(host, UINT32_MAX);
}

static void
wait_for_descriptor(struct host *host)
{
	struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

	CHECK(poll(&at, 1, -1) == 1);
	CHECK(at.revents == POLLIN);
}

static void
sleep_at(struct host *host, enum door door)
{
	if (door == DOOR_WAIT)
		CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
	else if (door == DOOR_LOOP)
		wait_for_descriptor(host);
	else
		CHECK(sem_wait(&host->told) == 0);
}

/* Of every host that is a thread. */
static void *
host_main(void *argument)
{
	static const enum door doors[] = { DOOR_WAIT, DOOR_LOOP, DOOR_TOLD };
	struct host *const host = argument;

	while (take(host, UINT32_MAX) != REPRISE_NEXT_ENDED) {
		const unsigned int number = stress_random(&host->random);

		if (host->door != DOOR_ANY) {
			sleep_at(host, host->door);
			continue;
		}
		sleep_at(host, doors[number % 3]);
		/* The event that ended the sleep at one door ends a sleep at another door, too. */
		if (number % 8 < 4)
			sleep_at(host, doors[(number + 1) % 3]);
	}
	return NULL;
}

static void *
loop_main(void *argument)
{
	struct round *const round = argument;

	for (unsigned int left = round->looped; left > 0;) {
		struct epoll_event ready[HOSTS_MAX];
		const int count = epoll_wait(round->epoll, ready, HOSTS_MAX, -1);

		CHECK(count > 0);
		for (int i = 0; i < count; i++) {
			struct host *const host = ready[i].data.ptr;
			/* Sometimes not all: then the descriptor stays readable. */
			const bool is_idle = stress_random(&host->random) % 4 == 0;

			if (take(host, is_idle ? 1 : UINT32_MAX) != REPRISE_NEXT_ENDED)
				continue;
			wait_for_descriptor(host); /* the end stays to be said */
			CHECK(epoll_ctl(round->epoll, EPOLL_CTL_DEL, host->descriptor, NULL) == 0);
			left--;
		}
	}
	return NULL;
}

static void
open_doors(struct round *round, struct host *host)
{
	const bool is_any = host->door == DOOR_ANY;

	CHECK(sem_init(&host->told, 0, 0) == 0);
	CHECK(sem_init(&host->is_over, 0, 0) == 0);
	if (host->door == DOOR_LOOP || is_any)
		CHECK_OK(reprise_subscription_fd(host->subscription, &host->descriptor, NULL));
	if (host->door == DOOR_LOOP) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = host };

		CHECK(epoll_ctl(round->epoll, EPOLL_CTL_ADD, host->descriptor, &event) == 0);
		round->looped++;
	}
	if (host->door == DOOR_TOLD || is_any)
		CHECK_OK(reprise_subscription_notify(host->subscription, be_told, host, NULL));
	if (host->door == DOOR_CALLED)
		CHECK_OK(reprise_subscription_notify(host->subscription, be_called, host, NULL));
	else if (host->door != DOOR_LOOP)
		CHECK(pthread_create(&host->thread, NULL, host_main, host) == 0);
}

static void
begin(struct round *round, const struct cast *cast)
{
	const struct reprise_cursor cursor = stress_cursor(round->store, "s");

	round->epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(round->epoll >= 0);
	for (enum door door = 0; door < DOORS; door++) {
		for (unsigned int i = 0; i < cast->hosts[door]; i++) {
			struct host *const host = &round->hosts[round->hosts_count++];

			host->door = door;
			host->random = (unsigned int)round->hosts_count;
			host->subscription = stress_subscribe(round->store, &cursor, 1);
			open_doors(round, host);
		}
	}
	if (round->looped > 0)
		CHECK(pthread_create(&round->loop, NULL, loop_main, round) == 0);
}

static bool
all_have_seen(struct round *round, reprise_position position)
{
	for (size_t i = 0; i < round->hosts_count; i++)
		if (atomic_load(&round->hosts[i].seen) < position)
			return false;
	return true;
}

static void
wait_for_hosts(struct round *round, reprise_position position)
{
	struct stress_patience patience = { 0 };

	while (!all_have_seen(round, position)) {
		if (round->is_deferred)
			sched_yield();
		else
			stress_yield(&patience);
	}
}

/* Answers how many were appended. */
static uint64_t
append_paced_and_flooding(struct round *round)
{
	const uint64_t paced = stress_work(PACED), all = paced + stress_work(FLOOD);
	unsigned int random = (unsigned int)rounds + 1;

	for (reprise_position next = 1; next <= all; next++) {
		/* At every point of a host's way to sleep. */
		if (next <= paced || stress_random(&random) % 64 == 0)
			stress_linger(&random);
		stress_append(round->writer, next);
		if (next <= paced)
			wait_for_hosts(round, next);
		if (stress_random(&random) % 256 == 0)
			sched_yield();
	}
	return all;
}

static void
finish(struct round *round, uint64_t appends)
{
	for (size_t i = 0; i < round->hosts_count; i++) {
		struct host *const host = &round->hosts[i];

		CHECK(sem_wait(&host->is_over) == 0);
		if (host->door != DOOR_LOOP && host->door != DOOR_CALLED)
			CHECK(pthread_join(host->thread, NULL) == 0);
	}
	if (round->looped > 0)
		CHECK(pthread_join(round->loop, NULL) == 0);
	for (size_t i = 0; i < round->hosts_count; i++) {
		struct host *const host = &round->hosts[i];

		/* First, since a callback may run until it is closed. */
		reprise_subscription_close(host->subscription);
		stress_balance(&host->books, appends);
		CHECK(sem_destroy(&host->told) == 0);
		CHECK(sem_destroy(&host->is_over) == 0);
	}
	CHECK(close(round->epoll) == 0);
}

static void
run(reprise_wake wake, uint64_t tick_ns, const struct cast *cast)
{
	struct round *const round = calloc(1, sizeof(*round));
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	CHECK(round != NULL);
	round->store = stress_store_that_wakes(wake, tick_ns, EVENTS_MAX, 16384);
	round->is_deferred = wake == REPRISE_WAKE_DEFERRED;
	round->writer = stress_writer(round->store, "s");
	stress_stop_clock(round->store);
	begin(round, cast);
	const uint64_t appends = append_paced_and_flooding(round);

	CHECK_OK(reprise_writer_end(round->writer, 0));
	finish(round, appends);
	CHECK_OK(reprise_session_stats(round->store, "s", &stats));
	CHECK(stats.subscriptions == 0);
	/* Two system calls an append at most; none, ever, in a store that defers. */
	CHECK(stats.wakes <= (wake == REPRISE_WAKE_DEFERRED ? 0 : 2 * (appends + 1)));
	reprise_writer_close(round->writer);
	CHECK_OK(reprise_store_close(round->store));
	free(round);
	rounds++;
	appends_all += appends;
	wakes_all += stats.wakes;
}

int
main(int argc, char **argv)
{
	static const struct cast casts[] = {
		{ { [DOOR_WAIT] = 1 } },   { { [DOOR_WAIT] = 2 } }, { { [DOOR_LOOP] = 1 } },
		{ { [DOOR_CALLED] = 1 } }, { { [DOOR_TOLD] = 1 } }, { { [DOOR_ANY] = 1 } },
		{ { [DOOR_ANY] = 2 } },    { { 3, 4, 2, 2, 2 } },
	};
	static const uint64_t ticks_ns[] = { 10000, 50000, 200000 };
	const bool is_fenced = stress_fence(&argc, argv);

	stress_begin(argc, argv);
	/* Large ones are visible late, where a barrier is missing. */
	stress_limit_payload(4000);
	do {
		for (size_t i = 0; i < sizeof(casts) / sizeof(casts[0]); i++) {
			run(REPRISE_WAKE_RELAY, 0, &casts[i]);
			run(REPRISE_WAKE_RELAY, 0, &casts[i]);
			run(REPRISE_WAKE_DEFERRED, ticks_ns[rounds / 3 % 3], &casts[i]);
		}
	} while (!stress_is_over());
	printf("rounds %llu  appends %llu  wakes %llu  %s\n", (unsigned long long)rounds,
	       (unsigned long long)appends_all, (unsigned long long)wakes_all,
	       is_fenced ? "fenced" : "asymmetric");
	return 0;
}
