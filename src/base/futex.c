/* SPDX-License-Identifier: MIT */
#include "base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"

#define NAP_NS UINT64_C(1000000) /* between two looks where the kernel refuses to wait */

/* Instead of a wait: a filter of system calls may refuse the futex at any time. */
static void
nap_until(uint64_t deadline_ns)
{
	const struct timespec until = ns_timespec(least(deadline_ns, clock_ns() + NAP_NS));

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

bool
futex_wait(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns)
{
	const struct timespec deadline = ns_timespec(deadline_ns);
	const long answer =
		syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
			deadline_ns == UINT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);

	if (answer == 0)
		return true;
	switch (errno) {
	case EAGAIN: /* another value already */
	case EINTR:
		return true;
	case ETIMEDOUT:
		return false;
	default: /* ENOSYS, EPERM: refused as a whole */
		nap_until(deadline_ns);
		return clock_ns() < deadline_ns;
	}
}

bool
futex_wait_cancellable(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns,
		       void (*clean_up)(void *context), void *context)
{
	bool is_time_left;
	int type;

	/*
	 * The one system call is no cancellation point by itself, and holds nothing that could be
	 * left half done.
	 */
	pthread_cleanup_push(clean_up, context);
	/* NOLINTNEXTLINE(cert-pos47-c,concurrency-thread-canceltype-asynchronous) */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	is_time_left = futex_wait(word, expected, deadline_ns);
	pthread_setcanceltype(type, NULL);
	pthread_cleanup_pop(0);
	return is_time_left;
}

void
futex_wake_all(atomic_u32 *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}
