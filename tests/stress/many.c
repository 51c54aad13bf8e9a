/* SPDX-License-Identifier: MIT */

/*
 * Ten thousand subscriptions on one session: descriptors in one loop until the system has no more,
 * callbacks for the rest. Bursts of appends, some larger than the window; after every other burst
 * all of them must have seen it before the next comes (G4). Each ends with exact books (G2), and
 * nothing is held when they are closed.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stress.h"

enum {
	HOSTS = 10000,
	DESCRIPTORS = 8000, /* or what the system allows */
	BURSTS = 8,
	BURST = 32,
	EVENTS_MAX = 24,
	READY_MAX = 256,
};

struct host {
	struct reprise_subscription *subscription;
	struct stress_books books;
	_Atomic reprise_position seen;
	int descriptor; /* or -1: it has a callback */
};

struct crowd {
	struct reprise_store *store;
	struct host *hosts;
	size_t hosts_count, descriptors;
	pthread_t loop;
	int epoll;
	_Atomic size_t ended;
};

static struct crowd crowd;

static bool
drain(struct host *host)
{
	reprise_outcome outcome;

	do
		outcome = stress_take(host->subscription, &host->books);
	while (outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP);
	atomic_store(&host->seen, host->books.seen);
	if (outcome == REPRISE_NEXT_ENDED)
		atomic_fetch_add(&crowd.ended, 1);
	return outcome == REPRISE_NEXT_ENDED;
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	CHECK(subscription == host->subscription);
	if (!host->books.is_ended)
		drain(host);
}

static void *
loop_main(void *argument)
{
	struct epoll_event ready[READY_MAX];

	(void)argument;
	for (size_t left = crowd.descriptors; left > 0;) {
		const int count = epoll_wait(crowd.epoll, ready, READY_MAX, -1);

		CHECK(count > 0);
		for (int i = 0; i < count; i++) {
			struct host *const host = ready[i].data.ptr;

			if (!drain(host))
				continue;
			CHECK(epoll_ctl(crowd.epoll, EPOLL_CTL_DEL, host->descriptor, NULL) == 0);
			left--;
		}
	}
	return NULL;
}

static void
open_host(struct host *host, const struct reprise_cursor *cursor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = host };
	struct reprise_error error = { .size = sizeof(error) };

	host->subscription = stress_subscribe(crowd.store, cursor, 1);
	host->descriptor = -1;
	if (reprise_subscription_fd(host->subscription, &host->descriptor, &error) == REPRISE_OK) {
		CHECK(epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, host->descriptor, &event) == 0);
		crowd.descriptors++;
	} else {
		CHECK(error.status == REPRISE_E_SYSTEM && error.os_error == EMFILE);
		CHECK_OK(reprise_subscription_notify(host->subscription, be_called, host, NULL));
	}
}

static void
open_all(void)
{
	const struct reprise_cursor cursor = stress_cursor(crowd.store, "s");

	crowd.hosts = calloc(crowd.hosts_count, sizeof(struct host));
	CHECK(crowd.hosts != NULL);
	crowd.descriptors = 0;
	atomic_store(&crowd.ended, 0);
	crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(crowd.epoll >= 0);
	for (size_t i = 0; i < crowd.hosts_count; i++)
		open_host(&crowd.hosts[i], &cursor);
	CHECK(pthread_create(&crowd.loop, NULL, loop_main, NULL) == 0);
}

static reprise_position
append_bursts(struct reprise_writer *writer)
{
	reprise_position newest = 0;
	unsigned int random = 1;

	for (int burst = 0; burst < BURSTS; burst++) {
		for (unsigned int n = 1 + stress_random(&random) % BURST; n > 0; n--)
			newest = stress_append(writer, newest + 1);
		for (size_t i = 0; burst % 2 == 0 && i < crowd.hosts_count; i++)
			while (atomic_load(&crowd.hosts[i].seen) < newest)
				sched_yield();
	}
	return newest;
}

static void
close_all(reprise_position newest)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	while (atomic_load(&crowd.ended) < crowd.hosts_count)
		sched_yield();
	CHECK(pthread_join(crowd.loop, NULL) == 0);
	for (size_t i = 0; i < crowd.hosts_count; i++) {
		reprise_subscription_close(crowd.hosts[i].subscription);
		stress_balance(&crowd.hosts[i].books, newest);
	}
	CHECK_OK(reprise_store_stats(crowd.store, &stats));
	CHECK(stats.subscriptions == 0);
	CHECK(stats.staging_bytes == 0);
	CHECK(close(crowd.epoll) == 0);
	free(crowd.hosts);
}

/* Few enough descriptors that some hosts must do with a callback. */
static void
limit_descriptors(void)
{
	struct rlimit limit;
	const rlim_t wanted = stress_work(DESCRIPTORS);

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int
main(int argc, char **argv)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	uint64_t rounds = 0, appends = 0;

	stress_begin(argc, argv);
	stress_limit_payload(64);
	limit_descriptors();
	crowd.hosts_count = stress_work(HOSTS);
	do {
		crowd.store = stress_store(EVENTS_MAX, 4096);
		struct reprise_writer *const writer = stress_writer(crowd.store, "s");

		open_all();
		const reprise_position newest = append_bursts(writer);

		CHECK_OK(reprise_session_stats(crowd.store, "s", &stats));
		CHECK(stats.subscriptions == crowd.hosts_count);
		CHECK_OK(reprise_writer_end(writer, 0));
		close_all(newest);
		reprise_writer_close(writer);
		CHECK_OK(reprise_store_close(crowd.store));
		appends += newest;
		rounds++;
	} while (!stress_is_over());
	printf("rounds %llu  hosts %zu  descriptors %zu  callbacks %zu  appends %llu\n",
	       (unsigned long long)rounds, crowd.hosts_count, crowd.descriptors,
	       crowd.hosts_count - crowd.descriptors, (unsigned long long)appends);
	return 0;
}
