/* SPDX-License-Identifier: MIT */
#include "recorder/batch.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "recorder/recorder.h"

enum {
	TRIES_MAX = 4,              /* copies of one session's that were overtaken */
	OPEN_BYTES_WANT = 64 << 10, /* a copy, inside a batch that is beyond the limits */
};

static bool
is_full(const struct batch *batch)
{
	return batch->entries_count >= batch->entries_max ||
	       batch->bytes_used >= batch->bytes_limit ||
	       batch->writes_count + 8 > batch->writes_max;
}

static struct log_write *
put(struct batch *batch, struct recording *recording, enum log_write_type type, uint64_t first,
    uint64_t last)
{
	struct log_write *const write = &batch->writes[batch->writes_count];

	*write = (struct log_write){ .type = type,
				     .thread = recording->id,
				     .incarnation = recording->incarnation,
				     .first = first,
				     .last = last,
				     .lease_ns = batch->lease_ns };
	batch->closes = batch->closes || type == LOG_CLOSE || type == LOG_VOID;
	batch->marks[batch->writes_count++] =
		(struct batch_mark){ .recording = recording,
				     .through = last,
				     .was_held = recording->stuck == REPRISE_E_TIMEOUT };
	return write;
}

/* The last write, if it is of that type and @position comes after it; or NULL. */
static struct log_write *
write_before(const struct batch *batch, const struct recording *recording, enum log_write_type type,
	     uint64_t position)
{
	struct log_write *last;

	if (batch->writes_count == 0)
		return NULL;
	last = &batch->writes[batch->writes_count - 1];
	return last->type == type && last->thread == recording->id && last->last + 1 == position
		       ? last
		       : NULL;
}

/* One gap, however many looks it takes to see all of it. */
static void
put_gap(struct batch *batch, struct recording *recording, uint64_t first, uint64_t last,
	reprise_log_gap_reason reason)
{
	struct log_write *write = write_before(batch, recording, LOG_GAP, first);

	if (write == NULL || write->reason != reason) {
		write = put(batch, recording, LOG_GAP, first, last);
		write->reason = reason;
	}
	struct batch_mark *const mark = &batch->marks[batch->writes_count - 1];

	write->last = last;
	mark->through = last;
	mark->lost = last - write->first + 1;
	recording->taken = last;
}

/*
 * Whether a batch of the writer, as large as it may be, might be too much for @write together with
 * what is there: a write has a bound, and a batch is in one write, so that it is refused as a
 * whole.
 */
static bool
is_write_full(const struct batch *batch, const struct recording *recording,
	      const struct log_write *write)
{
	const unsigned char *const begin = write->entries[0].payload.data;
	const uint64_t bytes = (uint64_t)(batch->bytes + batch->bytes_used - begin);

	return bytes + recording->session->ring.arena_bytes > REPRISE_LOG_APPEND_BYTES_MAX;
}

/* The write that the next event goes to: the last one, if that is of the events just before it. */
static struct log_write *
write_for(struct batch *batch, struct recording *recording, uint64_t position, bool begins_batch)
{
	struct log_write *const last = write_before(batch, recording, LOG_RECORD, position);

	if (last != NULL && !(begins_batch && is_write_full(batch, recording, last)))
		return last;
	struct log_write *const write = put(batch, recording, LOG_RECORD, position, position - 1);

	write->entries = &batch->entries[batch->entries_count];
	return write;
}

static void
put_event(struct batch *batch, struct recording *recording, uint64_t position,
	  const struct record *record)
{
	const uint64_t shape = load_relaxed(&record->shape);

	if (shape_payload_bytes(shape) > REPRISE_LOG_PAYLOAD_BYTES_MAX) {
		REPRISE_ASSERT(batch->open_first == 0);
		put_gap(batch, recording, position, position, REPRISE_LOG_GAP_TOO_LARGE);
		return;
	}
	struct log_write *const write =
		write_for(batch, recording, position, batch->open_first == position);
	struct batch_mark *const mark = &batch->marks[batch->writes_count - 1];

	batch->entries[batch->entries_count++] = (struct reprise_log_new_entry){
		.revision = load_relaxed(&record->revision),
		.time_ns = wall_time(&batch->wall, load_relaxed(&record->stamp_ns)),
		.kind = shape_kind(shape),
		.flags = shape_flags(shape),
		.payload = { record_payload(record), shape_payload_bytes(shape) },
	};
	write->entries_count++;
	write->last = position;
	mark->through = position;
	mark->events++;
}

