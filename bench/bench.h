/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/* What the small benchmarks share: pinning, the clock, medians, and one JSON line a result. */

#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_RUNS = 15, /* of each side, interleaved */
};

/* Pins the calling thread; false if there is no such core for us. */
int bench_pin(unsigned int core);

uint64_t bench_ns(void);

/* Sorts; the middle one. */
double bench_median(double *values, size_t count);

/*
 * One result: the median ratio of the paired runs, its extremes, the goal, and both sides' medians.
 * @lost and @delivered stand beside every rate.
 */
struct bench_result {
	const char *name;
	uint64_t payload_bytes;
	const double *ours, *theirs; /* BENCH_RUNS each, in ns */
	double goal;                 /* at most */
	uint64_t delivered, lost;
};

void bench_print(const struct bench_result *result);

/* Says what, and ends the process with 1. */
_Noreturn void bench_die(const char *what);

#endif /* BENCH_BENCH_H */
