/* SPDX-License-Identifier: MIT */
/*
 * Server-Sent Events of a durable stream: a block `data` for each event, or for the values of a
 * piece as an array of JSON, and behind each a block `control` with the offset to come back with.
 * A data line has no space behind its colon: a client takes one space off, and a payload may begin
 * with one.
 *
 * The answer ends behind `streamClosed`; about once a minute, so that clients may be collected by a
 * cache; and without a word when events are lost: the client comes back, and gets 410.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "gateway/durable_read.h"
#include "gateway/gateway.h"
#include "gateway/stream.h"

enum {
	HEALED_BYTES_MAX = 64 << 10, /* of a subscription that has everything */
	RECYCLE_LEAST_MS = 55000,
	RECYCLE_SPREAD_MS = 10000, /* clients that came at once do not come back at once */
};

/* A line ends with CR LF, CR or LF, as clients see it; each line becomes a data line. */
static void
add_lines(struct buffer *buffer, struct http_text text)
{
	const char *at = text.data, *const end = text.data + text.size;

	while (at < end) {
		const char *line_end = at;

		while (line_end < end && *line_end != '\n' && *line_end != '\r')
			line_end++;
		buffer_add(buffer, at, (size_t)(line_end - at));
		if (line_end == end)
			return;
		buffer_text(buffer, "\ndata:");
		at = line_end + 1;
		if (*line_end == '\r' && at < end && *at == '\n')
			at++;
	}
}

/* Never less than the one before. */
static uint64_t
next_cursor(struct durable_read *read)
{
	const uint64_t cursor = read->cursor == 0 ? durable_new_cursor(read)
						  : durable_cursor((uint64_t)time(NULL), NULL, 0);

	if (read->cursor < cursor)
		read->cursor = cursor;
	return read->cursor;
}

static void
add_control(struct durable_read *read, struct buffer *buffer, bool is_up_to_date, bool is_closed)
{
	char offset[DURABLE_OFFSET_BYTES];

	durable_offset_format(read->end, offset);
	buffer_text(buffer, "event: control\ndata:{\"streamNextOffset\":\"");
	buffer_text(buffer, offset);
	if (is_closed) {
		buffer_text(buffer, "\",\"streamClosed\":true}\n\n");
	} else {
		buffer_text(buffer, "\",\"streamCursor\":\"");
		buffer_number(buffer, next_cursor(read));
		buffer_text(buffer, is_up_to_date ? "\",\"upToDate\":true}\n\n" : "\"}\n\n");
	}
	read->has_data_due = false;
	read->was_up_to_date = is_up_to_date;
}

static void
add_value(struct durable_read *read, struct buffer *buffer, struct http_text payload)
{
	if (payload.size == 0)
		return;
	buffer_text(buffer, read->has_array ? "," : "event: data\ndata:[");
	add_lines(buffer, payload);
	read->has_array = true;
}

static void
add_data(struct durable_read *read, struct buffer *buffer, struct http_text payload)
{
	if (read->is_json) {
		add_value(read, buffer, payload);
	} else {
		if (read->has_data_due)
			add_control(read, buffer, false, false);
		buffer_text(buffer, "event: data\ndata:");
		if (read->is_text)
			add_lines(buffer, payload);
		else
			buffer_base64(buffer, payload.data, payload.size);
		buffer_text(buffer, "\n\n");
	}
	read->end = read->position;
	read->has_data_due = true;
	read->values++;
}

/* Encodes a piece with its control blocks. Returns the answer that ended the piece. */
static enum durable_taken
encode(struct durable_read *read, struct buffer *buffer, size_t bytes)
{
	enum durable_taken taken = DURABLE_TAKEN_CONTROL;
	struct http_text payload;
	bool is_up_to_date, is_closed;

	for (int i = 0; i < DURABLE_TAKES_PER_TURN && buffer->size < bytes; i++) {
		taken = durable_take(read, &payload);
		if (taken == DURABLE_TAKEN_DATA)
			add_data(read, buffer, payload);
		else if (taken != DURABLE_TAKEN_CONTROL)
			break;
	}
	if (read->has_array)
		buffer_text(buffer, "]\n\n");
	read->has_array = false;
	is_up_to_date = taken == DURABLE_TAKEN_NOTHING && durable_is_at_tail(read);
	is_closed = is_up_to_date && durable_is_at_close(read);
	if (read->has_data_due || is_closed || (is_up_to_date && !read->was_up_to_date))
		add_control(read, buffer, is_up_to_date, is_closed);
	read->is_closed = is_closed;
	return taken;
}

static void
finish(struct durable_read *read)
{
	if (http_finish(read->request->exchange) != REPRISE_OK)
		http_abort(read->request->exchange);
	durable_end_read(read);
}

static uint32_t
pick_recycle_ms(const struct durable_read *read)
{
	uint32_t random;

	if (!random_bytes(&random, sizeof(random)))
		random = (uint32_t)read->request->gateway->now_ns;
	return RECYCLE_LEAST_MS + random % RECYCLE_SPREAD_MS;
}

