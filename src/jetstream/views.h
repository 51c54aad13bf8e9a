/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_VIEWS_H
#define JETSTREAM_VIEWS_H

/*
 * The views of a writer: one for each document that is in use, and the most recently used ones
 * of the others. A call holds the view of its document, so that the calls on a document wait
 * for each other.
 */

#include "jetstream/writer.h"

/* False: no random bits for the key. */
bool views_init(struct views *views);
/* Nobody holds one. */
void views_free(struct views *views);

/*
 * Waits for the view of @id, and holds it. *ret_failures, if it is given, counts the failures of
 * its appends in flight as the call begins. E_TIMEOUT at @due_ns, E_NO_MEMORY.
 */
reprise_status view_hold(struct reprise_jetstream *writer, const char *id, uint64_t due_ns,
			 struct view **ret_view, uint64_t *ret_failures,
			 struct reprise_error *error);
void view_release(struct reprise_jetstream *writer, struct view *view);

/* With the lock: one user less; the view may be freed. */
void view_leave(struct reprise_jetstream *writer, struct view *view);

/* The holder waits until no append of the document is in flight. E_TIMEOUT. */
reprise_status view_drain(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			  struct reprise_error *error);

/* The holder gives up what the view says. */
void view_forget(struct view *view);

#endif /* JETSTREAM_VIEWS_H */
