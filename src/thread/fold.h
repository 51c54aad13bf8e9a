/* SPDX-License-Identifier: MIT */
#ifndef THREAD_FOLD_H
#define THREAD_FOLD_H

/*
 * The document that a head stands for: its text, with the deltas after it applied. A transaction
 * only copies these, since a server ends one that is silent for long, and a large document takes
 * long to read.
 */

#include "thread/adapter.h"
#include "thread/document.h"
#include "thread/printed.h"

/* All zero: none. */
struct gathered {
	struct thread_head head;
	struct buffer text;
	struct buffer deltas; /* after the text's version, one behind the other */
	struct buffer sizes;  /* of each of them: a size_t */
};

/*
 * Copies them in a transaction; the text goes behind what gathered->text has. E_CORRUPT if a row is
 * damaged or missing. gathered_free follows in any case.
 */
reprise_status fold_gather(struct reprise_thread_store *store, const struct thread_head *head,
			   struct gathered *gathered, struct reprise_error *error);
void gathered_free(struct gathered *gathered);

/*
 * The document of the head's version, stamped, outside of a transaction. E_CORRUPT. document_free
 * follows in any case.
 */
reprise_status fold_read(const struct gathered *gathered, struct document *document,
			 struct reprise_error *error);

/* Brings gathered->text up to the head's version: without a tree if there are no deltas. */
reprise_status fold_text(struct gathered *gathered, struct reprise_error *error);

/*
 * Puts @printed, which is stamped with the head's uid and @version, as the text, and sets what the
 * head says of it.
 */
reprise_status fold_put_stamped(struct reprise_thread_store *store, struct thread_head *head,
				const struct printed *printed, uint64_t version,
				struct reprise_error *error);

/* The same, and stamps it before. E_TOO_LARGE. */
reprise_status fold_put(struct reprise_thread_store *store, struct thread_head *head,
			struct printed *printed, uint64_t version, struct reprise_error *error);

#endif /* THREAD_FOLD_H */
