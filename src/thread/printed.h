/* SPDX-License-Identifier: MIT */
#ifndef THREAD_PRINTED_H
#define THREAD_PRINTED_H

/*
 * A document in canonical form, but for its uid and its version. These are known only in the
 * transaction that writes, and a large document takes too long to be printed there: others wait,
 * and a server ends a transaction that is silent.
 */

#include "thread/adapter.h"
#include "thread/document.h"

/* All zero: none. */
struct printed {
	struct buffer json;
	size_t uid_at, version_at; /* where these members belong */
};

/*
 * Prints @document as the one of @id. E_TOO_LARGE, E_NO_MEMORY. printed_free follows in any case.
 */
reprise_status printed_make(const struct document *document, const char *id,
			    struct printed *printed, struct reprise_error *error);
void printed_free(struct printed *printed);

/* Puts the two members in, once: `json` is the document then. E_TOO_LARGE. */
reprise_status printed_stamp(struct printed *printed, const struct thread_uid *uid,
			     uint64_t version, struct reprise_error *error);

#endif /* THREAD_PRINTED_H */
