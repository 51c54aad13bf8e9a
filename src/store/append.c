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

/* Any append, by the one thread that may append now. */
static APART reprise_status
append_alone(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	     struct reprise_bytes payload, reprise_position *ret_position)
{
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

/*
 * The common append in three: payloads copied by a few moves, payloads copied by memcpy, and
 * appends that displace records first.
 */

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
		return append_alone(session, revision, shape_kind(shape), shape_flags(shape),
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
 * An event whose revision is greater than that of all before. Only here is RING_NO_REVISION
 * refused, so that the check costs other events nothing (rule L48). The window's greatest is raised
 * last: an event's header says what came before it.
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

/* The append of a shared writer, under its lock. The stamp of a void window is stale. */
static reprise_status
append_inside(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	      struct reprise_bytes payload, reprise_position *ret_position)
{
	struct ring *const ring = &session->ring;
	const uint64_t stamp = load_relaxed(&load_relaxed(&session->stamp)->word);
	const uint64_t shape = shape_of(payload.size, kind, flags);

	if (unlikely(payload.data == NULL) || unlikely(payload.size > COPY_BYTES_MAX) ||
	    unlikely(flags & FLAGS_OF_LIBRARY) || unlikely(revision > ring->revision_seen) ||
	    unlikely((stamp & STAMP_FRESH) == 0) ||
	    unlikely(ring->head + record_bytes(payload.size) > ring->run_end))
		return append_alone(session, revision, kind, flags, payload, ret_position);
	ring_stamp(ring, stamp & ~STAMP_FRESH);
	return append_ahead(session, revision, payload.data, shape, payload.size <= COPY_SMALL_MAX,
			    ret_position);
}

static APART reprise_status
append_shared(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	      struct reprise_bytes payload, reprise_position *ret_position)
{
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = append_inside(session, revision, kind, flags, payload, ret_position);
		writer_lock_leave(session);
	}
	return status;
}

/* Any append that is not a common one. */
static APART reprise_status
append_any(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	   struct reprise_bytes payload, reprise_position *ret_position)
{
	if (session == NULL || (payload.data == NULL && payload.size != 0))
		return REPRISE_E_INVALID;
	return (session_is_shared(session) ? append_shared : append_alone)(
		session, revision, kind, flags, payload, ret_position);
}

/* For append_to.c. */
reprise_status
append_by_id(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	     struct reprise_bytes payload, reprise_position *ret_position)
{
	return append_inside(session, revision, kind, flags, payload, ret_position);
}

/*
 * The common append is an event that is copied in one piece, with the stamp of the last one. Each
 * function is called last, so that no register is saved across calls: saving registers would be
 * much of the cost of an append.
 */
reprise_status
reprise_append(struct reprise_writer *writer, uint64_t revision, uint16_t kind, uint16_t flags,
	       struct reprise_bytes payload, reprise_position *ret_position)
{
	struct reprise_session *const session = writer_session(writer);

	/*
	 * One branch each: the processor predicts all of them. Nothing has room after the end or
	 * during a reservation, and the stamp of a void window, or of a fork's child, is stale: so
	 * none of these states needs a look.
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

static ALWAYS_INLINE reprise_status
appendv_alone(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	      const struct iovec *parts, size_t parts_count, uint64_t bytes,
	      reprise_position *ret_position)
{
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

static APART reprise_status
appendv_shared(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	       const struct iovec *parts, size_t parts_count, uint64_t bytes,
	       reprise_position *ret_position)
{
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = appendv_alone(session, revision, kind, flags, parts, parts_count, bytes,
				       ret_position);
		writer_lock_leave(session);
	}
	return status;
}

reprise_status
reprise_appendv(struct reprise_writer *writer, uint64_t revision, uint16_t kind, uint16_t flags,
		const struct iovec *parts, size_t parts_count, reprise_position *ret_position)
{
	struct reprise_session *const session = writer_session(writer);

	uint64_t bytes = 0;

	if (session == NULL || !measure_parts(parts, parts_count, &bytes))
		return REPRISE_E_INVALID;
	if (unlikely(session_is_shared(session)))
		return appendv_shared(session, revision, kind, flags, parts, parts_count, bytes,
				      ret_position);
	return appendv_alone(session, revision, kind, flags, parts, parts_count, bytes,
			     ret_position);
}
