/* SPDX-License-Identifier: MIT */
#ifndef STORE_WAITING_H
#define STORE_WAITING_H

/*
 * The continuous subscriptions that wait in the lobby for a life of their session, in lists by the hash of its id.
 * Everything here is under the store's lock, and so is the change of the table that a waiter is rung for.
 *
 * No wake-up is lost. A subscription gets into its list before it looks for a life. A life that comes later finds it
 * there and rings it; the look finds one that came before. Between two looks its hand goes up as any other: see hand.h.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <reprise/cursor.h>

struct pool;
struct reprise_session;
struct reprise_store;
struct reprise_subscription;

/* In a subscription. */
struct waiting {
	LIST_ENTRY(reprise_subscription) link;
	uint64_t hash;
	struct reprise_incarnation ended; /* the life whose end was told last; zero for none */
	bool is_listed;
	bool is_revoked; /* that life was declared void since */
};

LIST_HEAD(waiting_list, reprise_subscription);

struct waiting_lists {
	struct waiting_list *lists; /* NULL until somebody waits; the pool's */
};

/* Makes room for the lists, unless there is. False without memory. */
bool waiting_open(struct waiting_lists *waiting, struct pool *pool);

/* @subscription is in the lobby, and waits from here on; or does no more. */
void waiting_add(struct reprise_subscription *subscription);
void waiting_remove(struct reprise_subscription *subscription);

/* A life of the session has come: rings whoever waits for it. */
void waiting_ring(struct reprise_session *session);

/* The life of @session is void: tells whoever was told its end, and waits. */
void waiting_revoke(struct reprise_session *session);

#endif /* STORE_WAITING_H */
