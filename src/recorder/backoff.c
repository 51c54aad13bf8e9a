/* SPDX-License-Identifier: MIT */
#include <reprise/recorder.h>

#include "base/numbers.h"

uint64_t
reprise_recorder_backoff(uint64_t attempt, uint64_t clock_ns, uint64_t retry_ns_min,
			 uint64_t retry_ns_max)
{
	uint64_t bound = retry_ns_min;

	for (; attempt > 1 && bound < retry_ns_max; attempt--)
		bound = bound > retry_ns_max / 2 ? retry_ns_max : 2 * bound;
	bound = least(bound, retry_ns_max);
	/* So that those who failed together do not come back together. */
	return bound -
	       (bound < 2 ? 0 : clock_ns * UINT64_C(0x9e3779b97f4a7c15) % (bound / 2 + bound % 2));
}
