/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/subscription.h"

/* How a subscription begins: after a cursor, or from a durable state alone. */

bool
begin_in_window(struct reprise_subscription *subscription, struct reprise_session *session)
{
	struct ring *const ring = &session->ring;
	struct reprise_cursor *const at = &subscription->at;

	session_apply_age(session, true);
	const reprise_position position = ring_before_revision(ring, at->revision);

	/* Newer events may lie before the window's first position. */
	if (session->store->port != NULL && position == ring->position_before)
		return false;
	at->incarnation = session->incarnation;
	at->position = position;
	return true;
}

reprise_status
reprise_subscribe_after(struct reprise_store *store, const struct reprise_cursor *cursor,
			const struct reprise_subscription_options *options,
			struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	const struct beginning beginning = { .cursor = cursor };

	return subscription_open(store, &beginning, options, ret_subscription, error);
}

reprise_status
reprise_replay_after(struct reprise_store *store, const struct reprise_cursor *cursor,
		     const struct reprise_subscription_options *options,
		     struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	const struct beginning beginning = { .cursor = cursor, .is_replay = true };

	return subscription_open(store, &beginning, options, ret_subscription, error);
}

reprise_status
reprise_resume_after(struct reprise_store *store, const struct reprise_cursor *cursor,
		     uint64_t durable_revision, const struct reprise_subscription_options *options,
		     struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	const struct beginning beginning = { .cursor = cursor,
					     .durable_revision = &durable_revision };

	if (durable_revision == REPRISE_REVISION_UNKNOWN)
		return error_invalid(error, "durable_revision");
	return subscription_open(store, &beginning, options, ret_subscription, error);
}

reprise_status
reprise_resume_snapshot(struct reprise_store *store, const char *session_id,
			uint64_t durable_revision,
			const struct reprise_subscription_options *options,
			struct reprise_subscription **ret_subscription, struct reprise_error *error)
{
	struct reprise_cursor cursor = { .revision = durable_revision };
	const struct beginning beginning = { .cursor = &cursor,
					     .durable_revision = &durable_revision,
					     .is_placed = true };
	size_t id_bytes = 0;

	if (!session_id_measure(session_id, &id_bytes))
		return error_invalid(error, "session_id");
	if (durable_revision == REPRISE_REVISION_UNKNOWN)
		return error_invalid(error, "durable_revision");
	memcpy(cursor.session_id, session_id, id_bytes);
	return subscription_open(store, &beginning, options, ret_subscription, error);
}
