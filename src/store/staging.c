/* SPDX-License-Identifier: MIT */
#include "base/cancel.h"
#include "store/subscription.h"

/* The memory for a subscription's copies of records. */

/* In front of the bytes: where each record is. */
static uint64_t
places_max_of(uint64_t bytes_want)
{
	return bytes_want / RECORD_HEADER_BYTES + 1;
}

static uint64_t
places_bytes_of(uint64_t bytes_want)
{
	return round_up(places_max_of(bytes_want) * sizeof(uint64_t), CACHE_LINE_BYTES);
}

struct block *
staging_take(struct reprise_store *store, const struct reprise_session *session,
	     uint64_t staging_bytes)
{
	const uint64_t arena_bytes = session->ring.arena_bytes;

	return staging_take_bytes(store,
				  places_bytes_of(least(staging_bytes, arena_bytes)) + arena_bytes);
}

struct block *
staging_take_bytes(struct reprise_store *store, uint64_t bytes)
{
	struct block *const block = pool_take(&store->pool, bytes);

	if (block != NULL)
		fetch_add_relaxed(&store->staging_bytes, block->bytes);
	return block;
}

void
staging_give(struct reprise_store *store, struct block *block)
{
	fetch_sub_relaxed(&store->staging_bytes, block->bytes);
	pool_give(&store->pool, block);
}

void
staging_use(struct reprise_subscription *subscription, const struct reprise_session *session,
	    struct block *block)
{
	const uint64_t bytes_want = least(subscription->staging_bytes, session->ring.arena_bytes);

	subscription->block = block;
	subscription->stretch = (struct stretch){
		.places = (uint64_t *)(void *)block->memory,
		.places_max = places_max_of(bytes_want),
		.bytes = block->memory + places_bytes_of(bytes_want),
		.bytes_want = bytes_want,
	};
}

bool
subscription_take_staging(struct reprise_subscription *subscription)
{
	UNCANCELLABLE;
	struct block *const block = staging_take(subscription->store, subscription->session,
						 subscription->staging_bytes);

	if (block == NULL)
		return false;
	staging_use(subscription, subscription->session, block);
	return true;
}
