/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/random.h"
#include "store/idle.h"
#include "store/port.h"
#include "store/writer.h"

/*
 * A session is opened in a store with a log. The log is asked, which may take its time, and not
 * under the store's lock: meanwhile the session has its writer already, or its id stands among the
 * openings, and another call that opens the session finds it busy.
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

/*
 * The joined window still has no events, for no other writer could append: a heir goes on in its
 * place. Answers the reference to the old window that is to be given up. A window that is void by
 * now stays as it is.
 */
static struct reprise_session *
be_rebuilt(struct reprise_store *store, struct opening *opening)
{
	struct reprise_session *const before = opening->joined;
	struct reprise_session *heir = NULL;

	if (!opening->rebuilds || ring_is_void(&before->ring))
		return NULL;
	opening->status = session_rebuild(before, &opening->bounds, &heir, opening->error);
	if (opening->status != REPRISE_OK)
		return NULL;
	/* It has the writer's handle already. */
	(void)session_pin(heir);
	store_relaxed(&before->has_writer, WRITER_NONE);
	store->port->succeed(store->port, heir);
	opening->joined = heir;
	return before;
}

/*
 * The life of the window that was joined has gone on, or could not. Answers a reference that is to
 * be given up.
 */
static struct reprise_session *
finish_join(struct reprise_store *store, struct opening *opening)
{
	struct reprise_session *before = NULL;

	if (opening->status == REPRISE_OK)
		before = be_rebuilt(store, opening);
	struct reprise_session *const session = opening->joined;

	if (opening->status == REPRISE_OK) {
		opening->session = session;
		session->opening = before != NULL ? SESSION_REBUILT : SESSION_JOINED;
		store_relaxed(&session->refuses, opening->bounds.refuses);
		if (opening->bounds.is_shared)
			writer_share(session);
		return before;
	}
	store->port->leave(store->port, session);
	writer_take_from(session);
	return session;
}

/*
 * The life has begun: the window comes, in the place of one that has ended and may still be there.
 */
static void
come(struct reprise_store *store, struct opening *opening)
{
	struct reprise_session *const before = session_find(store, opening->id, opening->id_bytes);
	struct reprise_session *session = NULL;

	opening->status = session_create(store, opening->id, opening->id_bytes, &opening->bounds,
					 before, &opening->birth, &session, opening->error);
	if (opening->status == REPRISE_OK) {
		writer_give_to(session, opening->bounds.is_shared);
		store->port->attach(store->port, session);
		if (opening->bounds.is_shared)
			writer_share(session);
		opening->session = session;
	} else {
		store->port->abandon(store->port, opening->birth.recording);
	}
	if (before != NULL)
		session_unpin(before);
}

/* Carries out the log's answer. */
static void
finish(struct reprise_store *store, struct opening *opening)
{
	struct reprise_session *gone = NULL;

	if (!opening->is_asked)
		return;
	pthread_mutex_lock(&store->lock);
	if (opening->joined != NULL) {
		gone = finish_join(store, opening);
	} else {
		TAILQ_REMOVE(&store->openings, opening, link);
		if (opening->status == REPRISE_OK)
			come(store, opening);
	}
	pthread_mutex_unlock(&store->lock);
	if (gone != NULL)
		session_unpin(gone);
	/* Last: from here on the store may be closed. */
	if (opening->joined != NULL && opening->status != REPRISE_OK)
		fetch_sub_release(&store->writers, 1);
}

/* Whether a window of these bounds can come: before the log is told of one that cannot. */
static const char *
refusal_of(struct reprise_store *store, const struct opening *opening,
	   const struct reprise_session *before)
{
	const struct ring_shape shape = session_shape(&opening->bounds);

	if (opening->rebuilds)
		return idle_has_room_for_heir(before, session_bytes(&shape)) ? NULL : "bytes_max";
	return idle_refusal(store, session_bytes(&shape), before);
}

/* Becomes the writer of the window that is there, or puts the id among the openings. */
static void
begin(struct reprise_store *store, struct opening *opening)
{
	const char *full = NULL;

	if (opening->status != REPRISE_OK)
		return;
	pthread_mutex_lock(&store->lock);
	struct reprise_session *const before = session_find(store, opening->id, opening->id_bytes);

	if (is_opening(store, opening->id))
		opening->status = error_plain(opening->error, REPRISE_E_BUSY);
	else
		opening->status = writer_refusal(opening, before);
	const bool is_there = before != NULL && load_relaxed(&before->ring.ended) == 0;

	opening->rebuilds = is_there && writer_rebuilds(opening, before);

	if (opening->status != REPRISE_OK) {
		/* Another one has it. */
	} else if ((!is_there || opening->rebuilds) &&
		   (full = refusal_of(store, opening, before)) != NULL) {
		opening->status = error_full(opening->error, full);
	} else if (is_there) {
		writer_give_to(before, opening->bounds.is_shared);
		opening->joined = before;
		opening->is_asked = true;
	} else if (!random_bytes(&opening->birth.incarnation, sizeof(opening->birth.incarnation))) {
		opening->status = error_system(opening->error, "getrandom", errno);
	} else {
		TAILQ_INSERT_TAIL(&store->openings, opening, link);
		opening->is_asked = true;
	}
	pthread_mutex_unlock(&store->lock);
	if (before != NULL)
		session_unpin(before); /* joining, the writer has its own */
}

void
writer_open_recorded(struct reprise_store *store, struct opening *openings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		begin(store, &openings[i]);
	store->port->open_lives(store->port, openings, count);
	for (size_t i = 0; i < count; i++)
		finish(store, &openings[i]);
}
