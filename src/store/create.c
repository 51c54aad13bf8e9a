/* SPDX-License-Identifier: MIT */
#include <reprise/sessions.h>

#include "base/cancel.h"
#include "store/writer.h"

/* A window without a writer, for a host that comes first. */

static reprise_status
create(struct reprise_store *store, const struct opening *opening)
{
	struct reprise_session *session = session_find(store, opening->id, opening->id_bytes);

	/* Somebody else has been faster. */
	if (session != NULL) {
		session_unpin(session);
		return REPRISE_OK;
	}
	return session_create(store, opening->id, opening->id_bytes, &opening->bounds, NULL, NULL,
			      &session, opening->error);
}

reprise_status
reprise_session_create(struct reprise_store *store, const char *session_id,
		       const struct reprise_session_options *options, struct reprise_error *error)
{
	struct opening opening;

	if (store == NULL)
		return error_invalid(error, "store");
	UNCANCELLABLE;
	writer_prepare(store, session_id, options, error, &opening);
	if (opening.status != REPRISE_OK)
		return opening.status;
	if (store->port != NULL)
		return error_detailed(
			error, REPRISE_E_INVALID, "store",
			"a store with a log creates sessions by reprise_writer_open alone");
	struct reprise_session *const session = session_find(store, session_id, opening.id_bytes);

	if (session != NULL) {
		session_unpin(session);
		return REPRISE_OK;
	}
	pthread_mutex_lock(&store->lock);
	const reprise_status status = create(store, &opening);

	pthread_mutex_unlock(&store->lock);
	return status;
}
