/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_INSIDE_H
#define EXPLORER_INSIDE_H

/* The interfaces between the parts of the explorer. */

#include <stddef.h>

#include "explorer.h"
#include "model.h"

enum {
	THREADS_MAX = 8,
	WORDS_MAX = 2048,
};

/* Up to which store, in each word's modification order, somebody has seen. */
struct view {
	uint32_t of[WORDS_MAX];
};

/* --- memory.c --- */

/* A new execution: every word has the value that is in memory. */
void memory_begin(void);

/* Thread @thread begins with all that @parent has seen. */
void memory_begin_thread(int thread, int parent);

/* All that @thread has seen at its end. */
void memory_join_thread(int thread);

/* A view that is handed on by something else than a word: a mutex. */
void memory_give_view(struct view *view);
void memory_take_view(const struct view *view);

/* The kernel's barrier on every core, as far as the threads have their light fences. */
void memory_heavy_fence(void);

/* A load in the middle of a step. */
uint64_t memory_load(const volatile void *at, unsigned int bytes, int order);

/* Up to where the current thread has seen a word; and that it has. */
uint32_t memory_seen(const volatile void *at, unsigned int bytes);
void memory_see(const volatile void *at, unsigned int bytes, uint32_t upto);

/* Counted up when another word turns out to be shared: then choices are no longer comparable. */
uint64_t memory_growth(void);
void memory_grow(void);

/*
 * Marks something else than a word as touched by the current thread; answers whether it is shared.
 */
bool memory_is_shared(const volatile void *at);

/* --- schedule.c --- */

extern int current;

/* A step follows. If others can see it (@is_shared), somebody else may go on first. */
void schedule_point(bool is_shared);

/*
 * The current thread cannot go on until somebody wakes what it waits for; false if its
 * time ran out.
 */
bool schedule_block(const volatile void *on, bool is_timed);
void schedule_wake(const volatile void *on);
void schedule_allow(unsigned int time_outs, unsigned int ticks);

/* One of @count older and newer stores. */
unsigned int schedule_choose(unsigned int count);

int schedule_start(void *(*start)(void *), void *argument);
void schedule_join(int thread);
void *schedule_result(int thread);
unsigned int schedule_threads_alive(void);

/* Runs @main_function, from beginning to end, with what search.c chooses. */
void schedule_run(int (*main_function)(void));

/* --- kernel.c --- */

void kernel_begin(void);

/* --- search.c --- */

/*
 * One of @count possibilities, the usual one being 0. @step says where in the execution, whatever
 * is known of what is shared.
 */
unsigned int choose(unsigned int count, unsigned int step);

/* The explorer itself cannot go on: no finding, and an exit status of its own. */
_Noreturn void search_limit(const char *what);

/* Whether to ask at every step, as one that is told what to choose does. */
bool search_asks_always(void);

void search_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern bool is_tracing;

#endif /* EXPLORER_INSIDE_H */
