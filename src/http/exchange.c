/* SPDX-License-Identifier: MIT */
/*
 * A connection, and its exchanges one after the other. The input goes from head to body to whole,
 * the output from none, perhaps by way of a stream, to whole; when both are whole the next exchange
 * begins, or the connection lingers. Every cause (bytes, a drained socket, a deadline, a call of
 * the handler's) ends in exchange_advance, which is called by the loop alone: so a handler's call
 * changes the state, and never calls the handler.
 */
#include <stdlib.h>

#include <sys/socket.h>

#include "base/clock.h"
#include "http/server.h"
#include "http/tls.h"

enum {
	BODY_BYTES_A_MS = 1, /* a slower body is late: 1 KiB a second, roughly */
};

static struct evbuffer *
input_of(const struct http_exchange *exchange)
{
	return bufferevent_get_input(exchange->socket);
}

uint64_t
http_pending(const struct http_exchange *exchange)
{
	return evbuffer_get_length(bufferevent_get_output(exchange->socket));
}

void
exchange_schedule(struct http_exchange *exchange)
{
	bufferevent_trigger(exchange->socket, EV_READ,
			    (int)BEV_TRIG_IGNORE_WATERMARKS | (int)BEV_TRIG_DEFER_CALLBACKS);
}

static void
tell(struct http_exchange *exchange,
     void (*callback)(void *context, struct http_exchange *exchange))
{
	if (callback != NULL && exchange->is_told && !exchange->is_doomed)
		callback(exchange->server->handler.context, exchange);
}

static void
tell_close(struct http_exchange *exchange)
{
	const struct http_handler *const handler = &exchange->server->handler;

	if (!exchange->is_told)
		return;
	exchange->is_told = false;
	if (handler->on_close != NULL)
		handler->on_close(handler->context, exchange);
}

void
exchange_drained(struct http_exchange *exchange)
{
	timer_watch_output(exchange);
	exchange_hold_output(exchange);
	if (exchange->output == OUTPUT_STREAM)
		tell(exchange, exchange->server->handler.on_drain);
	exchange_advance(exchange);
}

void
exchange_close(struct http_exchange *exchange)
{
	struct http_server *const server = exchange->server;

	exchange->is_doomed = true;
	tell_close(exchange);
	event_del(&exchange->timer);
	exchange_forget_output(exchange);
	bufferevent_free(exchange->socket);
	TAILQ_REMOVE(&server->exchanges, exchange, link);
	peer_give(exchange->peer);
	server->stats.connections--;
	server->turned_away_now -= exchange->turn_away != 0;
	free(exchange);
	if (server->is_drain_begun && server->stats.connections == 0)
		event_base_loopbreak(server->base);
}

/* The refusal of a request: the last response of the connection. */
static bool
refuse(struct http_exchange *exchange, int status, const char *word)
{
	refuse_request(exchange, status, word);
	exchange->input = INPUT_WHOLE;
	return true;
}

static bool
refuse_rule(struct http_exchange *exchange, enum http_refusal refusal)
{
	exchange->server->stats.refused++;
	return refuse(exchange, http_refusal_status(refusal), http_refusal_word(refusal));
}

static bool
fail_for_memory(struct http_exchange *exchange)
{
	exchange->server->stats.no_memory++;
	exchange->is_doomed = true;
	return false;
}

/* The request is the handler's from here on. */
static void
hand_over(struct http_exchange *exchange, const struct http_head *head)
{
	struct http_server *const server = exchange->server;

	server->stats.requests++;
	exchange->is_told = true;
	exchange->body_bytes = 0;
	exchange->body_began_ns = clock_ns();
	exchange->input = http_body_is_over(&exchange->body) ? INPUT_WHOLE : INPUT_BODY;
	timer_set_read(exchange, exchange->input == INPUT_BODY ? server->options.body_ms : 0);
	server->handler.on_request(server->handler.context, exchange, head);
}

static void
ask_for_body(struct http_exchange *exchange)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

	/* A client that has begun to send does not wait. */
	if (exchange->input == INPUT_BODY && exchange->output == OUTPUT_NONE &&
	    evbuffer_get_length(input_of(exchange)) == 0) {
		put_bytes(exchange, interim, sizeof(interim) - 1);
		exchange_send(exchange);
	}
}

