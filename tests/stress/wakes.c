/* SPDX-License-Identifier: MIT */

/*
 * No wake-up is lost (G4). The writer appends one event only after every sleeper has taken the one
 * before, so a single lost wake-up stops everything, and the alarm ends it: no wait has a time-out.
 * An interrupter disturbs, and one sleeper filters, so that it sleeps on while events come. With
 * "fence" the kernel refuses membarrier from the start, and appends fence; with "refuse" it refuses
 * only when the store is open, and sleeps are short.
 */

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum {
	SLEEPERS = 3,
	FILTERED = 8,
};

struct sleeper {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
	_Atomic uint64_t seen;
	uint64_t interrupts;
};

static void *
sleeper_main(void *argument)
{
	struct sleeper *const sleeper = argument;

	for (;;) {
		const reprise_outcome outcome = stress_take(sleeper->subscription, &sleeper->books);

		atomic_store(&sleeper->seen, sleeper->books.seen);
		if (outcome == REPRISE_NEXT_ENDED)
			return NULL;
		if (outcome != REPRISE_NEXT_EMPTY)
			continue;
		const reprise_status status = reprise_wait(sleeper->subscription, REPRISE_NO_LIMIT);

		CHECK(status == REPRISE_OK || status == REPRISE_E_INTERRUPTED);
		if (status == REPRISE_E_INTERRUPTED)
			sleeper->interrupts++;
	}
}

