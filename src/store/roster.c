/* SPDX-License-Identifier: MIT */
#include "store/roster.h"

#include <string.h>

#include "base/cancel.h"
#include "store/appending.h"
#include "store/idle.h"
#include "store/subscription.h"

enum {
	ROSTER_EVENTS_MAX = 4096,
	ROSTER_BYTES_MAX = 1 << 20,
};

void
roster_close(struct reprise_store *store)
{
	struct reprise_session *const roster = load_relaxed(&store->roster);

	if (roster != NULL)
		session_unpin(roster);
}

static void
tell(struct reprise_session *session, uint16_t kind, reprise_gone_cause cause)
{
	struct reprise_session *const roster = load_relaxed(&session->store->roster);
	const struct look look = ring_look(&session->ring);
	struct reprise_session_change change;

	/* The padding is copied, too. */
	memset(&change, 0, sizeof(change));
	change.incarnation = session->incarnation;
	change.first = session->ring.position_before + 1;
	change.newest = look.newest;
	/* As told: the session may end at this moment. */
	change.is_ended = session->is_end_told;
	change.end_status = session->is_end_told ? (int32_t)(uint32_t)look.ended : 0;
	change.cause = cause;
	memcpy(change.session_id, session->id, sizeof(change.session_id));
	const reprise_status status = append_by_id(
		roster, 0, kind, 0, (struct reprise_bytes){ &change, sizeof(change) }, NULL);

	REPRISE_ASSERT(status == REPRISE_OK);
}

static bool
is_followed(const struct reprise_session *session)
{
	return load_relaxed(&session->store->roster) != NULL;
}

/* Under the store's lock. */
static void
tell_end_once(struct reprise_session *session)
{
	if (session->is_end_told || ring_look(&session->ring).ended == 0)
		return;
	session->is_end_told = true;
	tell(session, REPRISE_SESSION_ENDED, REPRISE_GONE_NOT);
}

void
roster_tell_came(struct reprise_session *session)
{
	if (is_followed(session))
		tell(session, REPRISE_SESSION_CAME, REPRISE_GONE_NOT);
}

void
roster_tell_gone(struct reprise_session *session, reprise_gone_cause cause)
{
	if (!is_followed(session))
		return;
	tell_end_once(session);
	tell(session, REPRISE_SESSION_GONE, cause);
}

void
roster_pass_end(struct reprise_session *session)
{
	/* Behind the fence of bell_ring. */
	if (is_followed(session))
		bell_call(&session->bell);
}

void
roster_tell_end(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	/* [told:A] The bell was taken before; pairs with [ring:A]. */
	fence_acquire();
	if (ring_look(&session->ring).ended == 0)
		return;
	/* A host that begins to follow after this lists the end. */
	pthread_mutex_lock(&store->lock);
	/* A call that took the session out of the table has told the end. */
	if (session->is_in_table && is_followed(session))
		tell_end_once(session);
	pthread_mutex_unlock(&store->lock);
}

/* Under the store's lock. */
static void
be_followed(struct reprise_store *store, struct reprise_session *roster)
{
	/* The holder of the store's lock is the roster's writer. */
	store_relaxed(&roster->has_writer, WRITER_SHARED);
	store_relaxed(&store->roster, roster);
	/* [follow:A] Before any session is looked at; pairs with [ring:A]. */
	fence_ordered();
}

/* Under the store's lock. The roster comes with the first subscription. */
static reprise_status
follow(struct reprise_store *store, const struct reprise_subscription_options *known,
       struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	struct reprise_session *const before = load_relaxed(&store->roster);
	const int refused = relay_start(&store->relay);

	if (refused != 0)
		return error_system(error, "pthread_create", refused);
	struct reprise_session *const roster =
		before != NULL ? before : session_apart(store, ROSTER_EVENTS_MAX, ROSTER_BYTES_MAX);
	if (roster == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const struct reprise_cursor now =
		session_cursor_at(roster, load_relaxed(&roster->ring.newest), 0);
	const reprise_status status =
		subscription_open_in(roster, &now, known, ret_subscription, error);

	if (status == REPRISE_OK) {
		(void)session_pin(roster);
		idle_hold(roster);
	}
	if (before == NULL && status == REPRISE_OK)
		be_followed(store, roster);
	else if (before == NULL)
		session_discard(roster);
	return status;
}

reprise_status
reprise_sessions_subscribe(struct reprise_store *store,
			   const struct reprise_subscription_options *options,
			   struct reprise_subscription **ret_subscription,
			   struct reprise_error *error)
{
	struct reprise_subscription_options known;

	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_subscription == NULL)
		return error_invalid(error, "ret_subscription");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	/* No log has the roster. */
	reprise_status status = subscription_options_resolve(options, true, false, &known, error);

	if (status != REPRISE_OK)
		return status;
	UNCANCELLABLE;
	pthread_mutex_lock(&store->lock);
	status = follow(store, &known, ret_subscription, error);
	pthread_mutex_unlock(&store->lock);
	return status;
}
