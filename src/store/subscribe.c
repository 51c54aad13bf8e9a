/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/continuous.h"
#include "store/idle.h"
#include "store/port.h"

/* A replay ends at what is newest now: in the window of a later life than the cursor's. */
static void
set_until(struct reprise_subscription *subscription, struct reprise_session *session)
{
	const struct look look = ring_look(&session->ring);

	subscription->until = subscription->is_recorded_only
				      ? least(look.newest, load_relaxed(&session->recorded))
				      : look.newest;
	subscription->has_end = look.ended != 0 && subscription->until == look.newest;
}

/*
 * Finds the session to follow, pinned and held, with staging for it; with a log, only a window of
 * the cursor's life: else the subscription waits in the lobby. False without memory: nothing was
 * held, and no idle session has moved.
 */
static bool
find_and_hold(struct reprise_subscription *subscription, const char *id, size_t id_bytes)
{
	struct reprise_store *const store = subscription->store;

	for (;;) {
		struct reprise_session *const session = session_find(store, id, id_bytes);

		if (session == NULL)
			return true;
		if (subscription->is_placed && !begin_in_window(subscription, session)) {
			session_unpin(session);
			return true;
		}
		if (store->port != NULL &&
		    memcmp(&session->incarnation, &subscription->at.incarnation,
			   sizeof(session->incarnation)) != 0) {
			if (subscription->is_replay)
				set_until(subscription, session);
			session_unpin(session);
			return true;
		}
		struct block *const block =
			staging_take(store, session, subscription->staging_bytes);

		if (block != NULL && session_hold(session)) {
			staging_use(subscription, session, block);
			subscription->session = session;
			return true;
		}
		if (block != NULL)
			staging_give(store, block);
		session_unpin(session);
		if (block == NULL)
			return false;
		/* The window has left the table: the subscription is in no life again. */
		if (subscription->is_placed) {
			subscription->at.incarnation = (struct reprise_incarnation){ 0 };
			subscription->at.position = 0;
		}
	}
}

void
subscription_be_counted(const struct reprise_subscription *subscription,
			struct reprise_session *session)
{
	fetch_add_relaxed(&session->subscriptions, 1);
	if (!subscription->is_recorded_only)
		return;
	fetch_add_relaxed(&session->recorded_only, 1);
	/* [count:A] Before it looks at what is recorded; pairs with [record:B]. */
	fence_ordered();
}

static void
be_counted_no_more(const struct reprise_subscription *subscription, struct reprise_session *session)
{
	fetch_sub_relaxed(&session->subscriptions, 1);
	if (subscription->is_recorded_only)
		fetch_sub_relaxed(&session->recorded_only, 1);
}

static void
follow(struct reprise_subscription *subscription)
{
	struct reprise_session *const session = subscription->session;

	subscription_be_counted(subscription, session);
	session_apply_age(session, false);
	if (subscription->is_replay)
		subscription->until = subscription_look(subscription).newest;
}

static void
stop_following(struct reprise_subscription *subscription)
{
	be_counted_no_more(subscription, subscription->session);
	session_let_go(subscription->session);
}

struct reprise_session *
subscription_hold_lobby(struct reprise_store *store)
{
	(void)session_pin(store->lobby);
	pthread_mutex_lock(&store->lock);
	idle_hold(store->lobby);
	pthread_mutex_unlock(&store->lock);
	return store->lobby;
}

/* In a store with a log: a backfill. Without a window, a place in the lobby. */
static bool
be_healed(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;

	if (store->port != NULL) {
		subscription->backfill = backfill_open(subscription);
		if (subscription->backfill == NULL)
			return false;
	}
	if (subscription->session == NULL &&
	    (subscription->backfill != NULL || subscription->is_continuous))
		subscription->session = subscription_hold_lobby(store);
	return true;
}

void
subscription_move(struct reprise_subscription *subscription, struct reprise_session *session,
		  struct block *staging)
{
	struct reprise_session *const before = subscription->session;

	subscription_be_counted(subscription, session);
	hand_move(subscription, session);
	if (subscription->block != NULL)
		staging_give(subscription->store, subscription->block);
	subscription->block = NULL;
	subscription->stretch.count = 0;
	if (staging != NULL)
		staging_use(subscription, session, staging);
	be_counted_no_more(subscription, before);
	session_let_go(before);
}

/* A subscription that follows nothing yet; NULL without memory. */
static struct reprise_subscription *
take_subscription(struct reprise_store *store, const struct reprise_cursor *at,
		  const struct reprise_subscription_options *known)
{
	struct reprise_subscription *const subscription =
		memory_take(&store->memory, sizeof(*subscription));

	if (subscription == NULL)
		return NULL;
	subscription->store = store;
	subscription->home = store->stamp;
	subscription->at = *at;
	subscription->until = UINT64_MAX;
	subscription->is_recorded_only = known->is_recorded_only != 0;
	subscription->is_continuous = known->is_continuous != 0;
	subscription->staging_bytes = known->staging_bytes;
	subscription->spin_ns = known->spin_ns;
	subscription->kinds_count = known->kinds_count;
	if (known->kinds_count != 0)
		memcpy(subscription->kinds, known->kinds,
		       known->kinds_count * sizeof(known->kinds[0]));
	return subscription;
}

