/* SPDX-License-Identifier: MIT */
#ifndef THREAD_FOLD_H
#define THREAD_FOLD_H

/* The document that a head stands for: its text, with the deltas after it applied. */

#include "thread/adapter.h"
#include "thread/document.h"

/*
 * Reads it in a transaction. E_CORRUPT if a row is damaged or missing. The document is stamped with the head's version.
 * document_free follows in any case.
 */
reprise_status fold_read(struct reprise_thread_store *store, const struct thread_head *head,
			 struct document *document, struct reprise_error *error);

/* Adds its canonical text to @to: without a tree if no delta is to be applied. */
reprise_status fold_text(struct reprise_thread_store *store, const struct thread_head *head,
			 struct buffer *to, struct reprise_error *error);

/*
 * Puts @document, which is stamped, as the text of version @version, and sets what the head says of the text. E_TOO_LARGE.
 */
reprise_status fold_put(struct reprise_thread_store *store, struct thread_head *head,
			const struct document *document, uint64_t version,
			struct reprise_error *error);

#endif /* THREAD_FOLD_H */
