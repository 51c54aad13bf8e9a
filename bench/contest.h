/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

/*
 * Sides that take turns, one run each and then again, so that what happens to the machine
 * happens to all.
 */

#include "result.h"
#include "side.h"

struct contender {
	struct side *side;
	struct task task;
	bool is_in;                                    /* it could do the task */
	char refusal[128];                             /* else why it would not, or "" */
	double ns[RUNS_MAX];                           /* of one append, a value each run */
	double rate[RUNS_MAX];                         /* delivered a second while appending */
	double cost_p50[RUNS_MAX], seen_p50[RUNS_MAX]; /* ns; with a pace */
	size_t runs;
	uint64_t delivered, lost;
	struct histogram cost, seen; /* all runs together */
};

/* @contenders are zeroed but for side and task. Counts are fitted; then harness->runs rounds. */
void contest_run(struct harness *harness, struct contender *contenders, size_t count);

/* Run by run: one measure of @ours over the same of @theirs. */
void contest_ratio(double *ret_ratios, const double *ours, const double *theirs, size_t runs);

/* How many times cheaper than a side ours is to be; a list ends with NULL. */
struct side_goal {
	const char *side;
	double times;
};

/* How many times cheaper an append of @ours is than one of @theirs. @goals may be NULL. */
void contest_print_cheaper(struct harness *harness, const char *name, const struct contender *ours,
			   const struct contender *theirs, const struct side_goal *goals);

/* All sides that are not servers, or all; opened once and kept. Absent sides are reported, once. */
struct side *contest_side(struct harness *harness, const char *name);
void contest_close_sides(void);

/* Describes the task for a result: "payload":256,"hosts":1,... with the side's name. */
void contest_describe(struct result *result, const struct contender *contender);

/* Writes what was seen and what it cost as .hgrm into the plots' folder, if there is one. */
void contest_save(const struct harness *harness, const struct contender *contender,
		  const char *measurement);

#endif /* BENCH_CONTEST_H */