static bool
begin_request(struct http_exchange *exchange, const char *bytes, size_t size)
{
	struct http_server *const server = exchange->server;
	struct http_head *const head = &server->head;
	enum http_refusal refusal = http_parse_head(bytes, size, head);
	bool expects_continue;

	/* Of a head that was refused, too: without a method it is a GET. */
	exchange->is_head = head->method == HTTP_METHOD_HEAD;
	exchange->is_http10 = refusal == HTTP_REFUSAL_NONE && head->minor == 0;
	if (refusal == HTTP_REFUSAL_NONE && exchange->turn_away != 0)
		return refuse(exchange, exchange->turn_away, "too-many-connections");
	if (refusal == HTTP_REFUSAL_NONE && !peer_may_ask(server, exchange->peer)) {
		server->stats.too_many++;
		return refuse(exchange, 429, "too-many-requests");
	}
	if (refusal == HTTP_REFUSAL_NONE)
		refusal = http_body_begin(&exchange->body, head, server->options.body_bytes_max);
	if (refusal != HTTP_REFUSAL_NONE)
		return refuse_rule(exchange, refusal);
	exchange->keeps_alive = head->keeps_alive;
	expects_continue = head->expects_continue;
	hand_over(exchange, head);
	evbuffer_drain(input_of(exchange), size);
	if (expects_continue)
		ask_for_body(exchange);
	if (exchange->input == INPUT_WHOLE && exchange->output != OUTPUT_WHOLE)
		tell(exchange, server->handler.on_body_end);
	return true;
}

static bool
take_head(struct http_exchange *exchange)
{
	const size_t size = evbuffer_get_length(input_of(exchange));
	const size_t most = size <= HTTP_HEAD_BYTES_MAX ? size : HTTP_HEAD_BYTES_MAX + 1;
	const bool is_first = exchange->scan.scanned == 0;
	enum http_refusal refusal;
	const char *bytes;

	if (http_pending(exchange) > OUTPUT_BYTES_EASY)
		return false; /* until the client has taken the responses before */
	if (size == 0) {
		if (exchange->server->drain_deadline_ns != 0)
			exchange->input = INPUT_DISCARD;
		else if (exchange->is_half_closed && http_pending(exchange) == 0)
			exchange->is_doomed = true;
		return exchange->input == INPUT_DISCARD;
	}
	bytes = (const char *)evbuffer_pullup(input_of(exchange), (ev_ssize_t)most);
	if (bytes == NULL)
		return fail_for_memory(exchange);
	if (is_first && exchange->turn_away == 0)
		timer_set_read(exchange, exchange->server->options.head_ms);
	switch (http_scan_head(&exchange->scan, bytes, most, &refusal)) {
	case HTTP_COMPLETE:
		return begin_request(exchange, bytes, exchange->scan.scanned);
	case HTTP_REFUSED:
		return refuse_rule(exchange, refusal);
	case HTTP_INCOMPLETE:
		break;
	}
	exchange->is_doomed = exchange->is_doomed || exchange->is_half_closed;
	return false;
}

static void
end_body(struct http_exchange *exchange)
{
	exchange->input = INPUT_WHOLE;
	timer_set_read(exchange, 0);
	tell(exchange, exchange->server->handler.on_body_end);
}

