/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

/* One result: a row of the table for people, and a line of JSON. */

#include "harness.h"

enum goal {
	GOAL_NONE,
	GOAL_AT_MOST,
	GOAL_AT_LEAST,
};

struct result {
	const char *name;     /* of the measurement: "append", "live", ... */
	char parameters[256]; /* the inside of a JSON object: "\"payload\":256" */
	const char *unit;     /* "ratio", "ns", "events/s", "bytes", "calls" */
	const double *values; /* one a run */
	size_t runs;
	double ns;      /* ours, absolute (the median run); 0: not a time */
	double over_ns; /* what it is a ratio over; 0: nothing */
	uint64_t delivered, lost;
	enum goal goal_is;
	double goal;
};

/* The middle one, of a copy. */
double median_of(const double *values, size_t count);

/* Adds "key":"value" to the parameters. */
void result_add(struct result *result, const char *key, const char *value);

/* Prints it in both forms. */
void result_print(struct harness *harness, const struct result *result);

/* A peer that takes part, and its version. */
void result_peer(struct harness *harness, const char *peer, const char *version);

/* The row that is not there, and why. */
void result_skip(struct harness *harness, const char *name, const char *peer, const char *reason);

#endif /* BENCH_RESULT_H */
