/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_INTO_H
#define REPRISE_INTO_H

/*
 * reprise/into.h - events copied once, into the host's own memory
 *
 * reprise_next lends payloads from the subscription's memory, and a host that sends the payloads
 * copies the payloads again. reprise_next_into copies payloads from the ring straight into the
 * host's buffer: a socket's, or the memory of an object of another language. The host may have room
 * left before and behind each payload, and writes framing there afterwards.
 */

#include <reprise/base.h>
#include <reprise/gap.h>
#include <reprise/subscription.h>

REPRISE_BEGIN_DECLARATIONS

enum {
	REPRISE_INTO_FRAMING_BYTES_MAX = 65536, /* of head_bytes and of tail_bytes */
};

/* One event in the host's buffer. */
struct reprise_frame {
	reprise_position position;
	uint64_t revision;
	uint64_t stamp_ns; /* when the event was appended, on the store's clock */
	size_t offset;     /* of the payload, from the buffer's beginning */
	size_t payload_bytes;
	uint16_t kind;
	uint16_t flags;
	reprise_source source;
};

/* A buffer, and the result of filling the buffer. */
struct reprise_into {
	size_t size; /* sizeof(struct reprise_into) */

	/* The host's, set before the call. */
	void *buffer; /* of any alignment; NULL only if buffer_bytes is 0 */
	size_t buffer_bytes;
	size_t head_bytes; /* free before each payload; at most REPRISE_INTO_FRAMING_BYTES_MAX */
	size_t tail_bytes; /* free behind each payload; at most REPRISE_INTO_FRAMING_BYTES_MAX */
	struct reprise_frame *frames; /* room for frames_max */
	size_t frames_max;            /* at least 1 */

	/* Set by every call; 0 unless the answer is EVENT. */
	size_t frames_count;
	size_t used_bytes;   /* from the buffer's beginning to the end of the last frame's tail */
	size_t needed_bytes; /* next event with head and tail, if the room is too small; else 0 */
};
#define REPRISE_INTO_INIT REPRISE_INIT(struct reprise_into)

/*
 * reprise_next_into - as reprise_next, with as many events copied into a buffer as fit
 *
 * The frames lie one behind the other, without padding: head, payload, tail. For an event too large
 * for the empty buffer the answer is EVENT with no frame and needed_bytes set; the event stays the
 * next event. Fewer frames than frames_max do not mean that no more events follow: only EMPTY does.
 * Beyond used_bytes the buffer may be written to. (rules S25-S27)
 *
 * @subscription  Moves on EVENT with frames and on GAP; not NULL (asserted).
 * @into          Borrowed for the call, with buffer and frames. Fields in their ranges (asserted).
 * @ret_gap       Set on GAP. Not NULL (asserted): a gap must not be swallowed.
 * @ret_end       Set on ENDED. May be NULL.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Wait-free, no allocation, no system call, with the exceptions of reprise_next. An event
 *           overtaken during the copy is a gap, never a retry.
 * Ordering  Acquire, as reprise_next.
 * Returns   reprise_outcome.
 */
REPRISE_API reprise_outcome reprise_next_into(struct reprise_subscription *subscription,
					      struct reprise_into *into,
					      struct reprise_gap *ret_gap,
					      struct reprise_end *ret_end) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_INTO_H */