/*
 * The rest of the writer's batch was displaced: its beginning is taken out again. All entries put
 * since are of that batch, and in the last write.
 */
static void
give_up_open(struct batch *batch, struct recording *recording)
{
	if (batch->open_first == 0)
		return;
	const uint64_t events = recording->taken - batch->open_first + 1;
	struct log_write *const write = &batch->writes[batch->writes_count - 1];
	struct batch_mark *const mark = &batch->marks[batch->writes_count - 1];

	batch->entries_count -= events;
	write->entries_count -= events;
	write->last -= events;
	mark->events -= events;
	mark->through = write->last;
	if (write->entries_count == 0)
		batch->writes_count--;
	batch->bytes_used = batch->open_bytes;
	recording->taken = batch->open_first - 1;
	batch->open_first = 0;
}

/*
 * Leaves out what is lost at the beginning of @stretch: the rest of a batch that has lost its own
 * beginning.
 */
static void
put_lost(struct batch *batch, struct recording *recording, struct stretch *stretch)
{
	if (stretch->first > recording->taken + 1)
		give_up_open(batch, recording);
	while (batch->open_first == 0 && stretch->count > 0 &&
	       shape_follows(load_relaxed(&stretch_record(stretch)->shape)))
		stretch_pass(stretch);
	if (stretch->first > recording->taken + 1)
		put_gap(batch, recording, recording->taken + 1, stretch->first - 1,
			REPRISE_LOG_GAP_OVERRUN);
}

/*
 * Whether the event at @next may be put. One inside a batch of the writer is, however much there
 * is.
 */
static bool
has_room_for_event(const struct batch *batch, const unsigned char *next)
{
	return batch->open_first != 0 || (batch->entries_count < batch->entries_max &&
					  (uint64_t)(next - batch->bytes) < batch->bytes_limit &&
					  batch->writes_count + 2 < batch->writes_max);
}

/*
 * Puts the rest of @stretch, as far as there is room; the rest begins at the position after
 * `taken`, or later.
 */
static void
put_stretch(struct batch *batch, struct recording *recording, struct stretch *stretch)
{
	put_lost(batch, recording, stretch);
	while (stretch->count > 0 && has_room_for_event(batch, stretch->next)) {
		const uint64_t position = stretch->first;
		const struct record *const record = stretch_record(stretch);
		const bool goes_on = shape_goes_on(load_relaxed(&record->shape));

		batch->bytes_used = (uint64_t)(stretch->next - batch->bytes);
		if (goes_on && batch->open_first == 0) {
			batch->open_first = position;
			batch->open_bytes = batch->bytes_used;
		}
		put_event(batch, recording, position, record);
		stretch_pass(stretch);
		batch->bytes_used = (uint64_t)(stretch->next - batch->bytes);
		recording->taken = position;
		if (!goes_on)
			batch->open_first = 0;
	}
}

/*
 * The writer has displaced each copy before it was validated. Events that have left the ring by now
 * are lost, so that the recorder advances however fast the writer is.
 */
static void
put_displaced(struct batch *batch, struct recording *recording, const struct port_look *look)
{
	give_up_open(batch, recording);
	if (look->oldest > recording->taken + 1)
		put_gap(batch, recording, recording->taken + 1, look->oldest - 1,
			REPRISE_LOG_GAP_OVERRUN);
}

