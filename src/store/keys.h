/* SPDX-License-Identifier: MIT */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

/*
 * The keys of a deduplicated session's events: an index from a key to the retained event appended
 * with the key. The index lies behind the ring, in the same block, and is the writer's alone;
 * writers hand the index on like the ring's head.
 *
 *   heads   twice as many as events at most: each has the last position with a key there
 *   nodes   one for each of the last positions: the key, and the previous position under the same
 *           head
 *
 * Positions along a chain fall, so the chain ends at the first position not retained, and no entry
 * is ever removed. Used memory is not cleared: a node counts only with the window's own random salt
 * in the key.
 */

#include "store/session.h"

/* The bytes of a window's index, behind the ring's memory. */
uint64_t keys_bytes(const struct ring_shape *shape);

struct key_node {
	uint64_t key; /* xor the window's salt */
	reprise_position before;
};

/* The place of a key, present or not. */
struct key_place {
	uint64_t key; /* as in the node */
	reprise_position *head;
	struct key_node *nodes;
	uint64_t nodes_mask;
};

struct key_place keys_place(struct reprise_session *session, uint64_t key);

/* The retained position appended with the key of @place, or 0. */
reprise_position keys_find(struct reprise_session *session, const struct key_place *place);

/* @position, the newest, was appended with the key of @place; keys_find did not find the key. */
void keys_put(const struct key_place *place, reprise_position position);

#endif /* STORE_KEYS_H */
