/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

/*
 * The limit: the same record written by one thread into plain memory. The same header and the same
 * memcpy into the same size of arena, but no atomics, no index, no bell, no clock, no bounds on
 * events, and nobody could ever read it. What an append costs is counted in it.
 */

#include <stddef.h>
#include <stdint.h>

struct limit {
	unsigned char *arena;
	uint64_t arena_bytes; /* a power of two */
	uint64_t head;
	uint64_t position;
	uint64_t revision_max;
};

/* As large as an append's call, and like it not inlined. */
void limit_append(struct limit *limit, uint64_t revision, uint16_t kind, uint16_t flags,
		  const void *payload, size_t payload_bytes);

#endif /* BENCH_LIMIT_H */
