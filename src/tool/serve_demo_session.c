/* SPDX-License-Identifier: MIT */
#include "tool/serve_demo_session.h"

#include <stddef.h>

#include "tool/pace.h"

bool
demo_is_over(const struct demo_end *end)
{
	return atomic_load(&end->is_over) || pace_now() >= end->at_ns;
}

reprise_status
demo_session_open(struct demo_session *session, struct reprise_error *error)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max = session->events_max };

	return reprise_writer_open(session->store, session->id, &options, &session->writer, error);
}

/* Appends once there is room. REPRISE_E_TIMEOUT: no room until the end of the demo. */
static reprise_status
append_with_room(struct demo_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
		 const char *text)
{
	const struct reprise_bytes payload = reprise_bytes_from_string(text);
	reprise_status status =
		session->writer == NULL ? demo_session_open(session, NULL) : REPRISE_OK;

	while (status == REPRISE_OK) {
		status = reprise_append(session->writer, revision, kind, flags, payload, NULL);
		if (status != REPRISE_E_FULL)
			return status;
		do
			status = reprise_writer_wait_room(session->writer, DEMO_LOOK_NS);
		while (status == REPRISE_E_TIMEOUT && !demo_is_over(session->end));
	}
	return status;
}

reprise_status
demo_session_append(struct demo_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
		    const char *text)
{
	reprise_status status = append_with_room(session, revision, kind, flags, text);

	/* A client may invalidate the session at any moment. */
	if (status == REPRISE_E_CLOSED) {
		demo_session_close(session);
		status = append_with_room(session, revision, kind, flags, text);
	}
	return status == REPRISE_E_TIMEOUT ? REPRISE_OK : status;
}

reprise_status
demo_session_end(struct demo_session *session, int32_t status)
{
	const reprise_status ended =
		session->writer == NULL ? REPRISE_OK : reprise_writer_end(session->writer, status);

	demo_session_close(session);
	return ended == REPRISE_E_CLOSED ? REPRISE_OK : ended;
}

void
demo_session_close(struct demo_session *session)
{
	reprise_writer_close(session->writer);
	session->writer = NULL;
}
