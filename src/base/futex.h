/* SPDX-License-Identifier: MIT */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include "base/atomic.h"

/*
 * Sleeps while *word == @expected, at most until @deadline_ns on CLOCK_MONOTONIC (UINT64_MAX: for
 * ever). Returns for any reason, also for none: look again. False if the deadline has passed.
 */
bool futex_wait(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns);

void futex_wake_all(atomic_u32 *word);

#endif /* BASE_FUTEX_H */
