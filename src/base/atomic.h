/* SPDX-License-Identifier: MIT */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

/*
 * Atomics whose order is in the name. Every word that two threads share goes through these, and
 * through C11 <stdatomic.h> underneath, since sanitizers and model checkers see nothing else.
 */

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic(uint64_t) atomic_u64;
typedef _Atomic(uint32_t) atomic_u32;

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared words need lock-free 64 bits");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "futex words need lock-free 32 bits");

#define load_relaxed(word)         atomic_load_explicit((word), memory_order_relaxed)
#define load_acquire(word)         atomic_load_explicit((word), memory_order_acquire)
#define store_relaxed(word, value) atomic_store_explicit((word), (value), memory_order_relaxed)
#define store_release(word, value) atomic_store_explicit((word), (value), memory_order_release)
#define fetch_add_release(word, n) atomic_fetch_add_explicit((word), (n), memory_order_release)
#define fetch_add_relaxed(word, n) atomic_fetch_add_explicit((word), (n), memory_order_relaxed)
#define fetch_sub_relaxed(word, n) atomic_fetch_sub_explicit((word), (n), memory_order_relaxed)
#define fetch_sub_release(word, n) atomic_fetch_sub_explicit((word), (n), memory_order_release)
#define fetch_or_acquire(word, b)  atomic_fetch_or_explicit((word), (b), memory_order_acquire)
#define fetch_or_relaxed(word, b)  atomic_fetch_or_explicit((word), (b), memory_order_relaxed)
#define fetch_and_release(word, b) atomic_fetch_and_explicit((word), (b), memory_order_release)
#define fetch_and_relaxed(word, b) atomic_fetch_and_explicit((word), (b), memory_order_relaxed)
#define exchange_relaxed(word, v)  atomic_exchange_explicit((word), (v), memory_order_relaxed)
#define exchange_acquire(word, v)  atomic_exchange_explicit((word), (v), memory_order_acquire)
#define exchange_release(word, v)  atomic_exchange_explicit((word), (v), memory_order_release)

#define fence_acquire() atomic_thread_fence(memory_order_acquire)
#define fence_release() atomic_thread_fence(memory_order_release)
#define fence_ordered() atomic_thread_fence(memory_order_seq_cst)

/* Orders for the compiler alone; the processor's part is done by the other side (membarrier). */
#define fence_compiler() atomic_signal_fence(memory_order_seq_cst)

/* Strong; @expected is overwritten with what was found on failure. */
static inline bool
compare_exchange_release(atomic_u64 *word, uint64_t *expected, uint64_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired,
						       memory_order_release, memory_order_relaxed);
}

static inline bool
compare_exchange_acquire(atomic_u64 *word, uint64_t *expected, uint64_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired,
						       memory_order_acquire, memory_order_relaxed);
}

static inline bool
compare_exchange_relaxed(atomic_u64 *word, uint64_t *expected, uint64_t desired)
{
	return atomic_compare_exchange_strong_explicit(word, expected, desired,
						       memory_order_relaxed, memory_order_relaxed);
}

#endif /* BASE_ATOMIC_H */
