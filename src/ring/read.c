/* SPDX-License-Identifier: MIT */
#include "ring/copy.h"
#include "ring/ring.h"

struct look
ring_look(struct ring *ring)
{
	struct look look;

	/* [look:A] Before every other load here; pairs with [end:A]. */
	look.ended = load_acquire(&ring->ended);

	/* [look:B] Before [look:D]; pairs with [append:A]. */
	look.oldest = load_acquire(&ring->oldest);

	/* [look:C] Before [look:D]; pairs with [trim:A], pairs with [trim:B]. */
	look.floor_age = load_acquire(&ring->floor_age);
	look.floor_request = load_acquire(&ring->floor_request);

	/* [look:D] Before any slot or record is loaded; pairs with [append:C]. */
	look.newest = load_acquire(&ring->newest);

	look.kept = greatest(look.oldest, greatest(look.floor_age, look.floor_request) + 1);
	if (look.newest >= ring->events_max)
		look.kept = greatest(look.kept, look.newest + 1 - ring->events_max);
	return look;
}

uint64_t
ring_floor(struct ring *ring)
{
	return greatest(load_relaxed(&ring->floor_age), load_relaxed(&ring->floor_request));
}

/*
 * How many bytes from the first place on lie in one piece, and how many records they are. Slots
 * that were overwritten in between end the piece or lengthen it by another event's true size; the
 * validation throws those away, here they are only kept within bounds.
 */
static uint64_t
measure(struct ring *ring, uint64_t first, uint64_t last, struct stretch *stretch)
{
	const uint64_t places_max = least(last - first + 1, stretch->places_max);
	uint64_t begin = 0, end = 0, count = 0;

	for (; count < places_max; count++) {
		const uint64_t place = load_relaxed(&slot_of(ring, first + count)->place);
		const uint64_t offset = place_offset(place);
		const uint64_t bytes = least(place_bytes(place), ring->arena_bytes - offset);

		if (count == 0)
			begin = end = offset;
		else if (offset != end || end + bytes - begin > stretch->bytes_want)
			break;
		stretch->places[count] = place;
		end += bytes;
	}
	stretch->count = count;
	return end - begin;
}

void
ring_read(struct ring *ring, uint64_t first, uint64_t last, struct stretch *stretch)
{
	const uint64_t bytes = measure(ring, first, last, stretch);

	copy_out(stretch->bytes, ring->arena + place_offset(stretch->places[0]), bytes);

	/*
	 * [read:A] Slots and bytes before `oldest`; pairs with [append:B]: what was overwritten
	 * while we looked is below it now.
	 */
	fence_acquire();
	const uint64_t oldest = load_relaxed(&ring->oldest);

	stretch->first = first;
	stretch->taken = 0;
	if (oldest > first)
		stretch_drop(stretch, least(oldest - first, stretch->count));
}

const struct record *
stretch_record(const struct stretch *stretch)
{
	const uint64_t offset =
		place_offset(stretch->places[stretch->taken]) - place_offset(stretch->places[0]);

	return (const struct record *)(const void *)(stretch->bytes + offset);
}

void
stretch_drop(struct stretch *stretch, uint64_t count)
{
	stretch->first += count;
	stretch->taken += count;
	stretch->count -= count;
}
