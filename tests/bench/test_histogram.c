/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

SUITE(bench);

static struct histogram *
histogram_of(uint64_t from, uint64_t to)
{
	struct histogram *const histogram = calloc(1, sizeof(*histogram));

	for (uint64_t value = from; value <= to; value++)
		histogram_add(histogram, value);
	return histogram;
}

Test(bench, an_empty_histogram_says_0)
{
	struct histogram *const histogram = calloc(1, sizeof(*histogram));

	cr_assert(eq(u64, histogram_at(histogram, 0.5), 0));
	cr_assert(eq(u64, histogram_at(histogram, 1), 0));
	free(histogram);
}

Test(bench, small_values_are_kept_exactly)
{
	struct histogram *const histogram = histogram_of(1, 200);

	cr_assert(eq(u64, histogram_at(histogram, 0), 1));
	cr_assert(eq(u64, histogram_at(histogram, 0.005), 1));
	cr_assert(eq(u64, histogram_at(histogram, 0.5), 100));
	cr_assert(eq(u64, histogram_at(histogram, 0.99), 198));
	cr_assert(eq(u64, histogram_at(histogram, 1), 200));
	free(histogram);
}

/* Of 1 .. 1,000,000 every quantile is known. */
Test(bench, large_values_are_kept_to_one_part_in_128)
{
	struct histogram *const histogram = histogram_of(1, 1000000);

	for (int thousandth = 1; thousandth < 1000; thousandth++) {
		const double quantile = thousandth / 1000.0;
		const double expected = quantile * 1000000;
		const double actual = (double)histogram_at(histogram, quantile);

		cr_assert(actual >= expected - 1 && actual <= expected * (1 + 1.0 / 128) + 1,
			  "%g: %g for %g", quantile, actual, expected);
	}
	cr_assert(eq(u64, histogram_at(histogram, 1), 1000000), "the greatest, exactly");
	free(histogram);
}

Test(bench, beyond_its_range_a_value_counts_as_the_greatest)
{
	struct histogram *const histogram = calloc(1, sizeof(*histogram));

	histogram_add(histogram, UINT64_MAX);
	histogram_add(histogram, (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
	cr_assert(eq(u64, histogram->counts[HISTOGRAM_BUCKETS - 1], 2));
	cr_assert(eq(u64, histogram_at(histogram, 1), UINT64_MAX >> 24));
	cr_assert(eq(u64, histogram->max, UINT64_MAX));
	free(histogram);
}

/* As the tools that plot it expect: values and quantiles rise, the counts end with the total. */
Test(bench, the_text_is_the_usual_one)
{
	struct histogram *const histogram = histogram_of(1, 1000);
	char *text = NULL;
	size_t text_bytes = 0;
	FILE *const file = open_memstream(&text, &text_bytes);
	double value_before = -1, quantile_before = -1;
	unsigned long total = 0;
	int lines = 0;

	histogram_print(histogram, file);
	fclose(file);
	cr_assert(strstr(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n") ==
		  text);
	for (char *line = strtok(strchr(text, '\n'), "\n"); line != NULL && line[0] != '#';
	     line = strtok(NULL, "\n"), lines++) {
		double value, quantile;

		cr_assert(eq(int, sscanf(line, "%lf %lf %lu", &value, &quantile, &total), 3));
		cr_assert(value >= value_before && quantile > quantile_before);
		value_before = value;
		quantile_before = quantile;
	}
	cr_assert(lines > 20);
	cr_assert(value_before == 1000 && quantile_before == 1.0);
	cr_assert(eq(u64, total, 1000));
	free(text);
	free(histogram);
}
