/* SPDX-License-Identifier: MIT */
/*
 * The HTTP clients of the gateway's measurements: just as much HTTP as the three servers need. One
 * thread has all clients, and takes about the same time for each server's bytes.
 */
#include "gateway_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 1024,
	READ_BYTES = 1 << 16,
	EVENTS_AT_ONCE = 256,
	ANSWER_MS = 60000, /* a loaded disk takes its time */
};

int
client_connect(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		text += sent;
		size -= (size_t)sent;
	}
	return true;
}

/* @fields: more lines of the head. */
static bool
send_get(int fd, uint16_t port, const char *target, const char *fields)
{
	char request[REQUEST_BYTES];
	const int size =
		snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", target, port, fields);

	return size > 0 && (size_t)size < sizeof(request) && send_all(fd, request, (size_t)size);
}

/* --- the crowd -------------------------------------------------------------------------------- */

static const char stream_fields[] = "Accept: text/event-stream\r\n";

void
crowd_open(struct crowd *crowd, size_t room)
{
	*crowd = (struct crowd){ .epoll = epoll_create1(EPOLL_CLOEXEC),
				 .clients = harness_allocate(room, sizeof(struct client)),
				 .room = room };
	if (crowd->epoll < 0)
		harness_die("no epoll descriptor");
}

bool
crowd_join(struct crowd *crowd, uint16_t port, const char *target, uint64_t first)
{
	struct client *const client = &crowd->clients[crowd->count];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (crowd->count == crowd->room)
		return false;
	*client = (struct client){ .fd = client_connect(port), .next = first };
	if (client->fd < 0)
		return false;
	crowd->count++;
	return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->fd, &event) == 0 &&
	       send_get(client->fd, port, target, stream_fields);
}

void
crowd_leave_last(struct crowd *crowd)
{
	close(crowd->clients[--crowd->count].fd);
}

static void
count_event(struct crowd *crowd, struct client *client)
{
	crowd->delivered++;
	if (client->number < client->next) {
		crowd->doubled++;
		return;
	}
	crowd->lost += client->number - client->next;
	client->next = client->number + 1;
}

static void
count_events(struct crowd *crowd, struct client *client, const char *text, size_t size)
{
	const char *const end = text + size;

	while (text < end) {
		if (client->digits == 0) {
			text = memchr(text, EVENT_MARK, (size_t)(end - text));
			if (text == NULL)
				return;
			text++;
			client->digits = EVENT_DIGITS;
			client->number = 0;
			continue;
		}
		client->number = client->number * 10 + (uint64_t)(*text++ - '0');
		if (--client->digits == 0)
			count_event(crowd, client);
	}
}

static void
take_bytes(struct crowd *crowd, struct client *client)
{
	static char text[READ_BYTES];
	const ssize_t size = recv(client->fd, text, sizeof(text), MSG_DONTWAIT);

	if (size > 0) {
		crowd->bytes += (uint64_t)size;
		count_events(crowd, client, text, (size_t)size);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		crowd->dropped++;
		(void)epoll_ctl(crowd->epoll, EPOLL_CTL_DEL, client->fd, NULL);
	}
}

static bool
take_ready(struct crowd *crowd, int wait_ms)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	const int ready = epoll_wait(crowd->epoll, events, EVENTS_AT_ONCE, wait_ms);

	for (int i = 0; i < ready; i++)
		take_bytes(crowd, events[i].data.ptr);
	return ready > 0;
}

void
crowd_take(struct crowd *crowd)
{
	(void)take_ready(crowd, 0);
}

bool
crowd_await(struct crowd *crowd, uint64_t delivered, uint64_t patience_ns)
{
	while (crowd->delivered < delivered)
		if (!take_ready(crowd, (int)(patience_ns / 1000000)) || harness_is_interrupted())
			return false;
	return true;
}

void
crowd_close(struct crowd *crowd)
{
	if (crowd->clients == NULL)
		return;
	while (crowd->count > 0)
		crowd_leave_last(crowd);
	close(crowd->epoll);
	free(crowd->clients);
	*crowd = (struct crowd){ .epoll = -1 };
}

/* --- publishers ------------------------------------------------------------------------------- */

void
publisher_open(struct publisher *publisher, uint16_t port, const char *target)
{
	*publisher = (struct publisher){ .fd = client_connect(port) };
	if (publisher->fd < 0)
		harness_die("a publisher cannot connect");
	snprintf(publisher->target, sizeof(publisher->target), "%s", target);
}

