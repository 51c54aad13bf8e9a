/* SPDX-License-Identifier: MIT */
#ifndef STORE_STAMP_H
#define STORE_STAMP_H

/*
 * The stamp word: what time appends stamp, without asking a clock. The relay keeps it near
 * CLOCK_MONOTONIC while anything is appended. When it stops, it leaves the word STALE: then an
 * append takes the coarse clock itself (no system call) and says so in `wanted`, for the relay to
 * find when it looks the next time. So a busy append pays a load and a branch, and the first one
 * after a pause is stamped right.
 */

#include "base/assert.h"
#include "base/atomic.h"
#include "base/clock.h"

#define STAMP_STALE   (UINT64_C(1) << 63)
#define STAMP_TICK_NS (UINT64_C(10) * 1000 * 1000)

struct stamp {
	atomic_u64 word;   /* ns, or STAMP_STALE */
	atomic_u64 wanted; /* 1: somebody appended while the word was stale */
};

static inline void
stamp_init(struct stamp *stamp)
{
	atomic_init(&stamp->word, STAMP_STALE);
	atomic_init(&stamp->wanted, 0);
}

/* The word is stale and an append needs it. */
uint64_t stamp_take_cold(struct stamp *stamp) COLD;

/* For an append. */
static inline uint64_t
stamp_take(struct stamp *stamp)
{
	const uint64_t word = load_relaxed(&stamp->word);

	return likely((word & STAMP_STALE) == 0) ? word : stamp_take_cold(stamp);
}

/* For whoever judges age: leaves `wanted` alone. */
static inline uint64_t
stamp_now(struct stamp *stamp)
{
	const uint64_t word = load_relaxed(&stamp->word);

	return (word & STAMP_STALE) == 0 ? word : clock_coarse_ns();
}

#endif /* STORE_STAMP_H */
