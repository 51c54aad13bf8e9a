/* SPDX-License-Identifier: MIT */
#ifndef RING_GLIMPSE_H
#define RING_GLIMPSE_H

/*
 * One record at a time, read in place in the ring: the payload is copied to a place outside of the
 * library.
 */

#include "ring/copy.h"
#include "ring/ring.h"

/* A record as met: another event's, or torn, until ring_intact says otherwise. */
struct glimpse {
	unsigned char *payload; /* in the ring */
	uint64_t payload_bytes; /* in the arena for certain */
	uint64_t record_bytes;
	uint64_t revision;
	uint64_t stamp_ns;
	uint64_t shape;
};

/* Loads the header of @position (<= a newest position looked at before). False if overtaken. */
static ALWAYS_INLINE bool
ring_glimpse(struct ring *ring, uint64_t position, struct glimpse *ret_glimpse)
{
	const uint64_t place = load_relaxed(&slot_of(ring, position)->place);
	struct record *const record = (struct record *)(void *)(ring->arena + place_offset(place));

	ret_glimpse->shape = load_relaxed(&record->shape);
	ret_glimpse->payload_bytes = shape_payload_bytes(ret_glimpse->shape);
	ret_glimpse->revision = load_relaxed(&record->revision);
	ret_glimpse->stamp_ns = load_relaxed(&record->stamp_ns);
	ret_glimpse->payload = (unsigned char *)(record + 1);
	ret_glimpse->record_bytes = place_bytes(place);
	/* The place is one word, so the place is true, if perhaps another record's. */
	return likely(RECORD_HEADER_BYTES + ret_glimpse->payload_bytes <= place_bytes(place));
}

/* The first position whose record was whole at every glimpse before, and during the copy. */
static inline uint64_t
ring_intact(struct ring *ring)
{
	/* [glimpse:A] Slots and bytes before `oldest`; pairs with [append:B]. */
	fence_acquire();
	return load_relaxed(&ring->oldest);
}

#endif /* RING_GLIMPSE_H */
