/* SPDX-License-Identifier: MIT */
#include <reprise/sessions.h>

#include "base/cancel.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/idle.h"
#include "store/subscription.h"
#include "store/writer_lock.h"

/*
 * A window without any append gets other bounds: another window of the same life, the heir, takes
 * the window's place in the table (session_rebuild), and the old window is void from then on. A
 * subscription to the old window moves to the heir with the next look.
 */

/* The heir in the place of a void window, pinned and held; NULL if the window is void for good. */
static struct reprise_session *
hold_heir(struct reprise_session *session)
{
	struct reprise_store *const store = session->store;

	pthread_mutex_lock(&store->lock);
	while (session->has_heir)
		session = session->heir;
	/*
	 * The session, held by this very subscription, may have left the table for the next life.
	 */
	const bool is_there = !ring_is_void(&session->ring);

	if (is_there) {
		(void)session_pin(session);
		idle_hold(session);
	}
	pthread_mutex_unlock(&store->lock);
	return is_there ? session : NULL;
}

enum succession
subscription_succeed(struct reprise_subscription *subscription)
{
	/* No window gets an heir after becoming void. */
	if (!subscription->session->has_heir)
		return SUCCESSION_NONE;
	UNCANCELLABLE;
	struct reprise_session *const heir = hold_heir(subscription->session);

	if (heir == NULL)
		return SUCCESSION_NONE;
	struct block *const staging =
		staging_take(subscription->store, heir, subscription->staging_bytes);

	if (staging == NULL) {
		session_let_go(heir);
		return SUCCESSION_NO_MEMORY;
	}
	if (subscription->stage == STAGE_HEALING)
		backfill_move(subscription, heir, staging);
	else
		subscription_move(subscription, heir, staging);
	return SUCCESSION_MOVED;
}

reprise_status
reprise_writer_opened(struct reprise_writer *writer, struct reprise_writer_opened *ret_opened)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || ret_opened == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	session_require_open(session);
	const struct reprise_writer_opened opened = {
		.is_joined = session->opening != SESSION_CREATED,
		.is_rebuilt = session->opening == SESSION_REBUILT,
		.events_max = session->bounds.events_max,
		.bytes_max = session->bounds.bytes_max,
		.age_ns_max = session->bounds.age_ns_max,
		.is_shared = session_is_shared(session),
		.refuses = load_relaxed(&session->refuses) != 0,
		.is_deduplicated = session->bounds.is_deduplicated,
	};
	return sized_write(ret_opened, &opened, sizeof(opened), SIZE_MIN(reprise_writer_opened))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
