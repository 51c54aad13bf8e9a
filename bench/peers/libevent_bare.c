/* SPDX-License-Identifier: MIT */
/*
 * libevent's core alone: each body of a POST goes to every stream, by one write of as many bytes as
 * a gateway writes. No checks, no history but the newest event, no ids of its own. Arguments: the
 * port, and the bytes of an event as a stream gets the event.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STREAMS_MAX = 8192,
	BODY_MAX = 1 << 15,
};

static const char before[] = "event: payload\ndata: ";
static const char after[] = "\nid: ";

static struct bufferevent *streams[STREAMS_MAX];
static size_t streams_count;
static char newest[1 << 16];
static size_t newest_bytes, event_bytes;

static void
close_stream(struct bufferevent *stream, short what, void *context)
{
	(void)what;
	(void)context;
	for (size_t i = 0; i < streams_count; i++)
		if (streams[i] == stream) {
			streams[i] = streams[--streams_count];
			break;
		}
	bufferevent_free(stream);
}

/* The payload is in its place already. The id fills up the size. */
static void
frame_event(size_t payload_bytes)
{
	const size_t least = sizeof(before) + payload_bytes + sizeof(after);

	newest_bytes = event_bytes > least ? event_bytes : least;
	memcpy(newest, before, sizeof(before) - 1);
	memset(newest + sizeof(before) - 1 + payload_bytes, 'A',
	       newest_bytes - sizeof(before) + 1 - payload_bytes);
	memcpy(newest + sizeof(before) - 1 + payload_bytes, after, sizeof(after) - 1);
	newest[newest_bytes - 2] = newest[newest_bytes - 1] = '\n';
}

static void
begin_stream(struct bufferevent *stream)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

	bufferevent_write(stream, head, sizeof(head) - 1);
	if (streams_count < STREAMS_MAX)
		streams[streams_count++] = stream;
	if (newest_bytes > 0)
		bufferevent_write(stream, newest, newest_bytes);
}

static void
take_body(struct bufferevent *from, size_t size)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	frame_event(bufferevent_read(from, newest + sizeof(before) - 1, size));
	for (size_t i = 0; i < streams_count; i++)
		bufferevent_write(streams[i], newest, newest_bytes);
	bufferevent_write(from, answer, sizeof(answer) - 1);
}

/* False: the request is not there as a whole. */
static bool
take_request(struct bufferevent *from)
{
	struct evbuffer *const input = bufferevent_get_input(from);
	char head[1024] = { 0 };
	const ev_ssize_t size = evbuffer_copyout(input, head, sizeof(head) - 1);
	const char *const end = size > 0 ? strstr(head, "\r\n\r\n") : NULL;
	const char *const length = end == NULL ? NULL : strstr(head, "Content-Length: ");

	if (end == NULL)
		return false;
	const size_t body = length == NULL || length > end ? 0 : strtoul(length + 16, NULL, 10);
	const size_t head_bytes = (size_t)(end - head) + 4;

	if (body > BODY_MAX || evbuffer_get_length(input) < head_bytes + body)
		return false;
	evbuffer_drain(input, head_bytes);
	if (head[0] == 'G')
		begin_stream(from);
	else
		take_body(from, body);
	return true;
}

static void
read_requests(struct bufferevent *from, void *context)
{
	(void)context;
	while (take_request(from))
		continue;
}

static void
take_connection(evutil_socket_t listening, short what, void *context)
{
	const int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const int on = 1;

	(void)what;
	if (fd < 0)
		return;
	struct bufferevent *const stream =
		bufferevent_socket_new(context, fd, BEV_OPT_CLOSE_ON_FREE);

	if (stream == NULL) {
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bufferevent_setcb(stream, read_requests, NULL, close_stream, NULL);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static int
listen_at(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 4096) == 0)
		return fd;
	close(fd);
	return -1;
}

int
main(int argc, char **argv)
{
	struct event_base *const base = event_base_new();
	const int fd = listen_at((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0));

	event_bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (event_bytes > BODY_MAX)
		event_bytes = BODY_MAX;
	struct event *const accepting =
		base == NULL || fd < 0
			? NULL
			: event_new(base, fd, EV_READ | EV_PERSIST, take_connection, base);

	if (accepting == NULL || event_add(accepting, NULL) != 0) {
		fputs("libevent_bare: cannot listen\n", stderr);
		return 1;
	}
	return event_base_dispatch(base) == 0 ? 0 : 1;
}
