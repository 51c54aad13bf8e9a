/* SPDX-License-Identifier: MIT */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

/* How a session gets a writer, and loses it. */

#include "store/session.h"

/* A session that is being opened. */
struct opening {
	const char *id;
	size_t id_bytes;
	struct bounds bounds; /* of a window that is to be created */
	uint64_t arena_bytes; /* the same, for its records */
	bool is_of_this_life; /* a session that has ended is not opened again: REPRISE_E_CLOSED */
	bool keeps_bounds;    /* of a window that is there, also if nothing is in it */
	struct reprise_error *error;

	/*
	 * In a store with a log, which is asked about the life of a window that was joined, or is
	 * to be created.
	 */
	bool is_asked;
	TAILQ_ENTRY(opening) link; /* while a window is to be created: among the store's openings */
	struct reprise_session *joined;
	bool rebuilds;      /* the joined window is empty, and gets other bounds */
	struct birth birth; /* else: the incarnation is given, and the log answers the rest */

	/*
	 * The answer. An opening that was refused before has another status than REPRISE_OK
	 * from the beginning.
	 */
	reprise_status status;
	struct reprise_session *session;
};

/* Under the store's lock, with a reference for the writer. */
void writer_give_to(struct reprise_session *session, bool is_shared);

/*
 * The writer is any thread from here on. Under the store's lock, once nothing can refuse the
 * opening any more.
 */
void writer_share(struct reprise_session *session);

/*
 * Why the session of that id, or NULL, gets no writer now; or REPRISE_OK. Under the store's lock.
 */
reprise_status writer_refusal(const struct opening *opening, struct reprise_session *before);

/*
 * Whether nothing was ever appended to a window, and the opening asks for other bounds. Under
 * the store's lock.
 */
bool writer_rebuilds(const struct opening *opening, struct reprise_session *before);

/* Under the store's lock; the reference is left to the caller. */
void writer_take_from(struct reprise_session *session);

/* Fills in @opening from the arguments of a call; its status says whether they are good. */
void writer_prepare(struct reprise_store *store, const char *id,
		    const struct reprise_session_options *options, struct reprise_error *error,
		    struct opening *ret_opening);

/* Opens the session of a prepared opening, unless it was refused. With cancellation disabled. */
void writer_open(struct reprise_store *store, struct opening *opening);

/*
 * Opens the sessions of @openings, which were prepared, in a store with a log. The log is asked
 * about all of them together. An id that stands there twice is opened once; the second is E_BUSY.
 */
void writer_open_recorded(struct reprise_store *store, struct opening *openings, size_t count);

#endif /* STORE_WRITER_H */
