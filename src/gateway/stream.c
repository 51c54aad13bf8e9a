/* SPDX-License-Identifier: MIT */
/*
 * One client of GET /v1/sessions/{id}/events. The stream goes through these states:
 *
 *    opening  the place is looked for; errors are answered with a status
 *    alone    reads a subscription of its own, as fast as the client's socket takes the bytes
 *    sharing  is a member of a channel, and has everything that the channel has
 *    over     the session has ended, the gateway goes down, or the client is gone
 *
 * Once the stream is alone everything is told in band.
 */
#include "gateway/stream.h"

#include <stdlib.h>
#include <string.h>

#include <reprise/lag.h>

#include "gateway/gateway.h"
#include "gateway/route_map.h"
#include "gateway/routes.h"
#include "gateway/sse.h"

enum {
	JOINS_MAX = 3
};

/* Takes the stream from its channel, or closes its subscription. */
static void
detach(struct stream *stream)
{
	if (stream->channel != NULL)
		channel_remove(stream);
	watch_close(&stream->watch);
}

void
stream_cut(struct stream *stream)
{
	stream->is_over = true;
	detach(stream);
	if (stream->request->exchange != NULL)
		http_abort(stream->request->exchange);
}

void
stream_finish(struct stream *stream)
{
	static const struct http_text done = { "data: [DONE]\n\n", 14 };
	struct http_exchange *const exchange = stream->request->exchange;

	stream->is_over = true;
	detach(stream);
	if (exchange == NULL)
		return;
	if ((stream->has_done && http_write(exchange, done) != REPRISE_OK) ||
	    http_finish(exchange) != REPRISE_OK)
		http_abort(exchange);
}

bool
stream_write(struct stream *stream, struct http_block *block)
{
	stream->sent_ns = stream->request->gateway->now_ns;
	return http_write_block(stream->request->exchange, block) == REPRISE_OK;
}

bool
stream_send_scratch(struct stream *stream)
{
	struct reprise_gateway *const gateway = stream->request->gateway;
	struct buffer *const scratch = &gateway->scratch;
	const struct http_text bytes = { scratch->data, scratch->size };
	bool is_sent = !scratch->failed;

	if (is_sent && scratch->size > 0) {
		is_sent = http_write(stream->request->exchange, bytes) == REPRISE_OK;
		stream->sent_ns = gateway->now_ns;
	}
	buffer_reset(scratch);
	if (!is_sent)
		stream_cut(stream);
	return is_sent;
}

static bool
is_same_life(const struct reprise_incarnation *a, const struct reprise_incarnation *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * Whether the cursor stands at or behind the event that was newest when the stream began. In a
 * session that had ended nothing is live: the end follows.
 */
static bool
has_reached(const struct place *place, const struct reprise_cursor *cursor)
{
	/* Nothing is said yet of a client's cursor beyond the newest event. */
	const bool is_unjudged = (place->at == PLACE_CURSOR || place->at == PLACE_POSITION) &&
				 place->cursor.position > place->newest &&
				 place->cursor.position == cursor->position;

	return is_same_life(&cursor->incarnation, &place->life) &&
	       cursor->position >= place->newest && !is_unjudged && !place->has_ended;
}

static bool
is_at_live(const struct stream *stream, enum sse_outcome outcome)
{
	struct reprise_subscription_lag lag = REPRISE_SUBSCRIPTION_LAG_INIT;
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(stream->watch.subscription, &cursor) == REPRISE_OK &&
	    has_reached(&stream->place, &cursor))
		return true;
	return outcome == SSE_EMPTY &&
	       reprise_subscription_lag(stream->watch.subscription, &lag) == REPRISE_OK &&
	       lag.is_known && lag.behind_events == 0;
}

static void
tell_live(struct stream *stream)
{
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(stream->watch.subscription, &cursor) != REPRISE_OK)
		return;
	stream->is_live = true;
	sse_live(&stream->request->gateway->scratch, &stream->shape, &cursor);
}

