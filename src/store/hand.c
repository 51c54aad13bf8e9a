/* SPDX-License-Identifier: MIT */
#include "store/hand.h"

#include "base/descriptor.h"
#include "base/futex.h"
#include "store/port.h"
#include "store/subscription.h"

void
hands_open(struct hands *hands)
{
	*hands = (struct hands){ .up = TAILQ_HEAD_INITIALIZER(hands->up),
				 .newest_least = UINT64_MAX };
	pthread_mutex_init(&hands->lock, NULL);
}

void
hands_close(struct hands *hands)
{
	pthread_mutex_destroy(&hands->lock);
}

/* These are under the lock. */

static void
put_up(struct hands *hands, struct reprise_subscription *subscription)
{
	TAILQ_INSERT_TAIL(&hands->up, subscription, hand);
	subscription->hand_round = hands->round;
	subscription->is_hand_up = true;
}

static void
take_down(struct hands *hands, struct reprise_subscription *subscription)
{
	TAILQ_REMOVE(&hands->up, subscription, hand);
	subscription->is_hand_up = false;
}

static void
wake_sleeper(struct reprise_subscription *subscription)
{
	fetch_add_relaxed(&subscription->rung, 1);
	if (subscription->is_asleep)
		futex_wake_all(&subscription->rung);
}

static void
ring_descriptor(struct reprise_subscription *subscription)
{
	if (!subscription->has_descriptor || subscription->is_readable)
		return;
	REPRISE_REQUIRE(descriptor_ring(subscription->descriptor),
			"the descriptor of a subscription was closed or replaced by the program");
	subscription->is_readable = true;
}

static void
drain_descriptor(struct reprise_subscription *subscription)
{
	if (!subscription->is_readable)
		return;
	REPRISE_REQUIRE(descriptor_drain(subscription->descriptor),
			"the descriptor of a subscription was closed or replaced by the program");
	subscription->is_readable = false;
}

static void
ring_level_doors(struct reprise_subscription *subscription)
{
	ring_descriptor(subscription);
	if (subscription->group != NULL && !subscription->is_done_in_group)
		group_put_ready(subscription->group, subscription);
}

/* The doors are rung no more. Also for a subscription without doors. */
static void
calm_level_doors(struct reprise_subscription *subscription)
{
	drain_descriptor(subscription);
	if (subscription->group != NULL)
		group_take_ready(subscription->group, subscription);
}

static void
ring_doors(struct reprise_subscription *subscription)
{
	ring_level_doors(subscription);
	if (load_relaxed(&subscription->has_callback))
		relay_call(&subscription->store->relay, subscription);
}

/* From here on others call. */

static struct hands *
lock_of(struct reprise_session *session)
{
	pthread_mutex_lock(&session->hands.lock);
	return &session->hands;
}

/*
 * Answers what to unlock: after a ring the subscription may be gone. Without a session there is no
 * list to be in, and no other thread rings.
 */
static struct hands *
lock(struct reprise_subscription *subscription)
{
	return subscription->session == NULL ? NULL : lock_of(subscription->session);
}

static void
unlock(struct hands *hands)
{
	if (hands != NULL)
		pthread_mutex_unlock(&hands->lock);
}

/*
 * Under the lock: the relay looks at the session from now on, and rings if more than
 * @newest is there.
 */
static void
be_watched(struct reprise_session *session, uint64_t newest)
{
	struct hands *const hands = &session->hands;

	hands->newest_least = least(hands->newest_least, newest);
	if (!hands->is_watched) {
		hands->is_watched = true;
		(void)session_pin(session);
		relay_watch(&session->store->relay, session);
	}
}

struct raised
hand_raise(struct reprise_subscription *subscription, bool is_for_sleep)
{
	struct reprise_session *const session = subscription->session;
	const bool is_deferred = subscription->store->is_deferred;
	struct hands *const hands = lock_of(session);
	struct raised raised = { .is_new = !subscription->is_hand_up,
				 .rung = load_relaxed(&subscription->rung) };

	if (is_for_sleep)
		subscription->is_asleep = true;
	else
		calm_level_doors(subscription);
	if (raised.is_new)
		put_up(hands, subscription);
	/* In a store that defers, no bit says so to appends. */
	if (raised.is_new && is_deferred)
		be_watched(session, load_relaxed(&session->ring.newest));
	unlock(hands);
	if (raised.is_new && !is_deferred)
		raised.armed = bell_arm(&session->bell);
	return raised;
}

bool
hand_lower(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);
	const bool was_up = subscription->is_hand_up;

	if (was_up)
		take_down(hands, subscription);
	unlock(hands);
	return was_up;
}

void
hand_end_sleep(struct reprise_subscription *subscription, bool was_raised_for_it)
{
	struct hands *const hands = lock(subscription);

	subscription->is_asleep = false;
	if (was_raised_for_it && subscription->is_hand_up)
		take_down(hands, subscription);
	unlock(hands);
}

