/* SPDX-License-Identifier: MIT */
/* An event that the writer writes in place. */
#include "store/appending.h"

reprise_status
reprise_reserve(struct reprise_writer *writer, size_t payload_bytes_max, void **ret_payload)
{
	struct reprise_session *const session = writer_session(writer);

	/* A reservation would keep the other threads out for as long as its host likes. */
	if (session == NULL || ret_payload == NULL || session_is_shared(session))
		return REPRISE_E_INVALID;
	const reprise_status refused = session_refusal(session);

	if (refused != REPRISE_OK)
		return refused;
	if (payload_bytes_max > session->ring.payload_bytes_max)
		return REPRISE_E_TOO_LARGE;
	if (is_full(session, record_bytes(payload_bytes_max), 1))
		return REPRISE_E_FULL;
	*ret_payload = ring_reserve(&session->ring, payload_bytes_max);
	return REPRISE_OK;
}

reprise_status
reprise_publish(struct reprise_writer *writer, uint64_t revision, uint16_t kind, uint16_t flags,
		size_t payload_bytes, reprise_position *ret_position)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || (flags & FLAGS_OF_LIBRARY) != 0 || revision == RING_NO_REVISION)
		return REPRISE_E_INVALID;
	struct ring *const ring = &session->ring;
	const reprise_status state = session_refusal(session);

	if (state == REPRISE_E_FORKED || state == REPRISE_E_CLOSED)
		return state;
	if (!ring_is_reserved(ring) || payload_bytes > ring->reserved_bytes)
		return REPRISE_E_INVALID;

	const uint64_t stamp_seen = begin_append(session);
	const reprise_position position = load_relaxed(&ring->newest) + 1;

	ring_fill(ring, position, revision, shape_of(payload_bytes, kind, flags));
	publish(session, position);
	end_append(session, stamp_seen);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

reprise_status
reprise_abort(struct reprise_writer *writer)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	if (!ring_is_reserved(&session->ring))
		return REPRISE_E_INVALID;
	ring_abort(&session->ring);
	return REPRISE_OK;
}
