/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets, and the connections that come from them. Where the process has no descriptor
 * or no memory left, accept pauses: the kernel keeps the connection in its queue and the socket
 * readable, and a loop that asks again at once would spin.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "http/server.h"

enum {
	ACCEPTS_AT_ONCE = 64, /* then the connections that are open have their turn */
	PAUSE_US = 100000,
	HOST_BYTES_MAX = 64,
	PORT_BYTES_MAX = 8,
};

/* Above a limit: the status that says so; 0 below. */
static int
judge_limits(const struct http_server *server, const struct peer *peer)
{
	if (server->stats.connections - server->turned_away_now >= server->options.connections_max)
		return 503;
	if (peer != NULL && peer->connections > server->options.connections_per_peer_max)
		return 429;
	return 0;
}

static void
take_connection(struct http_server *server, int fd, const struct sockaddr *address)
{
	struct peer *const peer = peer_take(server, address);
	const int turn_away = judge_limits(server, peer);
	const int on = 1;

	server->stats.accepted++;
	server->stats.turned_away += turn_away != 0;
	if (turn_away != 0 && server->turned_away_now == TURNED_AWAY_MAX) {
		close(fd);
		peer_give(peer);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!exchange_open(server, fd, peer, turn_away)) {
		server->stats.no_memory++;
		peer_give(peer);
	}
}

static void
pause_accept(struct http_server *server)
{
	const struct timeval pause = { .tv_usec = PAUSE_US };

	server->stats.accept_failures++;
	for (uint32_t i = 0; i < server->listens_count; i++)
		event_del(server->listens[i].event);
	/* The timer is in libevent's heap already, and moving the timer there needs no memory. */
	event_add(server->accept_again, &pause);
}

void
accept_resume(evutil_socket_t fd, short what, void *server_)
{
	static const struct timeval day = { .tv_sec = 86400 };
	struct http_server *const server = server_;

	(void)fd;
	(void)what;
	event_add(server->accept_again, &day);
	for (uint32_t i = 0; i < server->listens_count; i++)
		if (server->listens[i].event != NULL &&
		    event_add(server->listens[i].event, NULL) != 0) {
			pause_accept(server);
			return;
		}
}

static void
accept_ready(evutil_socket_t listening, short what, void *server_)
{
	struct http_server *const server = server_;

	(void)what;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
		socklen_t size = sizeof(address);
		const int fd =
			descriptor_above_standard(accept4(listening, (struct sockaddr *)&address,
							  &size, SOCK_NONBLOCK | SOCK_CLOEXEC));

		if (fd >= 0)
			take_connection(server, fd, (const struct sockaddr *)&address);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			 errno == ENOMEM) {
			pause_accept(server);
			return;
		}
	}
}

static reprise_status
add_listen(struct http_server *server, int fd, struct reprise_error *error)
{
	struct listen *const listen = &server->listens[server->listens_count];

	listen->event = event_new(server->base, fd, EV_READ | EV_PERSIST, accept_ready, server);
	if (listen->event == NULL || event_add(listen->event, NULL) != 0) {
		if (listen->event != NULL)
			event_free(listen->event);
		listen->event = NULL;
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	listen->fd = fd;
	server->listens_count++;
	return REPRISE_OK;
}

static reprise_status
judge_server(const struct http_server *server, struct reprise_error *error)
{
	if (server->process != getpid())
		return error_plain(error, REPRISE_E_FORKED);
	if (server->drain_deadline_ns != 0)
		return error_plain(error, REPRISE_E_CLOSED);
	if (server->listens_count == LISTENS_MAX)
		return error_full(error, "addresses");
	return REPRISE_OK;
}

/* "host:port" or "[host]:port" in two. */
static bool
split_address(const char *address, char host[HOST_BYTES_MAX], char port[PORT_BYTES_MAX])
{
	const char *const colon = strrchr(address, ':');
	const char *begin = address, *end = colon;

	if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= PORT_BYTES_MAX)
		return false;
	if (address[0] == '[' && colon > address && colon[-1] == ']') {
		begin++;
		end--;
	} else if (memchr(address, ':', (size_t)(colon - address)) != NULL) {
		return false; /* an IPv6 address without brackets */
	}
	if (end <= begin || end - begin >= HOST_BYTES_MAX)
		return false;
	if (strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return false;
	snprintf(host, HOST_BYTES_MAX, "%.*s", (int)(end - begin), begin);
	snprintf(port, PORT_BYTES_MAX, "%s", colon + 1);
	return true;
}

/* A socket that listens; or -1, errno, and what failed. */
static int
open_socket(const struct addrinfo *info, uint32_t backlog, const char **ret_what)
{
	const int on = 1;
	int saved;
	const int fd = descriptor_above_standard(
		socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	*ret_what = "socket";
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	*ret_what = "bind";
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0) {
		*ret_what = "listen";
		if (listen(fd, (int)backlog) == 0)
			return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

reprise_status
http_server_listen(struct http_server *server, const char *address, struct reprise_error *error)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
	reprise_status status = judge_server(server, error);
	struct addrinfo *info = NULL;
	const char *what;
	int fd, saved;

	if (status != REPRISE_OK)
		return status;
	if (!split_address(address, host, port) || getaddrinfo(host, port, &hints, &info) != 0)
		return error_invalid(error, "address");
	fd = open_socket(info, server->options.backlog, &what);
	saved = errno;
	freeaddrinfo(info);
	if (fd < 0)
		return error_system(error, what, saved);
	status = add_listen(server, fd, error);
	if (status != REPRISE_OK)
		close(fd);
	return status;
}

reprise_status
http_server_adopt(struct http_server *server, int fd, struct reprise_error *error)
{
	const reprise_status status = judge_server(server, error);
	socklen_t size = sizeof(int);
	int listens = 0;

	if (status != REPRISE_OK)
		return status;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
		return error_invalid(error, "fd");
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		return error_system(error, "fcntl", errno);
	return add_listen(server, fd, error);
}

reprise_status
http_server_address(struct http_server *server, uint32_t index, char *text, size_t room)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
	int length;

	if (server->process != getpid())
		return REPRISE_E_FORKED;
	if (index >= server->listens_count)
		return REPRISE_E_NOT_FOUND;
	if (getsockname(server->listens[index].fd, (struct sockaddr *)&address, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return REPRISE_E_SYSTEM;
	length = snprintf(text, room, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
			  port);
	return length >= 0 && (size_t)length < room ? REPRISE_OK : REPRISE_E_TOO_LARGE;
}

void
accept_stop(struct http_server *server)
{
	event_del(server->accept_again);
	for (uint32_t i = 0; i < server->listens_count; i++) {
		event_free(server->listens[i].event);
		close(server->listens[i].fd);
	}
	server->listens_count = 0;
}
