/* SPDX-License-Identifier: MIT */
/* For all streams of the gateway: heartbeats, and `bye` at the shutdown. */
#include "base/random.h"
#include "gateway/gateway.h"
#include "gateway/sse.h"
#include "gateway/stream.h"

void
streams_link(struct stream *stream)
{
	struct reprise_gateway *const gateway = stream->request->gateway;

	stream->next = gateway->streams;
	if (gateway->streams != NULL)
		gateway->streams->previous = stream;
	gateway->streams = stream;
	count(&gateway->counters.streams, 1);
}

void
streams_unlink(struct stream *stream)
{
	struct reprise_gateway *const gateway = stream->request->gateway;

	if (stream->previous == NULL)
		gateway->streams = stream->next;
	else
		stream->previous->next = stream->next;
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	count(&gateway->counters.streams, -1);
}

/* The time to come back, spread so that the clients of a gateway do not come at once. */
static uint32_t
pick_retry_ms(const struct reprise_gateway *gateway)
{
	const uint32_t least = gateway->options.retry_ms;
	uint32_t random = 0;

	if (!random_bytes(&random, sizeof(random)))
		random = (uint32_t)gateway->now_ns;
	return least + random % (2 * least + 1);
}

static void
say_bye(struct stream *stream)
{
	struct reprise_gateway *const gateway = stream->request->gateway;
	struct reprise_cursor cursor;

	if (stream->is_over || !stream->is_begun)
		return;
	if (stream->channel != NULL)
		channel_cursor(stream->channel, &cursor);
	else if (reprise_subscription_cursor(stream->watch.subscription, &cursor) != REPRISE_OK)
		return;
	buffer_reset(&gateway->scratch);
	sse_bye(&gateway->scratch, &stream->shape, &cursor, pick_retry_ms(gateway));
	stream->has_done = false; /* the session goes on */
	if (stream_send_scratch(stream))
		stream_finish(stream);
}

void
streams_shutdown(struct reprise_gateway *gateway)
{
	for (struct stream *stream = gateway->streams; stream != NULL; stream = stream->next)
		say_bye(stream);
}

void
streams_tick(struct reprise_gateway *gateway)
{
	static const struct http_text heartbeat = { ":\n", 2 };
	const uint64_t silence_ns = (uint64_t)gateway->options.heartbeat_ms * 1000000;

	for (struct stream *stream = gateway->streams; stream != NULL; stream = stream->next) {
		if (stream->is_over || gateway->now_ns - stream->sent_ns < silence_ns)
			continue;
		stream->sent_ns = gateway->now_ns;
		if (http_pending(stream->request->exchange) == 0)
			(void)http_write(stream->request->exchange, heartbeat);
	}
}
