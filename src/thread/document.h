/* SPDX-License-Identifier: MIT */
#ifndef THREAD_DOCUMENT_H
#define THREAD_DOCUMENT_H

/* A document as a tree, to which deltas are applied before it is written once. */

#include "thread/json.h"

struct delta;

/* All zero: none. */
struct document {
	json_t *tree;
	json_t *messages, *patches; /* the tree's */
	json_t *ids;                /* of the messages; NULL: not gathered yet */
};

/* The text of a document that is new: no bytes at all are an empty one. */
struct reprise_bytes document_or_none(struct reprise_bytes text);

/*
 * Reads a document, named @what in errors, and sees to it that its members are as they should be:
 * messages, patches and state are there afterwards. document_free follows in any case.
 */
reprise_status document_read(struct reprise_bytes text, const char *what, struct document *document,
			     struct reprise_error *error);
void document_free(struct document *document);

/* E_INVALID unless the member id is @id, or is not there. */
reprise_status document_check_id(const struct document *document, const char *what, const char *id,
				 struct reprise_error *error);

/* The member uid; NULL if there is none. E_INVALID if it is no string. */
reprise_status document_uid(const struct document *document, const char *what, const char **ret_uid,
			    struct reprise_error *error);

/* Sets the members that are the store's. False: no memory. */
bool document_stamp(struct document *document, const char *id, const char *uid, uint64_t version);

/*
 * Applies a delta (rule B04). False: no memory, and the document is good for nothing but
 * to be freed.
 */
bool document_apply(struct document *document, const struct delta *delta);

#endif /* THREAD_DOCUMENT_H */
