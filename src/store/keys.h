/* SPDX-License-Identifier: MIT */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

/*
 * The keys of a deduplicated session's events: which retained event was appended with which key. The index lies behind
 * the ring, in the same block, and is the writer's alone; between writers it is handed on as the ring's head is.
 *
 *   heads   twice as many as events at most: the last position whose key fell there
 *   nodes   one for each of the last positions: its key, and the position before it under the same head
 *
 * Positions along a chain fall, so the chain ends at the first one that is not retained, and no entry is ever removed.
 * Memory that was used before is not cleared: a node counts only with the window's own random salt in its key.
 */

#include "store/session.h"

/* What the index of a window takes, behind the ring's memory. */
uint64_t keys_bytes(const struct ring_shape *shape);

struct key_node {
	uint64_t key; /* xor the window's salt */
	reprise_position before;
};

/* Where a key is, or would be. */
struct key_place {
	uint64_t key; /* as in its node */
	reprise_position *head;
	struct key_node *nodes;
	uint64_t nodes_mask;
};

struct key_place keys_place(struct reprise_session *session, uint64_t key);

/* The retained position that was appended with the key of @place, or 0. */
reprise_position keys_find(struct reprise_session *session, const struct key_place *place);

/* @position, which is the newest, was appended with the key of @place, which keys_find does not find. */
void keys_put(const struct key_place *place, reprise_position position);

#endif /* STORE_KEYS_H */
