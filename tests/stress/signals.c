/* SPDX-License-Identifier: MIT */

/*
 * Appends from a signal handler, on a session that the handler alone appends to, at any point of
 * the same thread's flood of another one; both with sleepers, in reprise_wait and at a descriptor.
 * Each append of the handler must reach its hosts before the next signal, so that a lost wake-up
 * stops everything, and the books of both balance. errno is what it was before. The sleepers get
 * signals, too, which end no wait.
 */

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid /* glibc before 2.38 has no name for it */
#endif

enum {
	HOSTS = 2, /* of a session: one waits, one polls */
	APPENDS = 4000,
	PACED = 8, /* one append of so many waits for the hosts */
	DELAY_NS_MAX = 50000,
	OTHER_ERROR = 4711,
};

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
	_Atomic reprise_position seen;
	int descriptor; /* or -1: it waits */
};

struct side {
	struct reprise_writer *writer;
	struct host hosts[HOSTS];
};

struct storm {
	pthread_t thread;
	timer_t timer; /* its signals hit the flooding thread */
	struct side *handled, *flooded;
	_Atomic bool is_over;
};

static _Atomic bool is_appending; /* the flooding thread is */
static _Atomic uint64_t inside_all;
/* The handler's; NULL when it is to append no more. */
static _Atomic(struct reprise_writer *) handled_session;
static _Atomic reprise_position handled_newest;

static uint64_t appends_all, handled_all, signals_all;

static void
append_in_handler(int number)
{
	struct reprise_writer *const writer = atomic_load(&handled_session);
	const reprise_position next = atomic_load(&handled_newest) + 1;
	const int error = errno;

	(void)number;
	if (writer == NULL)
		return;
	if (atomic_load(&is_appending))
		atomic_fetch_add(&inside_all, 1);
	errno = OTHER_ERROR;
	stress_append(writer, next);
	CHECK(errno == OTHER_ERROR);
	atomic_store(&handled_newest, next);
	errno = error;
}

static void
do_nothing(int number)
{
	(void)number;
}

static void
handle(int number, void (*handler)(int number))
{
	/* Without SA_RESTART: calls of the kernel's that are slow are interrupted. */
	struct sigaction action = { .sa_handler = handler };

	CHECK(sigaction(number, &action, NULL) == 0);
}

static void
sleep_at(struct host *host)
{
	struct pollfd at = { .fd = host->descriptor, .events = POLLIN };

	if (host->descriptor < 0)
		CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
	else
		CHECK(poll(&at, 1, -1) == 1 || errno == EINTR);
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	for (;;) {
		const reprise_outcome outcome = stress_take(host->subscription, &host->books);

		atomic_store(&host->seen, host->books.seen);
		if (outcome == REPRISE_NEXT_ENDED)
			return NULL;
		if (outcome == REPRISE_NEXT_EMPTY)
			sleep_at(host);
	}
}

static void
begin(struct side *side, struct reprise_store *store, const char *id)
{
	const struct reprise_cursor cursor = stress_cursor(store, id);

	side->writer = stress_writer(store, id);
	for (size_t i = 0; i < HOSTS; i++) {
		struct host *const host = &side->hosts[i];

		host->descriptor = -1;
		host->subscription = stress_subscribe(store, &cursor, 1);
		if (i % 2 == 1)
			CHECK_OK(reprise_subscription_fd(host->subscription, &host->descriptor,
							 NULL));
		CHECK(pthread_create(&host->thread, NULL, host_main, host) == 0);
	}
}

static void
finish(struct side *side, uint64_t appends)
{
	CHECK_OK(reprise_writer_end(side->writer, 0));
	for (size_t i = 0; i < HOSTS; i++) {
		CHECK(pthread_join(side->hosts[i].thread, NULL) == 0);
		stress_balance(&side->hosts[i].books, appends);
		reprise_subscription_close(side->hosts[i].subscription);
	}
	reprise_writer_close(side->writer);
}