static bool
take_body(struct http_exchange *exchange)
{
	const struct http_handler *const handler = &exchange->server->handler;
	struct evbuffer *const input = input_of(exchange);
	struct evbuffer_iovec part;
	struct http_text piece;
	size_t taken;

	if (exchange->is_paused)
		return false;
	if (evbuffer_peek(input, -1, NULL, &part, 1) < 1 || part.iov_len == 0) {
		exchange->is_doomed = exchange->is_doomed || exchange->is_half_closed;
		return false;
	}
	taken = http_body_take(&exchange->body, part.iov_base, part.iov_len, &piece);
	exchange->body_bytes += taken;
	if (exchange->read_deadline_ns != 0)
		exchange->read_deadline_ns =
			exchange->body_began_ns + (exchange->server->options.body_ms +
						   exchange->body_bytes / BODY_BYTES_A_MS) *
							  UINT64_C(1000000);
	if (piece.size != 0 && handler->on_body != NULL)
		handler->on_body(handler->context, exchange, piece);
	evbuffer_drain(input, taken);
	if (exchange->body.state == HTTP_BODY_REFUSED) {
		if (exchange->output == OUTPUT_NONE)
			return refuse_rule(exchange, exchange->body.refusal);
		exchange->server->stats.refused++;
		exchange->is_doomed = true;
	} else if (http_body_is_over(&exchange->body) && exchange->output != OUTPUT_WHOLE) {
		end_body(exchange);
	}
	return true;
}

/* Request and response are whole, or the response came before the body's end. */
static bool
end_exchange(struct http_exchange *exchange)
{
	tell_close(exchange);
	exchange->context = NULL;
	exchange->output = OUTPUT_NONE;
	exchange->wants_shutdown = false;
	exchange->is_paused = false;
	exchange->is_head = false;
	exchange->scan = (struct http_scan){ 0 };
	if (exchange->keeps_alive && exchange->server->drain_deadline_ns == 0) {
		exchange->input = INPUT_HEAD;
		timer_set_read(exchange, exchange->server->options.idle_ms);
	} else {
		exchange->input = INPUT_DISCARD;
		timer_set_read(exchange, 0);
	}
	return true;
}

/*
 * Drops what comes. A socket that is closed with bytes unread resets its connection, and the client
 * may lose the response then; so the sending half is closed first, and the rest when the client has
 * closed its half, or after a while.
 */
static bool
discard(struct http_exchange *exchange)
{
	struct evbuffer *const input = input_of(exchange);

	evbuffer_drain(input, evbuffer_get_length(input));
	if (http_pending(exchange) != 0)
		return false;
	if (!exchange->is_shut) {
		exchange->is_shut = true;
		tls_shut(exchange->socket);
		shutdown(bufferevent_getfd(exchange->socket), SHUT_WR);
		timer_set_read(exchange, exchange->server->options.linger_ms);
	}
	exchange->is_doomed = exchange->is_doomed || exchange->is_half_closed;
	return false;
}

/* One step; false if there is nothing to do before the next cause. */
static bool
step(struct http_exchange *exchange)
{
	switch (exchange->input) {
	case INPUT_HEAD:
		return take_head(exchange);
	case INPUT_BODY:
		return exchange->output == OUTPUT_WHOLE ? end_exchange(exchange)
							: take_body(exchange);
	case INPUT_WHOLE:
		if (exchange->output == OUTPUT_WHOLE)
			return end_exchange(exchange);
		/*
		 * The client of a stream that closes its half has gone; another one waits for its
		 * response.
		 */
		if (exchange->output == OUTPUT_STREAM && exchange->is_half_closed)
			exchange->is_doomed = true;
		return false;
	case INPUT_DISCARD:
		return discard(exchange);
	}
	return false;
}

/*
 * Stops reading while what has come is too much, and goes on afterwards. libevent has a watermark
 * for that, whose callback takes memory, and crashes without.
 */
static void
bound_input(struct http_exchange *exchange)
{
	const bool is_full = evbuffer_get_length(input_of(exchange)) >= INPUT_BYTES_MAX;

	if (is_full == exchange->is_full)
		return;
	exchange->is_full = is_full;
	if (is_full)
		bufferevent_disable(exchange->socket, EV_READ);
	else if (bufferevent_enable(exchange->socket, EV_READ) != 0)
		fail_for_memory(exchange);
}

void
exchange_advance(struct http_exchange *exchange)
{
	if (exchange->wants_shutdown) {
		exchange->wants_shutdown = false;
		tell(exchange, exchange->server->handler.on_shutdown);
	}
	while (!exchange->is_doomed && step(exchange))
		continue;
	if (!exchange->is_doomed)
		bound_input(exchange);
	if (exchange->is_doomed)
		exchange_close(exchange);
}
