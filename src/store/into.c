/* SPDX-License-Identifier: MIT */

/*
 * reprise_next_into. If the ring has the next event, and nothing was copied ahead, payloads go from
 * the ring to the host's buffer, and are validated there, a piece at a time. The rest is as for
 * reprise_next: events copied ahead and events read from the log come from the subscription's
 * memory, and the same code tells gaps and ends.
 */

#include <reprise/into.h>

#include <string.h>

#include "base/sized.h"
#include "base/sizes.h"
#include "ring/glimpse.h"
#include "store/subscription.h"

/* How far the buffer is filled: the place of the next payload, and the number of frames. */
struct fill {
	size_t offset, count;
};

static struct fill
nothing_in(const struct reprise_into *into)
{
	return (struct fill){ .offset = into->head_bytes };
}

static inline bool
has_room(const struct reprise_into *into, const struct fill *fill, size_t payload_bytes)
{
	return fill->offset + payload_bytes + into->tail_bytes <= into->buffer_bytes;
}

/* The next payload is there. */
static inline void
pass_frame(const struct reprise_into *into, struct fill *fill, size_t payload_bytes)
{
	fill->offset += payload_bytes + into->tail_bytes + into->head_bytes;
	fill->count++;
}

/* Sets the filled part of the buffer, and answers the bytes of payloads in the part. */
static uint64_t
say_filled(struct reprise_into *into, const struct fill *fill)
{
	into->frames_count = fill->count;
	into->used_bytes = fill->offset - into->head_bytes;
	return into->used_bytes - fill->count * (into->head_bytes + into->tail_bytes);
}

static void
say_needed(struct reprise_into *into, size_t payload_bytes)
{
	into->needed_bytes = into->head_bytes + payload_bytes + into->tail_bytes;
}

/* How a piece ends. */
enum piece {
	PIECE_WHOLE,     /* and another one may follow */
	PIECE_FULL,      /* the next event does not fit */
	PIECE_OVERTAKEN, /* no part of the piece is good */
};

/* The copy so far. */
struct gain {
	struct fill fill;
	uint64_t position, revision, filtered;
	size_t next_bytes; /* FULL: of the next event's payload */
};

/* The copy below has the size of the library's own struct: a new field needs a copy by fields. */
_Static_assert(sizeof(struct reprise_into) == SIZE_MIN(reprise_into), "a smaller struct is read");

/*
 * Copies records from @gain->position + 1 on, up to @last, about @bytes_want bytes and at least one
 * record. Frames are written field by field: a struct assembled first is stored by fields and
 * loaded by vectors, and the load waits for the stores.
 */
static ALWAYS_INLINE enum piece
copy_records(struct ring *ring, const struct reprise_subscription *filter,
	     const struct reprise_into *into, uint64_t last, uint64_t bytes_want,
	     struct gain *ret_gain)
{
	const struct reprise_into known = *into;
	struct gain gain = *ret_gain;
	enum piece piece = PIECE_WHOLE;
	uint64_t copied = 0;
	struct glimpse glimpse;

	do {
		if (unlikely(!ring_glimpse(ring, gain.position + 1, &glimpse)))
			return PIECE_OVERTAKEN;
		copied += glimpse.record_bytes;
		if (filter != NULL && !subscription_wants(filter, shape_kind(glimpse.shape))) {
			gain.filtered++;
		} else {
			if (unlikely(gain.fill.count == known.frames_max ||
				     !has_room(&known, &gain.fill, glimpse.payload_bytes))) {
				gain.next_bytes = glimpse.payload_bytes;
				piece = PIECE_FULL;
				break;
			}
			struct reprise_frame *const frame = &known.frames[gain.fill.count];

			frame->position = gain.position + 1;
			frame->revision = glimpse.revision;
			frame->stamp_ns = glimpse.stamp_ns;
			frame->offset = gain.fill.offset;
			frame->payload_bytes = glimpse.payload_bytes;
			frame->kind = shape_kind(glimpse.shape);
			frame->flags = shape_flags(glimpse.shape);
			frame->source = REPRISE_SOURCE_RING;
			copy_payload_out((unsigned char *)known.buffer + gain.fill.offset,
					 glimpse.payload, glimpse.payload_bytes);
			pass_frame(&known, &gain.fill, glimpse.payload_bytes);
		}
		gain.revision = greatest(gain.revision, glimpse.revision);
		gain.position++;
	} while (gain.position < last && copied < bytes_want);
	*ret_gain = gain;
	return piece;
}

static APART enum piece
copy_every_kind(struct ring *ring, const struct reprise_into *into, uint64_t last,
		uint64_t bytes_want, struct gain *gain)
{
	return copy_records(ring, NULL, into, last, bytes_want, gain);
}

static APART enum piece
copy_wanted(struct reprise_subscription *subscription, const struct reprise_into *into,
	    uint64_t last, uint64_t bytes_want, struct gain *gain)
{
	return copy_records(&subscription->session->ring, subscription, into, last, bytes_want,
			    gain);
}

/* A piece, validated: a piece overtaken in part counts as overtaken. */
static enum piece
copy_piece_into(struct reprise_subscription *subscription, const struct reprise_into *into,
		uint64_t last, struct gain *gain)
{
	struct ring *const ring = &subscription->session->ring;
	const uint64_t bytes_want = subscription->stretch.bytes_want;
	const uint64_t first = gain->position + 1;
	const enum piece piece = subscription->kinds_count == 0
					 ? copy_every_kind(ring, into, last, bytes_want, gain)
					 : copy_wanted(subscription, into, last, bytes_want, gain);

	return ring_intact(ring) > first ? PIECE_OVERTAKEN : piece;
}

