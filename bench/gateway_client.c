/* SPDX-License-Identifier: MIT */
/* The HTTP clients of the gateway's measurements: just as much HTTP as the three servers need. */
#include "gateway_client.h"

#include <arpa/inet.h>
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
	ANSWER_MS = 10000,
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

static bool
send_get(int fd, uint16_t port, const char *target, const char *last_id)
{
	char request[REQUEST_BYTES];
	const int size = snprintf(request, sizeof(request),
				  "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
				  "Accept: text/event-stream\r\n%s%s%s\r\n",
				  target, port, last_id == NULL ? "" : "Last-Event-ID: ",
				  last_id == NULL ? "" : last_id, last_id == NULL ? "" : "\r\n");

	return size > 0 && (size_t)size < sizeof(request) && send_all(fd, request, (size_t)size);
}

/* --- the crowd -------------------------------------------------------------------------------- */

void
crowd_init(struct crowd *crowd, size_t room)
{
	*crowd = (struct crowd){ .epoll = epoll_create1(EPOLL_CLOEXEC),
				 .fds = harness_allocate(room, sizeof(int)) };
	if (crowd->epoll < 0)
		harness_die("no epoll descriptor");
}

bool
crowd_join(struct crowd *crowd, uint16_t port, const char *target)
{
	struct epoll_event event = { .events = EPOLLIN };
	const int fd = client_connect(port);

	if (fd < 0)
		return false;
	event.data.fd = fd;
	crowd->fds[crowd->count++] = fd;
	return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event) == 0 &&
	       send_get(fd, port, target, NULL);
}

static uint64_t
count_marks(const char *text, size_t size)
{
	const char *const end = text + size;
	uint64_t marks = 0;

	while ((text = memchr(text, EVENT_MARK, (size_t)(end - text))) != NULL) {
		marks++;
		text++;
	}
	return marks;
}

static void
take(struct crowd *crowd, int fd)
{
	static char text[READ_BYTES];
	const ssize_t size = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (size > 0) {
		const uint64_t marks = count_marks(text, (size_t)size);

		crowd->delivered += marks;
		if (marks > 0)
			crowd->last_ns = now_ns();
	} else if (size == 0) {
		crowd->dropped++;
		(void)epoll_ctl(crowd->epoll, EPOLL_CTL_DEL, fd, NULL);
	}
}

bool
crowd_await(struct crowd *crowd, uint64_t delivered, uint64_t patience_ns)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	while (crowd->delivered < delivered) {
		const int ready = epoll_wait(crowd->epoll, events, EVENTS_AT_ONCE,
					     (int)(patience_ns / 1000000));

		if (ready <= 0 || harness_is_interrupted())
			return false;
		for (int i = 0; i < ready; i++)
			take(crowd, events[i].data.fd);
	}
	return true;
}

void
crowd_leave(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++)
		close(crowd->fds[i]);
	close(crowd->epoll);
	free(crowd->fds);
	*crowd = (struct crowd){ .epoll = -1 };
}

/* --- the publisher ---------------------------------------------------------------------------- */

void
client_payload(char payload[EVENT_BYTES], uint64_t number)
{
	char name[24];

	memset(payload, 'x', EVENT_BYTES);
	const int size = snprintf(name, sizeof(name), "%c%016" PRIu64 ".", EVENT_MARK, number);

	memcpy(payload, name, (size_t)size);
}

bool
publisher_send(int fd, const char *target, uint64_t number)
{
	char request[REQUEST_BYTES];
	const int head = snprintf(request, sizeof(request) - EVENT_BYTES,
				  "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				  "Content-Type: application/octet-stream\r\n"
				  "Content-Length: %d\r\n\r\n",
				  target, EVENT_BYTES);

	if (head <= 0 || (size_t)head >= sizeof(request) - EVENT_BYTES)
		return false;
	client_payload(request + head, number);
	return send_all(fd, request, (size_t)head + EVENT_BYTES);
}

/* The length that the head tells, beyond the head itself; 0 until the head is whole. */
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

int
publisher_answer(int fd)
{
	char text[READ_BYTES / 8];
	size_t used = 0, whole = 0;
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (whole == 0 || used < whole) {
		if (used == sizeof(text) - 1 || poll(&ready, 1, ANSWER_MS) <= 0)
			return -1;
		const ssize_t size = recv(fd, text + used, sizeof(text) - 1 - used, 0);

		if (size <= 0)
			return -1;
		used += (size_t)size;
		text[used] = '\0';
		whole = answer_bytes(text);
	}
	return used > 12 ? (int)strtol(text + 9, NULL, 10) : -1;
}

int
publisher_post(int fd, const char *target, uint64_t number)
{
	return publisher_send(fd, target, number) ? publisher_answer(fd) : -1;
}

size_t
client_fetch(uint16_t port, const char *target, const char *last_id, char *text, size_t room,
	     int wait_ms)
{
	struct pollfd ready = { .fd = client_connect(port), .events = POLLIN };
	size_t used = 0;
	ssize_t size = 1;

	text[0] = '\0';
	if (ready.fd < 0)
		return 0;
	if (send_get(ready.fd, port, target, last_id))
		while (size > 0 && used < room - 1 && poll(&ready, 1, wait_ms) > 0) {
			size = recv(ready.fd, text + used, room - 1 - used, 0);
			used += size > 0 ? (size_t)size : 0;
			text[used] = '\0';
		}
	close(ready.fd);
	return used;
}
