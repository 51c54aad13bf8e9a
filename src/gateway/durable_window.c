/* SPDX-License-Identifier: MIT */
/*
 * A stream and the window of its session. The state is that of one life: an event of another life
 * may be a control event of another process, which the log alone can tell.
 */
#include <string.h>

#include <reprise/session.h>

#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

enum {
	SNAPSHOT_EVENTS = 64,                              /* between two whole states */
	SNAPSHOT_PART = 4,                                 /* of the window */
	ENTRY_BYTES_MAX = DURABLE_NAME_BYTES_MAX + 4 * 10, /* of a producer or a fork */
};

/* False: no window. */
static bool
ask_window(const struct durable_stream *stream, struct reprise_session_stats *ret_stats)
{
	*ret_stats = (struct reprise_session_stats)REPRISE_SESSION_STATS_INIT;
	return reprise_session_stats(stream->gateway->store, stream->session_id, ret_stats) ==
	       REPRISE_OK;
}

static bool
is_of_life(const struct durable_stream *stream, const struct reprise_session_stats *stats)
{
	return memcmp(&stream->life, &stats->incarnation, sizeof(stream->life)) == 0;
}

reprise_position
durable_end(const struct durable_stream *stream)
{
	const struct durable_state *const state = &stream->state;

	return state->last_data > state->first ? state->last_data : state->first;
}

void
durable_apply(struct durable_stream *stream, reprise_position position, uint16_t kind,
	      struct reprise_bytes payload)
{
	struct durable_state *const state = &stream->state;
	const bool was_closed = state->is_closed;

	stream->changed_ns = stream->gateway->now_ns;
	if (durable_state_apply(state, stream->session_id, position, kind, payload.data,
				payload.size) != DURABLE_APPLIED)
		stream->was_lost = true; /* the log has the event: the state is read again */
	if (state->is_closed && !was_closed)
		stream->closed_at = position;
}

/* Events of the runtime, and an end that a runtime told, are added to the state. */
static void
follow_window(struct durable_stream *stream, const struct reprise_session_stats *stats)
{
	const struct reprise_bytes none = { NULL, 0 };

	stream->life = stats->incarnation;
	if (stats->newest > stream->state.through && stats->newest >= stats->first)
		durable_apply(stream, stats->newest, 0, none);
	if (!stats->ended)
		return;
	stream->end_status = stats->end_status;
	if (!stream->state.is_closed) {
		stream->state.is_closed = true;
		stream->closed_at = stats->newest;
	}
}

void
durable_adopt_window(struct durable_stream *stream)
{
	struct reprise_session_stats stats;

	if (ask_window(stream, &stats))
		follow_window(stream, &stats);
}

bool
durable_meet_window(struct durable_stream *stream)
{
	struct reprise_session_stats stats;

	if (!stream->is_loaded || stream->was_lost)
		return false;
	if (!ask_window(stream, &stats))
		return true; /* of a session that has ended */
	if (!is_of_life(stream, &stats) && stats.first != stream->state.through + 1)
		stream->was_lost = true;
	else
		follow_window(stream, &stats);
	return !stream->was_lost;
}

bool
durable_is_current(struct durable_stream *stream)
{
	struct reprise_session_stats stats;

	if (!stream->is_loaded || stream->was_lost || !ask_window(stream, &stats) ||
	    !is_of_life(stream, &stats))
		return false;
	follow_window(stream, &stats);
	return stats.newest >= stream->state.through;
}

bool
durable_snapshot_is_due(const struct durable_stream *stream)
{
	const struct durable_state *const state = &stream->state;
	const uint64_t entries = state->producers_count + state->forks_count;
	const uint64_t distance = entries > SNAPSHOT_EVENTS ? entries : SNAPSHOT_EVENTS;
	struct reprise_session_stats stats;

	return state->through - state->snapshot >= distance && ask_window(stream, &stats) &&
	       entries * ENTRY_BYTES_MAX <= stats.bytes_max / SNAPSHOT_PART;
}

bool
durable_is_recorded(const struct durable_stream *stream)
{
	struct reprise_session_stats stats;

	return !ask_window(stream, &stats) || stats.recorded >= stream->appended;
}

void
durable_judge_tail(struct durable_look *look)
{
	const struct durable_stream *const stream = look->stream;
	reprise_position recorded = UINT64_MAX;
	struct reprise_session_stats stats;

	if (ask_window(stream, &stats))
		recorded = stats.recorded;
	look->state = &stream->state;
	look->tail = durable_end(stream);
	if (look->tail > recorded)
		look->tail = recorded > stream->state.first ? recorded : stream->state.first;
	look->is_closed = stream->state.is_closed && recorded >= stream->closed_at;
}

void
durable_take_loaded(struct durable_stream *stream)
{
	const reprise_position appended = stream->appended;

	if (!stream->loaded.is_known) {
		durable_forget(stream);
		stream->state = stream->loaded.state;
		durable_state_init(&stream->loaded.state);
		stream->appended = appended;
		stream->closed_at = stream->state.through;
		/* A control event is on its way to the log still. */
		stream->was_lost = stream->state.through < appended && !durable_is_recorded(stream);
		durable_resume_lifetime(stream);
		stream->kept = stream->loaded.kept;
	}
	stream->is_loaded = true;
	if (!stream->loaded.has_ended)
		return;
	stream->end_status = stream->loaded.end_status;
	if (!stream->state.is_closed) {
		stream->state.is_closed = true;
		stream->closed_at = stream->state.through;
	}
}
