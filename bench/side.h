/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

/*
 * The sides of a comparison: the programs in peers/, ours among them, each waiting for its
 * turn. They are told what to do by lines (peers/README.md); the statistics are made here, the
 * same for all.
 */

#include <sys/types.h>

#include "harness.h"
#include "histogram.h"

struct task {
	size_t payload_bytes;
	uint64_t count;
	unsigned int hosts;
	const char *mode;     /* "polling", "parked", "stalled" */
	uint64_t pace_ns;     /* 0: as fast as can be */
	unsigned int writers; /* threads that append at the same time; 0 is 1 */
};

struct outcome {
	double ns; /* of one append */
	uint64_t delivered, lost, taken;
	double taken_per_s;
	struct histogram append, seen; /* of paced appends: the cost, and the time until seen */
};

struct side {
	const char *name;
	pid_t pid; /* 0: not running */
	FILE *to, *from;
	char version[128];
	char absence[256]; /* why it does not run, or "" */
	char refusal[256]; /* why it has not done the last task, or "" */
};

/* All that there are, ours first and the servers last; ended by NULL. */
extern const char *const side_names[];
bool side_is_server(const char *name);

/* Starts the program, and reads what it says first. False: `absence` tells why. */
bool side_open(struct harness *harness, struct side *side, const char *name);
void side_close(struct side *side);

/*
 * One task. False if it was refused or could not be done; then `refusal` or `absence` tells.
 * Accounting that does not balance is said, and marks the harness broken.
 */
bool side_run(struct harness *harness, struct side *side, const struct task *task,
	      struct outcome *ret_outcome);

/* Sets task->count so that a run takes about as long as the harness wants. */
bool side_fit(struct harness *harness, struct side *side, struct task *task);

#endif /* BENCH_SIDE_H */
