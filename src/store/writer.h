/* SPDX-License-Identifier: MIT */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

/* How a session gets a writer, and loses it. */

#include "store/session.h"

/* Under the store's lock, with a reference for the writer. */
void writer_give_to(struct reprise_session *session);

/* Under the store's lock; the reference is left to the caller. */
void writer_take_from(struct reprise_session *session);

/* As reprise_session_open, in a store with a log, of arguments that have been checked. */
reprise_status writer_open_recorded(struct reprise_store *store, const char *id, size_t id_bytes,
				    const struct bounds *bounds,
				    struct reprise_session **ret_session,
				    struct reprise_error *error);

#endif /* STORE_WRITER_H */
