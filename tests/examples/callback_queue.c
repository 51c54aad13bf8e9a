/* SPDX-License-Identifier: MIT */

/*
 * A host whose main thread works off a queue of its own, fed by callbacks: each says which
 * subscription has something, and the thread takes it. So a callback is brief, and every
 * subscription is touched by one thread alone.
 */

#include <stdbool.h>

#include "runtime.h"

enum {
	QUEUE_MAX = 16, /* a call that comes for nothing may put a subscription there twice */
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t is_fed;
	struct reprise_subscription *ready[QUEUE_MAX];
	size_t first, count;
};

/* On the store's thread. */
static void
feed(struct reprise_subscription *subscription, void *context)
{
	struct queue *const queue = context;

	pthread_mutex_lock(&queue->lock);
	queue->ready[(queue->first + queue->count++) % QUEUE_MAX] = subscription;
	pthread_cond_signal(&queue->is_fed);
	pthread_mutex_unlock(&queue->lock);
}

static struct reprise_subscription *
take(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0)
		pthread_cond_wait(&queue->is_fed, &queue->lock);
	struct reprise_subscription *const subscription = queue->ready[queue->first];

	queue->first = (queue->first + 1) % QUEUE_MAX;
	queue->count--;
	pthread_mutex_unlock(&queue->lock);
	return subscription;
}

int
main(void)
{
	struct queue queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
			       .is_fed = PTHREAD_COND_INITIALIZER };
	unsigned long delivered = 0, lost = 0;
	struct reprise_event event;
	struct reprise_gap gap;
	struct runtime runtime;

	runtime_open(&runtime);
	MUST(reprise_subscription_notify(runtime.host, feed, &queue, NULL));
	runtime_start(&runtime);
	for (bool is_over = false; !is_over;) {
		struct reprise_subscription *const host = take(&queue);

		/* Until EMPTY: after that, and only then, it is called again. */
		for (bool is_more = true; is_more;) {
			switch (reprise_next(host, &event, &gap, NULL)) {
			case REPRISE_NEXT_EVENT:
				delivered++;
				break;
			case REPRISE_NEXT_GAP:
				lost += gap.lost;
				break;
			case REPRISE_NEXT_EMPTY:
				is_more = false;
				break;
			case REPRISE_NEXT_ENDED:
				is_more = false;
				is_over = true;
				break;
			}
		}
	}
	reprise_subscription_close(runtime.host);
	return runtime_close(&runtime, delivered, lost);
}
