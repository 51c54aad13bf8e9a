/* SPDX-License-Identifier: MIT */

/*
 * live: events at a given rate, and one host that polls. How long after its intended time an
 * event was seen, and what its append cost. Beside it stand a cache line's way from one core
 * to the other, and what the machine does to a thread that appends nothing: without that the
 * tails mean nothing.
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 256,
	CONTENDERS_MAX = 16,
	TRIPS = 20000,
	TRIPS_WARM_UP = 2000,
	PACE_NS = 10000, /* 100,000 a second: the goals' rate */
	STALL_NS_MIN = 1000,
};

static const uint64_t paces_full[] = { 100000, PACE_NS, 1000, 0 };

/* --- a cache line's trip --- */

struct ball {
	_Alignas(128) atomic_uint_fast64_t at;
	int host_core;
};

static void *
return_ball(void *argument)
{
	struct ball *const ball = argument;

	harness_pin(ball->host_core);
	for (uint64_t i = 0; i < TRIPS; i++) {
		while (atomic_load_explicit(&ball->at, memory_order_acquire) != 2 * i + 1)
			;
		atomic_store_explicit(&ball->at, 2 * i + 2, memory_order_release);
	}
	return NULL;
}

/* ns one way */
static double
trip(const struct harness *harness)
{
	static struct ball ball;
	pthread_t thread;
	uint64_t begin = 0;
	double ns;

	atomic_store(&ball.at, 0);
	ball.host_core = harness->host_core;
	if (pthread_create(&thread, NULL, return_ball, &ball) != 0)
		harness_die("no thread");
	for (uint64_t i = 0; i < TRIPS; i++) {
		if (i == TRIPS_WARM_UP)
			begin = now_ns();
		atomic_store_explicit(&ball.at, 2 * i + 1, memory_order_release);
		while (atomic_load_explicit(&ball.at, memory_order_acquire) != 2 * i + 2)
			;
	}
	ns = (double)(now_ns() - begin) / (2.0 * (TRIPS - TRIPS_WARM_UP));
	pthread_join(thread, NULL);
	return ns;
}

/* --- the machine's own stalls --- */

/*
 * A thread that only looks at the clock: how long it was away, each time it was for more than 1 us.
 */
static void
measure_stalls(struct harness *harness)
{
	struct histogram *const stalls = harness_allocate(1, sizeof(*stalls));
	const double per_ns = ticks_per_ns();
	const uint64_t begin = now_ns();
	const double wanted_ns = harness->run_ns * (double)harness->runs;
	uint64_t before = now_ticks(), away_ns = 0;

	while ((double)(now_ns() - begin) < wanted_ns)
		for (int i = 0; i < 1000; i++) {
			const uint64_t now = now_ticks();
			const uint64_t ns = (uint64_t)((double)(now - before) / per_ns);

			before = now;
			if (ns >= STALL_NS_MIN) {
				histogram_add(stalls, ns);
				away_ns += ns;
			}
		}
	const double seconds = (double)(now_ns() - begin) / 1e9;
	const double values[] = { (double)stalls->total / seconds, (double)stalls->max };
	struct result result = { .name = "live", .unit = "/s", .values = &values[0], .runs = 1 };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"a bare spin\",\"what\":\"stalls of 1 us and more\",\"p50_ns\":%" PRIu64
		 ",\"p99_ns\":%" PRIu64 ",\"away_ppm\":%.0f",
		 histogram_at(stalls, 0.5), histogram_at(stalls, 0.99),
		 (double)away_ns / seconds / 1000);
	result_print(harness, &result);
	result.unit = "ns";
	result.values = &values[1];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"a bare spin\",\"what\":\"longest stall\"");
	result_print(harness, &result);
	free(stalls);
}

/* --- rows --- */

