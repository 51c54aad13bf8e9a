/* SPDX-License-Identifier: MIT */
#ifndef RING_LAYOUT_H
#define RING_LAYOUT_H

/*
 * The ring: one session's window. One writer appends; any thread reads and validates what it has
 * read afterwards. It knows nothing of ids, cursor texts, threads to wake, or files.
 *
 *   arena   records of any size:   ..[header|payload][header|payload]..       byte offset & mask
 *                                      |
 *   index   slots, one a position:  [place][place][place] ...                  position & mask
 *
 *   place   one word, arena offset and size of the record: nobody meets a size that is torn,
 *           only one that is out of date
 *   header  five words, below; the payload follows, padded to 8
 *
 * The count of events is exact by reckoning: a look keeps no more than the last events_max. That a
 * record leaves by count touches neither its bytes nor, since the index has twice as many slots,
 * its slot; so `oldest` need not be raised for each one, only before slot or bytes are used again.
 *
 * Two marks in a record's flags say where a batch begins and ends. They are the library's: no host
 * sees them, and a single append sets neither. The recorder takes a batch as a whole by them.
 *
 * Offsets in the writer's line count up for ever; an arena offset is their low bits. A record never
 * straddles the arena's end: the rest there is skipped, and counts as used. A new ring begins half
 * a page before that end, where the index follows: one event costs one page.
 *
 * Everything up to and including the writer's line is position-independent and of fixed layout.
 *
 * The ordering ledger. On the left the store or fence that makes the rule true, on the
 * right the load or fence that relies on the rule.
 *
 *   append:A / look:B    a thread that sees `oldest` raised sees every newest from before, so
 *                        newest + 1 >= oldest holds in a look
 *   append:B / read:A    a copy that met one word of a newer record finds `oldest` raised above it
 *   append:B / probe:A   and so does a probe
 *   append:B / glimpse:A and so does a glimpse, with the copy of its payload
 *   append:C / look:D    `newest` names only slots and records that are whole
 *   trim:A / look:C      a floor is never above the newest that is loaded after it,
 *   trim:B / look:C      whichever floor it is
 *   end:A / look:A       a thread that sees the end then sees every event before the end, and
 *                        the event that must be visible before the end counts
 *   void:A / held:A      a thread that sees the window void sees all stores before its voiding
 */

#include <stdalign.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/numbers.h"

enum {
	RING_MAGIC = 0x31707272, /* "rrp1", little-endian */
	RING_VERSION = 1,
	RECORD_HEADER_BYTES = 40,
	RECORD_ALIGNMENT = 8,
};

/* Marks of an event in a batch, among its flags. */
enum {
	RECORD_FOLLOWS = 0x0002, /* the event before belongs to the same batch */
	RECORD_GOES_ON = 0x0004, /* and so does what comes after it */
	RECORD_MARKS = RECORD_FOLLOWS | RECORD_GOES_ON,
};

#define RING_ARENA_BYTES_MIN UINT64_C(64)
#define RING_ARENA_BYTES_MAX (UINT64_C(1) << 31) /* a place has 32 bits for each of its halves */

struct record {
	atomic_u64 position;
	atomic_u64 revision;
	atomic_u64 revision_before; /* the greatest of every earlier event of this window, or 0 */
	atomic_u64 stamp_ns;
	atomic_u64 shape; /* payload bytes << 32 | kind << 16 | flags */
};

static_assert(sizeof(struct record) == RECORD_HEADER_BYTES, "the payload follows at once");

struct slot {
	atomic_u64 place; /* offset << 32 | record bytes */
};

struct ring {
	/* Fixed at open; read by everybody. */
	alignas(CACHE_LINE_BYTES) uint32_t magic;
	uint32_t version;
	uint64_t position_before; /* the window's first position - 1 */
	uint64_t events_max;
	uint64_t index_mask;  /* slots - 1 */
	uint64_t arena_bytes; /* a power of two */
	uint64_t arena_mask;  /* arena_bytes - 1 */
	uint64_t payload_bytes_max;
	uint64_t arena_offset; /* in the ring's memory; the index follows the arena */

