/* SPDX-License-Identifier: MIT */

/* Fibers: the threads of the program, one of which runs at a time. */

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "inside.h"

enum {
	STACK_BYTES = 256 * 1024,
	STEPS_MAX = 50000, /* an execution that takes more does not end */
	TLS_BYTES_MAX = 256,
};

enum state {
	STATE_NONE,
	STATE_RUNNABLE,
	STATE_BLOCKED,
	STATE_FINISHED,
};

static struct thread {
	ucontext_t context;
	enum state state;
	const volatile void *on; /* what it waits for */
	bool is_timed;
	bool is_timed_out;
	bool has_yielded; /* since anybody else has run */
	void *(*start)(void *);
	void *argument, *result;
	unsigned char locals[TLS_BYTES_MAX];
} threads[THREADS_MAX];

static unsigned char stacks[THREADS_MAX][STACK_BYTES] __attribute__((aligned(64)));
static int threads_count;
static unsigned int alive;
static unsigned int steps;
static unsigned int time_outs_left, ticks_left;
static ucontext_t outside;
static int (*program)(void);

int current;

/* --- _Thread_local: the fibers share one thread, so that it is copied in and out -------------- */

static unsigned char *locals;
static size_t locals_bytes;

static int
find_locals(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			locals = info->dlpi_tls_data;
			locals_bytes = info->dlpi_phdr[i].p_memsz;
		}
	return 1; /* the first is the program itself */
}

static void
swap_locals(int from, int to)
{
	if (locals_bytes == 0)
		return;
	memcpy(threads[from].locals, locals, locals_bytes);
	memcpy(locals, threads[to].locals, locals_bytes);
}

/* --- who runs --------------------------------------------------------------------------------- */

static void
go_to(int next)
{
	const int before = current;

	if (next == before)
		return;
	for (int i = 0; i < threads_count; i++)
		threads[i].has_yielded &= i == next;
	search_trace("thread %d goes on", next);
	current = next;
	swap_locals(before, next);
	const int error = errno; /* each thread has its own */

	if (swapcontext(&threads[before].context, &threads[next].context) != 0)
		abort();
	errno = error;
}

static bool
can_time_out(const struct thread *thread, unsigned int left)
{
	return thread->state == STATE_BLOCKED && thread->is_timed && left > 0;
}

/* The threads that can go on, after the current one in turn; last, those whose time may run out. */
static unsigned int
others(int who[THREADS_MAX])
{
	unsigned int count = 0;

	for (int step = 1; step < 2 * threads_count; step++) {
		const int i = (current + step) % threads_count;

		if (step < threads_count ? threads[i].state == STATE_RUNNABLE
					 : can_time_out(&threads[i], time_outs_left))
			who[count++] = i;
	}
	return count;
}

/* Nobody can: whose time runs out in the end. */
static unsigned int
sleepers(int who[THREADS_MAX])
{
	unsigned int count = 0;

	for (int i = 0; i < threads_count; i++)
		if (can_time_out(&threads[i], ticks_left))
			who[count++] = i;
	ticks_left -= count > 0;
	return count;
}

static void
let(int next)
{
	struct thread *const thread = &threads[next];

	if (thread->state == STATE_BLOCKED) {
		thread->state = STATE_RUNNABLE;
		thread->is_timed_out = true;
		time_outs_left -= time_outs_left > 0;
	}
	go_to(next);
}

static void
count_step(void)
{
	if (++steps > STEPS_MAX)
		model_fail(__FILE__, __LINE__, "the execution does not end");
}

void
schedule_point(bool is_shared)
{
	int who[THREADS_MAX];

	count_step();
	if (!is_shared && !search_asks_always())
		return;
	const unsigned int count = others(who);
	const unsigned int pick = count > 0 ? choose(1 + count, steps) : 0;

	if (pick > 0)
		let(who[pick - 1]);
}

unsigned int
schedule_choose(unsigned int count)
{
	count_step();
	return choose(count, steps);
}