reprise_status
subscription_open_in(struct reprise_session *session, const struct reprise_cursor *at,
		     const struct reprise_subscription_options *known,
		     struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	struct reprise_store *const store = session->store;
	struct reprise_subscription *const subscription = take_subscription(store, at, known);
	struct block *const block =
		subscription != NULL ? staging_take(store, session, known->staging_bytes) : NULL;

	if (block == NULL) {
		if (subscription != NULL)
			memory_give(&store->memory, subscription, sizeof(*subscription));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	staging_use(subscription, session, block);
	subscription->session = session;
	subscription->stage = STAGE_FOLLOWING;
	subscription_be_counted(subscription, session);
	atomic_init(&subscription->session_to_notify, session);
	fetch_add_relaxed(&store->subscriptions, 1);
	*ret_subscription = subscription;
	return REPRISE_OK;
}

reprise_status
subscription_open(struct reprise_store *store, const struct beginning *beginning,
		  const struct reprise_subscription_options *options,
		  struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	const struct reprise_cursor *const cursor = beginning->cursor;
	struct reprise_subscription_options known = { 0 };
	size_t id_bytes = 0;

	if (store == NULL)
		return error_invalid(error, "store");
	if (cursor == NULL)
		return error_invalid(error, "cursor");
	if (ret_subscription == NULL)
		return error_invalid(error, "ret_subscription");
	if (memchr(cursor->session_id, '\0', sizeof(cursor->session_id)) == NULL ||
	    !session_id_measure(cursor->session_id, &id_bytes))
		return error_invalid(error, "cursor: session_id");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	const reprise_status status = subscription_options_resolve(
		options, beginning->is_replay, store->port != NULL, &known, error);
	if (status != REPRISE_OK)
		return status;
	UNCANCELLABLE;

	struct reprise_subscription *const subscription = take_subscription(store, cursor, &known);
	if (subscription == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	subscription->is_replay = beginning->is_replay;
	subscription->is_placed = beginning->is_placed;
	subscription->is_judged_by_durable = beginning->durable_revision != NULL;
	if (subscription->is_judged_by_durable)
		subscription->durable_revision = *beginning->durable_revision;
	if ((subscription->is_continuous && !continuous_open(store)) ||
	    !find_and_hold(subscription, cursor->session_id, id_bytes)) {
		memory_give(&store->memory, subscription, sizeof(*subscription));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	if (!be_healed(subscription)) {
		if (subscription->session != NULL) {
			staging_give(store, subscription->block);
			session_let_go(subscription->session);
		}
		memory_give(&store->memory, subscription, sizeof(*subscription));
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	if (subscription_is_bound(subscription))
		follow(subscription);
	else if (subscription->session != NULL)
		subscription_be_counted(subscription, subscription->session);
	atomic_init(&subscription->session_to_notify, subscription->session);
	fetch_add_relaxed(&store->subscriptions, 1);
	/* From here on others ring it. */
	if (subscription->is_continuous && !subscription_is_bound(subscription))
		continuous_enter(subscription);
	*ret_subscription = subscription;
	return REPRISE_OK;
}

void
subscription_free(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;

	if (subscription->is_continuous)
		continuous_close(subscription);
	if (subscription->has_descriptor)
		close(subscription->descriptor);
	if (subscription->backfill != NULL)
		backfill_close(subscription->backfill);
	if (subscription->block != NULL)
		staging_give(store, subscription->block);
	if (subscription->session != NULL)
		stop_following(subscription);
	memory_give(&store->memory, subscription, sizeof(*subscription));
	/* Last: from here on the store may be closed. */
	fetch_sub_release(&store->subscriptions, 1);
}

/*
 * In the child of a fork: the descriptor is its own. All else belongs to the store, which
 * is not there.
 */
static void
close_in_child(struct reprise_subscription *subscription)
{
	if (subscription->has_descriptor)
		close(subscription->descriptor);
	subscription->has_descriptor = false;
}

void
reprise_subscription_close(struct reprise_subscription *subscription)
{
	if (subscription == NULL)
		return;
	if (!stamp_is_here(subscription->home)) {
		UNCANCELLABLE;
		close_in_child(subscription);
		return;
	}
	bool is_quiet = true;
	UNCANCELLABLE;

	/*
	 * The callback first: until it has returned it may raise the hand again. Also one that has
	 * been taken back since: it may have done so itself, and not have returned yet.
	 */
	if (subscription->callback != NULL) {
		hand_take_callback(subscription);
		is_quiet = relay_quiet(&subscription->store->relay, subscription, true);
	}
	group_let_go(subscription);
	(void)hand_lower(subscription);
	if (is_quiet)
		subscription_free(subscription);
	else
		subscription->is_closing = true; /* the relay frees it when the callback is back */
}

reprise_status
reprise_subscription_cursor(const struct reprise_subscription *subscription,
			    struct reprise_cursor *ret_cursor)
{
	if (subscription == NULL || ret_cursor == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(subscription->home))
		return REPRISE_E_FORKED;
	*ret_cursor = subscription->at;
	return REPRISE_OK;
}

reprise_status
reprise_subscription_stats(const struct reprise_subscription *subscription,
			   struct reprise_subscription_stats *ret_stats)
{
	if (subscription == NULL || ret_stats == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(subscription->home))
		return REPRISE_E_FORKED;
	const struct reprise_subscription_stats stats = {
		.delivered = load_relaxed(&subscription->delivered),
		.delivered_bytes = load_relaxed(&subscription->delivered_bytes),
		.filtered = load_relaxed(&subscription->filtered),
		.lost = load_relaxed(&subscription->lost),
		.gaps = load_relaxed(&subscription->gaps),
		.sleeps = load_relaxed(&subscription->sleeps),
		.healed = load_relaxed(&subscription->healed),
	};
	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_subscription_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