static void
wait_for_hosts(struct side *side, reprise_position position)
{
	for (size_t i = 0; i < HOSTS; i++)
		while (atomic_load(&side->hosts[i].seen) < position)
			sched_yield();
}

/*
 * Once, after a random while: the kernel strikes wherever the thread is by then, in user code or at
 * a system call, and nobody needs a core for it.
 */
static void
strike(struct storm *storm, unsigned int *random)
{
	const struct itimerspec soon = {
		.it_value.tv_nsec = 1 + stress_random(random) % DELAY_NS_MAX,
	};

	CHECK(timer_settime(storm->timer, 0, &soon, NULL) == 0);
}

/* Now one that is awaited at its hosts, now several at once. */
static void *
storm_main(void *argument)
{
	struct storm *const storm = argument;
	unsigned int random = 1;

	while (!atomic_load(&storm->is_over)) {
		const reprise_position before = atomic_load(&handled_newest);

		for (unsigned int n = stress_random(&random) % 3; n > 0; n--) {
			strike(storm, &random);
			stress_linger(&random);
		}
		strike(storm, &random);
		while (atomic_load(&handled_newest) == before)
			sched_yield();
		wait_for_hosts(storm->handled, before + 1);
		for (size_t i = 0; i < HOSTS && stress_random(&random) % 4 == 0; i++) {
			CHECK(pthread_kill(storm->handled->hosts[i].thread, SIGUSR2) == 0);
			CHECK(pthread_kill(storm->flooded->hosts[i].thread, SIGUSR2) == 0);
		}
		signals_all++;
	}
	return NULL;
}

/* At the calling thread. */
static void
aim(struct storm *storm)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	event.sigev_notify_thread_id = gettid();
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &storm->timer) == 0);
}

static void
run(reprise_wake wake)
{
	struct reprise_store *const store = stress_store_that_wakes(wake, 20000, 4, 4096);
	const uint64_t appends = stress_work(APPENDS);
	struct side flooded = { 0 }, handled = { 0 };
	struct storm storm = { .handled = &handled, .flooded = &flooded };
	unsigned int random = 2;

	begin(&flooded, store, "flooded");
	begin(&handled, store, "handled");
	atomic_store(&handled_newest, 0);
	atomic_store(&handled_session, handled.writer);
	aim(&storm);
	CHECK(pthread_create(&storm.thread, NULL, storm_main, &storm) == 0);
	for (reprise_position next = 1; next <= appends; next++) {
		stress_linger(&random);
		errno = OTHER_ERROR + 1;
		atomic_store(&is_appending, true);
		stress_append(flooded.writer, next);
		atomic_store(&is_appending, false);
		CHECK(errno == OTHER_ERROR + 1);
		if (stress_random(&random) % PACED == 0)
			wait_for_hosts(&flooded, next);
	}
	atomic_store(&storm.is_over, true);
	CHECK(pthread_join(storm.thread, NULL) == 0);
	CHECK(timer_delete(storm.timer) == 0);
	/* One more signal may be on its way. */
	atomic_store(&handled_session, NULL);
	finish(&flooded, appends);
	finish(&handled, handled_newest);
	CHECK_OK(reprise_store_close(store));
	appends_all += appends;
	handled_all += handled_newest;
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(256);
	handle(SIGUSR1, append_in_handler);
	handle(SIGUSR2, do_nothing);
	do {
		run(REPRISE_WAKE_RELAY);
		run(REPRISE_WAKE_DEFERRED);
		/* However short the time is, until there was one. */
	} while (!stress_is_over() || handled_all == 0);
	printf("appends %llu  in the handler %llu, inside another %llu  storms %llu\n",
	       (unsigned long long)appends_all, (unsigned long long)handled_all,
	       (unsigned long long)atomic_load(&inside_all), (unsigned long long)signals_all);
	/* A short round may miss; never a whole one. */
	CHECK(atomic_load(&inside_all) > 0 || stress_work(APPENDS) < APPENDS);
	return 0;
}
