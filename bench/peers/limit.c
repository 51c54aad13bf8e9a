/* SPDX-License-Identifier: MIT */

/*
 * The limit: the same record written by one thread into plain memory. The same header and the same
 * memcpy into the same size of arena, but no atomics, no index, no bell, no clock, no bounds on
 * events, and nobody could ever read it. The peers' costs of an append are counted in multiples of
 * this limit.
 */

#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 0,
	ARENA_BYTES = 1 << 20,
	ALIGNMENT = 4096,
	HEADER_BYTES = 40,
};

struct peer {
	unsigned char *arena;
	uint64_t head;
	uint64_t position;
	uint64_t revision_max;
};

struct host {
	int nobody;
};

static const char *
peer_name(void)
{
	return "limit";
}

static const char *
peer_version(void)
{
	return "plain memory";
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	return task->hosts > 0 ? "nobody could read it" : NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = calloc(1, sizeof(*peer));

	(void)task;
	if (peer == NULL || (peer->arena = aligned_alloc(ALIGNMENT, ARENA_BYTES)) == NULL)
		exit(1);
	return peer;
}

/* Like the library's call it is not inlined, and has as many arguments. */
static __attribute__((noinline)) void
append(struct peer *peer, uint64_t revision, uint16_t kind, uint16_t flags, const void *payload,
       size_t payload_bytes)
{
	const uint64_t bytes = HEADER_BYTES + ((payload_bytes + 7) & ~(uint64_t)7);
	uint64_t at = peer->head;

	if (at + bytes > ARENA_BYTES)
		at = 0;
	uint64_t *const header = (uint64_t *)(void *)(peer->arena + at);

	header[0] = ++peer->position;
	header[1] = revision;
	header[2] = peer->revision_max;
	header[3] = 0;
	header[4] = payload_bytes << 32 | (uint64_t)kind << 16 | flags;
	memcpy(header + 5, payload, payload_bytes);
	if (peer->revision_max < revision)
		peer->revision_max = revision;
	peer->head = at + bytes;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	append(peer, 0, 1, 0, payload, payload_bytes);
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
	free(peer->arena);
	free(peer);
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	(void)peer;
	(void)task;
	return NULL;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	(void)host;
	(void)tally;
	return 0;
}

static void
host_close(struct host *host)
{
	(void)host;
}

#define PEER_NEVER_PARKS
#include "peer_main.h"
