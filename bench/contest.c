/* SPDX-License-Identifier: MIT */
#include "contest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

enum {
	SIDES_MAX = 16,
};

static struct side sides[SIDES_MAX];
static size_t sides_count;

struct side *
contest_side(struct harness *harness, const char *name)
{
	for (size_t i = 0; i < sides_count; i++)
		if (strcmp(sides[i].name, name) == 0)
			return &sides[i];
	if (sides_count == SIDES_MAX)
		harness_die("too many peers");
	struct side *const side = &sides[sides_count++];

	if (side_open(harness, side, name))
		result_peer(harness, name, side->version);
	else
		result_skip(harness, "peer", name, side->absence);
	return side;
}

void
contest_close_sides(void)
{
	while (sides_count > 0)
		side_close(&sides[--sides_count]);
}

static void
add(struct histogram *sum, const struct histogram *histogram)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->counts[i] += histogram->counts[i];
	sum->total += histogram->total;
	sum->sum += histogram->sum;
	sum->sum_of_squares += histogram->sum_of_squares;
	if (histogram->max > sum->max)
		sum->max = histogram->max;
}

static void
note(struct contender *contender, const struct outcome *outcome)
{
	const size_t run = contender->runs++;

	contender->ns[run] = outcome->ns;
	contender->rate[run] = outcome->taken_per_s;
	contender->cost_p50[run] = (double)histogram_at(&outcome->append, 0.5);
	contender->seen_p50[run] = (double)histogram_at(&outcome->seen, 0.5);
	contender->delivered += outcome->delivered;
	contender->lost += outcome->lost;
	add(&contender->cost, &outcome->append);
	add(&contender->seen, &outcome->seen);
}

void
contest_run(struct harness *harness, struct contender *contenders, size_t count)
{
	static struct outcome outcome;

	for (size_t i = 0; i < count; i++) {
		contenders[i].is_in = !harness_is_interrupted() &&
				      side_fit(harness, contenders[i].side, &contenders[i].task);
		if (!contenders[i].is_in)
			snprintf(contenders[i].refusal, sizeof(contenders[i].refusal), "%.127s",
				 contenders[i].side->refusal);
	}
	for (size_t run = 0; run < harness->runs; run++)
		for (size_t i = 0; i < count && !harness_is_interrupted(); i++)
			if (contenders[i].is_in) {
				contenders[i].is_in = side_run(harness, contenders[i].side,
							       &contenders[i].task, &outcome);
				if (contenders[i].is_in)
					note(&contenders[i], &outcome);
			}
	/* Interrupted between two sides: the same number of runs for all. */
	size_t least = harness->runs;

	for (size_t i = 0; i < count; i++)
		if (contenders[i].is_in && contenders[i].runs < least)
			least = contenders[i].runs;
	for (size_t i = 0; i < count; i++) {
		contenders[i].runs = least;
		contenders[i].is_in = contenders[i].is_in && least > 0;
	}
}

void
contest_ratio(double *ret_ratios, const double *ours, const double *theirs, size_t runs)
{
	/* Where a run of theirs had nothing to show, the usual. */
	const double usual = median_of(theirs, runs);

	for (size_t i = 0; i < runs; i++)
		ret_ratios[i] = ours[i] / (theirs[i] > 0 ? theirs[i] : usual > 0 ? usual : 1);
}

void
contest_describe(struct result *result, const struct contender *contender)
{
	const struct task *const task = &contender->task;
	int used = snprintf(result->parameters, sizeof(result->parameters),
			    "\"side\":\"%s\",\"payload\":%zu,\"hosts\":%u", contender->side->name,
			    task->payload_bytes, task->hosts);

	if (task->writers > 1)
		used += snprintf(result->parameters + used,
				 sizeof(result->parameters) - (size_t)used, ",\"writers\":%u",
				 task->writers);
	if (task->hosts > 0)
		used += snprintf(result->parameters + used,
				 sizeof(result->parameters) - (size_t)used, ",\"mode\":\"%s\"",
				 task->mode);
	if (task->pace_ns > 0)
		snprintf(result->parameters + used, sizeof(result->parameters) - (size_t)used,
			 ",\"rate\":%" PRIu64, UINT64_C(1000000000) / task->pace_ns);
	result->runs = contender->runs;
	result->ns = median_of(contender->ns, contender->runs);
	result->delivered = contender->delivered;
	result->lost = contender->lost;
}

void
contest_print_cheaper(struct harness *harness, const char *name, const struct contender *ours,
		      const struct contender *theirs, const struct side_goal *goals)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = name, .unit = "times", .values = ratios };

	contest_ratio(ratios, theirs->ns, ours->ns, ours->runs);
	contest_describe(&result, ours);
	result_add(&result, "cheaper_than", theirs->side->name);
	result.over_ns = median_of(theirs->ns, theirs->runs);
	for (; goals != NULL && goals->side != NULL; goals++)
		if (strcmp(goals->side, theirs->side->name) == 0) {
			result.goal_is = GOAL_AT_LEAST;
			result.goal = goals->times;
		}
	result_print(harness, &result);
}

static void
save(const struct harness *harness, const struct contender *contender, const char *measurement,
     const struct histogram *histogram, const char *suffix)
{
	if (histogram->total == 0)
		return;
	FILE *const file = plot_file(harness, measurement, contender->side->name, suffix, "w");

	histogram_print(histogram, file);
	fclose(file);
}

void
contest_save(const struct harness *harness, const struct contender *contender,
	     const char *measurement)
{
	if (harness->plot_dir == NULL)
		return;
	save(harness, contender, measurement, &contender->seen, "seen.hgrm");
	save(harness, contender, measurement, &contender->cost, "cost.hgrm");
}
