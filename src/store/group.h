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

#include <stdbool.h>

#include <reprise/group.h>

/* Under the lock of the hands of @subscription, whose group this is. Each may be repeated. */
void group_put_ready(struct reprise_group *group, struct reprise_subscription *subscription);
void group_take_ready(struct reprise_group *group, struct reprise_subscription *subscription);

/* @subscription leaves the group. The owner's. */
void group_let_go(struct reprise_group *group, struct reprise_subscription *subscription);

#endif /* STORE_GROUP_H */
