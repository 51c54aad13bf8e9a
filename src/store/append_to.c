/* SPDX-License-Identifier: MIT */

/* An append by the id of a session, for hosts that keep no handle. */

#include "store/append_to.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/futex.h"
#include "store/appending.h"
#include "store/writer.h"

/*
 * Between two looks at a session that is being opened or closed, and how long in all: a log may
 * take its time.
 */
#define RETRY_NS            UINT64_C(50000)
#define RETRIES_NS          WRITER_LOCK_WAIT_NS
#define RETRIES_WITH_LOG_NS (30 * WRITER_LOCK_WAIT_NS)

enum progress
append_to_found(struct reprise_session *session, const struct append *append,
		reprise_status *ret_status)
{
	const uint64_t writer = load_relaxed(&session->has_writer);

	*ret_status = REPRISE_E_BUSY;
	if (writer != WRITER_SHARED)
		return writer == WRITER_ALONE  ? PROGRESS_DONE
		       : writer == WRITER_NONE ? PROGRESS_ALONE
					       : PROGRESS_RETRY;
	*ret_status = writer_lock_enter(session);
	if (*ret_status != REPRISE_OK)
		return PROGRESS_DONE;
	/* [named:A] Before all of the window; pairs with [share:A]. */
	const bool is_open = load_acquire(&session->has_writer) == WRITER_SHARED;

	if (is_open)
		*ret_status = append_by_id(session, append->revision, append->kind, append->flags,
					   append->payload, append->ret_position);
	writer_lock_leave(session);
	/* A window that is void has left the table: the id is the next life's. */
	if (*ret_status == REPRISE_E_CLOSED && ring_is_void(&session->ring))
		return PROGRESS_RETRY;
	return is_open ? PROGRESS_DONE : PROGRESS_RETRY;
}

/* The session has no writer, or is not there: has one for this append. */
static enum progress
append_once(struct reprise_store *store, const char *session_id, const struct append *append,
	    reprise_status *ret_status)
{
	static const struct reprise_session_options shared = { .size = sizeof(shared),
							       .is_shared = 1 };
	struct opening opening;

	UNCANCELLABLE;
	writer_prepare(store, session_id, &shared, NULL, &opening);
	opening.is_of_this_life = true;
	opening.keeps_bounds = true;
	writer_open(store, &opening);
	*ret_status = opening.status;
	if (opening.status == REPRISE_E_BUSY)
		return PROGRESS_RETRY;
	enum progress progress = PROGRESS_DONE;

	if (opening.status == REPRISE_OK) {
		progress = append_to_found(opening.session, append, ret_status);
		reprise_writer_close(session_writer(opening.session));
	}
	return progress;
}

static enum progress
try_append(struct reprise_store *store, const char *session_id, size_t id_bytes,
	   const struct append *append, reprise_status *ret_status)
{
	struct reprise_session *const session = session_find(store, session_id, id_bytes);
	enum progress progress = PROGRESS_ALONE;

	if (session != NULL) {
		progress = append_to_found(session, append, ret_status);
		session_unpin(session);
	}
	return progress == PROGRESS_ALONE ? append_once(store, session_id, append, ret_status)
					  : progress;
}

reprise_status
reprise_session_append(struct reprise_store *store, const char *session_id, uint64_t revision,
		       uint16_t kind, uint16_t flags, struct reprise_bytes payload,
		       reprise_position *ret_position)
{
	const struct append append = { revision, kind, flags, payload, ret_position };
	uint64_t begun_ns = 0;
	size_t id_bytes = 0;
	reprise_status status;

	if (store == NULL || !session_id_measure(session_id, &id_bytes) ||
	    (payload.data == NULL && payload.size != 0))
		return REPRISE_E_INVALID;
	if (!store_is_here(store))
		return REPRISE_E_FORKED;
	while (try_append(store, session_id, id_bytes, &append, &status) == PROGRESS_RETRY) {
		atomic_u32 never = 0;
		const uint64_t now_ns = clock_ns();

		if (begun_ns == 0)
			begun_ns = now_ns;
		if (now_ns - begun_ns >= (store->port != NULL ? RETRIES_WITH_LOG_NS : RETRIES_NS))
			return REPRISE_E_TIMEOUT;
		(void)futex_wait(&never, 0, now_ns + RETRY_NS);
	}
	return status;
}
