/* SPDX-License-Identifier: MIT */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include "base/atomic.h"

/*
 * Sleeps while *word == @expected, at most until @deadline_ns on CLOCK_MONOTONIC (UINT64_MAX: for
 * ever). Returns for any reason, also for none: look again. False if the deadline has passed.
 */
bool futex_wait(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns);

/*
 * The same as a cancellation point: if the thread is cancelled, @clean_up is called before it ends.
 */
bool futex_wait_cancellable(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns,
			    void (*clean_up)(void *context), void *context);

void futex_wake_all(atomic_u32 *word);

#endif /* BASE_FUTEX_H */
