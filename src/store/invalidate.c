/* SPDX-License-Identifier: MIT */
#include "base/cancel.h"
#include "base/clock.h"
#include "store/idle.h"
#include "store/port.h"

/* In this order: a thread that finds the session void finds it gone. */
void
session_declare_void(struct reprise_session *session, reprise_gone_cause cause)
{
	store_relaxed(&session->stamp, &stamp_never);
	idle_leave(session, cause);
	ring_void(&session->ring);
	waiting_revoke(session);
}

static void
declare_void(struct reprise_session *session)
{
	struct store_port *const port = session->store->port;

	/* Before it is void: from here on nobody is healed from what the log has of it. */
	if (port != NULL)
		port->invalidate(port, session);
	session_declare_void(session, REPRISE_GONE_INVALIDATED);
}

/* In a store with a log: until the log knows. The session is pinned. */
static reprise_status
await_log(struct reprise_session *session, uint64_t since_ns)
{
	struct store_port *const port = session->store->port;

	return port != NULL ? port->await_invalidated(port, session, since_ns) : REPRISE_OK;
}

reprise_status
reprise_session_invalidate(struct reprise_store *store, const char *session_id)
{
	const uint64_t begun_ns = clock_ns();
	reprise_status status = REPRISE_OK;
	size_t id_bytes = 0;

	if (store == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	UNCANCELLABLE;
	pthread_mutex_lock(&store->lock);
	struct reprise_session *const session = session_find(store, session_id, id_bytes);

	if (session != NULL)
		declare_void(session);
	pthread_mutex_unlock(&store->lock);
	if (session != NULL) {
		bell_ring(&session->bell);
		status = await_log(session, begun_ns);
		session_unpin(session); /* the table's */
		session_unpin(session); /* ours */
	}
	return status;
}

static void
gather(struct reprise_session *session, void *context)
{
	struct reprise_session **const all = context;

	session->gone_next = *all;
	*all = session;
}

reprise_status
reprise_sessions_invalidate(struct reprise_store *store)
{
	const uint64_t begun_ns = clock_ns();
	struct reprise_session *all = NULL;
	reprise_status status = REPRISE_OK;

	if (store == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	UNCANCELLABLE;
	pthread_mutex_lock(&store->lock);
	table_each(store->table, gather, &all);
	for (struct reprise_session *session = all; session != NULL; session = session->gone_next)
		declare_void(session);
	table_shrink(store->table);
	pthread_mutex_unlock(&store->lock);
	for (struct reprise_session *session = all; session != NULL; session = session->gone_next)
		bell_ring(&session->bell);
	for (struct reprise_session *session = all; session != NULL; session = session->gone_next) {
		const reprise_status known = await_log(session, begun_ns);

		status = status == REPRISE_OK ? known : status;
	}
	(void)idle_unpin_gone(all);
	return status;
}