static void
print_quantiles(struct harness *harness, const struct contender *contender,
		const struct histogram *histogram, const char *what)
{
	static const struct {
		const char *name;
		double at;
	} quantiles[] = { { "p50", 0.5 },       { "p99", 0.99 },        { "p99.9", 0.999 },
			  { "p99.99", 0.9999 }, { "p99.999", 0.99999 }, { "max", 1 } };

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		const double value = (double)histogram_at(histogram, quantiles[i].at);
		struct result result = { .name = "live", .unit = "ns", .values = &value };

		/* Of all runs together; a quantile wants enough events behind it. */
		if (quantiles[i].at < 1 &&
		    (double)histogram->total * (1 - quantiles[i].at) < (i == 0 ? 1 : 10))
			continue;
		contest_describe(&result, contender);
		result_add(&result, "what", what);
		result_add(&result, "quantile", quantiles[i].name);
		result.runs = 1;
		result.ns = 0;
		result_print(harness, &result);
	}
}

static void
print_goal(struct harness *harness, const struct contender *ours, const double *values,
	   const double *over, const char *what, const char *over_what, double goal)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "live",
				 .unit = "ratio",
				 .values = ratios,
				 .goal_is = GOAL_AT_MOST,
				 .goal = goal };

	contest_ratio(ratios, values, over, ours->runs);
	contest_describe(&result, ours);
	result_add(&result, "what", what);
	result_add(&result, "over", over_what);
	result.ns = median_of(values, ours->runs);
	result.over_ns = median_of(over, ours->runs);
	result_print(harness, &result);
}

/* All peers at one rate. */
static void
measure_rate(struct harness *harness, uint64_t pace_ns)
{
	struct contender *const all = harness_allocate(CONTENDERS_MAX + 2, sizeof(*all));
	struct contender *alone, *limit;
	double trips[RUNS_MAX];
	size_t count = 0;

	for (size_t i = 0; side_names[i] != NULL; i++)
		if (strcmp(side_names[i], "limit") != 0 &&
		    !(side_is_server(side_names[i]) && (harness->is_quick || pace_ns < PACE_NS))) {
			all[count].side = contest_side(harness, side_names[i]);
			all[count++].task = (struct task){ .payload_bytes = PAYLOAD_BYTES,
							   .hosts = 1,
							   .mode = "polling",
							   .pace_ns = pace_ns };
		}
	alone = &all[count];
	alone->side = all[0].side;
	alone->task = all[0].task;
	alone->task.hosts = 0;
	limit = &all[count + 1];
	limit->side = contest_side(harness, "limit");
	limit->task = alone->task;
	for (size_t i = 0; i < harness->runs; i++)
		trips[i] = trip(harness);
	contest_run(harness, all, count + 2);

	if (all[0].is_in && pace_ns == PACE_NS) {
		print_goal(harness, &all[0], all[0].seen_p50, trips, "seen, p50",
			   "a cache line's trip", 4.5);
		if (alone->is_in)
			print_goal(harness, &all[0], all[0].cost_p50, alone->cost_p50,
				   "append, p50", "nobody", 2);
	}
	for (size_t i = 0; i < count; i++) {
		if (!all[i].is_in) {
			if (all[i].refusal[0] != '\0')
				result_skip(harness, "live", all[i].side->name, all[i].refusal);
			continue;
		}
		print_quantiles(harness, &all[i], &all[i].seen, "seen");
		if (i == 0)
			print_quantiles(harness, &all[i], &all[i].cost, "append");
		if (pace_ns == PACE_NS)
			contest_save(harness, &all[i], "live");
	}
	if (limit->is_in) {
		print_quantiles(harness, limit, &limit->cost, "append");
		if (pace_ns == PACE_NS)
			contest_save(harness, limit, "live");
	}
	free(all);
}

void
measure_live(struct harness *harness)
{
	measure_stalls(harness);
	if (harness->is_quick)
		measure_rate(harness, PACE_NS);
	else
		for (size_t i = 0; paces_full[i] != 0; i++)
			measure_rate(harness, paces_full[i]);
}
