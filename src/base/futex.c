/* SPDX-License-Identifier: MIT */
#include "base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

bool
futex_wait(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns)
{
	const struct timespec deadline = ns_timespec(deadline_ns);
	const long answer =
		syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
			deadline_ns == UINT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);

	return !(answer != 0 && errno == ETIMEDOUT);
}

void
futex_wake_all(atomic_u32 *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}
