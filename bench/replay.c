/* SPDX-License-Identifier: MIT */

/*
 * replay: a host that comes late and takes a full window, which another core has just written; over a memcpy
 * of as many bytes that the other core has just written.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	ROUNDS = 40, /* replays in a run */
	WINDOW_BYTES = 1 << 20,
	HEADER_BYTES = 40,
};

enum turn {
	TURN_WRITER,
	TURN_HOST,
};

struct bench {
	struct reprise_store *store;
	struct reprise_session *session;
	size_t payload_bytes;
	size_t events;
	int writer_core;
	unsigned char *plain, *private_copy;
	size_t plain_bytes;
	atomic_int turn;
	atomic_int is_over;
	uint64_t delivered, lost;
};

/* Fills the window, and as much plain memory, each time that it is its turn. */
static void *
writer_main(void *argument)
{
	struct bench *const bench = argument;
	static unsigned char payload[65536];
	unsigned char fill = 0;

	harness_pin(bench->writer_core);
	for (;;) {
		while (atomic_load(&bench->turn) != TURN_WRITER)
			if (atomic_load(&bench->is_over))
				return NULL;
		for (size_t i = 0; i < bench->events; i++)
			if (reprise_append(bench->session, 0, 1, 0,
					   (struct reprise_bytes){ payload, bench->payload_bytes },
					   NULL) != REPRISE_OK)
				harness_die("append failed");
		memset(bench->plain, ++fill, bench->plain_bytes);
		atomic_store(&bench->turn, TURN_HOST);
	}
}

static double
replay_once(struct bench *bench)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_cursor cursor;
	reprise_outcome outcome;
	uint64_t begin, ns, delivered = 0; /* here: the writer looks at the lines of @bench */
	volatile unsigned char byte;

	if (reprise_earliest_cursor(bench->store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(bench->store, &cursor, NULL, &subscription, NULL) != REPRISE_OK)
		harness_die("subscribe failed");
	begin = now_ns();
	while ((outcome = reprise_next(subscription, &event, &gap, NULL)) != REPRISE_NEXT_EMPTY)
		if (outcome == REPRISE_NEXT_EVENT) {
			byte = *(const unsigned char *)event.payload.data;
			delivered++;
		} else {
			bench->lost += gap.lost;
		}
	ns = now_ns() - begin;
	(void)byte;
	bench->delivered += delivered;
	reprise_subscription_close(subscription);
	return (double)ns;
}

static double
copy_once(struct bench *bench)
{
	const uint64_t begin = now_ns();

	memcpy(bench->private_copy, bench->plain, bench->plain_bytes);
	__asm__ volatile("" : : "r"(bench->private_copy) : "memory");
	return (double)(now_ns() - begin);
}

static void
run(struct bench *bench, double *ret_ours, double *ret_theirs)
{
	double ours[ROUNDS], theirs[ROUNDS];

	/* After each filling but one of them, so that neither finds its caches full of the other's. */
	for (int i = 0; i < 2 * ROUNDS; i++) {
		atomic_store(&bench->turn, TURN_WRITER);
		while (atomic_load(&bench->turn) != TURN_HOST)
			;
		if (i % 2 == 0)
			ours[i / 2] = replay_once(bench);
		else
			theirs[i / 2] = copy_once(bench);
	}
	*ret_ours = median_of(ours, ROUNDS);
	*ret_theirs = median_of(theirs, ROUNDS);
}

static unsigned char *
map_touched(size_t bytes)
{
	unsigned char *const memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		harness_die("no memory");
	memset(memory, 1, bytes);
	return memory;
}

static void
print_rates(struct harness *harness, const struct bench *bench, const double *ours, size_t runs)
{
	double values[RUNS_MAX];
	struct result result = { .name = "replay", .values = values, .runs = runs };

	for (size_t i = 0; i < runs; i++)
		values[i] = (double)bench->events / ours[i] * 1e9;
	result.unit = "events/s";
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"reprise\",\"payload\":%zu", bench->payload_bytes);
	result_print(harness, &result);
	for (size_t i = 0; i < runs; i++)
		values[i] = (double)bench->plain_bytes / ours[i];
	result.unit = "GB/s";
	result_print(harness, &result);
}

static void
measure_payload(struct harness *harness, size_t payload_bytes, double goal)
{
	struct bench *const bench = harness_allocate(1, sizeof(*bench));
	const size_t record_bytes = HEADER_BYTES + ((payload_bytes + 7) & ~(size_t)7);
	double ours[RUNS_MAX], theirs[RUNS_MAX], ratios[RUNS_MAX];
	pthread_t writer;
	size_t runs = 0;

	bench->payload_bytes = payload_bytes;
	bench->writer_core = harness->writer_core;
	/* What fits for certain: no event of a round is displaced by the same round. */
	bench->events = WINDOW_BYTES / record_bytes - 1;
	if (bench->events > 2048)
		bench->events = 2048;
	bench->plain_bytes = bench->events * record_bytes;
	bench->plain = map_touched(bench->plain_bytes);
	bench->private_copy = map_touched(bench->plain_bytes);
	if (reprise_store_open(NULL, &bench->store, NULL) != REPRISE_OK ||
	    reprise_session_open(bench->store, "bench", NULL, &bench->session, NULL) != REPRISE_OK)
		harness_die("open failed");
	atomic_store(&bench->turn, TURN_HOST);
	if (pthread_create(&writer, NULL, writer_main, bench) != 0)
		harness_die("no thread");
	harness_pin(harness->host_core);
	run(bench, &ours[0], &theirs[0]); /* warm-up */
	bench->delivered = bench->lost = 0;
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		run(bench, &ours[runs], &theirs[runs]);
		ratios[runs] = theirs[runs] / ours[runs];
	}
	atomic_store(&bench->is_over, 1);
	pthread_join(writer, NULL);
	harness_pin(harness->writer_core);
	if (runs > 0) {
		struct result result = { .name = "replay",
					 .unit = "ratio",
					 .values = ratios,
					 .runs = runs,
					 .ns = median_of(ours, runs) / (double)bench->events,
					 .over_ns = median_of(theirs, runs) / (double)bench->events,
					 .delivered = bench->delivered,
					 .lost = bench->lost,
					 .goal_is = goal > 0 ? GOAL_AT_LEAST : GOAL_NONE,
					 .goal = goal };

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"side\":\"reprise\",\"payload\":%zu,\"what\":\"speed\",\"over\":"
			 "\"memcpy\"",
			 payload_bytes);
		result_print(harness, &result);
		print_rates(harness, bench, ours, runs);
	}
	reprise_session_close(bench->session);
	if (reprise_store_close(bench->store) != REPRISE_OK)
		harness_die("close failed");
	munmap(bench->plain, bench->plain_bytes);
	munmap(bench->private_copy, bench->plain_bytes);
	free(bench);
}

void
measure_replay(struct harness *harness)
{
	measure_payload(harness, 256, 0.8);
	if (harness->is_quick || harness_is_interrupted())
		return;
	measure_payload(harness, 64, 0);
	measure_payload(harness, 1024, 0);
}