/* Events and gaps; false if there was no room for all, or the writer was too fast. */
static bool
gather_events(struct batch *batch, struct reprise_recorder *recorder, struct recording *recording,
	      struct port_look *ret_look)
{
	for (unsigned int tries = 0; batch->open_first != 0 || !is_full(batch);) {
		const bool is_open = batch->open_first != 0;
		struct stretch stretch = {
			.places = batch->places,
			.places_max = is_open ? batch->places_max
					      : batch->entries_max - batch->entries_count,
			.bytes = batch->bytes + batch->bytes_used,
			.bytes_want =
				is_open ? OPEN_BYTES_WANT : batch->bytes_limit - batch->bytes_used,
		};

		*ret_look = port_take(recording->session, recording->taken, &stretch);
		if (stretch.count > 0) {
			/* After the copy, so that no stamp is later than the measurement. */
			batch->wall = wall_measure(recorder);
			put_stretch(batch, recording, &stretch);
		} else if (recording->taken >= ret_look->newest) {
			/* The end, which was stored before that event, completes the last batch. */
			REPRISE_ASSERT(batch->open_first == 0 || ret_look->has_ended);
			batch->open_first = 0;
			return true;
		} else if (++tries == TRIES_MAX) {
			put_displaced(batch, recording, ret_look);
			return recording->taken >= ret_look->newest;
		}
	}
	return false;
}

/* The facts of a recording when it is gathered. */
struct knowledge {
	bool has_writer, is_void, is_marked, has_heir, is_doubted;
};

/* Before the look: the look sees all events that a writer appended before it went. */
static struct knowledge
begin_attempt(struct reprise_recorder *recorder, struct recording *recording)
{
	pthread_mutex_lock(&recorder->lock);
	const struct knowledge known = { recording->has_writer, recording->is_void,
					 recording->is_void_marked, recording->has_heir,
					 recording->is_doubted };

	recording->is_doubted = false;
	recording->attempt++;
	pthread_mutex_unlock(&recorder->lock);
	return known;
}

/* Puts the writes that follow the last event: the session's end, the life's end. */
static void
put_state(struct batch *batch, struct recording *recording, const struct knowledge *known,
	  const struct port_look *look)
{
	if (look->has_ended && !recording->has_ended && !known->is_void)
		put(batch, recording, LOG_END, 0, recording->taken)->end_status = look->end_status;
	if (!known->has_writer && !known->is_void)
		(void)put(batch, recording, LOG_CLOSE, 0, recording->taken);
}

enum gathered
batch_gather(struct batch *batch, struct reprise_recorder *recorder, struct recording *recording)
{
	const uint64_t before = batch->writes_count;
	struct port_look look = { 0 };

	if (is_full(batch))
		return GATHERED_NOTHING;
	const struct knowledge known = begin_attempt(recorder, recording);

	if (recording->session == NULL) {
		(void)put(batch, recording, LOG_CLOSE, 0, recording->written);
		return GATHERED_ALL;
	}

	recording->has_all = false;
	/*
	 * The next round looks at the heir. The heir's events come before the end and the closing
	 * of the life.
	 */
	if (known.has_heir)
		return GATHERED_ALL;
	if (known.is_void && !known.is_marked)
		(void)put(batch, recording, LOG_VOID, 0, recording->taken);
	if (!gather_events(batch, recorder, recording, &look))
		return batch->writes_count > before ? GATHERED_SOME : GATHERED_NOTHING;
	recording->has_all = true;
	/*
	 * Nothing is left of it, and it was attached again, or found so only now: said once more,
	 * and it goes.
	 */
	if (known.is_void && batch->writes_count == before)
		(void)put(batch, recording, LOG_VOID, 0, recording->taken);
	put_state(batch, recording, &known, &look);
	if (batch->writes_count == before && known.has_writer && !known.is_void &&
	    (known.is_doubted || recording->leased_ns < batch->leases_before_ns))
		(void)put(batch, recording, LOG_RENEW, 0, recording->taken);
	return GATHERED_ALL;
}

void
batch_put_sync(struct batch *batch, struct recording *recording)
{
	(void)put(batch, recording, LOG_REOPEN, 0, recording->written);
}
