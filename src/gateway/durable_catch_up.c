/* SPDX-License-Identifier: MIT */
/*
 * A catch-up answer: the events behind `begin` up to `end`, which the head has named. A small
 * answer is sent whole. A large one is sent in pieces, and an event in pieces, too: what is pending
 * for a slow client is never more than a piece.
 *
 * Each event up to `end` was recorded when the head was made. If one is not kept any more, then an
 * answer without a head ends before the loss, or is 410; behind the head the connection is cut.
 */
#include "gateway/durable_read.h"
#include "gateway/gateway.h"
#include "gateway/stream.h"

enum filled {
	FILLED_PIECE,
	FILLED_END,
	FILLED_NOTHING_MORE, /* now */
	FILLED_SUSPENDED,    /* there is no subscription */
	FILLED_LOSS,
	FILLED_OTHER,
};

static void
take_payload(struct durable_read *read, struct buffer *buffer, struct http_text payload)
{
	if (payload.size == 0)
		return;
	if (read->is_json)
		buffer_add(buffer, read->values == 0 ? "[" : ",", 1);
	read->values++;
	read->rest = payload;
}

/* Moves a part of the present event. False: the buffer is full. */
static bool
move_rest(struct durable_read *read, struct buffer *buffer)
{
	struct http_text *const rest = &read->rest;
	const size_t room =
		buffer->size < DURABLE_PIECE_BYTES ? DURABLE_PIECE_BYTES - buffer->size : 0;
	const size_t size = rest->size < room ? rest->size : room;

	buffer_add(buffer, rest->data, size);
	rest->data += size;
	rest->size -= size;
	return rest->size == 0 && buffer->size < DURABLE_PIECE_BYTES;
}

static void
close_array(struct durable_read *read, struct buffer *buffer)
{
	if (read->is_json)
		buffer_text(buffer, read->values == 0 ? "[]" : "]");
}

static enum filled
fill(struct durable_read *read, struct buffer *buffer)
{
	struct http_text payload;

	for (int i = 0; i < DURABLE_TAKES_PER_TURN; i++) {
		if (read->rest.size > 0 && !move_rest(read, buffer))
			return FILLED_PIECE;
		if (read->position >= read->end) {
			close_array(read, buffer);
			return FILLED_END;
		}
		if (read->is_suspended)
			return FILLED_SUSPENDED;
		switch (durable_take(read, &payload)) {
		case DURABLE_TAKEN_DATA:
			take_payload(read, buffer, payload);
			break;
		case DURABLE_TAKEN_CONTROL:
			break;
		case DURABLE_TAKEN_NOTHING:
			return FILLED_NOTHING_MORE;
		case DURABLE_TAKEN_LOSS:
			return FILLED_LOSS;
		case DURABLE_TAKEN_OTHER:
			return FILLED_OTHER;
		}
	}
	return FILLED_PIECE;
}

static void
count_events(struct durable_read *read)
{
	struct gateway_counters *const counters = &read->request->gateway->counters;

	count(&counters->events_sent, (int64_t)read->values);
	count(&counters->events_encoded, (int64_t)read->values);
}

static void
answer_whole(struct durable_read *read)
{
	struct durable_fields fields;
	char etag[DURABLE_ETAG_BYTES];

	durable_head_of_read(read, &fields, etag);
	durable_answer(read->request, 200, &fields,
		       (struct http_text){ read->body.data, read->body.size });
	count_events(read);
	durable_end_read(read);
}

/* The answer ends before the loss; the next request gets 410. */
static void
answer_before_loss(struct durable_read *read)
{
	if (read->position == read->begin) {
		durable_refuse_expired(read, read->earliest);
		return;
	}
	read->end = read->position;
	read->is_up_to_date = read->is_closed = false;
	close_array(read, &read->body);
	answer_whole(read);
}

static void
lose(struct durable_read *read, enum filled filled)
{
	if (read->is_begun)
		durable_cut_read(read);
	else if (filled == FILLED_LOSS)
		answer_before_loss(read);
	else
		durable_judge_other(read);
}

