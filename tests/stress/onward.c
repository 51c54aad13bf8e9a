/* SPDX-License-Identifier: MIT */

/*
 * Continuous subscriptions of sessions whose lives end, are opened again, evicted and invalidated
 * under them, in each of the three ways of waiting (rules S02 to S07). Of the session that is never
 * invalidated, delivered and lost are exactly what was appended from the life on that the host
 * found first; of the other one no position is doubled or left out between two invalidations. With
 * a log (onward_log.c, rule S08) the same holds from the first life on.
 */

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "onward.h"
#include "stress.h"

enum {
	SESSIONS = 2,
	EXACT = 0, /* never invalidated */
	VOIDED = 1,
	WAYS = 3,
	BY_WAIT = 0,
	BY_DESCRIPTOR = 1,
	BY_CALLBACK = 2,
	LAST_STATUS = -1,
};

static const char *const ids[SESSIONS] = { "exact", "voided" };

struct host {
	pthread_t thread;
	struct reprise_subscription *subscription;
	int which, way;
	unsigned int random;
	sem_t is_done; /* posted by the callback */

	reprise_position seen; /* the last position, delivered or lost */
	/*
	 * At first, and after a gap that does not say where it goes on; then what came
	 * before that place.
	 */
	bool is_anywhere;
	reprise_position before;
	uint64_t delivered, lost, ends, voids;
	_Atomic uint64_t lives;      /* in which it has been handed an event, or the end */
	_Atomic reprise_position at; /* as `seen` */
	bool is_over;
};

struct runtime {
	pthread_t thread;
	struct reprise_store *store;
	int which;
	_Atomic bool *is_over;
	reprise_position newest;
	uint64_t lives;
};

static struct host hosts[SESSIONS][WAYS];

static void
move_to(struct host *host, reprise_position first, reprise_position last)
{
	/* With a log it may stand before lives that have become void by then. */
	if (!host->is_anywhere)
		CHECK(first == host->seen + 1);
	else
		CHECK(first > host->seen || (onward_has_log && host->which == VOIDED));
	if (host->is_anywhere)
		host->before = first - 1;
	host->is_anywhere = false;
	host->seen = last;
	atomic_store(&host->at, last);
}

static void
take_gap(struct host *host, const struct reprise_gap *gap)
{
	static const struct reprise_incarnation none;

	if (gap->reason == REPRISE_GAP_UNAVAILABLE) {
		CHECK(host->which == VOIDED);
		CHECK(gap->detail == REPRISE_GAP_INVALIDATED);
		host->voids++;
		/* At the cursor of a life that it is not told the beginning of, or of none. */
		host->is_anywhere = true;
		/*
		 * With a log, the next life may begin before what the void one has handed
		 * out: see open_writer.
		 */
		if (!onward_has_log && memcmp(&gap->cursor.incarnation, &none, sizeof(none)) != 0)
			CHECK(gap->cursor.position >= host->seen);
	} else if (gap->detail == REPRISE_GAP_LIFE_ENDED) {
		CHECK(gap->lost == 0);
		CHECK(gap->cursor.position >= host->seen);
		CHECK(host->is_anywhere || gap->cursor.position == host->seen);
		/* The writer ends each life with its last position for a status. */
		CHECK(gap->end_status == LAST_STATUS ||
		      gap->end_status == (int32_t)gap->cursor.position);
		host->is_over = gap->end_status == LAST_STATUS;
		if (host->is_anywhere)
			move_to(host, gap->cursor.position + 1, gap->cursor.position);
		host->ends++;
		atomic_fetch_add(&host->lives, 1);
	} else {
		/* Lives without events have become void, as the log says. */
		if (gap->lost == 0) {
			CHECK(onward_has_log && host->which == VOIDED);
			CHECK(gap->detail == REPRISE_GAP_INVALIDATED);
			return;
		}
		CHECK(gap->lost == gap->lost_last - gap->lost_first + 1);
		move_to(host, gap->lost_first, gap->lost_last);
		host->lost += gap->lost;
	}
}

static reprise_outcome
take(struct host *host)
{
	struct reprise_event event;
	struct reprise_gap gap;
	const reprise_outcome outcome = reprise_next(host->subscription, &event, &gap, NULL);

	CHECK(outcome != REPRISE_NEXT_ENDED);
	CHECK(!host->is_over || outcome == REPRISE_NEXT_EMPTY);
	if (outcome == REPRISE_NEXT_EVENT) {
		move_to(host, event.position, event.position);
		stress_verify(&event);
		host->delivered++;
		atomic_fetch_add(&host->lives, 1);
	} else if (outcome == REPRISE_NEXT_GAP) {
		take_gap(host, &gap);
	}
	return outcome;
}

