/* SPDX-License-Identifier: MIT */

/*
 * fanout: the cost of an append when hosts are there, and their share of the events. Polling: one
 * thread asks them all in turn. Parked: a thread each, asleep in a store that defers, with a tick
 * longer than the run. Stalled: opened, but taking nothing until all is appended.
 */

#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "plot.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 256,
	CONTENDERS_MAX = 16,
	CROWD_MAX = 1000,
};

static const unsigned int crowds_full[] = { 1, 2, 8, 64, CROWD_MAX, 0 };
static const unsigned int crowds_quick[] = { 1, 64, CROWD_MAX, 0 };

/* How many times cheaper ours is to be with one host that polls. */
static const struct side_goal goals[] = {
	{ "mutex_deque", 4 },   { "disruptor", 3 }, { "tokio_broadcast", 20 },
	{ "tokio_window", 25 }, { NULL, 0 },
};

static struct task
task_of(unsigned int hosts, const char *mode)
{
	return (struct task){ .payload_bytes = PAYLOAD_BYTES, .hosts = hosts, .mode = mode };
}

static void
print_over(struct harness *harness, const struct contender *ours, const struct contender *over,
	   const char *what, enum goal goal_is, double goal)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "fanout",
				 .unit = "ratio",
				 .values = ratios,
				 .goal_is = goal_is,
				 .goal = goal };

	contest_ratio(ratios, ours->ns, over->ns, ours->runs);
	contest_describe(&result, ours);
	result_add(&result, "over", what);
	result.over_ns = median_of(over->ns, over->runs);
	result_print(harness, &result);
}

static void
print_rate(struct harness *harness, const struct contender *contender)
{
	struct result result = { .name = "fanout", .unit = "events/s", .values = contender->rate };

	contest_describe(&result, contender);
	result_add(&result, "what", "delivered while appending");
	result_print(harness, &result);
}

/* Under 2 to 1,000 who sleep or stall, over one who does. */
static void
measure_crowds(struct harness *harness, const char *mode)
{
	const unsigned int *const crowds = harness->is_quick ? crowds_quick : crowds_full;
	struct contender *const all = harness_allocate(CONTENDERS_MAX, sizeof(*all));
	char curve[32];
	size_t count = 0;

	snprintf(curve, sizeof(curve), "reprise_%s", mode);
	for (; crowds[count] != 0; count++) {
		all[count].side = contest_side(harness, "reprise");
		all[count].task = task_of(crowds[count], mode);
	}
	contest_run(harness, all, count);
	for (size_t i = 0; i < count; i++) {
		const bool has_goal = strcmp(mode, "polling") != 0 && crowds[i] >= 64;

		if (!all[i].is_in || !all[0].is_in)
			continue;
		plot_point(harness, "fanout", curve, crowds[i], median_of(all[i].ns, all[i].runs));
		if (i > 0)
			print_over(harness, &all[i], &all[0], "one",
				   has_goal ? GOAL_AT_MOST : GOAL_NONE, 1.1);
		if (strcmp(mode, "polling") == 0)
			print_rate(harness, &all[i]);
	}
	free(all);
}

/* The delivered rate over the best peer's, run by run. */
static void
print_best(struct harness *harness, const struct contender *all, size_t count)
{
	double ratios[RUNS_MAX];
	const struct contender *best = NULL;
	struct result result = { .name = "fanout",
				 .unit = "ratio",
				 .values = ratios,
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 1.3 };

	for (size_t i = 1; i < count; i++)
		if (all[i].is_in && (best == NULL || median_of(all[i].rate, all[i].runs) >
							     median_of(best->rate, best->runs)))
			best = &all[i];
	if (best == NULL || !all[0].is_in)
		return;
	contest_ratio(ratios, all[0].rate, best->rate, all[0].runs);
	contest_describe(&result, &all[0]);
	result_add(&result, "what", "delivered while appending");
	result_add(&result, "over", best->side->name);
	result_print(harness, &result);
}

/* Everybody, under @hosts who poll; ours under nobody goes along for one of them. */
static void
measure_peers(struct harness *harness, unsigned int hosts)
{
	struct contender *const all = harness_allocate(CONTENDERS_MAX + 1, sizeof(*all));
	struct contender *alone;
	size_t count = 0;

	for (size_t i = 0; side_names[i] != NULL; i++)
		if (strcmp(side_names[i], "limit") != 0 &&
		    !(side_is_server(side_names[i]) && (harness->is_quick || hosts > 8))) {
			all[count].side = contest_side(harness, side_names[i]);
			all[count++].task = task_of(hosts, "polling");
		}
	alone = &all[count];
	alone->side = all[0].side;
	alone->task = task_of(0, "polling");
	contest_run(harness, all, count + 1);
	if (hosts == 1 && all[0].is_in && alone->is_in)
		print_over(harness, &all[0], alone, "nobody", GOAL_AT_MOST, 3);
	for (size_t i = 0; i < count; i++) {
		if (!all[i].is_in) {
			if (all[i].refusal[0] != '\0')
				result_skip(harness, "fanout", all[i].side->name, all[i].refusal);
			continue;
		}
		if (i > 0 && all[0].is_in)
			contest_print_cheaper(harness, "fanout", &all[0], &all[i],
					      hosts == 1 ? goals : NULL);
		print_rate(harness, &all[i]);
		if (i > 0)
			plot_point(harness, "fanout", all[i].side->name, hosts,
				   median_of(all[i].ns, all[i].runs));
	}
	if (hosts == 1)
		print_best(harness, all, count);
	free(all);
}

void
measure_fanout(struct harness *harness)
{
	static const unsigned int crowds[] = { 2, 8, 64 };

	plot_begin(harness, "fanout");
	measure_peers(harness, 1);
	if (!harness->is_quick)
		for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
			measure_peers(harness, crowds[i]);
	measure_crowds(harness, "parked");
	measure_crowds(harness, "stalled");
	if (!harness->is_quick)
		measure_crowds(harness, "polling");
}
