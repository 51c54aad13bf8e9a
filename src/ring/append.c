/* SPDX-License-Identifier: MIT */
#include "ring/append.h"

/* Up to which offset may be written before @position is met, which is retained. */
static uint64_t
limit_before(const struct ring *ring, uint64_t position)
{
	const uint64_t at = place_offset(load_relaxed(&slot_of(ring, position)->place));
	/*
	 * How far behind the head it begins: 1 .. arena_bytes, and that far it is from the limit.
	 */
	const uint64_t behind = ((ring->head - at - 1) & ring->arena_mask) + 1;

	return ring->head - behind + ring->arena_bytes;
}

/* Where @bytes go, what must give way to them, and how far the room reaches then. */
struct room {
	uint64_t start;
	uint64_t keep;
	uint64_t end;
};

static ALWAYS_INLINE struct room
measure(const struct ring *ring, uint64_t newest, uint64_t bytes, uint64_t count)
{
	const uint64_t lap_end = (ring->head | ring->arena_mask) + 1;
	const bool fits = ring->head + bytes <= lap_end;
	const uint64_t start = fits ? ring->head : lap_end;
	const uint64_t oldest = load_relaxed(&ring->oldest);
	uint64_t keep = oldest;
	uint64_t limit = 0;

	if (newest + count - oldest >= ring->events_max)
		keep = newest + count + 1 - ring->events_max;
	while (keep <= newest && start + bytes > (limit = limit_before(ring, keep)))
		keep++;
	if (keep > newest)
		limit = start + ring->arena_bytes;
	return (struct room){ .start = start,
			      .keep = keep,
			      .end = least(limit, fits ? lap_end : lap_end + ring->arena_bytes) };
}

uint64_t
ring_keep(const struct ring *ring, uint64_t newest, uint64_t bytes, uint64_t count)
{
	return measure(ring, newest, bytes, count).keep;
}

uint64_t
ring_room(struct ring *ring, uint64_t newest, uint64_t bytes, uint64_t count)
{
	const struct room room = measure(ring, newest, bytes, count);

	ring->run_end = room.end;
	REPRISE_ASSERT(room.start + bytes <= room.end);
	if (room.keep != load_relaxed(&ring->oldest))
		ring_give_up_before(ring, room.keep);
	ring_begin_overwriting();
	return room.start;
}
