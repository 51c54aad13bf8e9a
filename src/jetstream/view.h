/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_VIEW_H
#define JETSTREAM_VIEW_H

/* What a view says: the holder reads it from the store and the stream. */

#include "jetstream/views.h"

/*
 * Reads the view, unless it is known and no append in flight has failed since. No append is in flight afterwards if it was
 * read. E_NOT_FOUND: no document of that id.
 */
reprise_status view_know(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			 struct reprise_error *error);

/* The same, and compares the view with the store: another writer may have saved or deleted the document. */
reprise_status view_know_now(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			     struct reprise_error *error);

#endif /* JETSTREAM_VIEW_H */
