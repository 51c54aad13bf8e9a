/* SPDX-License-Identifier: MIT */

/*
 * replay: a host that comes late and takes a full window, which another core has just written; over
 * a memcpy of as many bytes that the other core has just written. By reprise_next, which lends the
 * payloads; and by reprise_next_into, which copies them into a buffer of the host's: over a memcpy
 * of the payloads alone into that buffer, and over a memcpy of each payload by itself.
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
	BUFFER_BYTES = 64 << 10,
	FRAMES_MAX = 512,
};

enum turn {
	TURN_WRITER,
	TURN_HOST,
};

/* How the host takes what is there, and what that is compared with. */
enum way {
	LENT,            /* by reprise_next, over a memcpy of all records */
	INTO_AT_ONCE,    /* by reprise_next_into, over a memcpy of all payloads */
	INTO_ONE_BY_ONE, /* the same, over a memcpy of each payload between headers */
};

struct bench {
	struct reprise_store *store;
	struct reprise_writer *writer;
	size_t payload_bytes;
	size_t events;
	int writer_core;
	enum way way;
	unsigned char *plain, *private_copy;
	size_t plain_bytes;
	struct reprise_frame frames[FRAMES_MAX];
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
			if (reprise_append(bench->writer, 0, 1, 0,
					   (struct reprise_bytes){ payload, bench->payload_bytes },
					   NULL) != REPRISE_OK)
				harness_die("append failed");
		memset(bench->plain, ++fill, bench->plain_bytes);
		atomic_store(&bench->turn, TURN_HOST);
	}
}

/* Takes events until there are no more; *ret_lost is added to. */
static uint64_t
take_lent(struct reprise_subscription *subscription, uint64_t *ret_lost)
{
	struct reprise_event event;
	struct reprise_gap gap;
	reprise_outcome outcome;
	uint64_t delivered = 0; /* here: the writer looks at the lines of struct bench */
	volatile unsigned char byte = 0;

	while ((outcome = reprise_next(subscription, &event, &gap, NULL)) != REPRISE_NEXT_EMPTY)
		if (outcome == REPRISE_NEXT_EVENT) {
			byte = *(const unsigned char *)event.payload.data;
			delivered++;
		} else {
			*ret_lost += gap.lost;
		}
	(void)byte;
	return delivered;
}

/* The same, into one buffer again and again. */
static uint64_t
take_copied(struct reprise_subscription *subscription, struct bench *bench)
{
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = bench->private_copy,
				     .buffer_bytes = BUFFER_BYTES,
				     .frames = bench->frames,
				     .frames_max = FRAMES_MAX };
	struct reprise_gap gap;
	reprise_outcome outcome;
	uint64_t delivered = 0;

	while ((outcome = reprise_next_into(subscription, &into, &gap, NULL)) != REPRISE_NEXT_EMPTY)
		if (outcome == REPRISE_NEXT_EVENT)
			delivered += into.frames_count;
		else
			bench->lost += gap.lost;
	return delivered;
}

static double
replay_once(struct bench *bench)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	uint64_t begin, ns, delivered, lost = 0;

	if (reprise_session_earliest_cursor(bench->store, "bench", 0, &cursor) != REPRISE_OK ||
	    reprise_subscribe_after(bench->store, &cursor, NULL, &subscription, NULL) != REPRISE_OK)
		harness_die("subscribe failed");
	begin = now_ns();
	delivered = bench->way == LENT ? take_lent(subscription, &lost)
				       : take_copied(subscription, bench);
	ns = now_ns() - begin;
	bench->delivered += delivered;
	bench->lost += lost;
	reprise_subscription_close(subscription);
	return (double)ns;
}

/*
 * As many bytes as next_into copies, in pieces of @bytes that lie @stride apart, to a buffer as
 * large as its.
 */
static void
copy_pieces(struct bench *bench, size_t bytes, size_t stride)
{
	size_t to = 0;

	for (size_t at = 0; at < bench->plain_bytes; at += stride) {
		const size_t left = bench->plain_bytes - at;

		if (to + bytes > BUFFER_BYTES)
			to = 0;
		memcpy(bench->private_copy + to, bench->plain + at, left < bytes ? left : bytes);
		__asm__ volatile("" : : "r"(bench->private_copy) : "memory");
		to += bytes;
	}
}

