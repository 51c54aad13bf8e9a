/* SPDX-License-Identifier: MIT */
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/session.h"

/* Where is a session: its cursors, its bounds, and what trims them. */

/* The session to take a cursor of, pinned, with what is too old given up. */
static reprise_status
session_to_stand_in(struct reprise_store *store, const char *session_id,
		    const struct reprise_cursor *ret_cursor, struct reprise_session **ret_session)
{
	size_t id_bytes = 0;

	if (store == NULL || ret_cursor == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	*ret_session = session_find(store, session_id, id_bytes);
	if (*ret_session == NULL)
		return REPRISE_E_NOT_FOUND;
	session_apply_age(*ret_session, true);
	return REPRISE_OK;
}

/* The greatest revision of the events up to @position, which has just been judged to be @ring's. */
static uint64_t
greatest_revision_to(struct ring *ring, reprise_position position)
{
	struct probe probe;
	uint64_t oldest;

	if (position != ring->position_before && ring_probe(ring, position, &probe, &oldest))
		return greatest(probe.revision, probe.revision_before);
	if (position < ring_look(ring).newest && ring_probe(ring, position + 1, &probe, &oldest))
		return probe.revision_before;
	return load_relaxed(&ring->revision_max);
}

/* A cursor never carries REPRISE_REVISION_UNKNOWN: L25 in CONTRACT.md. */
static struct reprise_cursor
cursor_with(struct reprise_session *session, reprise_position position, uint64_t revision)
{
	if (revision == REPRISE_REVISION_UNKNOWN)
		revision = greatest_revision_to(&session->ring, position);
	return session_cursor_at(session, position, revision);
}

reprise_status
reprise_session_current_cursor(struct reprise_store *store, const char *session_id,
			       uint64_t revision, struct reprise_cursor *ret_cursor)
{
	struct reprise_session *session = NULL;
	const reprise_status status = session_to_stand_in(store, session_id, ret_cursor, &session);

	if (status == REPRISE_OK) {
		*ret_cursor = cursor_with(session, ring_before_revision(&session->ring, revision),
					  revision);
		session_unpin(session);
	}
	return status;
}

reprise_status
reprise_session_earliest_cursor(struct reprise_store *store, const char *session_id,
				uint64_t revision, struct reprise_cursor *ret_cursor)
{
	struct reprise_session *session = NULL;
	const reprise_status status = session_to_stand_in(store, session_id, ret_cursor, &session);

	if (status == REPRISE_OK) {
		*ret_cursor = cursor_with(session, ring_look(&session->ring).kept - 1, revision);
		session_unpin(session);
	}
	return status;
}

reprise_status
reprise_session_trim(struct reprise_store *store, const char *session_id)
{
	size_t id_bytes = 0;

	if (store == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	struct reprise_session *const session = session_find(store, session_id, id_bytes);

	if (session != NULL) {
		session_apply_age(session, false);
		session_unpin(session);
	}
	return REPRISE_OK;
}

reprise_status
reprise_session_trim_to(struct reprise_store *store, const char *session_id,
			reprise_position position)
{
	size_t id_bytes = 0;

	if (store == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	struct reprise_session *const session = session_find(store, session_id, id_bytes);

	if (session != NULL) {
		ring_trim_to(&session->ring, position);
		session_unpin(session);
	}
	return REPRISE_OK;
}

struct reprise_session_stats
session_stats_of(struct reprise_session *session)
{
	const struct look look = ring_look(&session->ring);

	return (struct reprise_session_stats){
		.incarnation = session->incarnation,
		.first = session->ring.position_before + 1,
		.oldest = look.kept,
		.newest = look.newest,
		.retained = look.newest + 1 - look.kept,
		.events_max = session->bounds.events_max,
		.bytes_max = session->bounds.bytes_max,
		.age_ns_max = session->bounds.age_ns_max,
		.subscriptions = load_relaxed(&session->subscriptions),
		.wakes = load_relaxed(&session->bell.wakes),
		.ended = look.ended != 0,
		.end_status = (int32_t)(uint32_t)look.ended,
		.has_writer = load_relaxed(&session->has_writer) != 0,
		.refuses = load_relaxed(&session->refuses) != 0,
		.recorded = session->store->port != NULL ? load_relaxed(&session->recorded) : 0,
	};
}

reprise_status
reprise_session_stats(struct reprise_store *store, const char *session_id,
		      struct reprise_session_stats *ret_stats)
{
	size_t id_bytes = 0;

	if (store == NULL || ret_stats == NULL || !session_id_measure(session_id, &id_bytes))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	struct reprise_session *const session = session_find(store, session_id, id_bytes);

	if (session == NULL)
		return REPRISE_E_NOT_FOUND;
	const struct reprise_session_stats stats = session_stats_of(session);

	session_unpin(session);
	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_session_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