	/* The writer publishes these. */
	alignas(CACHE_LINE_BYTES) atomic_u64 newest; /* the last visible position */
	atomic_u64 oldest;     /* the first position whose slot and bytes are intact */
	atomic_u64 ended;      /* RING_ENDED | the host's status, or 0 */
	atomic_u64 ends_after; /* the end counts once this position is visible; or 0: at once */

	/* Trimmers raise these: positions at or below were given up; and whether all is void. */
	alignas(CACHE_LINE_BYTES) atomic_u64 floor_age;
	atomic_u64 floor_request;
	atomic_u64 invalid;       /* 1: nothing of it is handed out any more */
	atomic_u64 taken_request; /* the part that floor_request took: the rest had left before */

	/* The writer's own; handed on between writers by the lock that makes them writers. */
	alignas(CACHE_LINE_BYTES) uint64_t head; /* where the next record goes */
	uint64_t run_end;  /* up to there, without meeting `oldest` or the arena's end */
	uint64_t run_last; /* up to that position, without using a slot again */
	atomic_u64
		revision_max; /* the greatest appended, or 0; others look when the newest is gone */
	uint64_t revision_seen; /* the same, in a word that no other thread looks at */
	uint64_t stamp_last_ns;
	/* The place of the record of an event written in place. */
	uint64_t reserved_start;
	uint64_t reserved_bytes; /* how large its payload may be */

	/* Where this process has the memory. Not part of the layout. */
	alignas(CACHE_LINE_BYTES) struct slot *index;
	unsigned char *arena;
};

static_assert(offsetof(struct ring, newest) == 64, "fixed layout");
static_assert(offsetof(struct ring, floor_age) == 128, "fixed layout");
static_assert(offsetof(struct ring, head) == 192, "fixed layout");
static_assert(offsetof(struct ring, index) == 256, "fixed layout");

#define RING_ENDED (UINT64_C(1) << 32)

/* The revision that no event has: in a cursor it stands for one that is not known. */
#define RING_NO_REVISION UINT64_MAX

/* No event is being written in place. */
#define RING_NOT_RESERVED UINT64_MAX

static inline struct slot *
slot_of(const struct ring *ring, uint64_t position)
{
	return &ring->index[position & ring->index_mask];
}

static inline uint64_t
place_of(uint64_t offset, uint64_t bytes)
{
	return offset << 32 | bytes;
}

static inline uint64_t
place_offset(uint64_t place)
{
	return place >> 32;
}

static inline uint64_t
place_bytes(uint64_t place)
{
	return place & UINT32_MAX;
}

static inline uint64_t
record_bytes(uint64_t payload_bytes)
{
	return RECORD_HEADER_BYTES + round_up(payload_bytes, RECORD_ALIGNMENT);
}

static inline uint64_t
shape_of(uint64_t payload_bytes, uint16_t kind, uint16_t flags)
{
	return payload_bytes << 32 | (uint64_t)kind << 16 | flags;
}

static inline uint64_t
shape_payload_bytes(uint64_t shape)
{
	return shape >> 32;
}

static inline uint16_t
shape_kind(uint64_t shape)
{
	return (uint16_t)(shape >> 16);
}

/* As the host gave them. */
static inline uint16_t
shape_flags(uint64_t shape)
{
	return (uint16_t)(shape & ~(uint64_t)RECORD_MARKS);
}

static inline bool
shape_follows(uint64_t shape)
{
	return (shape & RECORD_FOLLOWS) != 0;
}

static inline bool
shape_goes_on(uint64_t shape)
{
	return (shape & RECORD_GOES_ON) != 0;
}

#endif /* RING_LAYOUT_H */
