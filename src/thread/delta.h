/* SPDX-License-Identifier: MIT */
#ifndef THREAD_DELTA_H
#define THREAD_DELTA_H

/* A delta (rule B04): as a tree, and in canonical form with its digest. */

#include "thread/adapter.h"
#include "thread/json.h"

/* All zero: none. */
struct delta {
	json_t *tree;
	json_t *messages, *patches; /* the tree's */
	json_t *snapshot;           /* the tree's; NULL: none */
	bool has_id;
	bool is_run_finished;
	uint64_t created_ms;
	char id[THREAD_DELTA_ID_ROOM];
	struct buffer json; /* in canonical form, by delta_seal */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/* Reads a delta, named @what in errors. delta_free follows in any case. */
reprise_status delta_read(struct reprise_bytes text, const char *what, struct delta *delta,
			  struct reprise_error *error);
void delta_free(struct delta *delta);

/* Gives a delta without an id one, and the time. E_SYSTEM: no random bits. */
reprise_status delta_name(struct delta *delta, uint64_t now_ms, struct reprise_error *error);

/* Brings a delta with an id into canonical form, and computes its digest. */
reprise_status delta_seal(struct delta *delta, const char *what, struct reprise_error *error);

/*
 * How many bytes a sealed delta adds to a document at most: the elements of its messages and
 * patches, and its snapshot. A message that the document has, and a state that is replaced,
 * make it less.
 */
reprise_status delta_growth(const struct delta *delta, uint64_t *ret_bytes,
			    struct reprise_error *error);

/* Frees the tree, which a sealed delta has no use for unless it is applied. */
void delta_drop_tree(struct delta *delta);

/* 1 to 128 bytes of UTF-8 without control characters. */
bool delta_id_is_good(const char *id, size_t size);

#endif /* THREAD_DELTA_H */
