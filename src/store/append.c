/* SPDX-License-Identifier: MIT */
#include "store/appending.h"

enum {
	PARTS_MAX = 1024,
};

/* Why an event with @revision, @flags and @payload_bytes is refused, or OK. */
static APART reprise_status
refusal(struct reprise_session *session, uint64_t revision, uint16_t flags, uint64_t payload_bytes)
{
	if ((flags & FLAGS_OF_LIBRARY) != 0 || revision == RING_NO_REVISION)
		return REPRISE_E_INVALID;
	const reprise_status refused = session_refusal(session);

	if (refused == REPRISE_OK && payload_bytes > session->ring.payload_bytes_max)
		return REPRISE_E_TOO_LARGE;
	return refused;
}

/* Room for one event, its slot and header; answers where its payload goes. */
static unsigned char *
write_one(struct reprise_session *session, reprise_position position, uint64_t revision,
	  uint64_t shape)
{
	struct ring *const ring = &session->ring;
	const uint64_t bytes = record_bytes(shape_payload_bytes(shape));

	const uint64_t start = ring_room(ring, position - 1, bytes, 1);

	stop_running(session);
	return ring_write(ring, position, start, revision, shape);
}

/* Any append. */
static APART reprise_status
append_any(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	   struct reprise_bytes payload, reprise_position *ret_position)
{
	if (session == NULL || (payload.data == NULL && payload.size != 0))
		return REPRISE_E_INVALID;
	const reprise_status refused = refusal(session, revision, flags, payload.size);
	if (refused != REPRISE_OK)
		return refused;
	if (is_full(session, record_bytes(payload.size), 1))
		return REPRISE_E_FULL;

	const uint64_t stamp_seen = begin_append(session);
	const reprise_position position = load_relaxed(&session->ring.newest) + 1;

	copy_in(write_one(session, position, revision, shape_of(payload.size, kind, flags)),
		payload.data, payload.size);
	publish(session, position);
	end_append(session, stamp_seen);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

/*
 * Whether the stamp is still the one that the last append took. It is not in a void window, or in a
 * fork's child.
 */
static inline bool
is_stamp_seen(const struct reprise_session *session)
{
	return load_relaxed(&load_relaxed(&session->stamp)->word) == session->stamp_seen;
}

/* The next event goes to the head, mostly, and is as large as this one, perhaps. */
static inline void
ask_for_next(struct ring *ring, uint64_t bytes)
{
	const uint64_t at = ring->head & ring->arena_mask;

	copy_in_soon(ring->arena + at, least(bytes, ring->arena_bytes - at));
}

/* There is room, the stamp is seen, and nothing can fail any more. */
static ALWAYS_INLINE reprise_status
append_at(struct reprise_session *session, reprise_position position, uint64_t start,
	  uint64_t revision, const void *data, uint64_t shape, bool is_small,
	  reprise_position *ret_position)
{
	struct ring *const ring = &session->ring;

	/* Now, so that it need not be kept across the copy. */
	if (ret_position != NULL)
		*ret_position = position;
	unsigned char *const to = ring_write_level(ring, position, start, revision, shape);

	if (is_small) {
		copy_small(to, data, shape_payload_bytes(shape));
	} else {
		if (shape_payload_bytes(shape) >= COPY_SOON_MIN)
			ask_for_next(ring, record_bytes(shape_payload_bytes(shape)));
		copy_piece(to, data, shape_payload_bytes(shape));
	}
	publish(session, position);
	return REPRISE_OK;
}

static ALWAYS_INLINE reprise_status
append_ahead(struct reprise_session *session, uint64_t revision, const void *data, uint64_t shape,
	     bool is_small, reprise_position *ret_position)
{
	struct ring *const ring = &session->ring;
	const reprise_position position = load_relaxed(&ring->newest) + 1;

	ring_room_running(ring, position);
	return append_at(session, position, ring->head, revision, data, shape, is_small,
			 ret_position);
}

/* The common append in three: what is copied by a few moves, by memcpy, and what displaces something first. */

static APART reprise_status
append_small(struct reprise_session *session, uint64_t revision, const void *data, uint64_t shape,
	     reprise_position *ret_position)
{
	return append_ahead(session, revision, data, shape, true, ret_position);
}

static APART reprise_status
append_large(struct reprise_session *session, uint64_t revision, const void *data, uint64_t shape,
	     reprise_position *ret_position)
{
	return append_ahead(session, revision, data, shape, false, ret_position);
}

static APART reprise_status
append_displacing(struct reprise_session *session, uint64_t revision, const void *data,
		  uint64_t shape, reprise_position *ret_position)
{
	struct ring *const ring = &session->ring;
	const uint64_t payload_bytes = shape_payload_bytes(shape);
	const uint64_t newest = load_relaxed(&ring->newest);

	/* No room ahead is also how an end, a reservation and a session that refuses are met. */
	if (unlikely(ring->run_end == 0) || unlikely(payload_bytes > ring->payload_bytes_max))
		return append_any(session, revision, shape_kind(shape), shape_flags(shape),
				  (struct reprise_bytes){ data, payload_bytes }, ret_position);
	const uint64_t start = ring_room(ring, newest, record_bytes(payload_bytes), 1);

	return append_at(session, newest + 1, start, revision, data, shape, false, ret_position);
}

/* Appends an event that has passed every check: by its size, and whether there is room. */
static ALWAYS_INLINE reprise_status
append_checked(struct reprise_session *session, uint64_t revision, const void *data, uint64_t shape,
	       uint64_t payload_bytes, reprise_position *ret_position)
{
	const struct ring *const ring = &session->ring;

	if (unlikely(ring->head + record_bytes(payload_bytes) > ring->run_end))
		return append_displacing(session, revision, data, shape, ret_position);
	if (payload_bytes <= COPY_SMALL_MAX)
		return append_small(session, revision, data, shape, ret_position);
	return append_large(session, revision, data, shape, ret_position);
}

/*
 * An event whose revision is greater than that of all before. Only here is RING_NO_REVISION refused, so that the check costs
 * other events nothing (rule L48). The window's greatest is raised last: an event's header says what came before it.
 */
static APART reprise_status
append_rising(struct reprise_session *session, uint64_t revision, const void *data, uint64_t shape,
	      reprise_position *ret_position)
{
	struct ring *const ring = &session->ring;

	if (revision == RING_NO_REVISION)
		return REPRISE_E_INVALID;
	const reprise_status status = append_checked(session, revision, data, shape,
						     shape_payload_bytes(shape), ret_position);

	if (status == REPRISE_OK)
		ring_raise_revision(ring, revision);
	return status;
}

/*
 * The common append is an event that is copied in one piece, with the stamp of the last one. Each function is called
 * last, so that no register is saved across calls: saving registers would be much of the cost of an append.
 */
reprise_status
reprise_append(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	       struct reprise_bytes payload, reprise_position *ret_position)
{
	/*
	 * One branch each: the processor predicts all of them. Nothing has room after the end or during a reservation,
	 * and the stamp of a void window, or of a fork's child, is stale: so none of these states needs a look.
	 */
	if (unlikely(session == NULL) || unlikely(payload.data == NULL) ||
	    unlikely(payload.size > COPY_BYTES_MAX) || unlikely(flags & FLAGS_OF_LIBRARY) ||
	    unlikely(!is_stamp_seen(session)))
		return append_any(session, revision, kind, flags, payload, ret_position);

	const uint64_t shape = shape_of(payload.size, kind, flags);

	if (unlikely(revision > session->ring.revision_seen))
		return append_rising(session, revision, payload.data, shape, ret_position);
	return append_checked(session, revision, payload.data, shape, payload.size, ret_position);
}

/* The size of all parts; false if one is NULL or the sum is beyond counting. */
static bool
measure_parts(const struct iovec *parts, size_t parts_count, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;

	if (parts_count > PARTS_MAX || (parts == NULL && parts_count != 0))
		return false;
	for (size_t i = 0; i < parts_count; i++) {
		if (parts[i].iov_base == NULL && parts[i].iov_len != 0)
			return false;
		if (__builtin_add_overflow(bytes, parts[i].iov_len, &bytes))
			return false;
	}
	*ret_bytes = bytes;
	return true;
}

reprise_status
reprise_appendv(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
		const struct iovec *parts, size_t parts_count, reprise_position *ret_position)
{
	uint64_t bytes = 0;

	if (session == NULL || !measure_parts(parts, parts_count, &bytes))
		return REPRISE_E_INVALID;
	const reprise_status refused = refusal(session, revision, flags, bytes);
	if (refused != REPRISE_OK)
		return refused;
	if (is_full(session, record_bytes(bytes), 1))
		return REPRISE_E_FULL;

	const uint64_t stamp_seen = begin_append(session);
	const reprise_position position = load_relaxed(&session->ring.newest) + 1;

	copy_parts_in(write_one(session, position, revision, shape_of(bytes, kind, flags)), parts,
		      parts_count);
	publish(session, position);
	end_append(session, stamp_seen);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

/* Why the batch is refused as a whole, or OK and the bytes of all its records. */
static reprise_status
measure_batch(struct reprise_session *session, const struct reprise_new_event *events,
	      size_t events_count, uint64_t *ret_bytes)
{
	const struct ring *const ring = &session->ring;
	uint64_t bytes = 0;
	unsigned int flags = 0;

	for (size_t i = 0; i < events_count; i++) {
		if (events[i].payload.data == NULL && events[i].payload.size != 0)
			return REPRISE_E_INVALID;
		if (events[i].revision == RING_NO_REVISION)
			return REPRISE_E_INVALID;
		flags |= events[i].flags;
	}
	if ((flags & FLAGS_OF_LIBRARY) != 0)
		return REPRISE_E_INVALID;
	const reprise_status refused = session_refusal(session);

	if (refused != REPRISE_OK)
		return refused;
	if (events_count > ring->events_max)
		return REPRISE_E_TOO_LARGE;
	for (size_t i = 0; i < events_count; i++) {
		if (events[i].payload.size > ring->payload_bytes_max)
			return REPRISE_E_TOO_LARGE;
		bytes += record_bytes(events[i].payload.size);
		if (bytes > ring->arena_bytes)
			return REPRISE_E_TOO_LARGE;
	}
	*ret_bytes = bytes;
	return REPRISE_OK;
}

reprise_status
reprise_append_batch(struct reprise_session *session, const struct reprise_new_event *events,
		     size_t events_count, reprise_position *ret_first)
{
	uint64_t bytes_all = 0;

	if (session == NULL || events == NULL || events_count == 0)
		return REPRISE_E_INVALID;
	const reprise_status refused = measure_batch(session, events, events_count, &bytes_all);
	if (refused != REPRISE_OK)
		return refused;
	if (is_full(session, bytes_all, events_count))
		return REPRISE_E_FULL;

	struct ring *const ring = &session->ring;
	const uint64_t stamp_seen = begin_append(session);
	const uint64_t newest = load_relaxed(&ring->newest);
	uint64_t at = ring_room(ring, newest, bytes_all, events_count);

	stop_running(session);

	for (size_t i = 0; i < events_count; i++) {
		const struct reprise_new_event *const event = &events[i];
		const uint64_t shape = shape_of(event->payload.size, event->kind, event->flags);

		copy_in(ring_write(ring, newest + 1 + i, at, event->revision, shape),
			event->payload.data, event->payload.size);
		at += record_bytes(event->payload.size);
	}
	publish(session, newest + events_count);
	end_append(session, stamp_seen);
	if (ret_first != NULL)
		*ret_first = newest + 1;
	return REPRISE_OK;
}
