/* SPDX-License-Identifier: MIT */
#ifndef STORE_BELL_H
#define STORE_BELL_H

/*
 * The bell of one session: how an append wakes sleepers without paying when nobody sleeps, and
 * with one system call, two at most, however many do.
 *
 * A sleeper raises its hand, looks once more, and sleeps. A writer publishes, then looks for hands.
 * Each must not miss the other, which takes a full barrier on both sides; the writer's is a
 * compiler barrier alone, because the sleeper makes the kernel run a real one on every core that
 * runs this process. Where the kernel refuses that, FENCED stands in the bits for ever, sends every
 * append to bell_ring_cold, and the fence is made there.
 *
 *   DIRECT  the first sleeper of a wait. It sleeps on `epoch`, read before its hand went up:
 *           the thread that lowers the hand counts it up afterwards, so the sleeper finds
 *           another epoch or is woken.
 *   ARMED   everybody else: more sleepers, descriptors, callbacks. Their hands are in the session's
 *           list (hand.h). The thread that lowers ARMED puts the bell into the relay's queue, once
 *           (QUEUED), and wakes the relay if it sleeps; the relay takes QUEUED back, and only then
 *           looks at the list.
 *
 * The kernel's barrier interrupts the writer's core, so there should not be one for each sleeper. A
 * thread that finds ARMED raised, and SETTLED, need not make the barrier: it was made since ARMED
 * was raised, so each append either sees ARMED, and the relay then sees every hand; or came before
 * the barrier, and is seen by the look. Each raising of ARMED counts a generation up, so that a
 * late SETTLED is not taken for a newer one's.
 *
 *   publish:A / arm:A      an append either sees the hand, or is seen by the look after it
 *   ring:A / arm:A         and so does any other ring: by an end, by an interrupt
 *   ring:B / arm:B         a hand that was lowered has its epoch counted up after it was read
 *   answer:A / call:A      a thread that queues a bell again stores queued_before after the
 *                          thread that had queued the bell before
 *   push:A / take:A        the relay sees the bell, and all that were queued before it
 *   push:B / doze:A        the relay either sees the bell, or is seen to be asleep
 *
 * Everything else about the bits is relaxed. Raising is followed by the barrier. The thread that
 * lowers ARMED goes on to call; if the relay looked at the list before that hand was in it, its
 * answer had come before the hand's ARMED, by the list's lock, and so before the call, which then
 * finds no QUEUED.
 */

#include "base/assert.h"
#include "base/atomic.h"
#include "base/numbers.h"

enum {
	BELL_ARMED = 1,       /* hands are in the list, for the relay */
	BELL_QUEUED = 2,      /* the bell is with the relay */
	BELL_DIRECT = 4,      /* on the epoch; the writer wakes it itself */
	BELL_FENCED = 8,      /* membarrier is refused: appends make the fence */
	BELL_SETTLED = 16,    /* a barrier was made since ARMED was raised */
	BELL_GENERATION = 32, /* one of them: the bits from here up count how often it was */
};

struct bell;

/* The relay's end: bells that want it. Pushed by one exchange, taken all at once. */
struct bell_queue {
	_Atomic(struct bell *) head;
	atomic_u32 is_asleep; /* futex: 1 while the relay sleeps, or is about to */
};

struct bell {
	atomic_u64 bits;
	atomic_u32 epoch; /* futex */
	_Atomic(struct bell *) queued_before;
	struct bell_queue *queue; /* the relay's */
	atomic_u64 *holders;      /* counted up while queued, so that the bell stays */
	atomic_u64 wakes;         /* system calls made to wake, by any thread */
};

void bell_init(struct bell *bell, struct bell_queue *queue, atomic_u64 *holders, bool is_fenced);

/* Rings for an append, when bits are set: not for other calls, which need the fence. */
void bell_ring_cold(struct bell *bell) COLD;

/* After anything but an append was published; any thread. */
void bell_ring(struct bell *bell);

/* Hands the bell to the relay, for all hands that are up. Any thread, and signal-safe. */
void bell_call(struct bell *bell);

/* Wakes the direct sleeper alone. After something that concerns it was published; any thread. */
void bell_ring_direct(struct bell *bell);

/*
 * Raises a hand for the relay, which is in the list already; answers what bell_barrier is to be
 * given. Then make the barrier, and look once more.
 */
uint64_t bell_arm(struct bell *bell);

/*
 * Raises a hand for the writer itself; false if somebody else has that place. *epoch is what to
 * sleep on; with @has_epoch it was given by the last time that this sleeper had it, and its hand
 * may still stand. Then make the barrier with BELL_UNSETTLED, and look once more.
 */
bool bell_arm_direct(struct bell *bell, bool has_epoch, uint32_t *epoch);

#define BELL_UNSETTLED UINT64_C(0)

/*
 * The barrier between a hand and the look after it. False if the kernel has refused what it had
 * promised (a filter of system calls may do that): then an append may miss the hand, and the
 * sleep must be short.
 */
bool bell_barrier(struct bell *bell, bool is_asymmetric, uint64_t armed);

/* The same, between hands on any number of bells and the looks after them. */
bool bell_barrier_for_all(bool is_asymmetric);

/*
 * The relay's: all that are queued, or NULL; the one before another; and that it may be queued
 * again.
 */
struct bell *bell_queue_take(struct bell_queue *queue);
struct bell *bell_queued_before(struct bell *bell);
void bell_answer(struct bell *bell);

/*
 * Sleeps until a bell is queued, @is_wanted says so, the queue is woken, or the
 * deadline. The relay's.
 */
void bell_queue_doze(struct bell_queue *queue, bool (*is_wanted)(void *context), void *context,
		     uint64_t deadline_ns);

/* Wakes the relay if it sleeps, after something was published for it; answers whether it did. */
bool bell_queue_wake(struct bell_queue *queue);

/* After an append was published. The writer's, hence inline: a load when nobody sleeps. */
static inline void
bell_publish(struct bell *bell)
{
	/*
	 * [publish:A] The newest before the bits; pairs with [arm:A], which makes the barrier for
	 * both.
	 */
	fence_compiler();
	if (unlikely(load_relaxed(&bell->bits) & (BELL_ARMED | BELL_DIRECT | BELL_FENCED)))
		bell_ring_cold(bell);
}

#endif /* STORE_BELL_H */
