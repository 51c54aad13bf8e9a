/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_METERS_H
#define GATEWAY_METERS_H

/* Counters of the loop that only /metrics tells, beside those of reprise_gateway_stats. */

#include <stdint.h>

#include "gateway/errors.h"
#include "gateway/sse.h"

enum {
#define METERS_BYTE(...) 0,
	METERS_CODES = sizeof((const char[]){ ERROR_TABLE(METERS_BYTE) }),
#undef METERS_BYTE
	METERS_BUCKETS = 8, /* of durations; the last bucket has no bound */
};

struct meters {
	uint64_t refused[METERS_CODES];     /* requests, by enum error_code */
	uint64_t gaps[SSE_GAPS];            /* told in streams, by enum reprise_gap_detail */
	uint64_t durations[METERS_BUCKETS]; /* requests, each in one bucket */
	uint64_t durations_us;              /* the sum of all durations */
};

/* The duration of a request whose answer is no stream. */
void meters_add_duration(struct meters *meters, uint64_t duration_ns);
/* The upper bound of a bucket as /metrics tells the bound, in seconds. */
const char *meters_bound(int bucket);

#endif /* GATEWAY_METERS_H */
