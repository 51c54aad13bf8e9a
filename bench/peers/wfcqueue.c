/* SPDX-License-Identifier: MIT */

/*
 * liburcu's wfcqueue: a linked queue, wait-free to put into, one for each host. An append allocates
 * a node with the payload behind it for every host; the host frees it. The queue has no bounds, so
 * appended and taken are counted, and where 2,048 are queued the event is refused: the host keeps
 * the oldest and loses the newest, and the library does not tell it. There is no way to wait.
 *
 * Where the task says no host, there is one queue that nobody takes from; when 2,048 are queued,
 * the writer takes the oldest out itself.
 */

#include <stdlib.h>

/* liburcu's switch for inline functions. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _LGPL_SOURCE
#include <urcu/compiler.h>
#include <urcu/wfcqueue.h>

#include "peer.h"

#ifndef PEER_URCU_VERSION /* the headers do not say: pkg-config --modversion liburcu */
#define PEER_URCU_VERSION "of unknown version"
#endif

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 0,
	WINDOW = 2048,
	HOSTS_MAX = 64,
	LINE = 64,
};

struct node {
	struct cds_wfcq_node link;
	size_t bytes;
	unsigned char payload[];
};

struct host {
	/* The writer's. */
	_Alignas(LINE) struct cds_wfcq_tail tail;
	uint64_t appended;
	uint64_t taken_before; /* what the writer knows of it */
	/* The host's. */
	_Alignas(LINE) struct __cds_wfcq_head head;
	uint64_t taken;
};

struct peer {
	struct host *hosts[HOSTS_MAX];
	unsigned int count;
	struct host *nobody; /* NULL: there are hosts */
};

static const char *
peer_name(void)
{
	return "wfcqueue";
}

static const char *
peer_version(void)
{
	return "liburcu " PEER_URCU_VERSION;
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	if (task->mode == MODE_PARKED && task->hosts > 0)
		return "it has no way to wait";
	return task->hosts > HOSTS_MAX ? "a queue for each of more than 64 hosts" : NULL;
}

static struct host *
queue_open(void)
{
	struct host *const host = aligned_alloc(LINE, sizeof(*host));

	if (host == NULL)
		peer_die("queue", "no memory");
	memset(host, 0, sizeof(*host));
	__cds_wfcq_init(&host->head, &host->tail);
	return host;
}

static struct node *
queue_take(struct host *host)
{
	struct cds_wfcq_node *const link = __cds_wfcq_dequeue_nonblocking(&host->head, &host->tail);

	if (link == NULL || link == CDS_WFCQ_WOULDBLOCK)
		return NULL;
	__atomic_store_n(&host->taken, host->taken + 1, __ATOMIC_RELEASE);
	return caa_container_of(link, struct node, link);
}

static bool
queue_is_full(struct host *host)
{
	if (host->appended - host->taken_before < WINDOW)
		return false;
	host->taken_before = __atomic_load_n(&host->taken, __ATOMIC_ACQUIRE);
	return host->appended - host->taken_before >= WINDOW;
}

static bool
queue_append(struct host *host, const void *payload, size_t payload_bytes)
{
	struct node *const node = malloc(sizeof(*node) + payload_bytes);

	if (node == NULL)
		return false;
	node->bytes = payload_bytes;
	memcpy(node->payload, payload, payload_bytes);
	cds_wfcq_node_init(&node->link);
	(void)cds_wfcq_enqueue(&host->head, &host->tail, &node->link);
	host->appended++;
	return true;
}

static void
queue_close(struct host *host)
{
	for (struct node *node; (node = queue_take(host)) != NULL;)
		free(node);
	free(host);
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		peer_die("open", "no memory");
	if (task->hosts == 0)
		peer->nobody = queue_open();
	return peer;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	bool is_appended = false;

	if (peer->nobody != NULL) {
		if (queue_is_full(peer->nobody))
			free(queue_take(peer->nobody));
		return queue_append(peer->nobody, payload, payload_bytes);
	}
	for (unsigned int i = 0; i < peer->count; i++)
		if (!queue_is_full(peer->hosts[i]))
			is_appended |= queue_append(peer->hosts[i], payload, payload_bytes);
	return is_appended;
}

static void
peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
peer_close(struct peer *peer)
{
	if (peer->nobody != NULL)
		queue_close(peer->nobody);
	free(peer);
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	(void)task;
	return peer->hosts[peer->count++] = queue_open();
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	struct node *const node = queue_take(host);

	if (node == NULL)
		return 0;
	tally_event(tally, node->payload, node->bytes);
	free(node);
	return 1;
}

static void
host_close(struct host *host)
{
	queue_close(host);
}

#define PEER_NEVER_PARKS
#include "peer_main.h"