void
publisher_close(struct publisher *publisher)
{
	close(publisher->fd);
	publisher->fd = -1;
}

static void
write_payload(char payload[EVENT_BYTES], uint64_t number)
{
	char name[EVENT_DIGITS + 8];

	memset(payload, 'x', EVENT_BYTES);
	const int size =
		snprintf(name, sizeof(name), "%c%0*" PRIu64 ".", EVENT_MARK, EVENT_DIGITS, number);

	memcpy(payload, name, (size_t)size);
}

void
publisher_send(struct publisher *publisher, uint64_t number)
{
	char request[REQUEST_BYTES];
	const int head = snprintf(request, sizeof(request) - EVENT_BYTES,
				  "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				  "Content-Type: application/octet-stream\r\n"
				  "Content-Length: %d\r\n\r\n",
				  publisher->target, EVENT_BYTES);

	write_payload(request + head, number);
	if (!send_all(publisher->fd, request, (size_t)head + EVENT_BYTES))
		harness_die("a publisher's connection is gone");
	publisher->sent++;
}

/* The bytes of the answer, head included; 0 until the head is whole. */
static size_t
answer_bytes(const char *text)
{
	const char *const end = strstr(text, "\r\n\r\n");
	const char *const length = strcasestr(text, "\r\ncontent-length:");

	if (end == NULL)
		return 0;
	return (size_t)(end - text) + 4 +
	       (length == NULL || length > end ? 0 : strtoul(length + 17, NULL, 10));
}

static void
count_answers(struct publisher *publisher)
{
	size_t whole;

	while (publisher->used > 0 && (whole = answer_bytes(publisher->answer)) != 0 &&
	       whole <= publisher->used) {
		publisher->answered++;
		/* "HTTP/1.1 2xx": nchan answers 201 and 202. */
		publisher->refused += publisher->answer[9] != '2';
		publisher->used -= whole;
		memmove(publisher->answer, publisher->answer + whole, publisher->used + 1);
	}
}

bool
publisher_take(struct publisher *publisher)
{
	const ssize_t size = recv(publisher->fd, publisher->answer + publisher->used,
				  sizeof(publisher->answer) - 1 - publisher->used, MSG_DONTWAIT);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	publisher->used += (size_t)size;
	publisher->answer[publisher->used] = '\0';
	count_answers(publisher);
	return size > 0;
}

void
publisher_await(struct publisher *publisher)
{
	struct pollfd ready = { .fd = publisher->fd, .events = POLLIN };

	while (publisher->answered < publisher->sent && !harness_is_interrupted()) {
		if (poll(&ready, 1, ANSWER_MS) <= 0 && !harness_is_interrupted())
			harness_die("a publisher gets no answer");
		if (!publisher_take(publisher) && !harness_is_interrupted())
			harness_die("a publisher's connection is closed");
	}
}

/* --- single requests -------------------------------------------------------------------------- */

static size_t
fetch(uint16_t port, const char *target, const char *fields, char *text, size_t room, int wait_ms)
{
	struct pollfd ready = { .fd = client_connect(port), .events = POLLIN };
	size_t used = 0;
	ssize_t size = 1;

	text[0] = '\0';
	if (ready.fd < 0)
		return 0;
	if (send_get(ready.fd, port, target, fields))
		while (size > 0 && used < room - 1 && poll(&ready, 1, wait_ms) > 0) {
			size = recv(ready.fd, text + used, room - 1 - used, 0);
			used += size > 0 ? (size_t)size : 0;
			text[used] = '\0';
		}
	close(ready.fd);
	return used;
}

size_t
client_fetch(uint16_t port, const char *target, const char *last_id, char *text, size_t room,
	     int wait_ms)
{
	char fields[REQUEST_BYTES / 2];

	snprintf(fields, sizeof(fields), "%s%s%s%s", stream_fields,
		 last_id == NULL ? "" : "Last-Event-ID: ", last_id == NULL ? "" : last_id,
		 last_id == NULL ? "" : "\r\n");
	return fetch(port, target, fields, text, room, wait_ms);
}

size_t
client_ask(uint16_t port, const char *target, char *text, size_t room)
{
	return fetch(port, target, "Connection: close\r\n", text, room, ANSWER_MS);
}
