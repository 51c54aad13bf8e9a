/* SPDX-License-Identifier: MIT */
#include "gateway/meters.h"

static const struct {
	uint64_t us;
	const char *text;
} bounds[METERS_BUCKETS] = {
	{ 1000, "0.001" }, { 5000, "0.005" },  { 25000, "0.025" }, { 100000, "0.1" },
	{ 500000, "0.5" }, { 2500000, "2.5" }, { 10000000, "10" }, { UINT64_MAX, "+Inf" },
};

void
meters_add_duration(struct meters *meters, uint64_t duration_ns)
{
	const uint64_t us = duration_ns / 1000;
	int bucket = 0;

	while (us > bounds[bucket].us)
		bucket++;
	meters->durations[bucket]++;
	meters->durations_us += us;
}

const char *
meters_bound(int bucket)
{
	return bounds[bucket].text;
}
