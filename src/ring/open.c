/* SPDX-License-Identifier: MIT */
#include "ring/copy.h"
#include "ring/ring.h"

/*
 * A large arena begins, and so ends, in the middle of a page: the first record and the first slot
 * share that page.
 */
static uint64_t
lead_of(uint64_t arena_bytes)
{
	return arena_bytes < PAGE_BYTES ? 0 : PAGE_BYTES / 2;
}

struct ring_shape
ring_shape_of(uint64_t events_max, uint64_t bytes_max)
{
	REPRISE_ASSERT(events_max >= 1);
	REPRISE_ASSERT(bytes_max >= RING_ARENA_BYTES_MIN);
	REPRISE_ASSERT(bytes_max <= RING_ARENA_BYTES_MAX);

	const uint64_t arena_bytes = power_of_two_from(bytes_max);
	/* No more events fit than headers do. */
	const uint64_t events = least(events_max, arena_bytes / RECORD_HEADER_BYTES);
	const uint64_t slots = power_of_two_from(2 * events);
	const uint64_t arena_offset = lead_of(arena_bytes);
	const uint64_t index_offset = arena_offset + arena_bytes;
	const uint64_t index_bytes = round_up(slots * sizeof(struct slot), CACHE_LINE_BYTES);

	return (struct ring_shape){
		.events_max = events,
		.index_slots = slots,
		.arena_bytes = arena_bytes,
		.arena_offset = arena_offset,
		.index_offset = index_offset,
		.memory_bytes = index_offset + index_bytes + SCRATCH_BYTES(arena_bytes),
	};
}

void
ring_open(struct ring *ring, const struct ring_shape *shape, void *memory, uint64_t position_before)
{
	unsigned char *const base = memory;

	*ring = (struct ring){
		.magic = RING_MAGIC,
		.version = RING_VERSION,
		.position_before = position_before,
		.events_max = shape->events_max,
		.index_mask = shape->index_slots - 1,
		.arena_bytes = shape->arena_bytes,
		.arena_mask = shape->arena_bytes - 1,
		.payload_bytes_max = shape->arena_bytes - RECORD_HEADER_BYTES,
		.arena_offset = shape->arena_offset,
		.head = shape->arena_bytes - lead_of(shape->arena_bytes),
		.run_end = shape->arena_bytes,
		.run_last = position_before + shape->index_slots,
		.index = (struct slot *)(void *)(base + shape->index_offset),
		.arena = base + shape->arena_offset,
	};
	/* No other thread has the ring yet; each gets it through a lock or the table. */
	atomic_init(&ring->newest, position_before);
	atomic_init(&ring->oldest, position_before + 1);
	atomic_init(&ring->ended, 0);
	atomic_init(&ring->ends_after, 0);
	atomic_init(&ring->floor_age, 0);
	atomic_init(&ring->floor_request, 0);
	atomic_init(&ring->taken_request, 0);
	atomic_init(&ring->invalid, 0);
	atomic_init(&ring->revision_max, 0);
	ring->revision_seen = 0;
	ring->reserved_start = RING_NOT_RESERVED;
}