static double
copy_once(struct bench *bench)
{
	const uint64_t begin = now_ns();

	switch (bench->way) {
	case LENT:
		memcpy(bench->private_copy, bench->plain, bench->plain_bytes);
		__asm__ volatile("" : : "r"(bench->private_copy) : "memory");
		break;
	case INTO_AT_ONCE:
		copy_pieces(bench, BUFFER_BYTES, BUFFER_BYTES);
		break;
	case INTO_ONE_BY_ONE:
		copy_pieces(bench, bench->payload_bytes, HEADER_BYTES + bench->payload_bytes);
		break;
	}
	return (double)(now_ns() - begin);
}

static void
run(struct bench *bench, double *ret_ours, double *ret_theirs)
{
	double ours[ROUNDS], theirs[ROUNDS];

	/*
	 * After each filling but one of them, so that neither finds its caches full of the other's.
	 */
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
		 "\"side\":\"reprise\",\"payload\":%zu%s", bench->payload_bytes,
		 bench->way == LENT ? "" : ",\"what\":\"into a buffer\"");
	result_print(harness, &result);
	for (size_t i = 0; i < runs; i++)
		values[i] = (double)bench->plain_bytes / ours[i];
	result.unit = "GB/s";
	result_print(harness, &result);
}

static void
measure_payload(struct harness *harness, size_t payload_bytes, enum way way, double goal)
{
	struct bench *const bench = harness_allocate(1, sizeof(*bench));
	const size_t record_bytes = HEADER_BYTES + ((payload_bytes + 7) & ~(size_t)7);
	double ours[RUNS_MAX], theirs[RUNS_MAX], ratios[RUNS_MAX];
	pthread_t writer;
	size_t runs = 0;

	bench->payload_bytes = payload_bytes;
	bench->writer_core = harness->writer_core;
	/* So many events fit for certain: no event of a round is displaced by the same round. */
	bench->events = WINDOW_BYTES / record_bytes - 1;
	if (bench->events > 2048)
		bench->events = 2048;
	bench->way = way;
	bench->plain_bytes = bench->events * (way == INTO_AT_ONCE ? payload_bytes : record_bytes);
	bench->plain = map_touched(bench->plain_bytes);
	bench->private_copy = map_touched(bench->plain_bytes + BUFFER_BYTES);
	if (reprise_store_open(NULL, &bench->store, NULL) != REPRISE_OK ||
	    reprise_writer_open(bench->store, "bench", NULL, &bench->writer, NULL) != REPRISE_OK)
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
			 "\"side\":\"reprise\",\"payload\":%zu,\"what\":\"%s\",\"over\":"
			 "\"%s\"",
			 payload_bytes, way == LENT ? "speed" : "speed into a buffer",
			 way == INTO_ONE_BY_ONE ? "memcpy of each" : "memcpy");
		result_print(harness, &result);
		if (way != INTO_ONE_BY_ONE)
			print_rates(harness, bench, ours, runs);
	}
	reprise_writer_close(bench->writer);
	if (reprise_store_close(bench->store) != REPRISE_OK)
		harness_die("close failed");
	munmap(bench->plain, bench->plain_bytes);
	munmap(bench->private_copy, bench->plain_bytes + BUFFER_BYTES);
	free(bench);
}

void
measure_replay(struct harness *harness)
{
	static const struct {
		size_t payload_bytes;
		enum way way;
		bool is_quick;
		double goal;
	} rows[] = {
		{ 256, LENT, true, 0.8 },          { 256, INTO_AT_ONCE, true, 0.9 },
		{ 256, INTO_ONE_BY_ONE, true, 0 }, { 64, LENT, false, 0 },
		{ 64, INTO_AT_ONCE, true, 0.7 },   { 64, INTO_ONE_BY_ONE, true, 0 },
		{ 1024, LENT, false, 0 },          { 1024, INTO_AT_ONCE, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!harness_is_interrupted() && (rows[i].is_quick || !harness->is_quick))
			measure_payload(harness, rows[i].payload_bytes, rows[i].way, rows[i].goal);
}
