/* SPDX-License-Identifier: MIT */

/* recovery: opening a session over a log that has few or many events of it, which is to cost the same. */

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
};

static const struct size sizes_quick[SIZES] = { { "recovery.1", 1000 },
						{ "recovery.2", 10 * 1000 },
						{ "recovery.3", 100 * 1000 } };
static const struct size sizes_full[SIZES] = { { "recovery.1", 1000 },
					       { "recovery.2", 100 * 1000 },
					       { "recovery.3", 1000 * 1000 } };

/* The log is opened anew each time, so that nothing of it is at hand. */
static double
open_once(struct harness *harness, const struct size *size)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_session *session;
	struct durable durable;

	durable_open(harness, &durable, size->name, REPRISE_SYNCED);
	const uint64_t begin = now_ns();

	session = durable_session(&durable, "bench", REPRISE_WHEN_FULL_OVERWRITE);
	const uint64_t ns = now_ns() - begin;

	if (reprise_session_stats(durable.store, "bench", &stats) != REPRISE_OK ||
	    stats.newest != size->events_count)
		harness->is_broken = true;
	reprise_session_close(session);
	durable_close(&durable);
	return (double)ns;
}

static void
print_ratio(struct harness *harness, const struct size *sizes, double ns[SIZES][RUNS_MAX],
	    size_t runs)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "recovery",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ns[SIZES - 1], runs),
				 .over_ns = median_of(ns[0], runs),
				 .goal_is = GOAL_AT_MOST,
				 .goal = 1.5 };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = ns[SIZES - 1][i] / ns[0][i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"events\":%zu,\"over events\":%zu,\"on\":\"%s\"",
		 (size_t)sizes[SIZES - 1].events_count, (size_t)sizes[0].events_count,
		 scratch_system());
	result_print(harness, &result);
}

static void
print_each(struct harness *harness, const struct size *sizes, double ns[SIZES][RUNS_MAX],
	   size_t runs)
{
	for (size_t i = 0; i < SIZES; i++) {
		struct result result = {
			.name = "recovery", .unit = "ns", .values = ns[i], .runs = runs
		};

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"events\":%zu,\"on\":\"%s\"", (size_t)sizes[i].events_count,
			 scratch_system());
		result_print(harness, &result);
	}
}

void
measure_recovery(struct harness *harness)
{
	const struct size *const sizes = harness->is_quick ? sizes_quick : sizes_full;
	double ns[SIZES][RUNS_MAX];
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
			ns[j][runs] = median_of(opens[j], OPENS);
	}
	if (runs > 0) {
		print_ratio(harness, sizes, ns, runs);
		print_each(harness, sizes, ns, runs);
	}
	for (size_t i = 0; i < SIZES; i++)
		scratch_remove(sizes[i].name);
}
