/* SPDX-License-Identifier: MIT */
#ifndef STORE_BELL_H
#define STORE_BELL_H

/*
 * The bell of one session: how an append wakes sleepers without paying when nobody sleeps.
 *
 * A sleeper raises its hand (ARMED), looks once more, and sleeps. A writer publishes, then looks
 * for hands. Each must not miss the other, which takes a full barrier on both sides; the writer's
 * is a compiler barrier alone, because the sleeper makes the kernel run a real one on every core
 * that runs this process (membarrier). Where the kernel refuses that, FENCED stands in the bits for
 * ever, sends every append to bell_ring, and the fence is made there.
 *
 * Sleepers wait on `epoch`, read before the hand went up: whoever lowers hands counts it up
 * afterwards, so a sleeper either finds another epoch or is woken. One system call wakes them all,
 * and the next append finds no hand.
 *
 *   publish:A / arm:A    an append either sees the hand, or is seen by the look after it
 *   ring:A / arm:A       and so does whatever else rings: an end, an interrupt
 *   ring:B / arm:B       a hand that was lowered has its epoch counted up after it was read
 */

#include "base/assert.h"
#include "base/atomic.h"
#include "base/numbers.h"

enum {
	BELL_ARMED = 1, /* somebody sleeps, or is about to */
	/* 2 is kept for QUEUED: the session is with the relay, for sleepers that it will wake */
	BELL_DIRECT = 4, /* on the epoch; the writer wakes it itself */
	BELL_FENCED = 8, /* membarrier is refused: appends make the fence */
};

struct bell {
	atomic_u32 bits;
	atomic_u32 epoch; /* futex */
	atomic_u64 wakes; /* system calls made to wake */
};

void bell_init(struct bell *bell, bool asymmetric);

/* Registers this process for membarrier; false where the kernel refuses. */
bool bell_register_asymmetric(void);

/* What an append does when bits are set: not for others, who need the fence. */
void bell_ring_cold(struct bell *bell) COLD;

/* After anything but an append was published; any thread. */
void bell_ring(struct bell *bell);

/*
 * Raises a hand; *ret_epoch is what to sleep on. Look once more before. False if the kernel has
 * refused the barrier that it had promised (a filter of system calls may do that): then an append
 * may miss the hand, and the sleep must be short.
 */
bool bell_arm(struct bell *bell, bool asymmetric, uint32_t *ret_epoch);

/* Sleeps until rung, or the deadline; false if that has passed. */
bool bell_sleep(struct bell *bell, uint32_t epoch, uint64_t deadline_ns);

/* After an append was published. The writer's, hence inline: a load when nobody sleeps. */
static inline void
bell_publish(struct bell *bell)
{
	/*
	 * [publish:A] The newest before the bits; pairs with [arm:A], which makes the barrier for
	 * both.
	 */
	fence_compiler();
	if (unlikely(load_relaxed(&bell->bits) != 0))
		bell_ring_cold(bell);
}

#endif /* STORE_BELL_H */