static void
follow_by_wait(struct host *host)
{
	while (!host->is_over)
		if (take(host) == REPRISE_NEXT_EMPTY)
			CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
}

/* Now and then one outcome for each time that it is readable, as a loop may. */
static void
follow_by_descriptor(struct host *host)
{
	int descriptor = -1;

	CHECK_OK(reprise_subscription_fd(host->subscription, &descriptor, NULL));
	while (!host->is_over) {
		struct pollfd readable = { .fd = descriptor, .events = POLLIN };

		CHECK(poll(&readable, 1, -1) == 1);
		if (stress_random(&host->random) % 2 == 0)
			(void)take(host);
		else
			while (!host->is_over && take(host) != REPRISE_NEXT_EMPTY)
				;
	}
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	(void)subscription;
	while (take(host) != REPRISE_NEXT_EMPTY)
		;
	/* Perhaps once more: it may be called for nothing. */
	if (host->is_over)
		sem_post(&host->is_done);
}

static void *
host_main(void *argument)
{
	struct host *const host = argument;

	if (host->way == BY_WAIT) {
		follow_by_wait(host);
	} else if (host->way == BY_DESCRIPTOR) {
		follow_by_descriptor(host);
	} else {
		CHECK_OK(reprise_subscription_notify(host->subscription, be_called, host, NULL));
		while (sem_wait(&host->is_done) != 0)
			;
	}
	return NULL;
}

/*
 * Until every host has got so far. No other life begins meanwhile, which would ring a host whose
 * wake-up was lost. The writer's handle is open: so none of it can be evicted.
 */
static void
await_hosts(const struct runtime *runtime)
{
	for (int k = 0; k < WAYS; k++)
		while (atomic_load(&hosts[runtime->which][k].at) < runtime->newest)
			sched_yield();
}

/*
 * With a log, a window that becomes void while it is joined is refused by the log; and positions go
 * on above what is recorded, which need not be all of a void life. Each opening asks for other
 * bounds: a window without events is rebuilt.
 */
static struct reprise_writer *
open_writer(struct runtime *runtime, unsigned int *random)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max =
								 4 + stress_random(random) % 3 };
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;

	for (;;) {
		const reprise_status status = reprise_writer_open(
			runtime->store, ids[runtime->which], &options, &writer, NULL);

		if (status == REPRISE_OK && onward_has_log && runtime->which == VOIDED &&
		    reprise_session_stats(runtime->store, ids[VOIDED], &stats) == REPRISE_OK)
			runtime->newest = stats.newest;
		if (status == REPRISE_OK)
			return writer;
		CHECK(onward_has_log && runtime->which == VOIDED && status == REPRISE_E_CONFLICT);
	}
}

/* One life, or a part of one. */
static void
live(struct runtime *runtime, unsigned int *random, bool is_last)
{
	struct reprise_writer *const writer = open_writer(runtime, random);

	for (unsigned int n = stress_random(random) % 6; n > 0; n--) {
		unsigned char payload[STRESS_PAYLOAD_MAX];
		reprise_position position = 0;
		const size_t bytes = stress_payload(runtime->newest + 1, payload);
		const reprise_status status = reprise_append(
			writer, (runtime->newest + 1) / 7, (uint16_t)(runtime->newest + 1), 0,
			(struct reprise_bytes){ payload, bytes }, &position);

		if (status != REPRISE_OK) { /* it is void */
			CHECK(runtime->which == VOIDED && status == REPRISE_E_CLOSED);
			break;
		}
		CHECK(position == ++runtime->newest);
		if (stress_random(random) % 2 == 0)
			stress_dawdle(random);
	}
	if (runtime->which == EXACT && stress_random(random) % 2 == 0)
		await_hosts(runtime);
	if (is_last || stress_random(random) % 4 != 0) {
		const reprise_status status = reprise_writer_end(
			writer, is_last ? LAST_STATUS : (int32_t)runtime->newest);

		CHECK(status == REPRISE_OK ||
		      (runtime->which == VOIDED && status == REPRISE_E_CLOSED));
		runtime->lives += status == REPRISE_OK;
	}
	reprise_writer_close(writer);
	if (stress_random(random) % 2 == 0)
		stress_linger(random);
}

