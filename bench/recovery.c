/* SPDX-License-Identifier: MIT */

/*
 * recovery: opening a session over a log that has few or many events of it, which is to
 * cost the same.
 */

#include "durable.h"
#include "result.h"
#include "rows.h"

enum {
	SIZES = 3,
	OPENS = 5, /* of each in a run */
};

struct size {
	const char *name;
	uint64_t events_count;
	double ns[RUNS_MAX]; /* of an open, a value each run */
};

/* The log is opened anew each time, so that nothing of it is at hand. */
static double
open_once(struct harness *harness, const struct size *size)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer;
	struct durable durable;

	durable_open(harness, &durable, size->name, REPRISE_SYNCED);
	const uint64_t begin = now_ns();

	writer = durable_session(&durable, "bench", REPRISE_WHEN_FULL_OVERWRITE);
	const uint64_t ns = now_ns() - begin;

	if (reprise_session_stats(durable.store, "bench", &stats) != REPRISE_OK ||
	    stats.newest != size->events_count)
		harness->is_broken = true;
	reprise_writer_close(writer);
	durable_close(&durable);
	return (double)ns;
}

static void
print_ratio(struct harness *harness, const struct size *least, const struct size *most, size_t runs)
{
	double ratios[RUNS_MAX];

	for (size_t i = 0; i < runs; i++)
		ratios[i] = most->ns[i] / least->ns[i];
	struct result result = { .name = "recovery",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(most->ns, runs),
				 .over_ns = median_of(least->ns, runs),
				 .goal_is = GOAL_AT_MOST,
				 .goal = 1.5 };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"events\":%zu,\"over events\":%zu,\"on\":\"%s\"", (size_t)most->events_count,
		 (size_t)least->events_count, scratch_system());
	result_print(harness, &result);
}

static void
print(struct harness *harness, const struct size *size, size_t runs)
{
	struct result result = {
		.name = "recovery", .unit = "ns", .values = size->ns, .runs = runs
	};

	snprintf(result.parameters, sizeof(result.parameters), "\"events\":%zu,\"on\":\"%s\"",
		 (size_t)size->events_count, scratch_system());
	result_print(harness, &result);
}

void
measure_recovery(struct harness *harness)
{
	struct size sizes[SIZES] = {
		{ .name = "recovery.1", .events_count = 1000 },
		{ .name = "recovery.2", .events_count = harness->is_quick ? 10000 : 100000 },
		{ .name = "recovery.3", .events_count = harness->is_quick ? 100000 : 1000000 },
	};
	size_t runs = 0;

	for (size_t i = 0; i < SIZES; i++) {
		durable_make_log(harness, sizes[i].name, sizes[i].events_count);
		(void)open_once(harness, &sizes[i]);
	}
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		double opens[SIZES][OPENS];

		for (size_t i = 0; i < OPENS; i++)
			for (size_t j = 0; j < SIZES; j++)
				opens[j][i] = open_once(harness, &sizes[j]);
		for (size_t j = 0; j < SIZES; j++)
			sizes[j].ns[runs] = median_of(opens[j], OPENS);
	}
	if (runs > 0) {
		print_ratio(harness, &sizes[0], &sizes[SIZES - 1], runs);
		for (size_t i = 0; i < SIZES; i++)
			print(harness, &sizes[i], runs);
	}
	for (size_t i = 0; i < SIZES; i++)
		scratch_remove(sizes[i].name);
}
