/* SPDX-License-Identifier: MIT */
#include "store/writer.h"
#include "base/cancel.h"

#include "ring/append.h"
#include "store/idle.h"
#include "store/port.h"
#include "store/roster.h"
#include "store/writer_lock.h"

void
writer_give_to(struct reprise_session *session, bool is_shared)
{
	(void)session_pin(session);
	idle_hold(session);
	store_relaxed(&session->has_writer, is_shared ? WRITER_COMING : WRITER_ALONE);
	fetch_add_relaxed(&session->store->writers, 1);
}

/*
 * No word is STAMP_UNSEEN: reprise_append leaves its short way, which has no lock, without a look
 * of its own.
 */
void
writer_share(struct reprise_session *session)
{
	session->stamp_seen = STAMP_UNSEEN;
	/* [share:A] The window before; pairs with [named:A]. */
	store_release(&session->has_writer, WRITER_SHARED);
}

void
writer_take_from(struct reprise_session *session)
{
	store_relaxed(&session->has_writer, WRITER_NONE);
	session->ring.run_end = 0; /* an append on the closed handle comes by session_refusal */
	/* Positions appended while the window became void were given out, too. */
	if (!session->is_in_table)
		past_remember(&session->store->past, &session->store->pool, session->hash,
			      load_relaxed(&session->ring.newest));
	idle_let_go(session);
}

reprise_status
writer_refusal(const struct opening *opening, struct reprise_session *before)
{
	if (before == NULL)
		return REPRISE_OK;
	if (load_relaxed(&before->has_writer) != WRITER_NONE)
		return error_plain(opening->error, REPRISE_E_BUSY);
	if (opening->is_of_this_life && load_relaxed(&before->ring.ended) != 0)
		return error_plain(opening->error, REPRISE_E_CLOSED);
	return REPRISE_OK;
}

bool
writer_rebuilds(const struct opening *opening, struct reprise_session *before)
{
	const struct ring_shape shape =
		ring_shape_of(opening->bounds.events_max, opening->bounds.bytes_max);
	const struct bounds *const bounds = &before->bounds;

	return !opening->keeps_bounds &&
	       load_relaxed(&before->ring.newest) == before->ring.position_before &&
	       (shape.events_max != bounds->events_max || shape.arena_bytes != bounds->bytes_max ||
		opening->bounds.age_ns_max != bounds->age_ns_max ||
		opening->bounds.is_deduplicated != bounds->is_deduplicated);
}

/*
 * The window to write to: the one that is there, another of the same life, or the first of
 * the next life.
 */
static reprise_status
have_window(struct reprise_store *store, const struct opening *opening,
	    struct reprise_session *before, struct reprise_session **ret_session)
{
	reprise_status status = REPRISE_OK;
	uint8_t way = SESSION_JOINED;

	*ret_session = before;
	if (before == NULL || load_relaxed(&before->ring.ended) != 0) {
		way = SESSION_CREATED;
		status = session_create(store, opening->id, opening->id_bytes, &opening->bounds,
					before, NULL, ret_session, opening->error);
	} else if (writer_rebuilds(opening, before)) {
		way = SESSION_REBUILT;
		status = session_rebuild(before, &opening->bounds, ret_session, opening->error);
	}
	if (status == REPRISE_OK)
		(*ret_session)->opening = way;
	return status;
}

/* The session to write to, under the store's lock, with a reference for the writer. */
static reprise_status
become_writer(struct reprise_store *store, struct opening *opening)
{
	struct reprise_session *const before = session_find(store, opening->id, opening->id_bytes);
	struct reprise_session *session = NULL;
	reprise_status status = writer_refusal(opening, before);

	if (status == REPRISE_OK)
		status = have_window(store, opening, before, &session);
	if (status == REPRISE_OK) {
		store_relaxed(&session->refuses, opening->bounds.refuses);
		writer_give_to(session, opening->bounds.is_shared);
		if (opening->bounds.is_shared)
			writer_share(session);
		opening->session = session;
	}
	if (before != NULL)
		session_unpin(before);
	return status;
}

