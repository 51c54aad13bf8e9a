/* SPDX-License-Identifier: MIT */
#include "ring/copy.h"
#include "ring/ring.h"

enum {
	STREAM_BYTES = 6144,  /* a piece: that much, and as much ahead, stay in the nearest cache */
	STREAM_AHEAD = 2,     /* the part of a window that must lie ahead */
	STREAM_BEHIND = 32,   /* and behind, before the oldest */
	ASK_BYTES_MAX = 2048, /* of one event, before it is known where it is */
};

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

	/* The end that comes with a last batch is stored before the batch is visible. */
	if (unlikely(look.ended != 0) && look.newest < load_relaxed(&ring->ends_after))
		look.ended = 0;
	look.kept = greatest(look.oldest, greatest(look.floor_age, look.floor_request) + 1);
	if (look.newest >= ring->events_max)
		look.kept = greatest(look.kept, look.newest + 1 - ring->events_max);
	return look;
}

/*
 * How many bytes from the first place on lie in one piece, and how many records they are. Slots
 * that were overwritten in between end the piece or lengthen it by another event's true size; the
 * validation throws those away, here they are only kept within bounds.
 */
static uint64_t
measure(struct ring *ring, uint64_t first, uint64_t last, uint64_t bytes_want,
	struct stretch *stretch)
{
	const uint64_t places_max = least(last - first + 1, stretch->places_max);
	uint64_t begin = 0, end = 0, count = 0;

	for (; count < places_max; count++) {
		const uint64_t place = load_relaxed(&slot_of(ring, first + count)->place);
		const uint64_t offset = place_offset(place);
		const uint64_t bytes = least(place_bytes(place), ring->arena_bytes - offset);

		if (count == 0)
			begin = end = offset;
		else if (offset != end || end + bytes - begin > bytes_want)
			break;
		stretch->places[count] = place;
		end += bytes;
	}
	stretch->count = count;
	return end - begin;
}

/*
 * Whether to take small pieces, and to ask for the next one while this is handed out: then much is
 * there, and the writer will not be by soon. Near the newest the lines are its own still, and
 * asking for them costs it; near the oldest a large piece brings more away.
 */
static bool
is_streaming(const struct ring *ring, const struct look *look, uint64_t first, uint64_t last)
{
	return last - first > ring->events_max / STREAM_AHEAD &&
	       first - look->kept >= ring->events_max / STREAM_BEHIND;
}

void
ring_read(struct ring *ring, const struct look *look, uint64_t first, uint64_t last,
	  struct stretch *stretch)
{
	const bool streams = is_streaming(ring, look, first, last);

	const uint64_t bytes_want =
		streams ? least(stretch->bytes_want, STREAM_BYTES) : stretch->bytes_want;
	const uint64_t bytes = measure(ring, first, last, bytes_want, stretch);
	const uint64_t begin = place_offset(stretch->places[0]);

	copy_out(stretch->bytes, ring->arena + begin, bytes);

	/*
	 * [read:A] Slots and bytes before `oldest`; pairs with [append:B]: records overwritten
	 * while we looked are below `oldest` now.
	 */
	fence_acquire();
	const uint64_t oldest = load_relaxed(&ring->oldest);

	stretch->end = begin + bytes;
	stretch->ask_bytes =
		least(least(place_bytes(stretch->places[stretch->count - 1]), ASK_BYTES_MAX),
		      ring->arena_bytes - stretch->end);
	stretch->next = stretch->bytes;
	/*
	 * As much as was taken, if so much is there already, in one piece, and is not
	 * one large event.
	 */
	stretch->after = NULL;
	if (streams && oldest <= first && bytes <= STREAM_BYTES &&
	    last - first + 1 >= 2 * stretch->count && begin + 2 * bytes <= ring->arena_bytes)
		stretch->after = ring->arena + begin + bytes;
	stretch->first = first;
	stretch->taken = 0;
	if (oldest > first)
		stretch_drop(stretch, least(oldest - first, stretch->count));
}

void
stretch_drop(struct stretch *stretch, uint64_t count)
{
	for (; count > 0; count--)
		stretch_pass(stretch);
}
