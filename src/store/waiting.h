/* SPDX-License-Identifier: MIT */
#ifndef STORE_WAITING_H
#define STORE_WAITING_H

/*
 * The continuous subscriptions in the lobby, each waiting for a life of a session, in lists by the
 * hash of the session's id. Everything here is under the store's lock, and so is the change of the
 * table behind each ring.
 *
 * No wake-up is lost. A subscription gets into the list before looking for a life. A later life
 * finds the subscription there and rings; the look finds an earlier life. Between two looks the
 * subscription's hand goes up like any other: see hand.h.
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
	bool is_revoked; /* the ended life was declared void since */
};

LIST_HEAD(waiting_list, reprise_subscription);

struct waiting_lists {
	struct waiting_list *lists; /* NULL until somebody waits; the pool's */
};

/* Makes room for the lists, unless there is. False without memory. */
bool waiting_open(struct waiting_lists *waiting, struct pool *pool);

/* @subscription is in the lobby, and waits from here on; or stops waiting. */
void waiting_add(struct reprise_subscription *subscription);
void waiting_remove(struct reprise_subscription *subscription);

/* A life of the session has come: rings every waiting subscription. */
void waiting_ring(struct reprise_session *session);

/* The life of @session is void: tells every waiting subscription that was told the life's end. */
void waiting_revoke(struct reprise_session *session);

#endif /* STORE_WAITING_H */
