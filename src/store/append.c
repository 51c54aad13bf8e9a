/* SPDX-License-Identifier: MIT */
#include "ring/append.h"
#include "store/session.h"

enum {
	FLAGS_OF_LIBRARY = 0x00fe,
	PARTS_MAX = 1024,
};

static inline uint64_t
stamp_for(struct reprise_session *session)
{
	return ring_stamp(&session->ring, stamp_take(load_relaxed(&session->stamp)));
}

/* Why an event with @flags and @payload_bytes is refused, or OK. */
static APART reprise_status
refusal(const struct reprise_session *session, uint16_t flags, uint64_t payload_bytes)
{
	if (flags & FLAGS_OF_LIBRARY)
		return REPRISE_E_INVALID;
	const reprise_status refused = session_refusal(session);

	if (refused == REPRISE_OK && payload_bytes > session->ring.payload_bytes_max)
		return REPRISE_E_TOO_LARGE;
	return refused;
}

/* The event is in the ring: says so. The last thing an append does. */
static inline void
publish(struct reprise_session *session, reprise_position newest)
{
	ring_publish(&session->ring, newest);
	bell_publish(&session->bell);
}

/* Room for one event, its slot and header; answers where its payload goes. */
static unsigned char *
write_one(struct reprise_session *session, reprise_position position, const struct draft *draft)
{
	struct ring *const ring = &session->ring;
	const uint64_t bytes = record_bytes(shape_payload_bytes(draft->shape));
	const uint64_t start = ring_room(ring, position - 1, bytes, 1);

	return ring_write(ring, position, start, bytes, draft);
}