static void *
runtime_main(void *argument)
{
	struct runtime *const runtime = argument;
	unsigned int random = 7 + (unsigned int)runtime->which;

	while (!atomic_load(runtime->is_over) && runtime->newest < INT32_MAX / 2)
		live(runtime, &random, false);
	return NULL;
}

/* Evicts what nobody holds, and invalidates the one that may be. */
static void
disturb(struct reprise_store *store, unsigned int *random)
{
	if (stress_random(random) % 4 == 0)
		CHECK_OK(reprise_session_invalidate(store, ids[VOIDED]));
	if (stress_random(random) % 2 == 0)
		CHECK_OK(reprise_sessions_expire_idle(store, NULL));
	stress_linger(random);
}

/* However short the time is. */
static bool
have_lived(void)
{
	for (int i = 0; i < SESSIONS; i++)
		for (int k = 0; k < WAYS; k++)
			if (atomic_load(&hosts[i][k].lives) < 4)
				return false;
	return true;
}

static struct reprise_store *
open_store(bool is_deferred)
{
	/* So short that who is idle is so for too long at once. */
	const struct reprise_session_options session = {
		.size = sizeof(session), .events_max = 4, .bytes_max = 8192, .age_ns_max = 1
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &session,
		.wake = is_deferred ? REPRISE_WAKE_DEFERRED : REPRISE_WAKE_RELAY,
	};
	struct reprise_store *store = NULL;

	CHECK_OK(reprise_store_open(&options, &store, NULL));
	onward_attach(store);
	return store;
}

static void
open_host(struct host *host, struct reprise_store *store, int which, int way)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .spin_ns = 1,
							      .is_continuous = 1 };
	struct reprise_cursor cursor = { 0 };

	memcpy(cursor.session_id, ids[which], strlen(ids[which]) + 1);
	*host = (struct host){ .which = which, .way = way, .random = 11, .is_anywhere = true };
	CHECK(sem_init(&host->is_done, 0, 0) == 0);
	CHECK_OK(reprise_subscribe_after(store, &cursor, &options, &host->subscription, NULL));
	CHECK(take(host) == REPRISE_NEXT_EMPTY);
}

int
main(int argc, char **argv)
{
	struct runtime runtimes[SESSIONS];
	_Atomic bool is_over = false;
	unsigned int random = 3;

	const bool is_deferred = argc > 2 && strcmp(argv[2], "deferred") == 0;

	stress_begin(argc, argv);
	stress_limit_payload(512);
	struct reprise_store *const store = open_store(is_deferred);

	for (int i = 0; i < SESSIONS; i++)
		for (int k = 0; k < WAYS; k++) {
			open_host(&hosts[i][k], store, i, k);
			CHECK(pthread_create(&hosts[i][k].thread, NULL, host_main, &hosts[i][k]) ==
			      0);
		}
	for (int i = 0; i < SESSIONS; i++) {
		runtimes[i] = (struct runtime){ .store = store, .which = i, .is_over = &is_over };
		CHECK(pthread_create(&runtimes[i].thread, NULL, runtime_main, &runtimes[i]) == 0);
	}
	while (!stress_is_over() || !have_lived())
		disturb(store, &random);
	atomic_store(&is_over, true);
	for (int i = 0; i < SESSIONS; i++) {
		CHECK(pthread_join(runtimes[i].thread, NULL) == 0);
		live(&runtimes[i], &random, true);
	}
	for (int i = 0; i < SESSIONS; i++)
		for (int k = 0; k < WAYS; k++) {
			struct host *const host = &hosts[i][k];

			CHECK(pthread_join(host->thread, NULL) == 0);
			reprise_subscription_close(host->subscription);
			printf("%s  delivered %llu  lost %llu  ends %llu of %llu  void %llu\n",
			       ids[i], (unsigned long long)host->delivered,
			       (unsigned long long)host->lost, (unsigned long long)host->ends,
			       (unsigned long long)runtimes[i].lives,
			       (unsigned long long)host->voids);
			CHECK(host->seen == runtimes[i].newest);
			CHECK(i == VOIDED ||
			      host->delivered + host->lost == host->seen - host->before);
			CHECK(host->delivered > 0);
		}
	onward_detach();
	CHECK_OK(reprise_store_close(store));
	return 0;
}
