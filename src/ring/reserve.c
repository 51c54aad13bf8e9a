/* SPDX-License-Identifier: MIT */
#include "ring/append.h"

unsigned char *
ring_reserve(struct ring *ring, uint64_t payload_bytes)
{
	ring->reserved_start =
		ring_room(ring, load_relaxed(&ring->newest), record_bytes(payload_bytes), 1);
	ring->is_reserved = 1;
	ring->reserved_bytes = payload_bytes;
	ring->reserved_run_end = ring->run_end;
	ring->run_end =
		0; /* nothing runs meanwhile, so that an append need not look whether it may */
#ifdef REPRISE_WORD_COPY
	return (unsigned char *)ring->index + (ring->index_mask + 1) * sizeof(struct slot);
#else
	return ring->arena + (ring->reserved_start & ring->arena_mask) + RECORD_HEADER_BYTES;
#endif
}

void
ring_fill(struct ring *ring, uint64_t position, const struct draft *draft)
{
	const uint64_t payload_bytes = shape_payload_bytes(draft->shape);

	/* Again: who publishes may be another thread than who reserved. */
	ring_begin_overwriting();
	unsigned char *const payload = ring_write(ring, position, ring->reserved_start,
						  record_bytes(payload_bytes), draft);
#ifdef REPRISE_WORD_COPY
	copy_in(payload,
		(unsigned char *)ring->index + (ring->index_mask + 1) * sizeof(struct slot),
		payload_bytes);
#else
	(void)payload;
#endif
	ring->run_end = ring->reserved_run_end;
	ring->is_reserved = 0;
}

void
ring_abort(struct ring *ring)
{
	/* Nothing runs still: the head may be in the lap before, and the next append finds out how far. */
	ring->is_reserved = 0;
}
