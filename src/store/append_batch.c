/* SPDX-License-Identifier: MIT */
#include "store/appending.h"
#include "store/port.h"
#include "store/roster.h"

/* Whether one transaction of a log can hold the batch: rule C23. */
static APART bool
is_recordable(const struct reprise_new_event *events, size_t events_count)
{
	uint64_t bytes = 0;

	if (events_count > PORT_BATCH_EVENTS_MAX)
		return false;
	for (size_t i = 0; i < events_count; i++) {
		if (events[i].payload.size > PORT_PAYLOAD_BYTES_MAX)
			return false;
		bytes += events[i].payload.size;
	}
	return bytes <= PORT_BATCH_BYTES_MAX;
}

/* Why the batch is refused as a whole, or OK and the bytes of all its records. */
static ALWAYS_INLINE reprise_status
measure_batch(struct reprise_session *session, const struct reprise_new_event *events,
	      size_t events_count, bool is_whole, uint64_t *ret_bytes)
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
	/* No smaller batch is too large for a log. An event that stands alone may become a gap. */
	if (unlikely(bytes > PORT_BATCH_EVENTS_MAX * (uint64_t)RECORD_HEADER_BYTES) &&
	    session->recording != NULL && is_whole && !is_recordable(events, events_count))
		return REPRISE_E_TOO_LARGE;
	*ret_bytes = bytes;
	return REPRISE_OK;
}

static inline void
unmark(struct ring *ring, uint64_t position, uint64_t mark)
{
	const uint64_t at = place_offset(load_relaxed(&slot_of(ring, position)->place));
	struct record *const record = (struct record *)(void *)(ring->arena + at);

	store_relaxed(&record->shape, load_relaxed(&record->shape) & ~mark);
}

/*
 * Takes back both marks that the ends of a batch do not have, before the batch is published. Apart,
 * so that the loop of write_batch keeps its registers.
 */
static APART void
unmark_ends(struct ring *ring, uint64_t first, uint64_t last)
{
	unmark(ring, first, RECORD_FOLLOWS);
	unmark(ring, last, RECORD_GOES_ON);
}

/* The same, where the session's end is the last of the batch. */
static APART void
unmark_first(struct ring *ring, uint64_t first)
{
	unmark(ring, first, RECORD_FOLLOWS);
}

/* The records of a batch, from @at on, behind the position @newest. */
static APART void
write_batch(struct ring *ring, const struct reprise_new_event *events, size_t events_count,
	    uint64_t newest, uint64_t at)
{
	for (size_t i = 0; i < events_count; i++) {
		const struct reprise_new_event *const event = &events[i];
		const uint64_t shape =
			shape_of(event->payload.size, event->kind, event->flags) | RECORD_MARKS;

		copy_in(ring_write(ring, newest + 1 + i, at, event->revision, shape),
			event->payload.data, event->payload.size);
		at += record_bytes(event->payload.size);
	}
}

static ALWAYS_INLINE reprise_status
append_batch_alone(struct reprise_session *session, const struct reprise_new_event *events,
		   size_t events_count, const int32_t *end_status, reprise_position *ret_first)
{
	uint64_t bytes_all = 0;

	const reprise_status refused = measure_batch(
		session, events, events_count, end_status != NULL || events_count > 1, &bytes_all);
	if (refused != REPRISE_OK)
		return refused;
	if (is_full(session, bytes_all, events_count))
		return REPRISE_E_FULL;

	struct ring *const ring = &session->ring;
	const uint64_t stamp_seen = begin_append(session);
	const uint64_t newest = load_relaxed(&ring->newest);
	const uint64_t at = ring_room(ring, newest, bytes_all, events_count);

	stop_running(session);

	write_batch(ring, events, events_count, newest, at);
	if (end_status == NULL) {
		unmark_ends(ring, newest + 1, newest + events_count);
		publish(session, newest + events_count);
	} else {
		unmark_first(ring, newest + 1);
		ring_end_after(ring, *end_status, newest + events_count);
		ring_publish(ring, newest + events_count);
		bell_ring(&session->bell);
		roster_pass_end(session);
	}
	end_append(session, stamp_seen);
	if (ret_first != NULL)
		*ret_first = newest + 1;
	return REPRISE_OK;
}

static APART reprise_status
append_batch_shared(struct reprise_session *session, const struct reprise_new_event *events,
		    size_t events_count, reprise_position *ret_first)
{
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = append_batch_alone(session, events, events_count, NULL, ret_first);
		writer_lock_leave(session);
	}
	return status;
}

static APART reprise_status
append_end_shared(struct reprise_session *session, const struct reprise_new_event *events,
		  size_t events_count, int32_t end_status, reprise_position *ret_first)
{
	reprise_status status = writer_lock_enter_here(session);

	if (status == REPRISE_OK) {
		status = append_batch_alone(session, events, events_count, &end_status, ret_first);
		writer_lock_leave(session);
	}
	return status;
}

reprise_status
reprise_append_batch(struct reprise_writer *writer, const struct reprise_new_event *events,
		     size_t events_count, reprise_position *ret_first)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || events == NULL || events_count == 0)
		return REPRISE_E_INVALID;
	if (unlikely(session_is_shared(session)))
		return append_batch_shared(session, events, events_count, ret_first);
	return append_batch_alone(session, events, events_count, NULL, ret_first);
}

reprise_status
reprise_append_end(struct reprise_writer *writer, const struct reprise_new_event *events,
		   size_t events_count, int32_t end_status, reprise_position *ret_first)
{
	struct reprise_session *const session = writer_session(writer);

	if (session == NULL || events == NULL || events_count == 0)
		return REPRISE_E_INVALID;
	if (session_is_shared(session))
		return append_end_shared(session, events, events_count, end_status, ret_first);
	return append_batch_alone(session, events, events_count, &end_status, ret_first);
}