/*
 * Copies the next events of the ring. Whether the copy gives an answer: events, or an event too
 * large for the room. Otherwise the answer is as of reprise_next.
 */
static bool
copy_from_ring(struct reprise_subscription *subscription, struct reprise_into *into)
{
	const struct look look = subscription_look(subscription);
	const uint64_t last = least(look.newest, subscription->until);
	struct gain gain = { .fill = nothing_in(into),
			     .position = subscription->at.position,
			     .revision = subscription->at.revision };
	struct gain good = gain;
	enum piece piece = PIECE_WHOLE;

	if (gain.position + 1 < look.kept)
		return false;
	while (piece == PIECE_WHOLE && gain.position < last) {
		piece = copy_piece_into(subscription, into, last, &gain);
		if (piece != PIECE_OVERTAKEN)
			good = gain;
	}
	subscription->at.position = good.position;
	subscription->at.revision = good.revision;
	if (good.filtered > 0)
		count(&subscription->filtered, good.filtered);
	if (good.fill.count > 0) {
		count(&subscription->delivered, good.fill.count);
		count(&subscription->delivered_bytes, say_filled(into, &good.fill));
		return true;
	}
	if (piece == PIECE_FULL)
		say_needed(into, good.next_bytes);
	return piece == PIECE_FULL;
}

/*
 * Copies the records at hand, copied out of the ring before or read from the log. The first record
 * is wanted.
 */
static void
copy_from_stretch(struct reprise_subscription *subscription, struct reprise_into *into)
{
	const bool is_healed = subscription->stage == STAGE_HEALING;
	struct fill fill = nothing_in(into);
	reprise_outcome more;

	do {
		const struct record *const record = stretch_record(&subscription->stretch);
		const uint64_t shape = load_relaxed(&record->shape);
		const size_t bytes = shape_payload_bytes(shape);

		if (!has_room(into, &fill, bytes)) {
			if (fill.count == 0) {
				say_needed(into, bytes);
				return;
			}
			break;
		}
		into->frames[fill.count] = (struct reprise_frame){
			.position = subscription->stretch.first,
			.revision = load_relaxed(&record->revision),
			.stamp_ns = load_relaxed(&record->stamp_ns),
			.offset = fill.offset,
			.payload_bytes = bytes,
			.kind = shape_kind(shape),
			.flags = shape_flags(shape),
			.source = is_healed ? REPRISE_SOURCE_LOG : REPRISE_SOURCE_RING,
		};
		if (bytes > 0)
			memcpy((unsigned char *)into->buffer + fill.offset, record_payload(record),
			       bytes);
		pass_frame(into, &fill, bytes);
		subscription_pass(subscription, record);
	} while (fill.count < into->frames_max &&
		 subscription_look_at_stretch(subscription, &more) && more == REPRISE_NEXT_EVENT);
	count(&subscription->delivered, fill.count);
	count(&subscription->delivered_bytes, say_filled(into, &fill));
	if (is_healed)
		count(&subscription->healed, fill.count);
}

/* Whether nothing stands before the next event of the ring. The first call judges the cursor. */
static bool
is_at_ring(struct reprise_subscription *subscription)
{
	if (unlikely(!stamp_is_here(subscription->home)))
		return false;
	if (subscription->stage == STAGE_UNJUDGED) {
		/* Judged by the heir of a void window, if the window has an heir. */
		if (subscription_is_bound(subscription) &&
		    ring_is_void(&subscription->session->ring))
			return false;
		subscription_judge(subscription);
	}
	return subscription->stage == STAGE_FOLLOWING && subscription->stretch.count == 0 &&
	       !ring_is_void(&subscription->session->ring);
}

static bool
is_size_good(const struct reprise_into *into)
{
	struct reprise_into known;

	return likely(into->size == sizeof(*into)) ||
	       sized_read(&known, sizeof(known), SIZE_MIN(reprise_into), into);
}

static void
require_good(const struct reprise_into *into)
{
	REPRISE_REQUIRE(into != NULL, "reprise_next_into: into is NULL");
	REPRISE_REQUIRE(is_size_good(into), "reprise_next_into: into has a bad size");
	REPRISE_REQUIRE(into->buffer != NULL || into->buffer_bytes == 0,
			"reprise_next_into: buffer is NULL");
	REPRISE_REQUIRE(into->frames != NULL, "reprise_next_into: frames is NULL");
	REPRISE_REQUIRE(into->frames_max > 0, "reprise_next_into: frames_max is 0");
	REPRISE_REQUIRE(into->head_bytes <= REPRISE_INTO_FRAMING_BYTES_MAX,
			"reprise_next_into: head_bytes is too large");
	REPRISE_REQUIRE(into->tail_bytes <= REPRISE_INTO_FRAMING_BYTES_MAX,
			"reprise_next_into: tail_bytes is too large");
}

reprise_outcome
reprise_next_into(struct reprise_subscription *subscription, struct reprise_into *into,
		  struct reprise_gap *ret_gap, struct reprise_end *ret_end)
{
	REPRISE_REQUIRE(subscription != NULL, "reprise_next_into: subscription is NULL");
	REPRISE_REQUIRE(ret_gap != NULL, "reprise_next_into: ret_gap is NULL");
	require_good(into);
	into->frames_count = 0;
	into->used_bytes = 0;
	into->needed_bytes = 0;
	if (is_at_ring(subscription) && copy_from_ring(subscription, into))
		return REPRISE_NEXT_EVENT;
	const reprise_outcome outcome = subscription_say(subscription, ret_gap, ret_end);

	if (outcome == REPRISE_NEXT_EVENT)
		copy_from_stretch(subscription, into);
	return outcome;
}