void
hand_have_watched(struct reprise_subscription *subscription)
{
	struct reprise_session *const session = subscription->session;
	struct hands *const hands = lock_of(session);

	be_watched(session, subscription->at.position);
	unlock(hands);
}

void
hand_give_descriptor(struct reprise_subscription *subscription, int descriptor)
{
	struct hands *const hands = lock(subscription);

	subscription->descriptor = descriptor;
	subscription->has_descriptor = true;
	subscription->has_level_door = true;
	unlock(hands);
}

void
hand_give_group(struct reprise_subscription *subscription, struct reprise_group *group)
{
	struct hands *const hands = lock(subscription);

	if (subscription->group != NULL)
		group_take_ready(subscription->group, subscription);
	subscription->group = group;
	subscription->is_done_in_group = false;
	subscription->has_level_door = group != NULL || subscription->has_descriptor;
	unlock(hands);
}

void
hand_ring_descriptor(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);

	ring_descriptor(subscription);
	unlock(hands);
}

void
hand_ring_level_doors(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);

	ring_level_doors(subscription);
	unlock(hands);
}

/* The hand stays: the other doors are rung for the end, as always. */
void
hand_end(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);

	subscription->is_done_in_group = true;
	group_take_ready(subscription->group, subscription);
	unlock(hands);
}

void
hand_give_callback(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);

	store_relaxed(&subscription->has_callback, 1);
	if (!subscription->is_hand_up)
		relay_call(&subscription->store->relay, subscription);
	unlock(hands);
}

void
hand_take_callback(struct reprise_subscription *subscription)
{
	struct hands *const hands = lock(subscription);

	store_relaxed(&subscription->has_callback, 0);
	unlock(hands);
}

void
hand_ring(struct reprise_session *session, struct reprise_subscription *subscription)
{
	struct hands *const hands = lock_of(session);

	/* If it has moved, it has found what it is rung for. */
	if (subscription->session == session && subscription->is_hand_up) {
		take_down(hands, subscription);
		wake_sleeper(subscription);
		ring_doors(subscription);
	}
	unlock(hands);
}

void
hand_move(struct reprise_subscription *subscription, struct reprise_session *session)
{
	struct hands *const hands = lock(subscription);

	/*
	 * A ringer of the old session does not find the subscription any more. A wait may move the
	 * subscription and answer before the hand is up again: so the doors are rung here.
	 */
	if (subscription->is_hand_up) {
		take_down(hands, subscription);
		ring_doors(subscription);
	}
	subscription->session = session;
	/* [move:A] The session, as its creator left it, before; pairs with [interrupt:A]. */
	store_release(&subscription->session_to_notify, session);
	subscription->has_epoch = false;
	unlock(hands);
}

bool
hand_interrupt(struct reprise_session *session, struct reprise_subscription *subscription)
{
	struct hands *const hands = lock_of(session);
	const bool is_here = subscription->session == session;

	if (is_here)
		wake_sleeper(subscription);
	unlock(hands);
	return is_here;
}

void
hands_set_port_waiting(struct reprise_session *session, bool is_waiting)
{
	struct hands *const hands = lock_of(session);

	hands->is_port_waiting = is_waiting;
	unlock(hands);
}

/*
 * Under the lock, so that the port is there: to detach it takes the waiter away first, under
 * the same lock.
 */
static void
notify_port(struct reprise_session *session)
{
	if (!session->hands.is_port_waiting)
		return;
	struct store_port *const port = session->store->port;

	session->hands.is_port_waiting = false;
	port->notify(port, session);
}

/*
 * One at a time under the lock, so that a thread that raises or lowers a hand waits for one ring at
 * most. A hand that is raised again meanwhile comes after all that were up, in the next round.
 */
bool
hands_ring(struct reprise_session *session)
{
	struct hands *const hands = &session->hands;
	bool has_rung = false;

	pthread_mutex_lock(&hands->lock);
	const uint64_t round = hands->round++;

	hands->newest_least = UINT64_MAX; /* of those that are raised from here on */
	notify_port(session);
	for (;;) {
		struct reprise_subscription *const subscription = TAILQ_FIRST(&hands->up);

		if (subscription == NULL || subscription->hand_round > round)
			break;
		take_down(hands, subscription);
		wake_sleeper(subscription);
		ring_doors(subscription);
		has_rung = true;
		pthread_mutex_unlock(&hands->lock);
		pthread_mutex_lock(&hands->lock);
	}
	pthread_mutex_unlock(&hands->lock);
	return has_rung;
}

bool
hands_watch(struct reprise_session *session, bool rings)
{
	struct hands *const hands = &session->hands;
	struct ring *const ring = &session->ring;

	pthread_mutex_lock(&hands->lock);
	const bool is_any = !TAILQ_EMPTY(&hands->up);
	const bool is_news = is_any && (load_relaxed(&ring->newest) > hands->newest_least ||
					load_relaxed(&ring->ended) != 0 || ring_is_void(ring));

	hands->is_watched = is_any;
	pthread_mutex_unlock(&hands->lock);
	if (is_news && rings)
		(void)hands_ring(session);
	return is_any;
}
