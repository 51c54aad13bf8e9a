/* SPDX-License-Identifier: MIT */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

/*
 * A group inside: a list of the subscriptions that are ready, under a lock of its own, and one door for all of them. A
 * group is a door of each of its subscriptions, beside the subscription's own descriptor and callback (hand.h):
 *
 *   - a subscription in a group is among the ready ones, or its hand is up and nothing was to be said after that;
 *   - the group's door is open exactly while one is ready: the descriptor is readable, and no wait sleeps.
 *
 * Who rings a hand holds the lock of the session's hands, and takes the group's after it. Nothing is called under the
 * group's lock, but a write to the descriptor, a read from it, and a wake-up.
 */

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <reprise/group.h>

#include "base/atomic.h"

struct stamp;

TAILQ_HEAD(subscriptions, reprise_subscription);

struct reprise_group {
	struct reprise_store *store;
	struct stamp *home; /* the store's: tells a fork's child */
	uint64_t spin_ns;

	struct subscriptions members; /* the owner's */

	pthread_mutex_t lock; /* of everything up to the next lock */
	struct subscriptions ready;
	struct reprise_group_stats stats;
	bool is_interrupted;
	bool is_waited_for;
	bool is_asleep;  /* a wait, on `rung` */
	atomic_u32 rung; /* futex: counted up, under the lock, whenever a wait may be over */

	/*
	 * Of the descriptor; taken before the other one. A write to it wakes a thread that looks for the ready ones
	 * at once, and must not find them locked.
	 */
	pthread_mutex_t descriptor_lock;
	int descriptor;   /* or -1 */
	bool is_readable; /* 8 bytes are in it */
};

static inline void
group_lock(struct reprise_group *group)
{
	pthread_mutex_lock(&group->lock);
}

static inline void
group_unlock(struct reprise_group *group)
{
	pthread_mutex_unlock(&group->lock);
}

/* Under the lock: a wait may be over. Answers whether `rung` is to be woken after it. */
static inline bool
group_end_wait(struct reprise_group *group)
{
	fetch_add_relaxed(&group->rung, 1);
	return group->is_asleep;
}

/* Under the lock of the hands of @subscription, whose group this is. Each may be repeated. */
void group_put_ready(struct reprise_group *group, struct reprise_subscription *subscription);
void group_take_ready(struct reprise_group *group, struct reprise_subscription *subscription);

/* @subscription leaves its group, if it is in one. The owner's. */
void group_let_go(struct reprise_subscription *subscription);

#endif /* STORE_GROUP_H */
