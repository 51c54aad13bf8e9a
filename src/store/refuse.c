/* SPDX-License-Identifier: MIT */
#include "store/refuse.h"

#include "base/clock.h"
#include "ring/append.h"
#include "store/port.h"

/*
 * Sessions whose appends are refused rather than displace what is not recorded yet (contracts C21).
 * In such a session nothing runs ahead, so that every append comes by here.
 */

bool
refuse_has_room(struct reprise_session *session, uint64_t bytes, uint64_t count)
{
	struct ring *const ring = &session->ring;
	const uint64_t oldest = load_relaxed(&ring->oldest);
	const uint64_t keep = ring_keep(ring, load_relaxed(&ring->newest), bytes, count);

	if (keep == oldest)
		return true;
	/* [room:A] Before `oldest` is raised; pairs with [record:A]. */
	if (keep - 1 <= load_acquire(&session->recorded))
		return true;
	store_relaxed(&session->room_needed, keep - 1);
	return false;
}

reprise_status
reprise_writer_set_overwrite(struct reprise_writer *writer)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	store_relaxed(&session->refuses, 0);
	return REPRISE_OK;
}

reprise_status
reprise_writer_wait_room(struct reprise_writer *writer, uint64_t timeout_ns)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	if (ring_is_void(&session->ring))
		return REPRISE_E_CLOSED;
	const reprise_position needed = load_relaxed(&session->room_needed);

	if (load_relaxed(&session->refuses) == 0 || needed <= load_relaxed(&session->recorded))
		return REPRISE_OK;
	struct store_port *const port = session->store->port;

	if (port == NULL)
		return REPRISE_E_CLOSED; /* nobody records any more */
	return port->wait_recorded(port, session, needed, deadline_after(clock_ns(), timeout_ns));
}