/* Reads one piece. True: there may be more. */
static bool
read_piece(struct stream *stream, size_t bytes)
{
	struct gateway_counters *const counters = &stream->request->gateway->counters;
	struct buffer *const scratch = &stream->request->gateway->scratch;
	struct sse_read read;

	buffer_reset(scratch);
	read = sse_read(stream->watch.subscription, &stream->shape, scratch, bytes,
			REPRISE_NO_LIMIT);
	if (!stream->is_live && read.outcome != SSE_ENDED && is_at_live(stream, read.outcome))
		tell_live(stream);
	count(&counters->events_encoded, (int64_t)read.events);
	clients_count(stream->request->gateway, stream->clients, &read);
	if (read.events > 0)
		stream->joins_left = JOINS_MAX;
	if (!stream_send_scratch(stream))
		return false;
	if (read.outcome == SSE_ENDED)
		stream_finish(stream);
	else if (read.outcome == SSE_LOST)
		stream_cut(stream);
	else if (read.outcome == SSE_EMPTY && stream->is_live)
		(void)channel_join(stream);
	return read.outcome == SSE_MORE;
}

/*
 * Reads one piece in a turn of the loop, so that a thousand clients that come at once, each for a
 * long history, keep nobody waiting. The next piece waits on the list of the ready, or for the
 * socket.
 */
static void
read_alone(struct stream *stream, size_t bytes)
{
	if (stream->is_over || stream->watch.subscription == NULL ||
	    http_pending(stream->request->exchange) > STREAM_PENDING_MAX)
		return;
	if (read_piece(stream, bytes))
		watch_again(&stream->watch);
}

static void
on_ready(struct watch *watch)
{
	struct stream *const stream =
		(struct stream *)((char *)watch - offsetof(struct stream, watch));

	read_alone(stream, STREAM_READ_BYTES);
}

void
stream_leave(struct stream *stream, const struct reprise_cursor *cursor)
{
	struct reprise_gateway *const gateway = stream->request->gateway;
	struct reprise_subscription_options options;
	struct reprise_subscription *subscription;

	stream_shape_options(&stream->shape, &options);
	if (reprise_subscribe_after(gateway->store, cursor, &options, &subscription, NULL) !=
		    REPRISE_OK ||
	    watch_open(&stream->watch, gateway, subscription, on_ready) != REPRISE_OK)
		stream_cut(stream);
	else
		clients_link_watch(stream->clients, &stream->link, &stream->watch);
}

static reprise_status
subscribe(struct stream *stream, struct reprise_error *error)
{
	const struct place *const place = &stream->place;
	struct reprise_gateway *const gateway = stream->request->gateway;
	struct reprise_subscription_options options;
	struct reprise_subscription *subscription;
	reprise_status status;

	stream->clients = clients_add(gateway, stream->shape.session_id);
	if (stream->clients == NULL)
		return REPRISE_E_NO_MEMORY;
	stream_shape_options(&stream->shape, &options);
	if (place->at == PLACE_REVISION)
		status = reprise_resume_snapshot(gateway->store, place->cursor.session_id,
						 place->revision, &options, &subscription, error);
	else if (place->has_revision)
		status = reprise_resume_after(gateway->store, &place->cursor, place->revision,
					      &options, &subscription, error);
	else
		status = reprise_subscribe_after(gateway->store, &place->cursor, &options,
						 &subscription, error);
	if (status == REPRISE_OK)
		status = watch_open(&stream->watch, gateway, subscription, on_ready);
	if (status == REPRISE_OK)
		clients_link_watch(stream->clients, &stream->link, &stream->watch);
	return status;
}

