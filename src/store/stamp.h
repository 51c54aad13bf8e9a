/* SPDX-License-Identifier: MIT */
#ifndef STORE_STAMP_H
#define STORE_STAMP_H

/*
 * The stamp word: the time that appends stamp, without asking a clock. The relay keeps it near
 * CLOCK_MONOTONIC while anything is appended. When it stops, it leaves the word STALE: then an
 * append takes the coarse clock itself (no system call) and says so in `wanted`, for the relay to
 * find when it looks the next time. So a busy append pays a load and a branch, and the first one
 * after a pause is stamped right.
 *
 * The word lies in a page that the kernel wipes in the child of a fork (MADV_WIPEONFORK). There the
 * word is stale and `here` is 0, so that appends find out that they are in the wrong process by a
 * branch that they have anyway. In the same way a session whose window is void is given a stamp
 * that is stale for ever.
 */

#include "base/assert.h"
#include "base/atomic.h"
#include "base/clock.h"

#define STAMP_STALE   UINT64_C(0)
#define STAMP_FRESH   (UINT64_C(1) << 63) /* set in a word that holds a time */
#define STAMP_UNSEEN  UINT64_C(1)         /* no word is that */
#define STAMP_TICK_NS (UINT64_C(10) * 1000 * 1000)

struct stamp {
	atomic_u64 word;   /* STAMP_FRESH | ns, or STAMP_STALE */
	atomic_u64 wanted; /* 1: somebody appended while the word was stale */
	atomic_u64 here;   /* 1 in the process that opened it */
};

/* The stamp of a void window's session: stale, whatever happens. */
extern struct stamp stamp_never;

/* A page with a stale stamp; NULL, and *ret_refused the call and errno, if it cannot be had. */
struct stamp *stamp_open(const char **ret_refused);
void stamp_close(struct stamp *stamp);

/* False in the child of a fork. */
static inline bool
stamp_is_here(struct stamp *stamp)
{
	return load_relaxed(&stamp->here) != 0;
}

/* The word is stale and an append needs it. */
uint64_t stamp_take_cold(struct stamp *stamp) COLD;

/* For an append: the time, and the word that it is from, or STAMP_UNSEEN. */
static inline uint64_t
stamp_take(struct stamp *stamp, uint64_t *ret_seen)
{
	const uint64_t word = load_relaxed(&stamp->word);
	const bool is_fresh = word & STAMP_FRESH;

	*ret_seen = is_fresh ? word : STAMP_UNSEEN;
	return likely(is_fresh) ? word & ~STAMP_FRESH : stamp_take_cold(stamp);
}

/* For judging age: leaves `wanted` alone. */
static inline uint64_t
stamp_now(struct stamp *stamp)
{
	const uint64_t word = load_relaxed(&stamp->word);

	return word & STAMP_FRESH ? word & ~STAMP_FRESH : clock_coarse_ns();
}

#endif /* STORE_STAMP_H */
