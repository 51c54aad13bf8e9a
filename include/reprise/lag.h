/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LAG_H
#define REPRISE_LAG_H

/* reprise/lag.h - how far a subscription is behind, and how soon the subscription loses events */

#include <reprise/base.h>
#include <reprise/subscription.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_subscription_lag {
	size_t size; /* sizeof(struct reprise_subscription_lag), set by the caller */

	/*
	 * 1: the subscription's position is in the life of a window. 0: the subscription has ended
	 * or was refused, waits for a life, reads an earlier life from a log, or its window is
	 * void: all fields are 0.
	 */
	int32_t is_known;
	int32_t reserved; /* 0 */

	/*
	 * Events after the subscription's position, up to the newest event, or up to a replay's
	 * last. The filter of kinds and is_recorded_only leave no event out.
	 */
	uint64_t behind_events;

	/* The retained part of these events, in bytes as bytes_max counts (rule A10). */
	uint64_t behind_bytes;

	/*
	 * The events and the bytes to append until the subscription's first event without a copy is
	 * displaced. The smaller of the two bounds displaces the event. 0: the event has left the
	 * window. For a subscription with a copy of every event, the next append counts; an unused
	 * rest of the arena's end before the next event comes on top. Trims and the age limit do
	 * not count.
	 */
	uint64_t headroom_events;
	uint64_t headroom_bytes;
};
#define REPRISE_SUBSCRIPTION_LAG_INIT REPRISE_INIT(struct reprise_subscription_lag)

/*
 * reprise_subscription_lag - how far a subscription is behind, and how much headroom it has
 *
 * All fields are of one moment of the call. If appends overtake three looks of the call,
 * behind_bytes is the whole bytes_max of the window, and the headroom is 0.
 * (rule A28)
 *
 * @subscription  Borrowed.
 * @ret_lag       `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Owner.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_subscription_lag(const struct reprise_subscription *subscription,
						    struct reprise_subscription_lag *ret_lag)
	REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LAG_H */
