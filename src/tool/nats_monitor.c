/* SPDX-License-Identifier: MIT */
#include "tool/nats_monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	ANSWER_SECONDS = 1,
	REQUEST_BYTES = 256,
	FROM = 2, /* connections come from 127.0.0.2 */
};

struct sockaddr_in
nats_monitor_address(uint8_t host, uint16_t port)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~UINT32_C(0xff)) | host);
	return address;
}

/*
 * While nobody listens, a socket of 127.0.0.1 could be given the very port, and be connected to
 * itself.
 */
static int
connect_to(uint16_t port)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	const struct sockaddr_in from = nats_monitor_address(FROM, 0);
	const struct sockaddr_in to = nats_monitor_address(1, port);
	const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connection == -1)
		return -1;
	if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    bind(connection, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(connection, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return connection;
	close(connection);
	return -1;
}

/* Reads until the server closes. The text ends with a NUL. */
static bool
receive(int connection, char *ret_answer)
{
	size_t used = 0;

	while (used < NATS_MONITOR_ANSWER_BYTES - 1) {
		const ssize_t got = recv(connection, ret_answer + used,
					 NATS_MONITOR_ANSWER_BYTES - 1 - used, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	ret_answer[used] = '\0';
	return true;
}

bool
nats_monitor_get(uint16_t port, const char *path, char *ret_answer)
{
	char request[REQUEST_BYTES];
	unsigned int status = 0;
	const int connection = connect_to(port);

	if (connection == -1)
		return false;
	const int bytes = snprintf(request, sizeof(request),
				   "GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", path);
	const bool is_sent = bytes < REQUEST_BYTES && send(connection, request, (size_t)bytes,
							   MSG_NOSIGNAL) == (ssize_t)bytes;
	const bool is_received = is_sent && receive(connection, ret_answer);

	close(connection);
	return is_received && sscanf(ret_answer, "HTTP/%*u.%*u %u", &status) == 1 && status == 200;
}

/* The text behind the quote that opens the string of a member, or NULL. */
static const char *
find_member(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	if (at == NULL)
		return NULL;
	at += strlen(name);
	at += strspn(at, " :");
	return *at == '"' ? at + 1 : NULL;
}

bool
nats_monitor_find_leader(const char *answer, const char *stream, char *ret_name, size_t room)
{
	const size_t stream_bytes = strlen(stream);
	const char *at = strstr(answer, "\"stream_detail\"");

	while (at != NULL && (at = find_member(at, "\"name\"")) != NULL)
		if (strncmp(at, stream, stream_bytes) == 0 && at[stream_bytes] == '"')
			break;
	/* The stream's own members come before the next stream's. */
	if (at == NULL || (at = find_member(at, "\"leader\"")) == NULL)
		return false;
	const size_t bytes = strcspn(at, "\"");

	if (bytes == 0 || bytes >= room)
		return false;
	memcpy(ret_name, at, bytes);
	ret_name[bytes] = '\0';
	return true;
}
