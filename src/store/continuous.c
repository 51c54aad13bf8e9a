/* SPDX-License-Identifier: MIT */
#include "store/continuous.h"

#include <string.h>

#include "store/idle.h"

static bool
is_of_life(const struct reprise_cursor *cursor, const struct reprise_session *session)
{
	return memcmp(&cursor->incarnation, &session->incarnation, sizeof(session->incarnation)) ==
	       0;
}

static bool
is_of_no_life(const struct reprise_cursor *cursor)
{
	static const struct reprise_incarnation none;

	return memcmp(&cursor->incarnation, &none, sizeof(none)) == 0;
}

bool
continuous_open(struct reprise_store *store)
{
	/* In a store with a log, the log is asked for the next life, and rings. */
	if (store->port != NULL)
		return true;
	pthread_mutex_lock(&store->lock);
	if (store->lobby == NULL)
		store->lobby = session_lobby(store);
	const bool is_open = store->lobby != NULL && waiting_open(&store->waiting, &store->pool);

	pthread_mutex_unlock(&store->lock);
	return is_open;
}

/* @subscription is in the lobby. @ended is the window of the life whose end was told, or NULL. */
static void
enter_list(struct reprise_subscription *subscription, struct reprise_session *ended)
{
	struct reprise_store *const store = subscription->store;
	const char *const id = subscription->at.session_id;
	struct waiting *const waiting = &subscription->waiting;

	waiting->hash = session_id_hash(store, id, strlen(id));
	waiting->ended = (struct reprise_incarnation){ 0 };
	if (ended != NULL)
		waiting->ended = ended->incarnation;
	pthread_mutex_lock(&store->lock);
	/* From here on a call that declares @ended void finds the subscription in the list. */
	waiting->is_revoked = ended != NULL && ring_is_void(&ended->ring);
	waiting_add(subscription);
	pthread_mutex_unlock(&store->lock);
}

void
continuous_enter(struct reprise_subscription *subscription)
{
	if (subscription->backfill == NULL)
		enter_list(subscription, NULL);
}

/*
 * Gives the window back (with @is_ended: after the end was told), and has the subscription wait in
 * the lobby for the next life.
 */
static void
leave_window(struct reprise_subscription *subscription, bool is_ended)
{
	struct reprise_session *const window = subscription->session;

	(void)session_pin(window);
	subscription_move(subscription, subscription_hold_lobby(subscription->store), NULL);
	enter_list(subscription, is_ended ? window : NULL);
	session_unpin(window);
	subscription->stage = STAGE_AWAITING;
}

static void
leave_list(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;

	pthread_mutex_lock(&store->lock);
	waiting_remove(subscription);
	pthread_mutex_unlock(&store->lock);
}

/*
 * Whether the life whose end was told has been declared void since. The question comes after the
 * life's window has left the table under the same lock: by then the answer is known, and final.
 */
static bool
is_revoked(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;

	if (!subscription->is_end_told || subscription->is_window_gone)
		return false;
	pthread_mutex_lock(&store->lock);
	const bool is_revoked = subscription->waiting.is_revoked;

	pthread_mutex_unlock(&store->lock);
	subscription->is_window_gone = true;
	return is_revoked;
}

static void
be_refused(struct reprise_subscription *subscription, reprise_gap_detail detail)
{
	subscription->stage = STAGE_REFUSED;
	subscription->refusal = detail;
}

static void
stand_at_beginning(struct reprise_subscription *subscription)
{
	const struct reprise_session *const session = subscription->session;

	subscription->at.incarnation = session->incarnation;
	subscription->at.position = session->ring.position_before;
}

bool
continuous_begin(struct reprise_subscription *subscription)
{
	if (!subscription->is_continuous || !is_of_no_life(&subscription->at))
		return false;
	if (subscription->backfill != NULL) {
		if (subscription->is_placed)
			backfill_go_on(subscription, PLACE_REVISION);
		else if (subscription->is_judged_by_durable)
			backfill_judge(subscription);
		else
			backfill_go_on(subscription, PLACE_AFTER);
		return true;
	}
	if (subscription->at.position != 0)
		return false;
	if (!subscription_is_bound(subscription)) {
		subscription->stage = STAGE_AWAITING;
		return true;
	}
	stand_at_beginning(subscription);
	return false;
}

