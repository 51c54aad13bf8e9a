/* SPDX-License-Identifier: MIT */
#include "store/keys.h"

#include <string.h>

uint64_t
keys_bytes(const struct ring_shape *shape)
{
	return shape->index_slots * sizeof(reprise_position) +
	       shape->index_slots / 2 * sizeof(struct key_node);
}

/*
 * A finalizer of MurmurHash3: every bit of the key moves every bit of the answer. The store's
 * secret spreads chosen keys.
 */
static uint64_t
hash_of(uint64_t key, uint64_t secret)
{
	uint64_t hash = key;

	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash ^= secret;
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

struct key_place
keys_place(struct reprise_session *session, uint64_t key)
{
	const struct ring *const ring = &session->ring;
	unsigned char *const memory = ring_memory_end(ring);
	reprise_position *const heads = (reprise_position *)(void *)memory;
	const uint64_t heads_count = ring->index_mask + 1;
	uint64_t salt;

	memcpy(&salt, session->incarnation.bytes, sizeof(salt));
	const uint64_t hash = hash_of(key ^ salt, session->store->hash_key.words[0]);

	return (struct key_place){
		.key = key ^ salt,
		.head = &heads[hash & ring->index_mask],
		.nodes = (struct key_node *)(void *)(heads + heads_count),
		/* No fewer than events_max, since there are twice as many slots at least. */
		.nodes_mask = heads_count / 2 - 1,
	};
}

reprise_position
keys_find(struct reprise_session *session, const struct key_place *place)
{
	const struct look look = ring_look(&session->ring);
	reprise_position position = *place->head;
	reprise_position last = look.newest;

	while (position >= look.kept && position <= last) {
		const struct key_node *const node = &place->nodes[position & place->nodes_mask];

		if (node->key == place->key)
			return position;
		last = position - 1;
		position = node->before;
	}
	return 0;
}

void
keys_put(const struct key_place *place, reprise_position position)
{
	place->nodes[position & place->nodes_mask] =
		(struct key_node){ .key = place->key, .before = *place->head };
	*place->head = position;
}
