/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_VIEW_H
#define JETSTREAM_VIEW_H

/* The content of a view: the holder reads it from the store and the stream. */

#include "jetstream/views.h"

/*
 * Reads the view, unless it is known and no append in flight has failed since. No append is in
 * flight afterwards if it was read. E_NOT_FOUND: no document of that id.
 */
reprise_status view_know(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			 struct reprise_error *error);

/*
 * The same, and compares the view with the store: another writer may have saved or
 * deleted the document.
 */
reprise_status view_know_now(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			     struct reprise_error *error);

/* The same for an asynchronous append: compares a view that was not compared for a second. */
reprise_status view_know_lately(struct reprise_jetstream *writer, struct view *view,
				uint64_t due_ns, struct reprise_error *error);

/* A delta goes to the document of the view. */
void view_note_sent(struct view *view);

/*
 * E_ABORTED, once, if the document is another than the one to which deltas went since the last
 * flush: they are dead letters, and a run that is told to be whole would lack them.
 */
reprise_status view_refuse_replaced(struct reprise_jetstream *writer, struct view *view,
				    struct reprise_error *error);

#endif /* JETSTREAM_VIEW_H */
