/* SPDX-License-Identifier: MIT */

/* limit, append: the cost of an append without a host; over the limit, and beside the peers. */

#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "plot.h"
#include "rows.h"

enum {
	CONTENDERS_MAX = 16,
};

/* How large an event, and what the goal over the limit is, if any. */
struct size {
	size_t payload_bytes;
	double goal;
};

static const struct size sizes_quick[] = { { 64, 1.4 }, { 256, 1.25 }, { 1024, 1.05 }, { 0, 0 } };
static const struct size sizes_full[] = { { 16, 0 },      { 64, 1.4 }, { 256, 1.25 },
					  { 1024, 1.05 }, { 4096, 0 }, { 0, 0 } };

/* How many times cheaper ours is to be, at 256 B. */
static const struct side_goal goals[] = {
	{ "mutex_deque", 3 },   { "disruptor", 1.3 }, { "tokio_broadcast", 6 },
	{ "tokio_window", 25 }, { NULL, 0 },
};

static void
measure_sizes(struct harness *harness, bool is_limit_wanted, bool is_ours_wanted)
{
	const struct size *const sizes = harness->is_quick ? sizes_quick : sizes_full;

	for (size_t i = 0; sizes[i].payload_bytes != 0; i++) {
		struct contender *const pair = harness_allocate(2, sizeof(*pair));
		double ratios[RUNS_MAX];

		for (int j = 0; j < 2; j++)
			pair[j].task = (struct task){ .payload_bytes = sizes[i].payload_bytes,
						      .mode = "polling" };
		pair[0].side = contest_side(harness, "limit");
		pair[1].side = contest_side(harness, "reprise");
		contest_run(harness, pair, 2);
		if (pair[0].is_in && is_limit_wanted) {
			struct result result = { .name = "limit",
						 .unit = "ns",
						 .values = pair[0].ns };

			contest_describe(&result, &pair[0]);
			result_print(harness, &result);
		}
		if (pair[0].is_in && pair[1].is_in && is_ours_wanted) {
			struct result result = { .name = "append",
						 .unit = "ratio",
						 .values = ratios,
						 .goal_is = sizes[i].goal > 0 ? GOAL_AT_MOST
									      : GOAL_NONE,
						 .goal = sizes[i].goal };

			contest_ratio(ratios, pair[1].ns, pair[0].ns, pair[1].runs);
			contest_describe(&result, &pair[1]);
			result_add(&result, "over", "limit");
			result.over_ns = median_of(pair[0].ns, pair[0].runs);
			result_print(harness, &result);
		}
		free(pair);
	}
}

void
measure_limit(struct harness *harness)
{
	measure_sizes(harness, true, false);
}

/* Everybody, appending to nobody. */
static void
measure_peers(struct harness *harness, size_t payload_bytes)
{
	struct contender *const all = harness_allocate(CONTENDERS_MAX, sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; side_names[i] != NULL; i++) {
		if (side_is_server(side_names[i]) && harness->is_quick)
			continue;
		all[count].side = contest_side(harness, side_names[i]);
		all[count++].task =
			(struct task){ .payload_bytes = payload_bytes, .mode = "polling" };
	}
	contest_run(harness, all, count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && all[i].is_in && all[0].is_in &&
		    strcmp(all[i].side->name, "limit") != 0)
			contest_print_cheaper(harness, "append", &all[0], &all[i],
					      payload_bytes == 256 ? goals : NULL);
		else if (!all[i].is_in && all[i].refusal[0] != '\0')
			result_skip(harness, "append", all[i].side->name, all[i].refusal);
		if (all[i].is_in)
			plot_point(harness, "payload", all[i].side->name, (double)payload_bytes,
				   median_of(all[i].ns, all[i].runs));
	}
	free(all);
}

void
measure_append(struct harness *harness)
{
	static const size_t sizes[] = { 64, 256, 1024, 4096 };

	plot_begin(harness, "payload");
	measure_sizes(harness, false, true);
	if (harness->is_quick)
		measure_peers(harness, 256);
	else
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			measure_peers(harness, sizes[i]);
	measure_calls(harness);
}
