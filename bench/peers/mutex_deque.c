/* SPDX-License-Identifier: MIT */

/*
 * The ordinary design: a mutex, a ring of pointers to events, and a condition. An append allocates
 * the event, puts it in the ring under the lock, frees the displaced event, and wakes sleepers. A
 * host has a position, and copies one event at a time out under the lock into a buffer of its own.
 * A host that was overtaken goes on with the oldest event, and knows the exact loss. Besides
 * reprise, only this peer has one copy of an event for all hosts, lets the newest displace the
 * oldest, and reports the loss.
 */

#include <pthread.h>
#include <stdlib.h>

#define PEER_SHARED
#include "peer.h"

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 1,
	WINDOW = 2048,
};

struct event {
	size_t bytes;
	unsigned char payload[];
};

struct peer {
	pthread_mutex_t lock;
	pthread_cond_t appended;
	uint64_t head; /* events ever */
	struct event *ring[WINDOW];
};

struct host {
	struct peer *peer;
	uint64_t position; /* events passed */
	bool is_over;
	unsigned char payload[];
};

static const char *
peer_name(void)
{
	return "mutex_deque";
}

static const char *
peer_version(void)
{
	return "pthread";
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	(void)task;
	return NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = calloc(1, sizeof(*peer));

	(void)task;
	if (peer == NULL)
		peer_die("open", "no memory");
	pthread_mutex_init(&peer->lock, NULL);
	pthread_cond_init(&peer->appended, NULL);
	return peer;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	struct event *const event = malloc(sizeof(*event) + payload_bytes);
	struct event *displaced;

	if (event == NULL)
		return false;
	event->bytes = payload_bytes;
	memcpy(event->payload, payload, payload_bytes);

	pthread_mutex_lock(&peer->lock);
	struct event **const slot = &peer->ring[peer->head++ % WINDOW];

	displaced = *slot;
	*slot = event;
	pthread_mutex_unlock(&peer->lock);

	pthread_cond_broadcast(&peer->appended);
	free(displaced);
	return true;
}

static void
peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
peer_close(struct peer *peer)
{
	for (size_t i = 0; i < WINDOW; i++)
		free(peer->ring[i]);
	pthread_cond_destroy(&peer->appended);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	struct host *const host = calloc(1, sizeof(*host) + task->payload_bytes);

	if (host == NULL)
		peer_die("host", "no memory");
	host->peer = peer;
	pthread_mutex_lock(&peer->lock);
	host->position = peer->head;
	pthread_mutex_unlock(&peer->lock);
	return host;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	struct peer *const peer = host->peer;
	size_t bytes;

	pthread_mutex_lock(&peer->lock);
	if (host->position == peer->head) {
		pthread_mutex_unlock(&peer->lock);
		return 0;
	}
	if (peer->head - host->position > WINDOW) {
		tally->told += peer->head - host->position - WINDOW;
		host->position = peer->head - WINDOW;
	}
	const struct event *const event = peer->ring[host->position++ % WINDOW];

	bytes = event->bytes;
	memcpy(host->payload, event->payload, bytes);
	pthread_mutex_unlock(&peer->lock);

	tally_event(tally, host->payload, bytes);
	return 1;
}

static void
host_wait(struct host *host)
{
	struct peer *const peer = host->peer;

	pthread_mutex_lock(&peer->lock);
	while (host->position == peer->head && !host->is_over)
		pthread_cond_wait(&peer->appended, &peer->lock);
	pthread_mutex_unlock(&peer->lock);
}

static void
host_wake(struct host *host)
{
	pthread_mutex_lock(&host->peer->lock);
	host->is_over = true;
	pthread_mutex_unlock(&host->peer->lock);
	pthread_cond_broadcast(&host->peer->appended);
}

static void
host_close(struct host *host)
{
	free(host);
}

#include "peer_main.h"