void
explorer_yield(void)
{
	int who[THREADS_MAX];
	unsigned int count;

	count_step();
	count = others(who);
	/*
	 * A thread that has yielded since is not run again: two threads that wait for a third must
	 * not alternate for ever.
	 */
	unsigned int kept = 0;

	threads[current].has_yielded = true;
	for (unsigned int i = 0; i < count; i++)
		if (!threads[who[i]].has_yielded)
			who[kept++] = who[i];
	if (kept == 0) {
		for (int i = 0; i < threads_count; i++)
			threads[i].has_yielded = false;
		kept = count;
	}
	if (kept > 0) {
		/* Last: to go on all the same. */
		const unsigned int pick = choose(kept + 1, steps);

		if (pick < kept)
			let(who[pick]);
	}
}

/* The current thread cannot go on. */
static void
leave(void)
{
	int who[THREADS_MAX];

	count_step();
	unsigned int count = others(who);

	if (count == 0)
		count = sleepers(who);
	if (count == 0)
		model_fail(__FILE__, __LINE__, "everybody sleeps");
	let(who[count > 1 ? choose(count, steps) : 0]);
}

bool
schedule_block(const volatile void *on, bool is_timed)
{
	struct thread *const thread = &threads[current];

	thread->state = STATE_BLOCKED;
	thread->on = on;
	thread->is_timed = is_timed;
	thread->is_timed_out = false;
	leave();
	return !thread->is_timed_out;
}

void
schedule_wake(const volatile void *on)
{
	for (int i = 0; i < threads_count; i++)
		if (threads[i].state == STATE_BLOCKED && threads[i].on == on)
			threads[i].state = STATE_RUNNABLE;
}

void
schedule_allow(unsigned int time_outs, unsigned int ticks)
{
	time_outs_left = time_outs;
	ticks_left = ticks;
}

/* --- threads ---------------------------------------------------------------------------------- */

unsigned int
schedule_threads_alive(void)
{
	return alive;
}

static void
run(void)
{
	struct thread *const thread = &threads[current];

	thread->result = thread->start(thread->argument);
	thread->state = STATE_FINISHED;
	alive--;
	schedule_wake(thread);
	leave();
}

int
schedule_start(void *(*start)(void *), void *argument)
{
	const int i = threads_count++;

	if (i >= THREADS_MAX)
		model_fail(__FILE__, __LINE__, "more threads than the explorer has");
	threads[i].state = STATE_RUNNABLE;
	threads[i].start = start;
	threads[i].argument = argument;
	threads[i].is_timed = false;
	threads[i].has_yielded = false;
	memset(threads[i].locals, 0, sizeof(threads[i].locals));
	getcontext(&threads[i].context);
	threads[i].context.uc_stack.ss_sp = stacks[i];
	threads[i].context.uc_stack.ss_size = STACK_BYTES;
	threads[i].context.uc_link = NULL;
	makecontext(&threads[i].context, run, 0);
	alive++;
	return i;
}

void
schedule_join(int thread)
{
	while (threads[thread].state != STATE_FINISHED)
		(void)schedule_block(&threads[thread], false);
}

void *
schedule_result(int thread)
{
	return threads[thread].result;
}

static void *
run_program(void *argument)
{
	(void)argument;
	if (program() != 0)
		model_fail(__FILE__, __LINE__, "the program says that something is wrong");
	if (alive != 1)
		model_fail(__FILE__, __LINE__, "a thread was not joined");
	alive = 0;
	if (swapcontext(&threads[0].context, &outside) != 0)
		abort();
	return NULL;
}

void
schedule_run(int (*main_function)(void))
{
	if (locals == NULL) {
		dl_iterate_phdr(find_locals, NULL);
		if (locals_bytes > TLS_BYTES_MAX)
			abort();
	}
	program = main_function;
	threads_count = 0;
	alive = 0;
	steps = 0;
	schedule_allow(0, 0);
	memory_begin();
	kernel_begin();
	current = 0;
	if (locals_bytes > 0)
		memset(locals, 0, locals_bytes);
	(void)schedule_start(run_program, NULL);
	if (swapcontext(&outside, &threads[0].context) != 0)
		abort();
}
