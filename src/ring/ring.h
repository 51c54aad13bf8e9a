/* SPDX-License-Identifier: MIT */
#ifndef RING_RING_H
#define RING_RING_H

/* The calls of the store on a ring. The writer's half is append.h. */

#include "ring/copy.h"
#include "ring/layout.h"

/* The sizes that follow from two bounds. */
struct ring_shape {
	uint64_t events_max;
	uint64_t index_slots;
	uint64_t arena_bytes;
	uint64_t arena_offset;
	uint64_t index_offset;
	uint64_t memory_bytes;
};

/* @events_max >= 1; @bytes_max within RING_ARENA_BYTES_MIN .. _MAX. */
struct ring_shape ring_shape_of(uint64_t events_max, uint64_t bytes_max);

/*
 * An empty ring whose first position is @position_before + 1. @memory is aligned to a cache line,
 * shape->memory_bytes large, and touched only where it is used.
 */
void ring_open(struct ring *ring, const struct ring_shape *shape, void *memory,
	       uint64_t position_before);

/*
 * Where the ring's memory ends: shape->memory_bytes from its beginning, and aligned to
 * a cache line.
 */
static inline unsigned char *
ring_memory_end(const struct ring *ring)
{
	const uint64_t index_bytes =
		round_up((ring->index_mask + 1) * sizeof(struct slot), CACHE_LINE_BYTES);

	return (unsigned char *)ring->index + index_bytes + SCRATCH_BYTES(ring->arena_bytes);
}

/* The bounds of one moment: newest + 1 >= kept, always. */
struct look {
	uint64_t ended;
	uint64_t oldest;
	uint64_t floor_age;
	uint64_t floor_request;
	uint64_t kept; /* the first position that is retained: intact, not given up, not too many */
	uint64_t newest;
};

/* Any thread; wait-free. */
struct look ring_look(struct ring *ring);

/* Nothing of it is handed out any more. Any thread. */
void ring_void(struct ring *ring);

static inline bool
ring_is_void(struct ring *ring)
{
	/* [held:A] Before what is handed out; pairs with [void:A]. */
	return load_acquire(&ring->invalid) != 0;
}

/* Whether @position (kept before @look) left because somebody asked for it. */
static inline bool
ring_was_requested(struct ring *ring, const struct look *look, uint64_t position)
{
	return position <= look->floor_request && position <= load_relaxed(&ring->taken_request);
}

/* The greater of both floors. */
static inline uint64_t
ring_floor(struct ring *ring)
{
	return greatest(load_relaxed(&ring->floor_age), load_relaxed(&ring->floor_request));
}

/*
 * Records copied out of the ring in one piece. `places` and `bytes` are the subscription's memory;
 * bytes has room for bytes_want and for the largest record.
 */
struct stretch {
	uint64_t *places;
	uint64_t places_max;
	unsigned char *bytes;
	uint64_t bytes_want; /* copy about so many at a time */

	const unsigned char *next;  /* the first record that is left */
	uint64_t first;             /* its position */
	const unsigned char *after; /* in the ring: what is asked for as records leave; or NULL */
	uint64_t end;               /* of the copy, in the arena: where the next begins, perhaps */
	uint64_t ask_bytes;         /* how much of it to ask for: as much as the last record has */
	uint64_t count;             /* how many are left */
	uint64_t taken;             /* how many of `places` are behind */
};

/*
 * Copies records from @first on, at most up to @last (kept at @look, both), validates,
 * and leaves in @stretch those that were not overtaken: the tail of what it copied. It may be
 * empty; then everything that was copied is lost. Any thread; wait-free.
 */
void ring_read(struct ring *ring, const struct look *look, uint64_t first, uint64_t last,
	       struct stretch *stretch);

/* The first record that is left in @stretch, count > 0. */
static inline const struct record *
stretch_record(const struct stretch *stretch)
{
	return (const struct record *)(const void *)stretch->next;
}

/* The first record that is left is not any more. */
static inline void
stretch_pass(struct stretch *stretch)
{
	const uint64_t bytes = place_bytes(stretch->places[stretch->taken]);

	if (stretch->after != NULL) {
		copy_out_soon(stretch->after, bytes);
		stretch->after += bytes;
	}
	stretch->next += bytes;
	stretch->taken++;
	stretch->first++;
	stretch->count--;
}

void stretch_drop(struct stretch *stretch, uint64_t count);

/* Something follows on the stretch: asks for the lines where it will be, most likely. */
static inline void
stretch_ask(const struct ring *ring, const struct stretch *stretch)
{
	copy_out_soon(ring->arena + stretch->end, stretch->ask_bytes);
}

static inline const unsigned char *
record_payload(const struct record *record)
{
	return (const unsigned char *)(record + 1);
}

/* One record's header, without its payload. */
struct probe {
	uint64_t revision;
	uint64_t revision_before;
	uint64_t stamp_ns;
	uint64_t shape;
};

/*
 * False if @position (<= a newest that was looked at) is displaced; then *ret_oldest says how far.
 */
bool ring_probe(struct ring *ring, uint64_t position, struct probe *ret_probe,
		uint64_t *ret_oldest);

/*
 * The position just before the first kept event with a revision greater than @revision, else the
 * newest; position_before if an event that is no longer kept had a greater one, or if that cannot
 * be known any more, since appends have overtaken the search. At most log2(events_max) + 1 probes.
 * Any thread; wait-free.
 */
uint64_t ring_before_revision(struct ring *ring, uint64_t revision);

/*
 * Gives up what was stamped before @stamp_ns. At most log2(events_max) + 1 probes. Any thread;
 * lock-free, or wait-free with @once: then it may give up less, if somebody else does so meanwhile.
 */
void ring_trim_stamp(struct ring *ring, uint64_t stamp_ns, bool once);

/* Gives up everything at or below @position, clamped to the newest. Any thread; lock-free. */
void ring_trim_to(struct ring *ring, uint64_t position);

/*
 * Whether a kept event in first..last (<= a newest that was looked at) has all of @flags and a
 * revision of at least @revision. Linear. Any thread.
 */
bool ring_holds(struct ring *ring, uint64_t first, uint64_t last, uint16_t flags,
		uint64_t revision);

/*
 * A position that was newest during the call, with its revision (0 for an empty window).
 * False if three looks were overtaken: then the revision is unset. Any thread; wait-free.
 */
bool ring_newest(struct ring *ring, uint64_t *ret_position, uint64_t *ret_revision);

#endif /* RING_RING_H */
