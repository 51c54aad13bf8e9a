/* SPDX-License-Identifier: MIT */

/*
 * recording: the cost of an append while a recorder follows, over the same append without one: at a
 * pace, each timed for itself, and as fast as can be. The window overwrites, so that the recorder
 * cannot hold the writer up.
 */

#include <stdlib.h>
#include <unistd.h>

#include "calls.h"
#include "durable.h"
#include "result.h"
#include "rows.h"

enum {
	PACE_NS = 10000, /* 100,000 a second */
	FLOOD_NS = 8,    /* an append, about: how many make a run */
	CHUNK = 1000,    /* appends of a flood that are timed together */
	PACED_TIMES = 4,
	CLOCK_LOOKS = 1001,
};

#define FLUSH_NS UINT64_C(60000000000)

struct bench {
	struct harness *harness;
	double clock_ticks; /* what a look at the clock takes */
	double *costs;      /* ticks, of paced appends */
	uint64_t recorded, lost;
};

struct side {
	bool is_recorded;
	struct durable durable; /* the store alone if it is not */
	struct reprise_writer *writer;
};

static void
open_side(struct bench *bench, struct side *side)
{
	if (side->is_recorded) {
		durable_open(bench->harness, &side->durable, "recording", REPRISE_SYNCED);
	} else {
		harness_pin(bench->harness->host_core);
		if (reprise_store_open(NULL, &side->durable.store, NULL) != REPRISE_OK)
			harness_die("open failed");
		harness_pin(bench->harness->writer_core);
	}
	side->writer = durable_session(&side->durable, "bench", REPRISE_WHEN_FULL_OVERWRITE);
	harness_settle(side->writer);
}

/* @appended: in all, with what settled it. */
static void
close_side(struct bench *bench, struct side *side, uint64_t appended)
{
	if (!side->is_recorded) {
		reprise_writer_close(side->writer);
		if (reprise_store_close(side->durable.store) != REPRISE_OK)
			harness_die("close failed");
		return;
	}
	if (reprise_recorder_flush(side->durable.recorder, "bench", REPRISE_SYNCED, FLUSH_NS) !=
	    REPRISE_OK)
		harness_die("flush failed");
	const struct reprise_recorder_stats stats = durable_stats(&side->durable);

	if (stats.recorded + stats.lost != appended) {
		fprintf(stderr, "bench: BROKEN accounting of the recorder\n");
		bench->harness->is_broken = true;
	}
	bench->recorded += stats.recorded;
	bench->lost += stats.lost;
	reprise_writer_close(side->writer);
	durable_close(&side->durable);
	scratch_remove("recording");
}

static inline void
append(struct reprise_writer *writer, uint64_t number, unsigned char *payload)
{
	const struct reprise_new_event event = durable_event(number + 1, payload);

	if (reprise_append(writer, event.revision, event.kind, event.flags, event.payload, NULL) !=
	    REPRISE_OK)
		harness_die("append failed");
}

/* The median append of paced ones, in ns. */
static double
run_paced(struct bench *bench, bool is_recorded)
{
	struct side side = { .is_recorded = is_recorded };
	unsigned char payload[DURABLE_PAYLOAD_BYTES] = { 0 };
	const double pace = PACE_NS * ticks_per_ns();
	const uint64_t count = (uint64_t)(PACED_TIMES * bench->harness->run_ns / PACE_NS);

	open_side(bench, &side);
	const uint64_t begin = now_ticks();

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t intended = begin + (uint64_t)((double)i * pace);
		uint64_t before;

		while ((before = now_ticks()) < intended)
			;
		append(side.writer, i, payload);
		bench->costs[i] = (double)(now_ticks() - before) - bench->clock_ticks;
	}
	close_side(bench, &side, count + 1);
	return median_of(bench->costs, count) / ticks_per_ns();
}

/*
 * The median of what a chunk of appends costs: a thread that is put off its core for a while, for
 * which the writing thread's system calls give occasion, is not what is asked for.
 */
