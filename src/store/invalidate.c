/* SPDX-License-Identifier: MIT */
#include "store/idle.h"

/* Nothing of it is handed out or appended any more. In this order: who finds it void finds it gone. */
static void
declare_void(struct reprise_session *session)
{
	store_relaxed(&session->stamp, &stamp_never);
	idle_leave(session);
	ring_void(&session->ring);
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
declare_gone(struct reprise_session *session, void *context)
{
	struct reprise_session **const gone = context;

	declare_void(session);
	session->gone_next = *gone;
	*gone = session;
}

reprise_status
reprise_invalidate_all(struct reprise_store *store)
{
	struct reprise_session *gone = NULL;

	if (store == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	pthread_mutex_lock(&store->lock);
	table_each(store->table, declare_gone, &gone);
	table_shrink(store->table);
	pthread_mutex_unlock(&store->lock);
	for (struct reprise_session *session = gone; session != NULL; session = session->gone_next)
		bell_ring(&session->bell);
	(void)idle_unpin_gone(gone);
	return REPRISE_OK;
}
