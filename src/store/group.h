/* SPDX-License-Identifier: MIT */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

/*
 * A group inside: a list of ready subscriptions under a lock, and one door for all members. A group
 * is a door of each member, beside the descriptor and the callback of the subscription (hand.h):
 *
 *   - a member is in the list of ready subscriptions, or the hand of the member is up, and the look
 *     after the hand found nothing to say;
 *   - the group's door is open exactly while a member is ready: the descriptor is readable, and no
 *     wait sleeps.
 *
 * A ringer holds the lock of the session's hands, and takes the group's lock after that lock. No
 * system call is made under the group's lock.
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
	struct stamp *home; /* the store's: shows a fork's child */
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
	 * Of the descriptor; taken before the other lock. A write to the descriptor wakes a thread.
	 * That thread asks for ready subscriptions at once, and must not find the list locked.
	 */
	pthread_mutex_t descriptor_lock;
	int descriptor;   /* or -1 */
	bool is_readable; /* 8 bytes are in the descriptor */
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

/*
 * Under the lock: a wait may be over. Answers whether the caller has to wake `rung` after
 * unlocking.
 */
static inline bool
group_end_wait(struct reprise_group *group)
{
	fetch_add_relaxed(&group->rung, 1);
	return group->is_asleep;
}

/* Under the lock of the hands of @subscription, a member of @group. Each call may be repeated. */
void group_put_ready(struct reprise_group *group, struct reprise_subscription *subscription);
void group_take_ready(struct reprise_group *group, struct reprise_subscription *subscription);

/* @subscription leaves the group, if any. The owner's. */
void group_let_go(struct reprise_subscription *subscription);

#endif /* STORE_GROUP_H */
