/* SPDX-License-Identifier: MIT */
#ifndef TOOL_PACE_H
#define TOOL_PACE_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
pace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void
pace_sleep(uint64_t ns)
{
	const struct timespec time = { .tv_sec = (time_t)(ns / 1000000000u),
				       .tv_nsec = (long)(ns % 1000000000u) };

	nanosleep(&time, NULL);
}

#endif /* TOOL_PACE_H */
