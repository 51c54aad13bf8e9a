/* SPDX-License-Identifier: MIT */
#include "ring/append.h"

unsigned char *
ring_reserve(struct ring *ring, uint64_t payload_bytes)
{
	ring->reserved_start =
		ring_room(ring, load_relaxed(&ring->newest), record_bytes(payload_bytes), 1);
	ring->reserved_bytes = payload_bytes;
	/* Nothing runs from now on, so that an append need not look whether it may. */
	ring->run_end = 0;
#ifdef REPRISE_WORD_COPY
	return (unsigned char *)ring->index + (ring->index_mask + 1) * sizeof(struct slot);
#else
	return ring->arena + (ring->reserved_start & ring->arena_mask) + RECORD_HEADER_BYTES;
#endif
}

void
ring_fill(struct ring *ring, uint64_t position, uint64_t revision, uint64_t shape)
{
	/* Again: the thread that publishes may be another than the thread that reserved. */
	ring_begin_overwriting();
	unsigned char *const payload =
		ring_write(ring, position, ring->reserved_start, revision, shape);
#ifdef REPRISE_WORD_COPY
	copy_in(payload,
		(unsigned char *)ring->index + (ring->index_mask + 1) * sizeof(struct slot),
		shape_payload_bytes(shape));
#else
	(void)payload;
#endif
	/* Nothing runs still: the next append finds out how far. */
	ring->reserved_start = RING_NOT_RESERVED;
}

void
ring_abort(struct ring *ring)
{
	/* Nor does anything run here: the head may be in the lap before. */
	ring->reserved_start = RING_NOT_RESERVED;
}