void
writer_prepare(struct reprise_store *store, const char *id,
	       const struct reprise_session_options *options, struct reprise_error *error,
	       struct opening *ret_opening)
{
	struct opening *const opening = ret_opening;

	*opening = (struct opening){ .id = id, .error = error };
	if (!session_id_measure(id, &opening->id_bytes))
		opening->status = error_invalid(error, "session_id");
	else if (!store_is_here(store))
		opening->status = error_plain(error, REPRISE_E_FORKED);
	else
		opening->status = bounds_resolve(options, &store->bounds, &opening->bounds, error);
	if (opening->status == REPRISE_OK)
		opening->arena_bytes =
			ring_shape_of(opening->bounds.events_max, opening->bounds.bytes_max)
				.arena_bytes;
	if (opening->status == REPRISE_OK && opening->bounds.refuses && store->port == NULL)
		opening->status = error_invalid(error, "when_full");
}

void
writer_open(struct reprise_store *store, struct opening *opening)
{
	if (opening->status != REPRISE_OK)
		return;
	if (store->port != NULL) {
		writer_open_recorded(store, opening, 1);
		return;
	}
	pthread_mutex_lock(&store->lock);
	opening->status = become_writer(store, opening);
	pthread_mutex_unlock(&store->lock);
}

reprise_status
reprise_writer_open(struct reprise_store *store, const char *session_id,
		    const struct reprise_session_options *options,
		    struct reprise_writer **ret_writer, struct reprise_error *error)
{
	struct opening opening;

	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_writer == NULL)
		return error_invalid(error, "ret_writer");
	UNCANCELLABLE;
	writer_prepare(store, session_id, options, error, &opening);
	writer_open(store, &opening);
	if (opening.status == REPRISE_OK)
		*ret_writer = session_writer(opening.session);
	return opening.status;
}

/* Nobody else is inside from here on: an append by id may be, at any time. */
static void
enter_last(struct reprise_session *session)
{
	reprise_status status;

	do {
		status = writer_lock_enter(session);
		REPRISE_REQUIRE(status != REPRISE_E_BUSY, "a writer is closed during an append");
	} while (status != REPRISE_OK);
}

void
reprise_writer_close(struct reprise_writer *writer)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || !session_is_here(session))
		return;
	UNCANCELLABLE;
	struct reprise_store *const store = session->store;

	session_require_open(session);
	const bool is_shared = session_is_shared(session);

	if (is_shared)
		enter_last(session);
	if (ring_is_reserved(&session->ring))
		ring_abort(&session->ring);
	pthread_mutex_lock(&store->lock);
	if (store->port != NULL)
		store->port->leave(store->port, session);
	writer_take_from(session);
	pthread_mutex_unlock(&store->lock);
	if (is_shared)
		writer_lock_leave(session);
	session_unpin(session);
	/* Last: from here on the store may be closed. */
	fetch_sub_release(&store->writers, 1);
}

reprise_status
session_refusal(struct reprise_session *session)
{
	const struct ring *const ring = &session->ring;

	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	if (load_relaxed(&ring->ended) != 0 || load_relaxed(&ring->invalid) != 0)
		return REPRISE_E_CLOSED;
	return ring_is_reserved(ring) ? REPRISE_E_BUSY : REPRISE_OK;
}

static reprise_status
end_alone(struct reprise_session *session, int32_t end_status)
{
	const reprise_status refused = session_refusal(session);

	if (refused != REPRISE_OK)
		return refused;
	ring_end(&session->ring, end_status);
	bell_ring(&session->bell);
	roster_pass_end(session);
	return REPRISE_OK;
}

reprise_status
reprise_writer_end(struct reprise_writer *writer, int32_t end_status)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_shared(session))
		return end_alone(session, end_status);
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = end_alone(session, end_status);
		writer_lock_leave(session);
	}
	return status;
}

reprise_status
reprise_writer_cursor(struct reprise_writer *writer, reprise_position position,
		      struct reprise_cursor *ret_cursor)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || ret_cursor == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	if (ring_is_void(&session->ring))
		return REPRISE_E_CLOSED;
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
