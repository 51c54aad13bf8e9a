/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <inttypes.h>
#include <math.h>

enum {
	SUB_BUCKETS = 1 << HISTOGRAM_SUB_BITS,
	TICKS_PER_HALF = 5, /* lines of text for each halving of what is left to 100 % */
};

static unsigned int
bucket_of(uint64_t value)
{
	if (value < SUB_BUCKETS)
		return (unsigned int)value;
	if (value >> HISTOGRAM_VALUE_BITS != 0)
		return HISTOGRAM_BUCKETS - 1;
	const unsigned int shift = 63 - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;

	return (shift << HISTOGRAM_SUB_BITS) + (unsigned int)(value >> shift);
}

/* The greatest value that goes into @bucket. */
static uint64_t
value_of(unsigned int bucket)
{
	if (bucket < 2 * SUB_BUCKETS)
		return bucket;
	const unsigned int shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	const uint64_t sub = SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1));

	return ((sub + 1) << shift) - 1;
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->counts[bucket_of(value)]++;
	histogram->total++;
	if (value > histogram->max)
		histogram->max = value;
	histogram->sum += (double)value;
	histogram->sum_of_squares += (double)value * (double)value;
}

uint64_t
histogram_at(const struct histogram *histogram, double quantile)
{
	const double wanted = ceil(quantile * (double)histogram->total);
	uint64_t seen = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS && histogram->total > 0; i++) {
		seen += histogram->counts[i];
		if (seen > 0 && (double)seen >= wanted)
			return value_of(i) < histogram->max ? value_of(i) : histogram->max;
	}
	return histogram->max;
}

static uint64_t
count_up_to(const struct histogram *histogram, uint64_t value)
{
	uint64_t seen = 0;

	for (unsigned int i = 0; i <= bucket_of(value); i++)
		seen += histogram->counts[i];
	return seen;
}

void
histogram_print(const struct histogram *histogram, FILE *file)
{
	const double total = (double)(histogram->total > 0 ? histogram->total : 1);
	const double mean = histogram->sum / total;
	const double variance = histogram->sum_of_squares / total - mean * mean;
	double quantile = 0;

	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (;;) {
		const uint64_t value = histogram_at(histogram, quantile);
		const uint64_t count = count_up_to(histogram, value);

		if (value >= histogram->max || histogram->total == 0)
			break;
		fprintf(file, "%12" PRIu64 ".000 %2.12f %10" PRIu64 " %14.2f\n", value, quantile,
			count, 1 / (1 - quantile));
		const double halves = floor(log2(1 / (1 - quantile))) + 1;

		quantile += 1 / (TICKS_PER_HALF * exp2(halves));
	}
	fprintf(file, "%12" PRIu64 ".000 %2.12f %10" PRIu64 "\n", histogram->max, 1.0,
		histogram->total);
	fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean,
		variance > 0 ? sqrt(variance) : 0);
	fprintf(file, "#[Max     = %12" PRIu64 ".000, Total count    = %12" PRIu64 "]\n",
		histogram->max, histogram->total);
	fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n",
		HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS, SUB_BUCKETS);
}
