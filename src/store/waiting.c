/* SPDX-License-Identifier: MIT */
#include "store/waiting.h"

#include <string.h>

#include "store/subscription.h"

/* The creation of a session looks through the list of the id. The models have fewer lists. */
#ifndef WAITING_LISTS
#define WAITING_LISTS 16384
#endif

bool
waiting_open(struct waiting_lists *waiting, struct pool *pool)
{
	if (waiting->lists != NULL)
		return true;
	const struct block *const block =
		pool_take(pool, WAITING_LISTS * sizeof(struct waiting_list));

	if (block == NULL)
		return false;
	/* Locked pages given back before are not zero. */
	memset(block->memory, 0, WAITING_LISTS * sizeof(struct waiting_list));
	waiting->lists = (struct waiting_list *)(void *)block->memory;
	return true;
}

static struct waiting_list *
list_of(struct reprise_store *store, uint64_t hash)
{
	return &store->waiting.lists[hash % WAITING_LISTS];
}

void
waiting_add(struct reprise_subscription *subscription)
{
	struct waiting *const waiting = &subscription->waiting;

	LIST_INSERT_HEAD(list_of(subscription->store, waiting->hash), subscription, waiting.link);
	waiting->is_listed = true;
}

void
waiting_remove(struct reprise_subscription *subscription)
{
	if (subscription->waiting.is_listed)
		LIST_REMOVE(subscription, waiting.link);
	subscription->waiting.is_listed = false;
}

/* Whether @subscription was told the end of the life of @session. */
static bool
has_ended(const struct reprise_subscription *subscription, const struct reprise_session *session)
{
	return memcmp(&subscription->waiting.ended, &session->incarnation,
		      sizeof(session->incarnation)) == 0;
}

/*
 * Rings subscriptions waiting for a life of @session; with @is_void, only subscriptions told the
 * end of this life.
 */
static void
ring(struct reprise_session *session, bool is_void)
{
	struct reprise_store *const store = session->store;
	struct reprise_subscription *subscription;
	bool is_any = false;

	if (store->waiting.lists == NULL)
		return;
	LIST_FOREACH(subscription, list_of(store, session->hash), waiting.link) {
		if (subscription->waiting.hash != session->hash ||
		    (is_void && !has_ended(subscription, session)))
			continue;
		subscription->waiting.is_revoked |= is_void;
		hand_ring(store->lobby, subscription);
		is_any = true;
	}
	/* The thread asleep on the lobby's epoch may be any waiter. */
	if (is_any)
		bell_ring_direct(&store->lobby->bell);
}

void
waiting_ring(struct reprise_session *session)
{
	ring(session, false);
}

void
waiting_revoke(struct reprise_session *session)
{
	ring(session, true);
}
