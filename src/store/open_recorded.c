/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/random.h"
#include "store/idle.h"
#include "store/port.h"
#include "store/writer.h"

/*
 * A session is opened in a store with a log. The log is asked, which may take its time, and not under the
 * store's lock: meanwhile the session has its writer already, or its id stands among the openings, and
 * whoever else opens it finds it busy.
 */

static bool
is_opening(const struct reprise_store *store, const char *id)
{
	const struct opening *opening;

	TAILQ_FOREACH(opening, &store->openings, link)
	if (strcmp(opening->id, id) == 0)
		return true;
	return false;
}

/* The window is there: its life goes on. It has the writer already. */
static reprise_status
join(struct reprise_session *session, struct reprise_session **ret_session,
     struct reprise_error *error)
{
	struct reprise_store *const store = session->store;
	const reprise_status status = store->port->rejoin(store->port, session, error);

	if (status == REPRISE_OK) {
		*ret_session = session;
		return REPRISE_OK;
	}
	pthread_mutex_lock(&store->lock);
	store->port->leave(store->port, session);
	writer_take_from(session);
	pthread_mutex_unlock(&store->lock);
	session_unpin(session);
	fetch_sub_release(&store->writers, 1);
	return status;
}

/* The life has begun: the window comes, in the place of one that has ended and may still be there. */
static reprise_status
come(struct reprise_store *store, const char *id, size_t id_bytes, const struct bounds *bounds,
     const struct birth *birth, struct reprise_session **ret_session, struct reprise_error *error)
{
	struct reprise_session *const before = session_find(store, id, id_bytes);
	struct reprise_session *session = NULL;
	const reprise_status status =
		session_create(store, id, id_bytes, bounds, before, birth, &session, error);

	if (status == REPRISE_OK) {
		writer_give_to(session);
		store->port->attach(store->port, session);
		*ret_session = session;
	} else {
		store->port->abandon(store->port, birth->recording);
	}
	if (before != NULL)
		session_unpin(before);
	return status;
}

static reprise_status
create(struct reprise_store *store, const char *id, size_t id_bytes, const struct bounds *bounds,
       struct opening *opening, struct reprise_session **ret_session, struct reprise_error *error)
{
	struct birth birth = { 0 };
	reprise_status status = REPRISE_OK;

	if (!random_bytes(&birth.incarnation, sizeof(birth.incarnation)))
		status = error_system(error, "getrandom", errno);
	else
		status = store->port->open_life(store->port, id, &birth.incarnation,
						&birth.position_before, &birth.recording, error);
	pthread_mutex_lock(&store->lock);
	TAILQ_REMOVE(&store->openings, opening, link);
	if (status == REPRISE_OK)
		status = come(store, id, id_bytes, bounds, &birth, ret_session, error);
	pthread_mutex_unlock(&store->lock);
	return status;
}

/* Whether a window of these bounds can come: before the log is told of one that cannot. */
static const char *
refusal_of(struct reprise_store *store, const struct bounds *bounds,
	   const struct reprise_session *before)
{
	const struct ring_shape shape = ring_shape_of(bounds->events_max, bounds->bytes_max);

	return idle_refusal(store, session_bytes(&shape), before);
}

reprise_status
writer_open_recorded(struct reprise_store *store, const char *id, size_t id_bytes,
		     const struct bounds *bounds, struct reprise_session **ret_session,
		     struct reprise_error *error)
{
	struct opening opening = { .id = id };
	const char *full = NULL;
	bool joins = false;

	pthread_mutex_lock(&store->lock);
	struct reprise_session *const before = session_find(store, id, id_bytes);
	const bool is_busy =
		is_opening(store, id) || (before != NULL && load_relaxed(&before->has_writer) != 0);

	if (!is_busy) {
		joins = before != NULL && load_relaxed(&before->ring.ended) == 0;
		if (joins)
			writer_give_to(before);
		else
			full = refusal_of(store, bounds, before);
		if (!joins && full == NULL)
			TAILQ_INSERT_TAIL(&store->openings, &opening, link);
	}
	pthread_mutex_unlock(&store->lock);
	if (before != NULL)
		session_unpin(before); /* joining, the writer has its own */
	if (is_busy)
		return error_plain(error, REPRISE_E_BUSY);
	if (full != NULL)
		return error_full(error, full);
	if (joins)
		return join(before, ret_session, error);
	return create(store, id, id_bytes, bounds, &opening, ret_session, error);
}
