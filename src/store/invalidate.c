/* SPDX-License-Identifier: MIT */
#include "store/idle.h"
#include "store/port.h"

/* In this order: who finds it void finds it gone. */
void
session_declare_void(struct reprise_session *session)
{
	store_relaxed(&session->stamp, &stamp_never);
	idle_leave(session);
	ring_void(&session->ring);
}

static void
declare_void(struct reprise_session *session)
{
	struct store_port *const port = session->store->port;

	/* Before it is void: from here on nobody is healed from what the log has of it. */
	if (port != NULL)
		port->invalidate(port, session);
	session_declare_void(session);
}

reprise_status
reprise_invalidate_session(struct reprise_store *store, const char *session_id)
{
	size_t id_bytes = 0;

	if (store == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	pthread_mutex_lock(&store->lock);
	struct reprise_session *const session = session_find(store, session_id, id_bytes);

	if (session != NULL)
		declare_void(session);
	pthread_mutex_unlock(&store->lock);
	if (session != NULL) {
		bell_ring(&session->bell);
		session_unpin(session); /* the table's */
		session_unpin(session); /* ours */
	}
	return REPRISE_OK;
}

static void
gather(struct reprise_session *session, void *context)
{
	struct reprise_session **const all = context;

	session->gone_next = *all;
	*all = session;
}

reprise_status
reprise_invalidate_all(struct reprise_store *store)
{
	struct reprise_session *all = NULL;

	if (store == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	pthread_mutex_lock(&store->lock);
	table_each(store->table, gather, &all);
	for (struct reprise_session *session = all; session != NULL; session = session->gone_next)
		declare_void(session);
	table_shrink(store->table);
	pthread_mutex_unlock(&store->lock);
	for (struct reprise_session *session = all; session != NULL; session = session->gone_next)
		bell_ring(&session->bell);
	(void)idle_unpin_gone(all);
	return REPRISE_OK;
}
