/* SPDX-License-Identifier: MIT */
#ifndef RING_APPEND_H
#define RING_APPEND_H

/*
 * The writer's half. Inline, because an append is a few nanoseconds and a call is one of them.
 * The caller has checked that the ring is not ended and that what it appends can fit at all.
 *
 *   room    raise `oldest` above everything that will be overwritten
 *   write   slot, header, payload: relaxed, since an overtaken subscription loads them
 *   publish store `newest`
 */

#include "ring/copy.h"
#include "ring/ring.h"

/*
 * Where @bytes in one piece go, for @count records; everything in the way is displaced, by count
 * and by bytes. One step per record displaced. Sets run_end.
 */
uint64_t ring_room(struct ring *ring, uint64_t newest, uint64_t bytes, uint64_t count);

/* The first position that would be kept then. */
uint64_t ring_keep(const struct ring *ring, uint64_t newest, uint64_t bytes, uint64_t count);

/* Nothing below @keep may be read any more; slots and bytes there may be overwritten. */
static inline void
ring_give_up_before(struct ring *ring, uint64_t keep)
{
	ring->run_last = keep + ring->index_mask;
	/* [append:A] The newest before; pairs with [look:B]. */
	store_release(&ring->oldest, keep);
}

/* Between `oldest` and the overwriting stores. */
static inline void
ring_begin_overwriting(void)
{
	/*
	 * [append:B] A before the overwriting stores;
	 * pairs with [read:A], pairs with [probe:A], pairs with [glimpse:A].
	 * A release store would not do: it holds back what came before it, and these come after.
	 * By every append, not by those alone that raise `oldest`: the overwritten bytes may have
	 * been given up by the writer before this one, whose fence is no fence of ours.
	 */
	fence_release();
}

/* The same for one record that is known to end before run_end, at the head. */
static inline void
ring_room_running(struct ring *ring, uint64_t position)
{
	/* Its slot was another's, long ago. */
	if (unlikely(position > ring->run_last))
		ring_give_up_before(ring, position + 1 - ring->events_max);
	ring_begin_overwriting();
}

/* It is @now_ns for the events to come: stamps of a ring never fall, whatever the clock does. */
static inline void
ring_stamp(struct ring *ring, uint64_t now_ns)
{
	ring->stamp_last_ns = greatest(now_ns, ring->stamp_last_ns);
}

/* Takes note of the greatest revision appended. */
static inline void
ring_raise_revision(struct ring *ring, uint64_t revision)
{
	ring->revision_seen = revision;
	store_relaxed(&ring->revision_max, revision);
}

/*
 * Slot and header of @position, whose record begins at @start, with the ring's last stamp; answers
 * where its payload goes. Of a revision that rises the caller takes note.
 */
static inline unsigned char *
ring_write_level(struct ring *ring, uint64_t position, uint64_t start, uint64_t revision,
		 uint64_t shape)
{
	const uint64_t bytes = record_bytes(shape_payload_bytes(shape));
	const uint64_t at = start & ring->arena_mask;
	struct slot *const slot = slot_of(ring, position);
	struct record *const record = (struct record *)(void *)(ring->arena + at);

	store_relaxed(&slot->place, place_of(at, bytes));
	ring->head = start + bytes;
	store_relaxed(&record->position, position);
	store_relaxed(&record->revision, revision);
	store_relaxed(&record->revision_before, load_relaxed(&ring->revision_max));
	store_relaxed(&record->stamp_ns, ring->stamp_last_ns);
	store_relaxed(&record->shape, shape);
	return (unsigned char *)(record + 1);
}

/* The same, of any revision that an event may have. */
static inline unsigned char *
ring_write(struct ring *ring, uint64_t position, uint64_t start, uint64_t revision, uint64_t shape)
{
	unsigned char *const payload = ring_write_level(ring, position, start, revision, shape);

	if (revision > ring->revision_seen)
		ring_raise_revision(ring, revision);
	return payload;
}

static inline void
ring_publish(struct ring *ring, uint64_t newest)
{
	/* [append:C] Slots and records before; pairs with [look:D]. */
	store_release(&ring->newest, newest);
}

static inline bool
ring_is_reserved(const struct ring *ring)
{
	return ring->reserved_start != RING_NOT_RESERVED;
}

/*
 * Makes room for one record whose payload is at most @payload_bytes large, and answers where the
 * host may write it. The records that the room displaces stay displaced, whether the room is filled
 * or aborted.
 */
unsigned char *ring_reserve(struct ring *ring, uint64_t payload_bytes);

/*
 * The reserved record becomes @position; the rest of the room is given back. The host has written.
 */
void ring_fill(struct ring *ring, uint64_t position, uint64_t revision, uint64_t shape);

/* It becomes nothing; all of the room is given back. */
void ring_abort(struct ring *ring);

/* No event follows. @status is the host's. */
static inline void
ring_end(struct ring *ring, int32_t status)
{
	ring->run_end = 0; /* nothing runs any more, so that an append need not look at `ended` */

	/* [end:A] The last newest before; pairs with [look:A]. */
	store_release(&ring->ended, RING_ENDED | (uint32_t)status);
}

/*
 * The same, together with the events up to @position, which are published next. No look finds the
 * end before these events, and the look after the one that finds them finds the end.
 */
static inline void
ring_end_after(struct ring *ring, int32_t status, uint64_t position)
{
	store_relaxed(&ring->ends_after, position);
	ring_end(ring, status);
}

#endif /* RING_APPEND_H */
