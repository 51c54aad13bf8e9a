/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_H
#define EXPLORER_H

/*
 * Runs a program of a few threads again and again, each time another way: another thread goes on,
 * or a load answers an older store that C11 still allows it to. The program is plain C11 with
 * pthreads; the headers in include/ come before the system's and send every shared step here.
 *
 *   memory.c     what a load may answer: each word keeps its stores, each thread a view
 *   schedule.c   fibers, and who goes on at each step; what was chosen, to be chosen again
 *   kernel.c     futex, membarrier, mutexes, conditions, threads, the clock
 *   pages.c      mmap, without the kernel
 *   search.c     which choices to try next: all, up to a number of deviations; then random ones
 *
 * An execution without deviations runs each thread until it blocks, then the next one in turn, and
 * each load answers the newest store. A deviation is a thread that is stopped although it could go
 * on, or passed over when it is its turn; a load that answers an older store; a store that comes
 * before one that was made earlier (in the word's modification order). Wrong programs need few.
 *
 * Time stands still. A wait with a time-out runs out where the program allows it.
 *
 * The explorer never tries two behaviours that C11 allows: a load that answers a store that comes
 * later (load buffering); fences of seq_cst whose order contradicts the order of reads and stores.
 * A futex passes no view on but that of its own word.
 */

#include <stdbool.h>
#include <stdint.h>

/* --- memory.c: orders are memory_order's of the stand-in <stdatomic.h> ------------------------ */

enum explorer_order {
	EXPLORER_RELAXED,
	EXPLORER_CONSUME,
	EXPLORER_ACQUIRE,
	EXPLORER_RELEASE,
	EXPLORER_ACQ_REL,
	EXPLORER_SEQ_CST,
};

enum explorer_change {
	EXPLORER_EXCHANGE,
	EXPLORER_ADD,
	EXPLORER_SUB,
	EXPLORER_OR,
	EXPLORER_AND,
};

void explorer_init(volatile void *at, unsigned int bytes, uint64_t value);
uint64_t explorer_load(const volatile void *at, unsigned int bytes, int order);
void explorer_store(volatile void *at, unsigned int bytes, uint64_t value, int order);
uint64_t explorer_change(volatile void *at, unsigned int bytes, enum explorer_change change,
			 uint64_t operand, int order);
bool explorer_compare_exchange(volatile void *at, unsigned int bytes, void *expected,
			       uint64_t desired, int success, int failure);
void explorer_fence(int order);
void explorer_signal_fence(void);

/* --- schedule.c ------------------------------------------------------------------------------- */

/* Lets others go on, if any can. */
void explorer_yield(void);

#endif /* EXPLORER_H */
