/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_STDATOMIC_H
#define EXPLORER_STDATOMIC_H

/* Stands in for the compiler's <stdatomic.h>: every shared step goes through the explorer. */

#include <stdint.h>

#include "../explorer.h"

typedef enum {
	memory_order_relaxed = EXPLORER_RELAXED,
	memory_order_consume = EXPLORER_CONSUME,
	memory_order_acquire = EXPLORER_ACQUIRE,
	memory_order_release = EXPLORER_RELEASE,
	memory_order_acq_rel = EXPLORER_ACQ_REL,
	memory_order_seq_cst = EXPLORER_SEQ_CST,
} memory_order;

#define ATOMIC_BOOL_LOCK_FREE    2
#define ATOMIC_CHAR_LOCK_FREE    2
#define ATOMIC_SHORT_LOCK_FREE   2
#define ATOMIC_INT_LOCK_FREE     2
#define ATOMIC_LONG_LOCK_FREE    2
#define ATOMIC_LLONG_LOCK_FREE   2
#define ATOMIC_POINTER_LOCK_FREE 2

/* The type of what is there, without _Atomic. */
#define explorer_type(at) __typeof__((void)0, *(at))

#define atomic_init(at, value) explorer_init((at), sizeof(*(at)), (uint64_t)(value))
#define atomic_load_explicit(at, order) \
	((explorer_type(at))explorer_load((at), sizeof(*(at)), (order)))
#define atomic_store_explicit(at, value, order) \
	explorer_store((at), sizeof(*(at)), (uint64_t)(value), (order))
#define explorer_changed(at, change, value, order)                                            \
	((explorer_type(at))explorer_change((at), sizeof(*(at)), (change), (uint64_t)(value), \
					    (order)))
#define atomic_exchange_explicit(at, value, order) \
	explorer_changed((at), EXPLORER_EXCHANGE, (value), (order))
#define atomic_fetch_add_explicit(at, value, order) \
	explorer_changed((at), EXPLORER_ADD, (value), (order))
#define atomic_fetch_sub_explicit(at, value, order) \
	explorer_changed((at), EXPLORER_SUB, (value), (order))
#define atomic_fetch_or_explicit(at, value, order) \
	explorer_changed((at), EXPLORER_OR, (value), (order))
#define atomic_fetch_and_explicit(at, value, order) \
	explorer_changed((at), EXPLORER_AND, (value), (order))
#define atomic_compare_exchange_strong_explicit(at, expected, desired, success, failure)           \
	explorer_compare_exchange((at), sizeof(*(at)), (expected), (uint64_t)(desired), (success), \
				  (failure))
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define atomic_thread_fence(order)            explorer_fence(order)
#define atomic_signal_fence(order)            explorer_signal_fence()

#define atomic_load(at)         atomic_load_explicit((at), memory_order_seq_cst)
#define atomic_store(at, value) atomic_store_explicit((at), (value), memory_order_seq_cst)

#endif /* EXPLORER_STDATOMIC_H */
