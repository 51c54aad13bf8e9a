/* SPDX-License-Identifier: MIT */
#include "store/idle.h"

#include "base/cancel.h"
#include "store/roster.h"

static void
add(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	TAILQ_INSERT_TAIL(&store->idle, session, idle);
	store->idle_count++;
	store->idle_bytes += session->bytes;
	session->idle_since_ns = stamp_now(store->stamp);
}

static void
take(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	TAILQ_REMOVE(&store->idle, session, idle);
	store->idle_count--;
	store->idle_bytes -= session->bytes;
}

void
idle_come(struct reprise_session *session)
{
	session->is_in_table = true;
	session->store->bytes += session->bytes;
	add(session);
}

void
idle_hold(struct reprise_session *session)
{
	if (session->handles++ == 0)
		take(session);
}

void
idle_let_go(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	while (session->has_heir)
		session = session->heir;
	if (--session->handles != 0)
		return;
	if (session->is_in_table)
		add(session);
	else
		store->bytes -= session->bytes;
}

/* It is in the table no more. Its bytes count until its last handle goes. */
static void
be_gone(struct reprise_session *session)
{
	session->is_in_table = false;
	if (session->handles != 0)
		return;
	take(session);
	session->store->bytes -= session->bytes;
}

void
idle_be_replaced(struct reprise_session *session)
{
	be_gone(session);
}

bool
idle_has_room_for_heir(const struct reprise_session *before, uint64_t bytes)
{
	const struct reprise_store *const store = before->store;
	const uint64_t held_bytes =
		store->bytes - store->idle_bytes - (before->handles != 0 ? before->bytes : 0);

	return bytes <= store->bytes_max && held_bytes <= store->bytes_max - bytes;
}

void
idle_inherit(struct reprise_session *heir, struct reprise_session *before)
{
	struct reprise_store *const store = heir->store;
	const uint64_t handles = before->handles;

	if (handles == 0)
		take(before);
	store->bytes -= before->bytes;
	before->is_in_table = false;
	before->handles = 0;
	idle_make_room(store, heir->bytes, false);
	idle_come(heir);
	if (handles != 0)
		idle_hold(heir);
	heir->handles = handles;
}

void
idle_leave(struct reprise_session *session, reprise_gone_cause cause)
{
	struct reprise_store *const store = session->store;

	roster_tell_gone(session, cause);
	table_remove(store->table, session);
	fetch_sub_relaxed(&store->sessions, 1);
	be_gone(session);
	past_remember(&store->past, &store->pool, session->hash,
		      load_relaxed(&session->ring.newest));
}

bool
session_hold(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	const bool is_held = session->is_in_table;

	if (is_held)
		idle_hold(session);
	pthread_mutex_unlock(&store->lock);
	return is_held;
}

void
session_let_go(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	idle_let_go(session);
	pthread_mutex_unlock(&store->lock);
	session_unpin(session);
}

const char *
idle_refusal(const struct reprise_store *store, uint64_t bytes,
	     const struct reprise_session *before)
{
	const uint64_t held = load_relaxed(&store->sessions) - store->idle_count;
	const uint64_t held_bytes = store->bytes - store->idle_bytes;

	if (before == NULL && held >= store->sessions_max)
		return "sessions_max";
	if (bytes > store->bytes_max || held_bytes > store->bytes_max - bytes)
		return "bytes_max";
	return NULL;
}

void
idle_make_room(struct reprise_store *store, uint64_t bytes, bool is_another)
{
	while ((is_another && load_relaxed(&store->sessions) >= store->sessions_max) ||
	       store->bytes > store->bytes_max - bytes) {
		struct reprise_session *const session = TAILQ_FIRST(&store->idle);

		idle_leave(session, REPRISE_GONE_EVICTED);
		session_unpin(session);
	}
}

/* Whether nobody has held @session for longer than its age limit. */
static bool
is_expired(const struct reprise_session *session, uint64_t now_ns)
{
	return now_ns > session->idle_since_ns &&
	       now_ns - session->idle_since_ns > session->bounds.age_ns_max;
}

uint64_t
idle_unpin_gone(struct reprise_session *gone)
{
	uint64_t count = 0;

	for (; gone != NULL; count++) {
		struct reprise_session *const next = gone->gone_next;

		session_unpin(gone);
		gone = next;
	}
	return count;
}

reprise_status
reprise_sessions_expire_idle(struct reprise_store *store, uint64_t *ret_count)
{
	struct reprise_session *gone = NULL, *session, *next;

	if (store == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	UNCANCELLABLE;
	pthread_mutex_lock(&store->lock);
	const uint64_t now = stamp_now(store->stamp);

	for (session = TAILQ_FIRST(&store->idle); session != NULL; session = next) {
		next = TAILQ_NEXT(session, idle);
		if (is_expired(session, now)) {
			idle_leave(session, REPRISE_GONE_EXPIRED);
			session->gone_next = gone;
			gone = session;
		}
	}
	table_shrink(store->table);
	pthread_mutex_unlock(&store->lock);
	const uint64_t count = idle_unpin_gone(gone);

	if (ret_count != NULL)
		*ret_count = count;
	return REPRISE_OK;
}
