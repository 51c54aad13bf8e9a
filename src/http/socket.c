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
	exchange->turn_away = turn_away;
	event_assign(&exchange->timer, server->base, -1, 0, timer_fired, exchange);
	bufferevent_setcb(socket, on_bytes, on_drained, on_event, exchange);
	TAILQ_INSERT_TAIL(&server->exchanges, exchange, link);
	server->stats.connections++;
	server->turned_away_now += turn_away != 0;
	timer_set_read(exchange,
		       turn_away == 0 ? server->options.idle_ms : server->options.linger_ms);
	if (bufferevent_enable(socket, EV_READ | EV_WRITE) != 0 || exchange->is_doomed) {
		exchange_close(exchange); /* the caller gives the peer back */
		return false;
	}
	exchange->peer = peer;
	return true;
}