static void
begin_stream(struct stream *stream)
{
	static const char *const names[] = { "oldest", "newest", "cursor", "revision", "position" };
	struct request *const request = stream->request;
	struct reprise_gateway *const gateway = request->gateway;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status = REPRISE_OK;

	if (!stream->is_head)
		status = subscribe(stream, &error);
	if (status != REPRISE_OK) {
		request_refuse_status(request, status, &error);
		return;
	}
	if (!request_stream(request, 200, "text/event-stream")) {
		watch_close(&stream->watch);
		return;
	}
	if (stream->is_head)
		return;
	stream->is_begun = true;
	stream->joins_left = JOINS_MAX;
	streams_link(stream);
	buffer_reset(&gateway->scratch);
	sse_hello(&gateway->scratch, &stream->shape, &stream->place.cursor, names[stream->place.at],
		  gateway->options.retry_ms, gateway->options.heartbeat_ms);
	if (stream_send_scratch(stream))
		read_alone(stream, STREAM_FIRST_BYTES);
}

/* Whether a route map has 204 in the place of the stream, or of the error. */
static bool
is_inactive(const struct stream *stream)
{
	const struct route_alias *const alias = stream->request->alias;
	const struct place *const place = &stream->place;

	if (alias == NULL)
		return false;
	if (!place->is_known)
		return alias->is_unknown_204 && !stream->waits_for_session;
	return alias->is_ended_204 && place_is_at_end(place);
}

static void
on_found(struct place *place)
{
	struct stream *const stream =
		(struct stream *)((char *)place - offsetof(struct stream, place));
	struct request *const request = place->request;

	if (request->exchange == NULL)
		return;
	if (request->gateway->is_draining)
		request_refuse(request, ERROR_SHUTTING_DOWN, NULL);
	else if (place->job.status != REPRISE_OK)
		request_refuse_status(request, place->job.status, &place->job.error);
	else if (is_inactive(stream))
		request_answer(request, 204, NULL, (struct http_text){ "", 0 });
	else if (!place->is_known && !stream->waits_for_session)
		request_refuse(request, ERROR_UNKNOWN_SESSION, NULL);
	else
		begin_stream(stream);
}

/* NULL, or what is wrong with the query. */
static const char *
parse_query(struct stream *stream, const struct query *query)
{
	if (!query_flag(query, QUERY_DONE, &stream->has_done))
		return "done is 0 or 1";
	if (!query_flag(query, QUERY_WAIT, &stream->waits_for_session))
		return "wait is 0 or 1";
	return stream_shape_parse(&stream->shape, stream->request->session_id, query);
}

static void
stream_begin(struct request *request, const struct http_head *head)
{
	struct stream *const stream = calloc(1, sizeof(*stream));
	const char *wrong;

	if (stream == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	request->state = stream;
	stream->request = request;
	stream->is_head = head->method == HTTP_METHOD_HEAD;
	stream->shape.names = request->alias == NULL ? NULL : request->alias->names;
	wrong = parse_query(stream, &request->query);
	if (wrong != NULL) {
		request_refuse(request, ERROR_BAD_QUERY, wrong);
		return;
	}
	if (stream->shape.is_recorded_only && !gateway_has_log(request->gateway)) {
		request_refuse(request, ERROR_NO_LOG, "recorded");
		return;
	}
	if (!place_parse(&stream->place, request, head))
		return;
	stream->place.is_recorded_only = stream->shape.is_recorded_only;
	stream->place.found = on_found;
}

/* The response begins behind the body, so that the connection can be kept. */
static void
stream_body_end(struct request *request)
{
	struct stream *const stream = request->state;

	place_find(&stream->place);
}

static void
stream_drain(struct request *request)
{
	struct stream *const stream = request->state;

	if (stream == NULL || !stream->is_begun)
		return;
	if (stream->channel != NULL)
		channel_drained(stream->channel);
	else
		read_alone(stream, STREAM_READ_BYTES);
}

static void
stream_close(struct request *request)
{
	struct stream *const stream = request->state;

	if (stream == NULL)
		return;
	stream->is_over = true;
	detach(stream);
	clients_remove(request->gateway, &stream->clients, &stream->link);
	if (!stream->is_begun)
		return;
	streams_unlink(stream);
	stream->is_begun = false;
}

static void
stream_release(struct request *request)
{
	free(request->state);
}

const struct route_calls stream_calls = {
	.begin = stream_begin,
	.body_end = stream_body_end,
	.drain = stream_drain,
	.close = stream_close,
	.release = stream_release,
};
