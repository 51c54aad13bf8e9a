/* SPDX-License-Identifier: MIT */
#include "store/port.h"

#include <string.h>

#include "store/idle.h"
#include "store/subscription.h"

reprise_status
port_attach(struct reprise_store *store, struct store_port *port, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	pthread_mutex_lock(&store->lock);
	if (store->port != NULL || load_relaxed(&store->sessions) != 0 || store_is_busy(store))
		status = error_plain(error, REPRISE_E_BUSY);
	else if (store->lobby == NULL && (store->lobby = session_lobby(store)) == NULL)
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else
		store->port = port;
	pthread_mutex_unlock(&store->lock);
	return status;
}

static void
forget(struct reprise_session *session, void *context)
{
	struct store_port *const port = context;

	hands_set_port_waiting(session, false);
	port->forget(port, session->recording);
	session->recording = NULL;
}

reprise_status
port_detach(struct reprise_store *store)
{
	pthread_mutex_lock(&store->lock);
	const bool is_busy = store_is_busy(store);

	if (!is_busy)
		table_each(store->table, forget, store->port);
	pthread_mutex_unlock(&store->lock);
	if (is_busy)
		return REPRISE_E_BUSY;
	/* Sessions that have left the table may be in the relay's hands for a moment. */
	store->port->await_forgotten(store->port);
	store->port = NULL;
	session_unpin(store->lobby);
	store->lobby = NULL;
	return REPRISE_OK;
}

reprise_position
port_newest(struct reprise_session *session)
{
	return load_relaxed(&session->ring.newest);
}

bool
port_has_more(struct reprise_session *session, reprise_position after, bool has_ended)
{
	return load_relaxed(&session->ring.newest) > after ||
	       (!has_ended && load_relaxed(&session->ring.ended) != 0);
}

bool
port_can_wait(const struct reprise_store *store)
{
	return !store->is_deferred;
}

void
port_wait(struct reprise_session *session)
{
	hands_set_port_waiting(session, true);
	/* Its bit may stand already; the barrier follows in any case. */
	(void)bell_arm(&session->bell);
}

bool
port_barrier(const struct reprise_store *store)
{
	return bell_barrier_for_all(store->is_asymmetric);
}

struct port_look
port_take(struct reprise_session *session, reprise_position after, struct stretch *stretch)
{
	struct ring *const ring = &session->ring;
	struct look look = ring_look(ring);
	const struct port_look found = { .oldest = look.oldest,
					 .newest = look.newest,
					 .has_ended = look.ended != 0,
					 .end_status = (int32_t)(uint32_t)look.ended };

	stretch->count = 0;
	/* Also given-up records: all that counts is that their bytes are there. */
	look.kept = look.oldest;
	if (greatest(after + 1, look.oldest) <= look.newest)
		ring_read(ring, &look, greatest(after + 1, look.oldest), look.newest, stretch);
	return found;
}

bool
port_stamp_of_host(struct reprise_store *store, uint64_t *ret_stamp_ns)
{
	return relay_stamp_of_host(&store->relay, ret_stamp_ns);
}

void
port_recorded(struct reprise_session *session, reprise_position position)
{
	/* [record:A] The log before; pairs with [room:A]. */
	store_release(&session->recorded, position);
	/* [record:B] Before the look for hosts of recorded events alone; pairs with [count:A]. */
	fence_ordered();
	if (load_relaxed(&session->recorded_only) == 0)
		return;
	/* In a store that defers no bit says who sleeps, and the relay looks at what is newest. */
	if (session->store->is_deferred)
		(void)hands_ring(session);
	else
		bell_ring(&session->bell);
}

/* Under the store's lock: the window that the life of @session goes on in. */
static struct reprise_session *
last_heir(struct reprise_session *session)
{
	while (session->has_heir)
		session = session->heir;
	return session;
}

void
port_fence(struct reprise_session *session, reprise_position end)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	/* The table's reference keeps the heir until the call has declared the heir void. */
	session = last_heir(session);
	const bool is_in_table = session->is_in_table;

	if (is_in_table) {
		/* Before the window is void, for subscriptions that find it void. */
		if (end != PORT_HAS_ALL)
			store_relaxed(&session->recorded, end);
		session->is_behind_in_log = end != PORT_HAS_ALL;
		session_declare_void(session, REPRISE_GONE_TAKEN_OVER);
	}
	pthread_mutex_unlock(&store->lock);
	if (!is_in_table)
		return;
	bell_ring(&session->bell);
	session_unpin(session); /* the table's */
}

/* Pinned, or NULL. */
static struct reprise_session *
find_of_life(struct reprise_store *store, const char *id,
	     const struct reprise_incarnation *incarnation)
{
	struct reprise_session *const session = session_find(store, id, strlen(id));

	if (session == NULL ||
	    memcmp(&session->incarnation, incarnation, sizeof(*incarnation)) == 0)
		return session;
	session_unpin(session);
	return NULL;
}

bool
port_has(struct reprise_store *store, const char *id, const struct reprise_incarnation *incarnation)
{
	struct reprise_session *const session = find_of_life(store, id, incarnation);

	if (session != NULL)
		session_unpin(session);
	return session != NULL;
}

struct reprise_session *
port_find(struct reprise_store *store, const char *id,
	  const struct reprise_incarnation *incarnation)
{
	struct reprise_session *const session = find_of_life(store, id, incarnation);

	if (session == NULL || session_hold(session))
		return session;
	session_unpin(session);
	return NULL;
}

void
port_hold(struct reprise_session *session)
{
	(void)session_pin(session);
	idle_hold(session);
}

void
port_keep(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	port_hold(session);
	pthread_mutex_unlock(&store->lock);
}

struct reprise_session *
port_heir(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	struct reprise_session *const heir = last_heir(session);

	(void)session_pin(heir);
	pthread_mutex_unlock(&store->lock);
	return heir;
}

void
port_unpin(struct reprise_session *session)
{
	/* The port may be detached before the relay has let go of @session. */
	hands_set_port_waiting(session, false);
	session_unpin(session);
}

void
port_let_go(struct reprise_session *session)
{
	/* @session may have a heir that the port has not gone over to: see port_unpin. */
	hands_set_port_waiting(session, false);
	session_let_go(session);
}
