/* SPDX-License-Identifier: MIT */
/*
 * Events of a stream, one by one. Clients get data alone; control events say whether the stream is
 * closed, or another stream by now. A gap that has lost recorded events is never passed over.
 */
#include <string.h>

#include <reprise/session.h>
#include <reprise/subscription.h>

#include "gateway/durable_read.h"
#include "gateway/gateway.h"

enum {
	RECORD_BYTES = 64 /* of an event without its payload, in a page */
};

/*
 * Up to the tail of the last look there is nothing that the look did not say. Behind, the event
 * says whether the stream is still there: it may be kept for its forks, or be created anew. A
 * change of another session, which a fork has copied, makes the state void. (The close of a stream
 * is its session's end, too.)
 */
static enum durable_taken
judge_control(const struct durable_read *read, const struct reprise_event *event)
{
	enum durable_taken taken = DURABLE_TAKEN_CONTROL;
	struct durable_state state;

	if (event->position <= read->tail)
		return taken;
	durable_state_init(&state);
	state.is_created = true;
	state.first = read->first;
	if (durable_state_apply(&state, read->request->session_id, event->position, event->kind,
				event->payload.data, event->payload.size) == DURABLE_APPLIED &&
	    state.is_created && (state.is_gone || state.first != read->first))
		taken = DURABLE_TAKEN_OTHER;
	durable_state_free(&state);
	return taken;
}

/*
 * A gap that loses nothing is the seam of two lives, or a session's end: recorded events alone are
 * handed out, so that there is nothing to be told.
 */
static enum durable_taken
take_gap(struct durable_read *read, const struct reprise_gap *gap)
{
	if (gap->detail == REPRISE_GAP_LIFE_ENDED)
		read->has_ended = true;
	if (gap->reason == REPRISE_GAP_TRIMMED && gap->lost == 0)
		return DURABLE_TAKEN_CONTROL;
	read->earliest = gap->cursor.position;
	return gap->detail == REPRISE_GAP_INVALIDATED || gap->detail == REPRISE_GAP_UNKNOWN_SESSION
		       ? DURABLE_TAKEN_OTHER
		       : DURABLE_TAKEN_LOSS;
}

enum durable_taken
durable_take(struct durable_read *read, struct http_text *ret_payload)
{
	struct reprise_event event;
	struct reprise_gap gap;

	switch (reprise_next(read->watch.subscription, &event, &gap, NULL)) {
	case REPRISE_NEXT_EMPTY:
		return DURABLE_TAKEN_NOTHING;
	case REPRISE_NEXT_EVENT:
		read->position = event.position;
		if (event.source == REPRISE_SOURCE_LOG)
			read->healed_bytes += event.payload.size + RECORD_BYTES;
		if (event.kind == DURABLE_KIND)
			return judge_control(read, &event);
		read->has_ended = false;
		*ret_payload = (struct http_text){ event.payload.data, event.payload.size };
		return DURABLE_TAKEN_DATA;
	case REPRISE_NEXT_GAP:
		return take_gap(read, &gap);
	case REPRISE_NEXT_ENDED:
		break;
	}
	read->earliest = read->position;
	return DURABLE_TAKEN_OTHER; /* the store is being closed */
}

bool
durable_is_at_tail(const struct durable_read *read)
{
	const struct request *const request = read->request;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	/* A session without a window gets no events. */
	if (reprise_session_stats(request->gateway->store, request->session_id, &stats) !=
	    REPRISE_OK)
		return read->position >= read->tail;
	return read->position >= stats.recorded;
}

bool
durable_is_at_close(const struct durable_read *read)
{
	return (read->was_closed || read->has_ended) && durable_is_at_tail(read);
}
