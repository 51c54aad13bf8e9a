/* SPDX-License-Identifier: MIT */

/*
 * No wake-up is lost at a group's door (G4): hosts that each follow several sessions through one
 * group, by its descriptor or in reprise_group_wait. First paced: the next append comes only when
 * every host has seen the one before. Then a flood, ends, and books that balance. Meanwhile the
 * hosts take now one event, now all of them, remove subscriptions and add them again, and close
 * them and come back with their cursors; the writer interrupts their waits. In a store that wakes
 * by the relay and in one that defers; with "fence" the kernel refuses membarrier.
 */

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "stress.h"

enum {
	SESSIONS = 4,
	EACH = 2, /* subscriptions of a host to each session */
	SEATS = SESSIONS * EACH,
	HOSTS = 3,
	EVENTS_MAX = 4,
	PACED = 400,
	FLOOD = 5000,
	MOVES = 16, /* a host changes its group at each so many looks, about */
};

/* One subscription and its books, which outlive it. */
struct seat {
	struct reprise_subscription *subscription;
	struct stress_books books;
	_Atomic reprise_position seen;
};

struct host {
	struct round *round;
	struct reprise_group *group;
	pthread_t thread;
	struct seat seats[SEATS];
	unsigned int random, ended;
	int descriptor; /* -1: it waits */
};

struct round {
	struct reprise_store *store;
	struct reprise_writer *writers[SESSIONS];
	struct host hosts[HOSTS];
	reprise_position appended[SESSIONS];
	bool is_deferred;
};

static uint64_t rounds, appends_all, turns_all, wakes_all, sleeps_all;

static void
add(struct host *host, struct seat *seat)
{
	CHECK_OK(reprise_group_add(host->group, seat->subscription, seat, NULL));
}

/* Goes away, and comes back with the cursor: as if nothing had been. */
static void
come_back(struct host *host, struct seat *seat)
{
	struct reprise_cursor cursor;

	CHECK_OK(reprise_subscription_cursor(seat->subscription, &cursor));
	reprise_subscription_close(seat->subscription);
	seat->subscription = stress_subscribe(host->round->store, &cursor, 1);
	add(host, seat);
}

/* Any of its subscriptions, ready or not. */
static void
change(struct host *host)
{
	struct seat *const seat = &host->seats[stress_random(&host->random) % (SEATS)];

	if (seat->books.is_ended)
		return;
	if (stress_random(&host->random) % 4 == 0) {
		come_back(host, seat);
		return;
	}
	CHECK_OK(reprise_group_remove(host->group, seat->subscription));
	if (stress_random(&host->random) % 2 == 0)
		stress_linger(&host->random);
	add(host, seat);
}

/* Takes what there is, but @most at a time. */
static void
take(struct host *host, struct seat *seat, unsigned int most)
{
	reprise_outcome outcome;

	do {
		outcome = stress_take(seat->subscription, &seat->books);
		atomic_store(&seat->seen, seat->books.seen);
	} while ((outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP) && --most > 0);
	host->ended += outcome == REPRISE_NEXT_ENDED;
}

static void
sleep_until_ready(struct host *host)
{
	struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

	if (host->descriptor < 0) {
		const reprise_status status = reprise_group_wait(host->group, REPRISE_NO_LIMIT);

		CHECK(status == REPRISE_OK || status == REPRISE_E_INTERRUPTED);
	} else {
		CHECK(poll(&at, 1, -1) == 1 && at.revents == POLLIN);
	}
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	while (host->ended < SEATS) {
		struct reprise_subscription *subscription;
		void *context = NULL;

		if (stress_random(&host->random) % MOVES == 0)
			change(host);
		const reprise_status status =
			reprise_group_next(host->group, &subscription, &context);

		if (status == REPRISE_E_NOT_FOUND) {
			sleep_until_ready(host);
			continue;
		}
		CHECK_OK(status);
		struct seat *const seat = context;

		CHECK(seat->subscription == subscription && !seat->books.is_ended);
		/* Sometimes not all: then its turn comes again. */
		take(host, seat, stress_random(&host->random) % 4 == 0 ? 1 : UINT32_MAX);
	}
	return NULL;
}

