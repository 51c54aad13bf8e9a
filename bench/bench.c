/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int
bench_pin(unsigned int core)
{
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

uint64_t
bench_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

void
bench_print(const struct bench_result *result)
{
	double ratios[BENCH_RUNS], ours[BENCH_RUNS], theirs[BENCH_RUNS];

	for (size_t i = 0; i < BENCH_RUNS; i++)
		ratios[i] = result->ours[i] / result->theirs[i];
	memcpy(ours, result->ours, sizeof(ours));
	memcpy(theirs, result->theirs, sizeof(theirs));
	const double median = bench_median(ratios, BENCH_RUNS);

	printf("{\"name\":\"%s\",\"payload_bytes\":%" PRIu64 ",\"unit\":\"ratio\",\"median\":%.3f,"
	       "\"min\":%.3f,\"max\":%.3f,\"runs\":%d,\"goal\":%.2f,\"met\":%s,"
	       "\"ours_ns\":%.2f,\"theirs_ns\":%.2f,\"delivered\":%" PRIu64 ",\"lost\":%" PRIu64
	       "}\n",
	       result->name, result->payload_bytes, median, ratios[0], ratios[BENCH_RUNS - 1],
	       BENCH_RUNS, result->goal, median <= result->goal ? "true" : "false",
	       bench_median(ours, BENCH_RUNS), bench_median(theirs, BENCH_RUNS), result->delivered,
	       result->lost);
	fflush(stdout);
}

_Noreturn void
bench_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}
