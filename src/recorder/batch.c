/* SPDX-License-Identifier: MIT */
#include "recorder/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "recorder/recorder.h"

enum {
	WRITES_MAX = 4096,
	TRIES_MAX = 4, /* copies of one session's that were overtaken */
};

bool
batch_open(struct batch *batch, uint64_t events_max, uint64_t bytes_max)
{
	*batch = (struct batch){ .entries_max = events_max,
				 .bytes_limit = bytes_max,
				 .writes_max = WRITES_MAX,
				 .places_max = events_max };
	batch->entries = malloc(events_max * sizeof(batch->entries[0]));
	batch->writes = malloc(WRITES_MAX * sizeof(batch->writes[0]));
	batch->marks = malloc(WRITES_MAX * sizeof(batch->marks[0]));
	batch->places = malloc(events_max * sizeof(batch->places[0]));
	return batch->entries != NULL && batch->writes != NULL && batch->marks != NULL &&
	       batch->places != NULL;
}

void
batch_close(struct batch *batch)
{
	if (batch->bytes != NULL)
		munmap(batch->bytes, batch->bytes_mapped);
	free(batch->entries);
	free(batch->writes);
	free(batch->marks);
	free(batch->places);
}

void
batch_clear(struct batch *batch)
{
	batch->bytes_used = 0;
	batch->entries_count = 0;
	batch->writes_count = 0;
	batch->closes = false;
}

bool
batch_reserve(struct batch *batch, uint64_t arena_bytes)
{
	const uint64_t bytes = batch->bytes_limit + arena_bytes;
	void *mapped;

	if (batch->bytes_mapped >= bytes)
		return true;
	REPRISE_ASSERT(batch->writes_count == 0);
	if (batch->bytes == NULL)
		mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		mapped = mremap(batch->bytes, batch->bytes_mapped, bytes, MREMAP_MAYMOVE);
	if (mapped == MAP_FAILED)
		return false;
	batch->bytes = mapped;
	batch->bytes_mapped = bytes;
	return true;
}

static bool
is_full(const struct batch *batch)
{
	return batch->entries_count == batch->entries_max ||
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

static void
put_gap(struct batch *batch, struct recording *recording, uint64_t first, uint64_t last,
	reprise_log_gap_reason reason)
{
	put(batch, recording, LOG_GAP, first, last)->reason = reason;
	batch->marks[batch->writes_count - 1].lost = last - first + 1;
	recording->taken = last;
}

/* The write that the next event goes to: the last one, if that is of the events just before it. */
static struct log_write *
write_for(struct batch *batch, struct recording *recording, uint64_t position)
{
	if (batch->writes_count > 0) {
		struct log_write *const last = &batch->writes[batch->writes_count - 1];

		if (last->type == LOG_RECORD && last->thread == recording->id &&
		    last->last + 1 == position)
			return last;
	}
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
		put_gap(batch, recording, position, position, REPRISE_LOG_GAP_TOO_LARGE);
		return;
	}
	struct log_write *const write = write_for(batch, recording, position);
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

/* What is left in @stretch, as far as there is room; it begins at the position after enqueued, or later. */
static void
put_stretch(struct batch *batch, struct recording *recording, struct stretch *stretch)
{
	const uint64_t enqueued = recording->taken;
	const unsigned char *end = stretch->next;

	if (stretch->first > enqueued + 1)
		put_gap(batch, recording, enqueued + 1, stretch->first - 1,
			REPRISE_LOG_GAP_OVERRUN);
	while (stretch->count > 0 && batch->entries_count < batch->entries_max &&
	       batch->writes_count + 2 < batch->writes_max) {
		const uint64_t position = stretch->first;

		put_event(batch, recording, position, stretch_record(stretch));
		stretch_pass(stretch);
		end = stretch->next;
		recording->taken = position;
	}
	batch->bytes_used = (uint64_t)(end - batch->bytes);
}

/*
 * The writer has displaced each copy before it was validated. Events that have left the ring by now are lost, so that the
 * recorder advances however fast the writer is.
 */
static void
put_displaced(struct batch *batch, struct recording *recording, const struct port_look *look)
{
	if (look->oldest > recording->taken + 1)
		put_gap(batch, recording, recording->taken + 1, look->oldest - 1,
			REPRISE_LOG_GAP_OVERRUN);
}

/* Events and gaps; false if there was no room for all, or the writer was too fast. */
static bool
gather_events(struct batch *batch, struct reprise_recorder *recorder, struct recording *recording,
	      struct port_look *ret_look)
{
	for (unsigned int tries = 0; !is_full(batch);) {
		struct stretch stretch = {
			.places = batch->places,
			.places_max = batch->entries_max - batch->entries_count,
			.bytes = batch->bytes + batch->bytes_used,
			.bytes_want = batch->bytes_limit - batch->bytes_used,
		};

		*ret_look = port_take(recording->session, recording->taken, &stretch);
		if (stretch.count > 0) {
			/* After the copy, so that no stamp is later than the measurement. */
			batch->wall = wall_measure(recorder);
			put_stretch(batch, recording, &stretch);
		} else if (recording->taken >= ret_look->newest) {
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
	bool has_writer, is_void, is_marked, has_heir;
};

/* Before the look: what a writer has appended before it went is seen by the look. */
static struct knowledge
begin_attempt(struct reprise_recorder *recorder, struct recording *recording)
{
	pthread_mutex_lock(&recorder->lock);
	const struct knowledge known = { recording->has_writer, recording->is_void,
					 recording->is_void_marked, recording->has_heir };

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
	/* The next round looks at the heir. The heir's events come before the end and the closing of the life. */
	if (known.has_heir)
		return GATHERED_ALL;
	if (known.is_void && !known.is_marked)
		(void)put(batch, recording, LOG_VOID, 0, recording->taken);
	if (!gather_events(batch, recorder, recording, &look))
		return batch->writes_count > before ? GATHERED_SOME : GATHERED_NOTHING;
	recording->has_all = true;
	/* Nothing is left of it, and it was attached again, or found so only now: said once more, and it goes. */
	if (known.is_void && batch->writes_count == before)
		(void)put(batch, recording, LOG_VOID, 0, recording->taken);
	put_state(batch, recording, &known, &look);
	if (batch->writes_count == before && known.has_writer && !known.is_void &&
	    recording->leased_ns < batch->leases_before_ns)
		(void)put(batch, recording, LOG_RENEW, 0, recording->taken);
	return GATHERED_ALL;
}

void
batch_put_sync(struct batch *batch, struct recording *recording)
{
	(void)put(batch, recording, LOG_REOPEN, 0, recording->written);
}
