/* SPDX-License-Identifier: MIT */
#include "ring/append.h"
#include "store/session.h"

/* The session to write to, under the store's lock, with a reference for the writer. */
static reprise_status
become_writer(struct reprise_store *store, const char *id, size_t id_bytes,
	      const struct bounds *bounds, struct reprise_session **ret_session,
	      struct reprise_error *error)
{
	struct reprise_session *const before = session_find(store, id, id_bytes);
	struct reprise_session *session = before;
	reprise_status status = REPRISE_OK;

	if (before != NULL && load_relaxed(&before->has_writer) != 0)
		status = error_plain(error, REPRISE_E_BUSY);
	else if (before == NULL || load_relaxed(&before->ring.ended) != 0)
		status = session_create(store, id, id_bytes, bounds, before, &session, error);

	if (status == REPRISE_OK) {
		(void)session_pin(session);
		store_relaxed(&session->has_writer, 1);
		fetch_add_relaxed(&store->writers, 1);
		*ret_session = session;
	}
	if (before != NULL)
		session_unpin(before);
	return status;
}

reprise_status
reprise_session_open(struct reprise_store *store, const char *session_id,
		     const struct reprise_session_options *options,
		     struct reprise_session **ret_session, struct reprise_error *error)
{
	size_t id_bytes = 0;
	struct bounds bounds;

	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_session == NULL)
		return error_invalid(error, "ret_session");
	if (!session_id_measure(session_id, &id_bytes))
		return error_invalid(error, "session_id");
	reprise_status status = bounds_resolve(options, &store->bounds, &bounds, error);
	if (status != REPRISE_OK)
		return status;

	pthread_mutex_lock(&store->lock);
	status = become_writer(store, session_id, id_bytes, &bounds, ret_session, error);
	pthread_mutex_unlock(&store->lock);
	return status;
}

void
reprise_session_close(struct reprise_session *session)
{
	if (session == NULL)
		return;
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	store_relaxed(&session->has_writer, 0);
	pthread_mutex_unlock(&store->lock);
	session_unpin(session);
	/* Last: from here on the store may be closed. */
	atomic_fetch_sub_explicit(&store->writers, 1, memory_order_release);
}

reprise_status
reprise_session_end(struct reprise_session *session, int32_t end_status)
{
	if (session == NULL)
		return REPRISE_E_INVALID;
	if (load_relaxed(&session->ring.ended) != 0)
		return REPRISE_E_CLOSED;
	ring_end(&session->ring, end_status);
	bell_ring(&session->bell);
	return REPRISE_OK;
}

reprise_status
reprise_session_cursor(struct reprise_session *session, reprise_position position,
		       struct reprise_cursor *ret_cursor)
{
	if (session == NULL || ret_cursor == NULL)
		return REPRISE_E_INVALID;
	struct ring *const ring = &session->ring;
	const struct look look = ring_look(ring);
	struct probe probe = { 0 };
	uint64_t oldest;

	if (position > look.newest)
		return REPRISE_E_INVALID;
	if (position != ring->position_before &&
	    (position < look.kept || !ring_probe(ring, position, &probe, &oldest)))
		return REPRISE_E_NOT_FOUND;
	*ret_cursor = session_cursor_at(session, position,
					greatest(probe.revision, probe.revision_before));
	return REPRISE_OK;
}