/* False: the client is gone. */
static bool
send_head(struct durable_read *read)
{
	struct reprise_gateway *const gateway = read->request->gateway;
	struct durable_fields fields = { .count = 0 };

	durable_add(&fields, "Content-Type", "text/event-stream");
	durable_add(&fields, "Cache-Control", "no-cache, no-transform");
	durable_add(&fields, "X-Accel-Buffering", "no");
	if (!read->is_json && !read->is_text)
		durable_add(&fields, "Stream-SSE-Data-Encoding", "base64");
	if (!durable_stream(read->request, 200, &fields)) {
		durable_end_read(read);
		return false;
	}
	read->is_begun = true;
	read->recycled_ns = gateway->now_ns + (uint64_t)pick_recycle_ms(read) * 1000000;
	count(&gateway->counters.streams, 1);
	return true;
}

/* Without anything to send the head waits, so that a loss can be 410. False: it does, or did. */
static bool
begin(struct durable_read *read, const struct buffer *piece, enum durable_taken taken)
{
	if (piece->size > 0)
		return send_head(read);
	if (taken == DURABLE_TAKEN_LOSS)
		durable_refuse_expired(read, read->earliest);
	else if (taken == DURABLE_TAKEN_OTHER)
		durable_judge_other(read);
	else if (taken != DURABLE_TAKEN_NOTHING)
		watch_again(&read->watch);
	return false;
}

static bool
send_piece(struct durable_read *read, struct buffer *piece)
{
	struct gateway_counters *const counters = &read->request->gateway->counters;

	if (piece->size == 0)
		return true;
	read->sent_ns = read->moved_ns = read->request->gateway->now_ns;
	count(&counters->events_sent, (int64_t)read->values);
	count(&counters->events_encoded, (int64_t)read->values);
	read->values = 0;
	if (http_write(read->request->exchange, (struct http_text){ piece->data, piece->size }) ==
	    REPRISE_OK)
		return true;
	durable_cut_read(read);
	return false;
}

static void
fail(struct durable_read *read, enum error_code code)
{
	if (read->is_begun) {
		durable_cut_read(read);
		return;
	}
	request_refuse(read->request, code, NULL);
	durable_end_read(read);
}

static void on_found_again(struct durable_from *from);

static void
renew_subscription(struct durable_read *read)
{
	durable_suspend_healed(read);
	durable_find(read, on_found_again);
}

static void
go(struct durable_read *read, size_t bytes)
{
	struct buffer *const scratch = &read->request->gateway->scratch;
	enum durable_taken taken;

	if (read->is_over || read->is_looking || read->is_finding ||
	    http_pending(read->request->exchange) > STREAM_PENDING_MAX)
		return;
	if (read->is_suspended) {
		durable_find(read, on_found_again);
		return;
	}
	buffer_reset(scratch);
	taken = encode(read, scratch, bytes);
	if (scratch->failed) {
		fail(read, ERROR_NO_MEMORY);
		return;
	}
	if ((!read->is_begun && !begin(read, scratch, taken)) || !send_piece(read, scratch))
		return;
	if (read->is_closed || taken == DURABLE_TAKEN_LOSS || taken == DURABLE_TAKEN_OTHER)
		finish(read);
	else if (taken != DURABLE_TAKEN_NOTHING)
		watch_again(&read->watch);
	else if (read->healed_bytes > HEALED_BYTES_MAX && read->was_up_to_date)
		renew_subscription(read);
}

void
durable_sse_go(struct durable_read *read)
{
	go(read, STREAM_READ_BYTES);
}

static void
on_ready(struct watch *watch)
{
	durable_sse_go(durable_read_of_watch(watch));
}

static void
on_found_again(struct durable_from *from)
{
	durable_reopen(durable_read_of_from(from), on_ready);
}

static void
on_found(struct durable_from *from)
{
	struct durable_read *const read = durable_read_of_from(from);

	if (!durable_watch(read, on_ready))
		return;
	durable_wait_for_log(read);
	if (read->request->gateway->is_draining)
		fail(read, ERROR_SHUTTING_DOWN);
	else
		go(read, STREAM_FIRST_BYTES);
}

void
durable_sse(struct durable_read *read)
{
	read->end = read->begin;
	read->clients = clients_add(read->request->gateway, read->request->session_id);
	if (read->clients == NULL) {
		fail(read, ERROR_NO_MEMORY);
		return;
	}
	clients_link_watch(read->clients, &read->link, &read->watch);
	durable_find(read, on_found);
}

void
durable_sse_tick(struct durable_read *read)
{
	static const struct http_text heartbeat = { ":\n", 2 };
	const struct reprise_gateway *const gateway = read->request->gateway;
	const uint64_t silence_ns = (uint64_t)gateway->options.heartbeat_ms * 1000000;

	if (!read->is_begun) {
		if (gateway->now_ns >= read->until_ns)
			fail(read, ERROR_LOG_UNAVAILABLE);
	} else if (gateway->now_ns >= read->recycled_ns) {
		finish(read);
	} else if (gateway->now_ns - read->sent_ns >= silence_ns) {
		read->sent_ns = gateway->now_ns;
		if (http_pending(read->request->exchange) == 0)
			(void)http_write(read->request->exchange, heartbeat);
	}
}

void
durable_sse_shutdown(struct durable_read *read)
{
	if (read->is_begun)
		finish(read);
	else
		fail(read, ERROR_SHUTTING_DOWN);
}