/* Any append. */
static APART reprise_status
append_any(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	   struct reprise_bytes payload, reprise_position *ret_position)
{
	if (session == NULL || (payload.data == NULL && payload.size != 0))
		return REPRISE_E_INVALID;
	const reprise_status refused = refusal(session, flags, payload.size);
	if (refused != REPRISE_OK)
		return refused;

	const reprise_position position = load_relaxed(&session->ring.newest) + 1;
	const struct draft draft = { .revision = revision,
				     .shape = shape_of(payload.size, kind, flags),
				     .stamp_ns = stamp_for(session) };

	copy_in(write_one(session, position, &draft), payload.data, payload.size);
	publish(session, position);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

/*
 * The common append: an event that is copied in one piece, a fresh stamp, room ahead. Everything
 * else is append_any's, which is called last and with the same arguments: so this one keeps next to
 * nothing across calls, and saving registers is what most of an append would consist of.
 */
reprise_status
reprise_append(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
	       struct reprise_bytes payload, reprise_position *ret_position)
{
	/* One branch each: they are all foreseen, and cheaper than to combine what they look at. */
	if (unlikely(session == NULL) || unlikely(payload.data == NULL) ||
	    unlikely(payload.size > COPY_BYTES_MAX) || unlikely(flags & FLAGS_OF_LIBRARY))
		return append_any(session, revision, kind, flags, payload, ret_position);

	struct ring *const ring = &session->ring;
	const uint64_t bytes = record_bytes(payload.size);
	const uint64_t start = ring->head;
	const uint64_t stamp = load_relaxed(&load_relaxed(&session->stamp)->word);

	/*
	 * Nothing runs after the end or during a reservation, and the stamp of a void window, or of a
	 * fork's child, is stale: so there is no need to look at any of that.
	 */
	if (unlikely(!(stamp & STAMP_FRESH)) || unlikely(start + bytes > ring->run_end))
		return append_any(session, revision, kind, flags, payload, ret_position);

	const reprise_position position = load_relaxed(&ring->newest) + 1;

	/* Nothing can fail any more; now, so that it need not be kept across the copy. */
	if (ret_position != NULL)
		*ret_position = position;
	ring_room_running(ring, position);
	const struct draft draft = { .revision = revision,
				     .shape = shape_of(payload.size, kind, flags),
				     .stamp_ns = ring_stamp(ring, stamp & ~STAMP_FRESH) };

	copy_piece(ring_write(ring, position, start, bytes, &draft), payload.data, payload.size);
	publish(session, position);
	return REPRISE_OK;
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
	const reprise_status refused = refusal(session, flags, bytes);
	if (refused != REPRISE_OK)
		return refused;

	const reprise_position position = load_relaxed(&session->ring.newest) + 1;
	const struct draft draft = { .revision = revision,
				     .shape = shape_of(bytes, kind, flags),
				     .stamp_ns = stamp_for(session) };

	copy_parts_in(write_one(session, position, &draft), parts, parts_count);
	publish(session, position);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

/* Why the batch is refused as a whole, or OK and the bytes of all its records. */
static reprise_status
measure_batch(const struct reprise_session *session, const struct reprise_new_event *events,
	      size_t events_count, uint64_t *ret_bytes)
{
	const struct ring *const ring = &session->ring;
	uint64_t bytes = 0;

	for (size_t i = 0; i < events_count; i++) {
		if (events[i].payload.data == NULL && events[i].payload.size != 0)
			return REPRISE_E_INVALID;
		if (events[i].flags & FLAGS_OF_LIBRARY)
			return REPRISE_E_INVALID;
	}
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

	struct ring *const ring = &session->ring;
	const uint64_t newest = load_relaxed(&ring->newest);
	const uint64_t stamp_ns = stamp_for(session);
	uint64_t at = ring_room(ring, newest, bytes_all, events_count);

	for (size_t i = 0; i < events_count; i++) {
		const struct reprise_new_event *const event = &events[i];
		const uint64_t bytes = record_bytes(event->payload.size);
		const struct draft draft = {
			.revision = event->revision,
			.shape = shape_of(event->payload.size, event->kind, event->flags),
			.stamp_ns = stamp_ns,
		};

		copy_in(ring_write(ring, newest + 1 + i, at, bytes, &draft), event->payload.data,
			event->payload.size);
		at += bytes;
	}
	publish(session, newest + events_count);
	if (ret_first != NULL)
		*ret_first = newest + 1;
	return REPRISE_OK;
}

reprise_status
reprise_reserve(struct reprise_session *session, size_t payload_bytes_max, void **ret_payload)
{
	if (session == NULL || ret_payload == NULL)
		return REPRISE_E_INVALID;
	const reprise_status refused = refusal(session, 0, payload_bytes_max);

	if (refused == REPRISE_OK)
		*ret_payload = ring_reserve(&session->ring, payload_bytes_max);
	return refused;
}

reprise_status
reprise_publish(struct reprise_session *session, uint64_t revision, uint16_t kind, uint16_t flags,
		size_t payload_bytes, reprise_position *ret_position)
{
	if (session == NULL || (flags & FLAGS_OF_LIBRARY))
		return REPRISE_E_INVALID;
	struct ring *const ring = &session->ring;
	const reprise_status state = session_refusal(session);

	if (state == REPRISE_E_FORKED || state == REPRISE_E_CLOSED)
		return state;
	if (!ring_is_reserved(ring) || payload_bytes > ring->reserved_bytes)
		return REPRISE_E_INVALID;

	const reprise_position position = load_relaxed(&ring->newest) + 1;
	const struct draft draft = { .revision = revision,
				     .shape = shape_of(payload_bytes, kind, flags),
				     .stamp_ns = stamp_for(session) };

	ring_fill(ring, position, &draft);
	publish(session, position);
	if (ret_position != NULL)
		*ret_position = position;
	return REPRISE_OK;
}

reprise_status
reprise_abort(struct reprise_session *session)
{
	if (session == NULL)
		return REPRISE_E_INVALID;
	if (!session_is_here(session))
		return REPRISE_E_FORKED;
	if (!ring_is_reserved(&session->ring))
		return REPRISE_E_INVALID;
	ring_abort(&session->ring);
	return REPRISE_OK;
}
