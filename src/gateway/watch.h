/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H

/*
 * A watch joins a subscription to the loop: the subscription's callback, on the store's thread,
 * puts the watch on the list of the ready, and one eventfd wakes the loop for all of them. No
 * descriptor is spent for a client.
 */

#include <pthread.h>
#include <stdbool.h>

#include <reprise/subscription.h>

struct reprise_gateway;

struct watch {
	struct reprise_gateway *gateway;
	struct reprise_subscription *subscription; /* NULL: none */
	void (*ready)(struct watch *watch);        /* on the loop */
	struct watch *next, *previous;             /* under the lock, while is_ready */
	bool is_ready;                             /* under the lock */
};

struct watches {
	pthread_mutex_t lock;
	struct watch *first, *last; /* under the lock */
	size_t count;               /* of the list; under the lock */
};

void watches_init(struct watches *watches);
void watches_destroy(struct watches *watches);

/*
 * Takes over @subscription, and has `ready` called: soon if there is something, and after each
 * EMPTY when there is more. On failure the subscription is closed.
 */
reprise_status watch_open(struct watch *watch, struct reprise_gateway *gateway,
			  struct reprise_subscription *subscription,
			  void (*ready)(struct watch *watch));
/* Gives the subscription up, open: for another watch. */
struct reprise_subscription *watch_release(struct watch *watch);
/* Closes the subscription. `ready` is not called any more. @watch may be all zero. */
void watch_close(struct watch *watch);
/* Has `ready` called in the next turn of the loop, whether there is something or not. */
void watch_again(struct watch *watch);
/* On the loop, from on_notify: calls `ready` of those that are ready now, each once. */
void watches_serve(struct reprise_gateway *gateway);

#endif /* GATEWAY_WATCH_H */
