/* SPDX-License-Identifier: MIT */
#include "limit.h"

#include <string.h>

void
limit_append(struct limit *limit, uint64_t revision, uint16_t kind, uint16_t flags,
	     const void *payload, size_t payload_bytes)
{
	const uint64_t bytes = 40 + ((payload_bytes + 7) & ~(uint64_t)7);
	uint64_t at = limit->head;

	if (at + bytes > limit->arena_bytes)
		at = 0;
	uint64_t *const header = (uint64_t *)(void *)(limit->arena + at);

	header[0] = ++limit->position;
	header[1] = revision;
	header[2] = limit->revision_max;
	header[3] = 0;
	header[4] = payload_bytes << 32 | (uint64_t)kind << 16 | flags;
	memcpy(header + 5, payload, payload_bytes);
	if (limit->revision_max < revision)
		limit->revision_max = revision;
	limit->head = at + bytes;
}