/* Sends the head and the first piece, or the next piece. False: the answer is over. */
static bool
send_piece(struct durable_read *read, struct buffer *piece)
{
	struct request *const request = read->request;
	struct durable_fields fields;
	char etag[DURABLE_ETAG_BYTES];
	bool is_sent = true;

	if (!read->is_begun) {
		durable_head_of_read(read, &fields, etag);
		is_sent = durable_stream(request, 200, &fields);
		read->is_begun = true;
	}
	if (is_sent && piece->size > 0)
		is_sent = http_write(request->exchange,
				     (struct http_text){ piece->data, piece->size }) == REPRISE_OK;
	piece->size = 0;
	read->moved_ns = request->gateway->now_ns;
	if (!is_sent)
		durable_cut_read(read);
	else
		buffer_free(&read->body);
	return is_sent;
}

static void
finish(struct durable_read *read)
{
	if (http_finish(read->request->exchange) != REPRISE_OK)
		http_abort(read->request->exchange);
	count_events(read);
	durable_end_read(read);
}

static void
refuse_no_memory(struct durable_read *read)
{
	if (read->is_begun) {
		durable_cut_read(read);
		return;
	}
	request_refuse(read->request, ERROR_NO_MEMORY, NULL);
	durable_end_read(read);
}

/* Without a piece nothing is sent yet: the answer may be small. */
static void
wait_more(struct durable_read *read, enum filled filled)
{
	if (filled == FILLED_PIECE)
		watch_again(&read->watch);
}

static void
on_ready(struct watch *watch)
{
	durable_catch_up_go(durable_read_of_watch(watch));
}

static void
on_found_again(struct durable_from *from)
{
	durable_reopen(durable_read_of_from(from), on_ready);
}

/* A piece was sent. */
static void
go_on(struct durable_read *read, enum filled filled)
{
	if (filled == FILLED_END)
		finish(read);
	else if (filled == FILLED_SUSPENDED)
		durable_find(read, on_found_again);
	else if (filled == FILLED_PIECE && !read->is_suspended)
		watch_again(&read->watch);
}

/*
 * One piece in a turn of the loop: the next one waits on the list of the ready, or for the socket.
 */
void
durable_catch_up_go(struct durable_read *read)
{
	struct buffer *const scratch = &read->request->gateway->scratch;
	struct buffer *const piece = read->is_begun ? scratch : &read->body;
	const reprise_position position = read->position;
	enum filled filled;

	if (read->is_over || read->is_looking || read->is_finding ||
	    http_pending(read->request->exchange) > STREAM_PENDING_MAX)
		return;
	if (read->is_begun)
		buffer_reset(scratch);
	filled = fill(read, piece);
	if (read->position != position)
		durable_wait_for_log(read);
	if (piece->failed)
		refuse_no_memory(read);
	else if (filled == FILLED_LOSS || filled == FILLED_OTHER)
		lose(read, filled);
	else if (filled == FILLED_END && !read->is_begun)
		answer_whole(read);
	else if (!read->is_begun && piece->size < DURABLE_PIECE_BYTES)
		wait_more(read, filled);
	else if (send_piece(read, piece))
		go_on(read, filled);
}

static void
on_found(struct durable_from *from)
{
	struct durable_read *const read = durable_read_of_from(from);

	if (durable_watch(read, on_ready))
		durable_catch_up_go(read);
}

static void
answer_known(struct durable_read *read)
{
	struct durable_fields fields;
	char etag[DURABLE_ETAG_BYTES];

	durable_head_of_read(read, &fields, etag);
	durable_answer(read->request, 304, &fields, (struct http_text){ "", 0 });
	durable_end_read(read);
}

void
durable_catch_up(struct durable_read *read)
{
	if (durable_is_known(read)) {
		answer_known(read);
	} else if (read->begin == read->end) {
		close_array(read, &read->body);
		if (read->body.failed)
			refuse_no_memory(read);
		else
			answer_whole(read);
	} else {
		durable_wait_for_log(read);
		durable_find(read, on_found);
	}
}

void
durable_catch_up_take(struct durable_read *read, struct http_text payload)
{
	take_payload(read, &read->body, payload);
}

void
durable_catch_up_begin(struct durable_read *read)
{
	durable_wait_for_log(read);
	durable_catch_up_go(read);
}

void
durable_catch_up_tick(struct durable_read *read)
{
	const struct request *const request = read->request;

	/* The server judges bytes that the client has not taken yet. */
	if (request->gateway->now_ns < read->until_ns || http_pending(request->exchange) > 0)
		return;
	if (read->is_begun) {
		durable_cut_read(read);
		return;
	}
	request_refuse(read->request, ERROR_LOG_UNAVAILABLE, NULL);
	durable_end_read(read);
}
