/* SPDX-License-Identifier: MIT */
/* The socket of a connection, and its way into exchange.c. */
#include <stdlib.h>
#include <unistd.h>

#include "http/server.h"
#include "http/tls.h"

static void
on_bytes(struct bufferevent *socket, void *exchange)
{
	(void)socket;
	exchange_advance(exchange);
}

static void
on_drained(struct bufferevent *socket, void *exchange)
{
	(void)socket;
	exchange_drained(exchange);
}

static void
on_event(struct bufferevent *socket, short what, void *exchange_)
{
	struct http_exchange *const exchange = exchange_;

	(void)socket;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		return; /* a handshake is over */
	if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0)
		exchange->is_half_closed = true;
	else
		exchange->is_doomed = true;
	exchange_advance(exchange);
}

void
exchange_hold_output(struct http_exchange *exchange)
{
	if (!exchange->has_tls)
		bufferevent_disable(exchange->socket, EV_WRITE);
}

void
exchange_send(struct http_exchange *exchange)
{
	struct http_server *const server = exchange->server;

	if (exchange->is_unsent)
		return;
	/* The loop sends already, or TLS does. */
	if (http_pending(exchange) == 0 ||
	    (bufferevent_get_enabled(exchange->socket) & EV_WRITE) != 0) {
		timer_watch_output(exchange);
		return;
	}
	exchange->is_unsent = true;
	server->unsent_count++;
	TAILQ_INSERT_TAIL(&server->unsent, exchange, unsent);
	event_active(server->send, EV_TIMEOUT, 1);
}

void
exchange_forget_output(struct http_exchange *exchange)
{
	if (!exchange->is_unsent)
		return;
	exchange->is_unsent = false;
	exchange->server->unsent_count--;
	TAILQ_REMOVE(&exchange->server->unsent, exchange, unsent);
}

static void
send_output(struct http_exchange *exchange)
{
	struct evbuffer *const output = bufferevent_get_output(exchange->socket);

	if (exchange->is_doomed)
		return;
	/* A failure is left to libevent, which meets the failure again, and tells. */
	evbuffer_unfreeze(output, 1);
	(void)evbuffer_write(output, bufferevent_getfd(exchange->socket));
	evbuffer_freeze(output, 1);
	if (evbuffer_get_length(output) == 0)
		exchange_drained(exchange);
	else
		timer_watch_output(exchange);
}

void
sockets_send(evutil_socket_t fd, short what, void *server_)
{
	struct http_server *const server = server_;
	struct http_exchange *exchange;

	(void)fd;
	(void)what;
	for (uint64_t left = server->unsent_count; left > 0; left--) {
		exchange = TAILQ_FIRST(&server->unsent);
		if (exchange == NULL)
			break;
		exchange_forget_output(exchange);
		send_output(exchange);
	}
	/* Bytes that were put meanwhile wait for their turn. */
	if (!TAILQ_EMPTY(&server->unsent))
		event_active(server->send, EV_TIMEOUT, 1);
}

static struct bufferevent *
make_socket(const struct http_server *server, int fd)
{
	return server->tls == NULL ? bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE)
				   : tls_socket(server->tls, server->base, fd);
}

bool
exchange_open(struct http_server *server, int fd, struct peer *peer, int turn_away)
{
	struct http_exchange *const exchange = calloc(1, sizeof(*exchange));
	struct bufferevent *const socket = exchange == NULL ? NULL : make_socket(server, fd);

	if (socket == NULL) {
		free(exchange);
		close(fd);
		return false;
	}
	exchange->server = server;
	exchange->socket = socket;
	exchange->has_tls = server->tls != NULL;
	exchange->turn_away = turn_away;
	event_assign(&exchange->timer, server->base, -1, 0, timer_fired, exchange);
	bufferevent_setcb(socket, on_bytes, on_drained, on_event, exchange);
	TAILQ_INSERT_TAIL(&server->exchanges, exchange, link);
	server->stats.connections++;
	server->turned_away_now += turn_away != 0;
	timer_set_read(exchange,
		       turn_away == 0 ? server->options.idle_ms : server->options.linger_ms);
	exchange_hold_output(exchange);
	if (bufferevent_enable(socket, (short)(exchange->has_tls ? EV_READ | EV_WRITE : EV_READ)) !=
		    0 ||
	    exchange->is_doomed) {
		exchange_close(exchange); /* the caller gives the peer back */
		return false;
	}
	exchange->peer = peer;
	return true;
}