/*
 * The subscription's window is by now of another life than the cursor, or the window named by the
 * cursor of a gap. Positions go on above the positions of earlier lives: the positions between are
 * lost, and look_at_ring finds the gap.
 */
static void
stand_in_window(struct reprise_subscription *subscription)
{
	struct reprise_cursor *const at = &subscription->at;
	struct reprise_session *const session = subscription->session;

	/* As for a subscription that is opened now (A10). */
	session_apply_age(session, true);
	subscription->stage = STAGE_UNSTAGED;
	if (is_of_life(at, session))
		return;
	if (is_revoked(subscription))
		be_refused(subscription, REPRISE_GAP_INVALIDATED);
	else if (is_of_no_life(at) || at->position == session->ring.position_before)
		stand_at_beginning(subscription);
	else if (at->position > session->ring.position_before)
		be_refused(subscription, REPRISE_GAP_OTHER_INCARNATION);
	subscription->is_end_told = false;
}

enum next_life {
	LIFE_HELD,    /* a window of a life whose end the subscription was not told */
	LIFE_SAME,    /* the window is of the life whose end was told */
	LIFE_MISSING, /* the session has no window */
};

static enum next_life
hold_next_life(struct reprise_subscription *subscription, struct reprise_session **ret_session)
{
	struct reprise_store *const store = subscription->store;
	const char *const id = subscription->at.session_id;

	for (;;) {
		struct reprise_session *const session = session_find(store, id, strlen(id));

		if (session == NULL)
			return LIFE_MISSING;
		if (subscription->is_end_told && is_of_life(&subscription->at, session)) {
			session_unpin(session);
			return LIFE_SAME;
		}
		if (session_hold(session)) {
			*ret_session = session;
			return LIFE_HELD;
		}
		session_unpin(session);
	}
}

void
continuous_find_life(struct reprise_subscription *subscription)
{
	struct reprise_session *session;

	switch (hold_next_life(subscription, &session)) {
	case LIFE_HELD:
		leave_list(subscription);
		subscription_move(subscription, session, NULL);
		stand_in_window(subscription);
		break;
	case LIFE_MISSING:
		if (is_revoked(subscription))
			be_refused(subscription, REPRISE_GAP_INVALIDATED);
		break;
	case LIFE_SAME:
		break;
	}
}

void
continuous_take_staging(struct reprise_subscription *subscription)
{
	if (subscription_take_staging(subscription))
		subscription->stage = STAGE_FOLLOWING;
}

void
continuous_end_life(struct reprise_subscription *subscription)
{
	subscription->is_end_told = true;
	subscription->is_window_gone = false;
	if (subscription->backfill != NULL)
		backfill_go_on(subscription, PLACE_AFTER);
	else
		leave_window(subscription, true);
}

void
continuous_go_on(struct reprise_subscription *subscription, const struct reprise_cursor *cursor,
		 const struct reprise_session *live)
{
	subscription->at = *cursor;
	subscription->is_judged_by_durable = false;
	subscription->is_end_told = false;
	subscription->is_overtaken = false;
	subscription->stretch.count = 0;
	if (live != NULL && live == subscription->session)
		subscription->stage =
			subscription_is_bound(subscription) ? STAGE_FOLLOWING : STAGE_UNSTAGED;
	else if (subscription->backfill != NULL)
		backfill_go_on(subscription, is_of_no_life(cursor) ? PLACE_REVISION : PLACE_AFTER);
	else if (subscription->waiting.is_listed)
		subscription->stage = STAGE_AWAITING;
	else
		leave_window(subscription, false);
}

void
continuous_close(struct reprise_subscription *subscription)
{
	leave_list(subscription);
}