/* Wants every eighth event alone, and checks that it is given to it. */
static void *
filtering_main(void *argument)
{
	struct sleeper *const sleeper = argument;
	struct reprise_event event;
	struct reprise_gap gap;

	for (;;) {
		switch (reprise_next(sleeper->subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			CHECK(event.position % FILTERED == 0);
			CHECK(event.position == atomic_load(&sleeper->seen) + FILTERED);
			atomic_store(&sleeper->seen, event.position);
			break;
		case REPRISE_NEXT_EMPTY:
			CHECK_OK(reprise_wait(sleeper->subscription, REPRISE_NO_LIMIT));
			break;
		case REPRISE_NEXT_GAP:
			CHECK(!"a window that is large enough");
			break;
		case REPRISE_NEXT_ENDED:
			return NULL;
		}
	}
}

/* Kinds are positions modulo FILTERED here; nobody waits for it but at every eighth. */
static void
run_filtering(uint64_t appends)
{
	const uint16_t kind = 0;
	const struct reprise_subscription_options options = {
		.size = sizeof(options), .spin_ns = 1, .kinds = &kind, .kinds_count = 1
	};
	struct reprise_store *const store = stress_store(64, 65536);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct sleeper sleeper = { 0 };
	unsigned int random = 4;

	CHECK_OK(reprise_subscribe_after(store, &cursor, &options, &sleeper.subscription, NULL));
	CHECK(pthread_create(&sleeper.thread, NULL, filtering_main, &sleeper) == 0);
	for (reprise_position next = 1; next <= appends; next++) {
		const struct reprise_bytes payload = { "x", 1 };

		stress_linger(&random);
		CHECK_OK(reprise_append(writer, 0, (uint16_t)(next % FILTERED), 0, payload, NULL));
		while (next % FILTERED == 0 && atomic_load(&sleeper.seen) < next)
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	CHECK(pthread_join(sleeper.thread, NULL) == 0);
	reprise_subscription_close(sleeper.subscription);
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

struct interrupter {
	pthread_t thread;
	struct sleeper *sleepers;
	_Atomic bool is_over;
};

static void *
interrupter_main(void *argument)
{
	struct interrupter *const interrupter = argument;
	unsigned int random = 11;

	while (!atomic_load(&interrupter->is_over)) {
		struct sleeper *const sleeper =
			&interrupter->sleepers[stress_random(&random) % SLEEPERS];

		CHECK_OK(reprise_subscription_interrupt(sleeper->subscription));
		for (unsigned int n = stress_random(&random) % 64; n > 0; n--)
			sched_yield();
	}
	return NULL;
}

static bool
all_have_seen(struct sleeper *sleepers, size_t count, reprise_position position)
{
	for (size_t i = 0; i < count; i++)
		if (atomic_load(&sleepers[i].seen) < position)
			return false;
	return true;
}

static void
run(size_t sleepers_count, bool is_interrupted, uint64_t appends)
{
	struct reprise_store *const store = stress_store(4, 16384);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct sleeper sleepers[SLEEPERS] = { 0 };
	struct interrupter interrupter = { .sleepers = sleepers };
	unsigned int random = 2;

	stress_stop_clock(store);
	for (size_t i = 0; i < SLEEPERS; i++)
		sleepers[i].subscription = stress_subscribe(store, &cursor, 1);
	for (size_t i = 0; i < sleepers_count; i++)
		CHECK(pthread_create(&sleepers[i].thread, NULL, sleeper_main, &sleepers[i]) == 0);
	if (is_interrupted)
		CHECK(pthread_create(&interrupter.thread, NULL, interrupter_main, &interrupter) ==
		      0);
	for (reprise_position next = 1; next <= appends; next++) {
		/* At every point of a sleeper's way to sleep. */
		stress_linger(&random);
		struct stress_patience patience = { 0 };

		stress_append(writer, next);
		while (!all_have_seen(sleepers, sleepers_count, next))
			stress_yield(&patience);
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	for (size_t i = 0; i < sleepers_count; i++) {
		CHECK(pthread_join(sleepers[i].thread, NULL) == 0);
		stress_balance(&sleepers[i].books, appends);
	}
	atomic_store(&interrupter.is_over, true);
	if (is_interrupted)
		CHECK(pthread_join(interrupter.thread, NULL) == 0);
	for (size_t i = 0; i < SLEEPERS; i++)
		reprise_subscription_close(sleepers[i].subscription);
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_session_stats(store, "s", &stats));
	printf("sleepers %zu  appends %llu  wakes %llu\n", sleepers_count,
	       (unsigned long long)appends, (unsigned long long)stats.wakes);
	/* One system call for the direct sleeper, one for the relay; the end is one more ring. */
	CHECK(is_interrupted || stats.wakes <= (sleepers_count == 1 ? 1 : 2) * (appends + 1));
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

/* Registered, and refused afterwards: nothing aborts, and nothing is missed for long. */
static void
run_refused(void)
{
	struct reprise_store *const store = stress_store(4, 16384);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct sleeper sleeper = { .subscription = stress_subscribe(store, &cursor, 1) };

	stress_refuse_membarrier();
	CHECK(reprise_wait(sleeper.subscription, 25000000) == REPRISE_E_TIMEOUT);
	CHECK(pthread_create(&sleeper.thread, NULL, sleeper_main, &sleeper) == 0);
	for (reprise_position next = 1; next <= 100; next++) {
		stress_append(writer, next);
		while (!all_have_seen(&sleeper, 1, next))
			sched_yield();
	}
	CHECK_OK(reprise_writer_end(writer, 0));
	CHECK(pthread_join(sleeper.thread, NULL) == 0);
	stress_balance(&sleeper.books, 100);
	reprise_subscription_close(sleeper.subscription);
	reprise_writer_close(writer);
	/* liburcu relies on it, too, and would end the process: so it is not asked to wait. */
	CHECK_OK(reprise_sessions_expire_idle(store, NULL));
	CHECK_OK(reprise_sessions_invalidate(store));
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	const bool is_fenced = stress_fence(&argc, argv);
	const bool is_refused = argc > 1 && strcmp(argv[1], "refuse") == 0;
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	stress_begin(argc - is_refused, argv + is_refused);
	struct reprise_store *store = stress_store(0, 0);

	CHECK_OK(reprise_store_stats(store, &stats));
	CHECK(stats.asymmetric == !is_fenced);
	CHECK_OK(reprise_store_close(store));

	/* Large ones are visible late, where a barrier is missing. */
	stress_limit_payload(4000);
	if (is_refused) {
		run_refused();
		return 0;
	}
	do {
		run(1, false, stress_work(3000));
		run(SLEEPERS, false, stress_work(1000));
		run(SLEEPERS, true, stress_work(1000));
		run_filtering(stress_work(8000));
	} while (!stress_is_over());
	return 0;
}
