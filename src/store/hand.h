/* SPDX-License-Identifier: MIT */
#ifndef STORE_HAND_H
#define STORE_HAND_H

/*
 * The hands of a session: subscriptions that the relay shall ring, in the order in which they
 * asked. A hand that is rung leaves the list. Everything here is under the list's lock, which no
 * append takes; so is the ringing itself: once a subscription's hand is down, nothing rings it any
 * more, and its descriptor may be closed.
 *
 * Ringing is a futex for a thread in reprise_wait, 8 bytes for a descriptor, a place among the
 * ready ones for a group (group.h), a call of the relay's for a callback; for all of them that
 * the subscription has.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct reprise_group;
struct reprise_session;
struct reprise_subscription;

struct hands {
	pthread_mutex_t lock;
	TAILQ_HEAD(, reprise_subscription) up;
	uint64_t round; /* of ringing; a hand raised during one is rung in the next */

	/* DEFERRED: the relay looks whether there is more than what the hands' owners had seen. */
	uint64_t newest_least;
	bool is_watched; /* in the relay's list, and pinned */
	/* A waiter without a subscription: the next ring notifies the port. */
	bool is_port_waiting;
	struct reprise_session *watched_next;
};

void hands_open(struct hands *hands);
void hands_close(struct hands *hands);

/* A hand that was raised: what to do before the look after it, and what to sleep on. */
struct raised {
	bool is_new;    /* else it was up already, with all that goes before a look */
	uint64_t armed; /* for bell_barrier */
	uint32_t rung;  /* the subscription's, to sleep on */
};

/*
 * Raises the hand of @subscription, which has a session: for a thread that is about to sleep, or
 * for its doors; then the descriptor is unreadable, and the group's place given up, from here on.
 */
struct raised hand_raise(struct reprise_subscription *subscription, bool is_for_sleep);

/* Takes the hand back, and answers whether it was up. */
bool hand_lower(struct reprise_subscription *subscription);

/*
 * A sleep is over. A hand that was raised for the sleep goes down: no door needs the hand, since
 * the doors were rung before. A hand that was up before the sleep stays up, for its doors.
 */
void hand_end_sleep(struct reprise_subscription *subscription, bool was_raised_for_it);

/*
 * The hand is up, but appends may miss it, for want of a barrier, or have been missed, for want of
 * memory: the relay shall look whether there is more than what the subscription has seen.
 */
void hand_have_watched(struct reprise_subscription *subscription);

/*
 * Gives @subscription a descriptor; a group, or NULL for none any more; rings the
 * descriptor, or both.
 */
void hand_give_descriptor(struct reprise_subscription *subscription, int descriptor);
void hand_give_group(struct reprise_subscription *subscription, struct reprise_group *group);
void hand_ring_descriptor(struct reprise_subscription *subscription);
void hand_ring_level_doors(struct reprise_subscription *subscription);

/* The end was told: the subscription becomes ready in the group no more. */
void hand_end(struct reprise_subscription *subscription);

/* Gives it a callback, which is called unless the hand is up; or takes that away. */
void hand_give_callback(struct reprise_subscription *subscription);
void hand_take_callback(struct reprise_subscription *subscription);

/* Rings @subscription alone, if its hand is up among those of @session. */
void hand_ring(struct reprise_session *session, struct reprise_subscription *subscription);

/*
 * The subscription's hand goes down, and its next one is among those of @session. Its doors are
 * rung if the hand was up.
 */
void hand_move(struct reprise_subscription *subscription, struct reprise_session *session);

/*
 * Ends the sleep of @subscription's owner, if it is one of this kind. False if its hands
 * are not @session's.
 */
bool hand_interrupt(struct reprise_session *session, struct reprise_subscription *subscription);

/* The next ring notifies the port; or does not. */
void hands_set_port_waiting(struct reprise_session *session, bool is_waiting);

/*
 * The relay's, or the port's: rings every hand that is up when it begins, and notifies the port if
 * it waits. Answers whether there was a hand.
 */
bool hands_ring(struct reprise_session *session);

/*
 * The relay's: with @rings, rings them if there is more than they have seen. False if none is up:
 * then the session is watched no more.
 */
bool hands_watch(struct reprise_session *session, bool rings);

#endif /* STORE_HAND_H */