static void
begin(struct round *round)
{
	struct reprise_group_options options = REPRISE_GROUP_OPTIONS_INIT;
	char id[2] = "a";

	for (unsigned int i = 0; i < SESSIONS; i++, id[0]++)
		round->writers[i] = stress_writer(round->store, id);
	for (unsigned int i = 0; i < HOSTS; i++) {
		struct host *const host = &round->hosts[i];

		host->round = round;
		host->random = i + 1;
		host->descriptor = -1;
		options.spin_ns = i == 0 ? 1 : 20000;
		CHECK_OK(reprise_group_open(round->store, &options, &host->group, NULL));
		if (i % 2 != 0)
			CHECK_OK(reprise_group_fd(host->group, &host->descriptor, NULL));
		for (unsigned int k = 0; k < SEATS; k++) {
			id[0] = (char)('a' + k % SESSIONS);
			const struct reprise_cursor cursor = stress_cursor(round->store, id);

			host->seats[k].subscription = stress_subscribe(round->store, &cursor, 1);
			add(host, &host->seats[k]);
		}
	}
	for (unsigned int i = 0; i < HOSTS; i++)
		CHECK(pthread_create(&round->hosts[i].thread, NULL, host_main, &round->hosts[i]) ==
		      0);
}

static bool
all_have_seen(struct round *round, unsigned int session)
{
	for (unsigned int i = 0; i < HOSTS; i++)
		for (unsigned int k = session; k < SEATS; k += SESSIONS)
			if (atomic_load(&round->hosts[i].seats[k].seen) < round->appended[session])
				return false;
	return true;
}

static void
wait_for_hosts(struct round *round, unsigned int session)
{
	struct stress_patience patience = { 0 };

	while (!all_have_seen(round, session)) {
		if (round->is_deferred)
			sched_yield();
		else
			stress_yield(&patience);
	}
}

static void
append_paced_and_flooding(struct round *round)
{
	const uint64_t paced = stress_work(PACED), all = paced + stress_work(FLOOD);
	unsigned int random = (unsigned int)rounds + 1;

	for (uint64_t i = 1; i <= all; i++) {
		const unsigned int session = stress_random(&random) % SESSIONS;

		if (i <= paced || stress_random(&random) % 64 == 0)
			stress_linger(&random);
		if (stress_random(&random) % 32 == 0)
			CHECK_OK(reprise_group_interrupt(
				round->hosts[stress_random(&random) % HOSTS].group));
		stress_append(round->writers[session], ++round->appended[session]);
		if (i <= paced)
			wait_for_hosts(round, session);
		if (stress_random(&random) % 256 == 0)
			sched_yield();
	}
	appends_all += all;
}

static void
finish(struct round *round)
{
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;

	for (unsigned int i = 0; i < HOSTS; i++) {
		struct host *const host = &round->hosts[i];

		CHECK(pthread_join(host->thread, NULL) == 0);
		CHECK_OK(reprise_group_stats(host->group, &stats));
		CHECK(stats.ready == 0 && stats.subscriptions == SEATS);
		turns_all += stats.turns;
		wakes_all += stats.wakes;
		sleeps_all += stats.sleeps;
		/* The group first, or its subscriptions. */
		if (i % 2 == 0)
			reprise_group_close(host->group);
		for (unsigned int k = 0; k < SEATS; k++) {
			stress_balance(&host->seats[k].books, round->appended[k % SESSIONS]);
			reprise_subscription_close(host->seats[k].subscription);
		}
		if (i % 2 != 0)
			reprise_group_close(host->group);
	}
}

static void
run(reprise_wake wake, uint64_t tick_ns)
{
	struct round *const round = calloc(1, sizeof(*round));

	CHECK(round != NULL);
	round->store = stress_store_that_wakes(wake, tick_ns, EVENTS_MAX, 16384);
	round->is_deferred = wake == REPRISE_WAKE_DEFERRED;
	stress_stop_clock(round->store);
	begin(round);
	append_paced_and_flooding(round);
	for (unsigned int i = 0; i < SESSIONS; i++)
		CHECK_OK(reprise_writer_end(round->writers[i], 0));
	finish(round);
	for (unsigned int i = 0; i < SESSIONS; i++)
		reprise_writer_close(round->writers[i]);
	CHECK_OK(reprise_store_close(round->store));
	free(round);
	rounds++;
}

int
main(int argc, char **argv)
{
	static const uint64_t ticks_ns[] = { 10000, 50000, 200000 };
	const bool is_fenced = stress_fence(&argc, argv);

	stress_begin(argc, argv);
	/* Large ones are visible late, where a barrier is missing. */
	stress_limit_payload(4000);
	do {
		run(REPRISE_WAKE_RELAY, 0);
		run(REPRISE_WAKE_RELAY, 0);
		run(REPRISE_WAKE_DEFERRED, ticks_ns[rounds / 3 % 3]);
	} while (!stress_is_over());
	printf("rounds %llu  appends %llu  turns %llu  wakes %llu  sleeps %llu  %s\n",
	       (unsigned long long)rounds, (unsigned long long)appends_all,
	       (unsigned long long)turns_all, (unsigned long long)wakes_all,
	       (unsigned long long)sleeps_all, is_fenced ? "fenced" : "asymmetric");
	return 0;
}
