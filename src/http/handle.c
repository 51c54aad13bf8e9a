/* SPDX-License-Identifier: MIT */
/* The smaller calls on an exchange. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "http/server.h"

enum {
	HOST_BYTES_MAX = 64,
	PORT_BYTES_MAX = 8,
};

void
http_exchange_set_context(struct http_exchange *exchange, void *context)
{
	exchange->context = context;
}

void *
http_exchange_context(const struct http_exchange *exchange)
{
	return exchange->context;
}

struct http_server *
http_exchange_server(const struct http_exchange *exchange)
{
	return exchange->server;
}

void
http_exchange_peer(const struct http_exchange *exchange, char *text, size_t room)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];

	if (room != 0)
		text[0] = '\0';
	if (getpeername(bufferevent_getfd(exchange->socket), (struct sockaddr *)&address, &size) ==
		    0 &&
	    getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(text, room, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
			 port);
}

void
http_pause(struct http_exchange *exchange)
{
	exchange->is_paused = true;
	if (exchange->input == INPUT_BODY)
		timer_set_read(exchange, 0);
}

void
http_resume(struct http_exchange *exchange)
{
	if (!exchange->is_paused)
		return;
	exchange->is_paused = false;
	if (exchange->input == INPUT_BODY)
		timer_set_read(exchange, exchange->server->options.body_ms);
	exchange_schedule(exchange);
}

void
http_abort(struct http_exchange *exchange)
{
	exchange->is_doomed = true;
	exchange_schedule(exchange);
}