static double
run_flood(struct bench *bench, bool is_recorded)
{
	struct side side = { .is_recorded = is_recorded };
	unsigned char payload[DURABLE_PAYLOAD_BYTES] = { 0 };
	const uint64_t chunks = (uint64_t)(bench->harness->run_ns / FLOOD_NS / CHUNK);
	uint64_t done = 0;

	open_side(bench, &side);
	for (; done < chunks / 10 * CHUNK; done++)
		append(side.writer, done, payload);
	for (uint64_t i = 0; i < chunks; i++) {
		const uint64_t before = now_ticks();

		for (uint64_t j = 0; j < CHUNK; j++)
			append(side.writer, done++, payload);
		bench->costs[i] = (double)(now_ticks() - before);
	}
	close_side(bench, &side, done + 1);
	return median_of(bench->costs, chunks) / CHUNK / ticks_per_ns();
}

static void
measure_with(struct bench *bench, double (*run)(struct bench *bench, bool is_recorded),
	     const char *what)
{
	struct harness *const harness = bench->harness;
	double ours[RUNS_MAX], theirs[RUNS_MAX], ratios[RUNS_MAX];
	size_t runs = 0;

	(void)run(bench, true); /* a warm-up */
	(void)run(bench, false);
	bench->recorded = bench->lost = 0;
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		ours[runs] = run(bench, true);
		theirs[runs] = run(bench, false);
		ratios[runs] = ours[runs] / theirs[runs];
	}
	if (runs == 0)
		return;
	struct result result = { .name = "recording",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = median_of(theirs, runs),
				 .delivered = bench->recorded,
				 .lost = bench->lost,
				 .goal_is = GOAL_AT_MOST,
				 .goal = 1.1 };

	snprintf(result.parameters, sizeof(result.parameters), "\"payload\":%d,\"what\":\"%s\"",
		 DURABLE_PAYLOAD_BYTES, what);
	result_add(&result, "over", "no recorder");
	result_add(&result, "on", scratch_system());
	result_print(harness, &result);
}

/* In the process in which calls are counted, which is never to close it. */
static void
attach(struct reprise_store *store, void *context)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = context };
	struct reprise_log *log;
	struct reprise_recorder *recorder;

	if (reprise_log_sqlite_open(&options, &log, NULL) != REPRISE_OK ||
	    reprise_recorder_open(store, log, NULL, &recorder, NULL) != REPRISE_OK)
		_exit(2);
}

static void
measure_calls_made(struct harness *harness)
{
	char path[PATH_BYTES];
	double calls = 0;

	snprintf(path, sizeof(path), "%s", scratch_path("recording"));
	if (!calls_count(0, attach, path, &calls)) {
		result_skip(harness, "recording", "system calls",
			    "the kernel's filter does not count");
	} else {
		struct result result = { .name = "recording",
					 .unit = "calls",
					 .values = &calls,
					 .runs = 1,
					 .goal_is = GOAL_AT_MOST,
					 .goal = 0 };

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"payload\":%d,\"what\":\"system calls\"", DURABLE_PAYLOAD_BYTES);
		result_print(harness, &result);
	}
	scratch_remove("recording");
}

static double
look_at_clock(void)
{
	double looks[CLOCK_LOOKS];

	for (size_t i = 0; i < CLOCK_LOOKS; i++) {
		const uint64_t before = now_ticks();

		looks[i] = (double)(now_ticks() - before);
	}
	return median_of(looks, CLOCK_LOOKS);
}

void
measure_recording(struct harness *harness)
{
	struct bench bench = { .harness = harness, .clock_ticks = look_at_clock() };

	bench.costs = harness_allocate((size_t)harness->run_ns / FLOOD_NS / CHUNK +
					       (size_t)(PACED_TIMES * harness->run_ns / PACE_NS),
				       sizeof(*bench.costs));
	measure_with(&bench, run_paced, "100000/s p50");
	if (!harness_is_interrupted())
		measure_with(&bench, run_flood, "full flood p50");
	if (!harness_is_interrupted())
		measure_calls_made(harness);
	free(bench.costs);
}
