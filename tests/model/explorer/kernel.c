/* SPDX-License-Identifier: MIT */

/* The calls of the library to the kernel and to libpthread. */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/barrier.h"
#include "base/futex.h"

#include "inside.h"

enum {
	LOCKS_MAX = 64,
	CLOCK_STEP_NS = 20000, /* between two looks at the clock */
};

/* A mutex, by its address; or a futex's bucket in the kernel. */
static struct lock {
	const volatile void *at;
	bool is_held;
	struct view view;   /* of who held it last */
	uint32_t seen_upto; /* futex: what its wakers had seen of the word */
} locks[LOCKS_MAX];
static int locks_count;
static uint64_t now_ns;
static bool is_barrier_refused;
static unsigned int spurious_left;

void
kernel_begin(void)
{
	locks_count = 0;
	now_ns = 1000 * UINT64_C(1000000000);
	is_barrier_refused = false;
	spurious_left = 0;
}

static struct lock *
lock_of(const volatile void *at)
{
	for (int i = 0; i < locks_count; i++)
		if (locks[i].at == at)
			return &locks[i];
	if (locks_count == LOCKS_MAX)
		search_limit("more locks than the explorer has");
	struct lock *const lock = &locks[locks_count++];

	lock->at = at;
	lock->is_held = false;
	lock->seen_upto = 0;
	memset(&lock->view, 0, sizeof(lock->view));
	return lock;
}

/* --- threads ---------------------------------------------------------------------------------- */

int
explorer_create(pthread_t *ret_thread, void *(*start)(void *), void *argument)
{
	const int thread = schedule_start(start, argument);

	memory_begin_thread(thread, current);
	*ret_thread = (pthread_t)thread;
	return 0;
}

pthread_t
explorer_self(void)
{
	return (pthread_t)current + 1; /* never 0, as the system's */
}

int
explorer_join(pthread_t thread, void **ret_result)
{
	schedule_join((int)thread);
	memory_join_thread((int)thread);
	if (ret_result != NULL)
		*ret_result = schedule_result((int)thread);
	return 0;
}

int
explorer_lock(const volatile void *mutex)
{
	struct lock *const lock = lock_of(mutex);

	schedule_point(memory_is_shared(mutex));
	while (lock->is_held)
		(void)schedule_block(mutex, false);
	lock->is_held = true;
	memory_take_view(&lock->view);
	search_trace("lock");
	return 0;
}

int
explorer_unlock(const volatile void *mutex)
{
	struct lock *const lock = lock_of(mutex);

	if (!lock->is_held)
		model_fail(__FILE__, __LINE__, "unlocked, but not locked");
	lock->is_held = false;
	memory_give_view(&lock->view);
	schedule_wake(mutex);
	search_trace("unlock");
	return 0;
}

int
explorer_wait(const volatile void *condition, const volatile void *mutex)
{
	explorer_unlock(mutex);
	(void)schedule_block(condition, false);
	return explorer_lock(mutex);
}

/* The time runs out as that of a futex does: model_allow. */
int
explorer_timed_wait(const volatile void *condition, const volatile void *mutex)
{
	explorer_unlock(mutex);
	const bool is_woken = schedule_block(condition, true);

	explorer_lock(mutex);
	return is_woken ? 0 : ETIMEDOUT;
}

int
explorer_broadcast(const volatile void *condition)
{
	schedule_wake(condition);
	return 0;
}

/* --- futex: base/futex.h ---------------------------------------------------------------------- */

/*
 * The kernel compares the word under a lock that wakers take, too: so who waits has seen what they
 * had seen of this word, or is found asleep by them.
 */
/* Nobody is cancelled here. */
bool
futex_wait_cancellable(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns,
		       void (*clean_up)(void *context), void *context)
{
	(void)clean_up, (void)context;
	return futex_wait(word, expected, deadline_ns);
}

bool
futex_wait(atomic_u32 *word, uint32_t expected, uint64_t deadline_ns)
{
	struct lock *const bucket = lock_of(word);

	schedule_point(true);
	memory_see(word, sizeof(*word), bucket->seen_upto);
	if (memory_load(word, sizeof(*word), EXPLORER_RELAXED) != expected)
		return true;
	if (spurious_left > 0 && schedule_choose(2) == 1) {
		spurious_left--;
		return true;
	}
	search_trace("sleep");
	return schedule_block(word, deadline_ns != UINT64_MAX);
}

void
futex_wake_all(atomic_u32 *word)
{
	struct lock *const bucket = lock_of(word);
	schedule_point(true);
	const uint32_t seen = memory_seen(word, sizeof(*word));

	if (bucket->seen_upto < seen)
		bucket->seen_upto = seen;
	search_trace("wake");
	schedule_wake(word);
}

/* --- membarrier: base/barrier.h --------------------------------------------------------------- */

bool
barrier_register(void)
{
	return !is_barrier_refused;
}

bool
barrier_everywhere(void)
{
	if (is_barrier_refused)
		return false;
	memory_heavy_fence();
	search_trace("barrier everywhere");
	return true;
}

bool
barrier_was_granted(void)
{
	return true;
}

void
model_refuse_barrier(void)
{
	is_barrier_refused = true;
}

/* --- the rest --------------------------------------------------------------------------------- */

void
model_allow(unsigned int time_outs, unsigned int ticks, unsigned int spurious_wakes)
{
	schedule_allow(time_outs, ticks);
	spurious_left = spurious_wakes;
}

int
explorer_clock(struct timespec *ret_now)
{
	now_ns += CLOCK_STEP_NS;
	*ret_now = (struct timespec){ .tv_sec = (time_t)(now_ns / 1000000000),
				      .tv_nsec = (long)(now_ns % 1000000000) };
	return 0;
}
