/* SPDX-License-Identifier: MIT */
/*
 * The list of the ready. A callback of the store's thread adds a watch; the loop takes the watches
 * that were there when its turn began. A closed watch is on no list: reprise_subscription_close
 * waits for a callback that runs, and only then the watch is taken off.
 */
#include "gateway/watch.h"

#include "base/assert.h"
#include "gateway/gateway.h"

/* Between two looks of the loop at its sockets: a millisecond or two, if each encodes a piece. */
enum {
	WATCHES_PER_TURN = 16
};

void
watches_init(struct watches *watches)
{
	*watches = (struct watches){ .first = NULL };
	pthread_mutex_init(&watches->lock, NULL);
}

void
watches_destroy(struct watches *watches)
{
	pthread_mutex_destroy(&watches->lock);
}

/* Under the lock. */
static void
list_add(struct watches *watches, struct watch *watch)
{
	watch->is_ready = true;
	watch->next = NULL;
	watch->previous = watches->last;
	if (watches->last == NULL)
		watches->first = watch;
	else
		watches->last->next = watch;
	watches->last = watch;
	watches->count++;
}

/* Under the lock. */
static void
list_remove(struct watches *watches, struct watch *watch)
{
	if (!watch->is_ready)
		return;
	watch->is_ready = false;
	watches->count--;
	if (watch->previous == NULL)
		watches->first = watch->next;
	else
		watch->previous->next = watch->next;
	if (watch->next == NULL)
		watches->last = watch->previous;
	else
		watch->next->previous = watch->previous;
}

void
watch_again(struct watch *watch)
{
	struct watches *const watches = &watch->gateway->watches;
	bool was_empty;

	pthread_mutex_lock(&watches->lock);
	was_empty = watches->first == NULL;
	if (!watch->is_ready)
		list_add(watches, watch);
	pthread_mutex_unlock(&watches->lock);
	if (was_empty)
		(void)http_server_notify(watch->gateway->server);
}

static void
on_subscription(struct reprise_subscription *subscription, void *context)
{
	(void)subscription;
	watch_again(context);
}

reprise_status
watch_open(struct watch *watch, struct reprise_gateway *gateway,
	   struct reprise_subscription *subscription, void (*ready)(struct watch *watch))
{
	reprise_status status;

	*watch = (struct watch){ .gateway = gateway, .subscription = subscription, .ready = ready };
	count(&gateway->counters.subscriptions, 1);
	status = reprise_subscription_notify(subscription, on_subscription, watch, NULL);
	if (status != REPRISE_OK)
		watch_close(watch);
	return status;
}

static void
take_off(struct watch *watch)
{
	struct watches *const watches = &watch->gateway->watches;

	pthread_mutex_lock(&watches->lock);
	list_remove(watches, watch);
	pthread_mutex_unlock(&watches->lock);
	watch->subscription = NULL;
	count(&watch->gateway->counters.subscriptions, -1);
}

struct reprise_subscription *
watch_release(struct watch *watch)
{
	struct reprise_subscription *const subscription = watch->subscription;

	const reprise_status status = reprise_subscription_notify(subscription, NULL, NULL, NULL);

	/* To take a callback away cannot fail: the store's thread runs already. */
	REPRISE_ASSERT(status == REPRISE_OK);
	take_off(watch);
	return subscription;
}

void
watch_close(struct watch *watch)
{
	if (watch->subscription == NULL)
		return;
	reprise_subscription_close(watch->subscription);
	take_off(watch);
}

void
watches_serve(struct reprise_gateway *gateway)
{
	struct watches *const watches = &gateway->watches;
	struct watch *watch;
	size_t left;

	/* A watch that becomes ready again meanwhile waits for the next turn, as the rest does. */
	pthread_mutex_lock(&watches->lock);
	left = watches->count < WATCHES_PER_TURN ? watches->count : WATCHES_PER_TURN;
	for (; left > 0 && watches->first != NULL; left--) {
		watch = watches->first;
		list_remove(watches, watch);
		pthread_mutex_unlock(&watches->lock);
		watch->ready(watch);
		pthread_mutex_lock(&watches->lock);
	}
	if (watches->first != NULL)
		(void)http_server_notify(gateway->server);
	pthread_mutex_unlock(&watches->lock);
}
