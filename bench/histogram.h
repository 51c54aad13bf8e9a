/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

/*
 * How often which value was met: log-linear, so that every value is kept to within one part in 128,
 * from 0 to 2^40.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	HISTOGRAM_SUB_BITS = 7, /* buckets in each power of two: 2^7 */
	HISTOGRAM_VALUE_BITS = 40,
	HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t max;
	double sum, sum_of_squares;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The smallest value that at least @quantile (0 to 1) of all do not exceed; 0 if there are none. */
uint64_t histogram_at(const struct histogram *histogram, double quantile);

/* The usual text of percentiles (".hgrm"), which plotting tools know. */
void histogram_print(const struct histogram *histogram, FILE *file);

#endif /* BENCH_HISTOGRAM_H */
