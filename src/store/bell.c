/* SPDX-License-Identifier: MIT */
#include "store/bell.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#include <ck_pr.h>

#include "base/barrier.h"
#include "base/futex.h"

enum {
	STALLS_MAX = 1000, /* before the relay gives its core to a thread in the middle of a push */
};

/* Stands for "not known yet" between the two steps of a push. */
static struct bell unknown;

void
bell_init(struct bell *bell, struct bell_queue *queue, atomic_u64 *holders, bool is_fenced)
{
	atomic_init(&bell->bits, is_fenced ? BELL_FENCED : 0);
	atomic_init(&bell->epoch, 0);
	atomic_init(&bell->queued_before, NULL);
	bell->queue = queue;
	bell->holders = holders;
	atomic_init(&bell->wakes, 0);
}

static void
wake_direct(struct bell *bell)
{
	/* [ring:B] The hand lowered before; pairs with [arm:B]. */
	fetch_add_release(&bell->epoch, 1);
	fetch_add_relaxed(&bell->wakes, 1);
	futex_wake_all(&bell->epoch);
}

static void
push(struct bell_queue *queue, struct bell *bell)
{
	store_relaxed(&bell->queued_before, &unknown);
	/* [push:A] All that was published, and `unknown`, before; pairs with [take:A]. */
	struct bell *const before = exchange_release(&queue->head, bell);

	store_relaxed(&bell->queued_before, before);
}

static void
call_relay(struct bell *bell)
{
	/* [call:A] Before queued_before is written again; pairs with [answer:A]. */
	if (fetch_or_acquire(&bell->bits, BELL_QUEUED) & BELL_QUEUED)
		return;
	fetch_add_relaxed(bell->holders, 1);
	push(bell->queue, bell);
	if (bell_queue_wake(bell->queue))
		fetch_add_relaxed(&bell->wakes, 1);
}

/* Lowers @hands, and wakes the threads that raised them. */
static void
lower(struct bell *bell, uint64_t hands)
{
	const int error = errno; /* an append may come from a signal handler */

	if ((load_relaxed(&bell->bits) & hands) == 0)
		return;
	const uint64_t gone = hands | (hands & BELL_ARMED ? BELL_SETTLED : 0);
	const uint64_t raised = fetch_and_relaxed(&bell->bits, ~gone) & hands;

	if (raised & BELL_DIRECT)
		wake_direct(bell);
	if (raised & BELL_ARMED)
		call_relay(bell);
	errno = error;
}

void
bell_ring_cold(struct bell *bell)
{
	if (load_relaxed(&bell->bits) & BELL_FENCED)
		fence_ordered();
	lower(bell, BELL_ARMED | BELL_DIRECT);
}

void
bell_ring(struct bell *bell)
{
	/*
	 * [ring:A] All that was published before the bits, and an end before the look for a roster;
	 * pairs with [arm:A], pairs with [follow:A], pairs with [told:A].
	 */
	fence_ordered();
	lower(bell, BELL_ARMED | BELL_DIRECT);
}

void
bell_call(struct bell *bell)
{
	const int error = errno; /* an end may come from a signal handler */

	call_relay(bell);
	errno = error;
}

void
bell_ring_direct(struct bell *bell)
{
	fence_ordered();
	lower(bell, BELL_DIRECT);
}

/* Up to which generation the bits are, and whether ARMED stands. */
static uint64_t
armed_of(uint64_t bits)
{
	return bits & (~(uint64_t)(BELL_GENERATION - 1) | BELL_ARMED);
}

uint64_t
bell_arm(struct bell *bell)
{
	uint64_t before = load_relaxed(&bell->bits), after;

	/*
	 * Where ARMED stands already: the thread that lowers ARMED looks at the list afterwards,
	 * and finds this hand.
	 */
	do {
		after = before;
		if (before & BELL_ARMED)
			break;
		after = (before | BELL_ARMED) + BELL_GENERATION;
	} while (!compare_exchange_relaxed(&bell->bits, &before, after));
	return armed_of(after) | (after & BELL_SETTLED);
}

bool
bell_arm_direct(struct bell *bell, bool has_epoch, uint32_t *epoch)
{
	/* [arm:B] Before the hand goes up; pairs with [ring:B]. */
	const uint32_t now = load_acquire(&bell->epoch);
	const bool is_taken = fetch_or_relaxed(&bell->bits, BELL_DIRECT) & BELL_DIRECT;

	/*
	 * A hand that was left up by a time-out is still its sleeper's own, if nobody
	 * has rung since.
	 */
	if (is_taken && !(has_epoch && *epoch == now))
		return false;
	*epoch = now;
	return true;
}

/*
 * The barrier was made after @armed was seen. Unless that was lowered meanwhile, others need none.
 */
static void
settle(struct bell *bell, uint64_t armed)
{
	uint64_t bits = load_relaxed(&bell->bits);

	while (armed_of(bits) == armed && (bits & BELL_SETTLED) == 0)
		if (compare_exchange_relaxed(&bell->bits, &bits, bits | BELL_SETTLED))
			break;
}

bool
bell_barrier_for_all(bool is_asymmetric)
{
	/*
	 * [arm:A] The hand before the look that follows;
	 * pairs with [publish:A], pairs with [ring:A].
	 */
	if (is_asymmetric && !barrier_everywhere())
		return false;
	fence_ordered();
	return true;
}

bool
bell_barrier(struct bell *bell, bool is_asymmetric, uint64_t armed)
{
	const bool is_needed = is_asymmetric && (armed & BELL_SETTLED) == 0;

	if (!bell_barrier_for_all(is_needed))
		return false;
	if (is_needed && armed != BELL_UNSETTLED)
		settle(bell, armed);
	return true;
}

struct bell *
bell_queue_take(struct bell_queue *queue)
{
	if (load_relaxed(&queue->head) == NULL)
		return NULL;
	/* [take:A] Before the bells are looked at; pairs with [push:A]. */
	return exchange_acquire(&queue->head, NULL);
}

struct bell *
bell_queued_before(struct bell *bell)
{
	struct bell *before;

	/* Stored a moment after the bell could be taken. That bell came with [take:A]. */
	for (unsigned int stalls = 0; (before = load_relaxed(&bell->queued_before)) == &unknown;) {
		if (++stalls % STALLS_MAX == 0)
			sched_yield();
		ck_pr_stall();
	}
	return before;
}

void
bell_answer(struct bell *bell)
{
	/* [answer:A] queued_before was read before, as others had left it; pairs with [call:A]. */
	fetch_and_release(&bell->bits, ~(uint64_t)BELL_QUEUED);
}

void
bell_queue_doze(struct bell_queue *queue, bool (*is_wanted)(void *context), void *context,
		uint64_t deadline_ns)
{
	store_relaxed(&queue->is_asleep, 1);
	/* [doze:A] Asleep before the last look; pairs with [push:B]. */
	fence_ordered();
	if (load_relaxed(&queue->head) == NULL && !is_wanted(context))
		(void)futex_wait(&queue->is_asleep, 1, deadline_ns);
	store_relaxed(&queue->is_asleep, 0);
}

bool
bell_queue_wake(struct bell_queue *queue)
{
	/* [push:B] The relay's work before whether it sleeps; pairs with [doze:A]. */
	fence_ordered();
	if (load_relaxed(&queue->is_asleep) == 0 || exchange_relaxed(&queue->is_asleep, 0) == 0)
		return false;
	futex_wake_all(&queue->is_asleep);
	return true;
}
