/* SPDX-License-Identifier: MIT */
/* `reprise serve` as a process of its own: its start, its end, and requests to the process. */
#include "served.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	OPTIONS_MAX = 20,
	WAIT_MS = 30000,
	LINE_BYTES = 256,
};

void
served_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

uint64_t
served_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

_Noreturn static void
run(const char *program, const char *const *options, int output)
{
	char *arguments[OPTIONS_MAX] = { 0 };
	size_t count = 0;
	static const char *const first[] = { "serve", "--quiet", "--listen", "127.0.0.1:0" };

	arguments[count++] = strdup(program);
	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		arguments[count++] = strdup(first[i]);
	for (; *options != NULL && count < OPTIONS_MAX - 1; options++)
		arguments[count++] = strdup(*options);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDOUT_FILENO);
	execv(program, arguments);
	_exit(127);
}

/* The first line is the address: http://127.0.0.1:PORT */
static int
read_port(int output)
{
	char line[LINE_BYTES] = "";
	size_t size = 0;
	const char *colon;

	while (strchr(line, '\n') == NULL) {
		struct pollfd ready = { .fd = output, .events = POLLIN };
		ssize_t some = 0;

		if (poll(&ready, 1, WAIT_MS) == 1 && size < sizeof(line) - 1)
			some = read(output, line + size, sizeof(line) - 1 - size);
		if (some <= 0)
			served_fail("no address from reprise serve: %s", line);
		size += (size_t)some;
		line[size] = '\0';
	}
	colon = strrchr(line, ':');
	return colon == NULL ? 0 : (int)strtol(colon + 1, NULL, 10);
}

void
served_start(struct served *served, const char *program, const char *const *options)
{
	int output[2];

	if (pipe(output) != 0)
		served_fail("pipe");
	served->process = fork();
	if (served->process == 0)
		run(program, options, output[1]);
	close(output[1]);
	served->port = read_port(output[0]);
	close(output[0]);
}

void
served_kill(struct served *served)
{
	int status;

	kill(served->process, SIGKILL);
	if (waitpid(served->process, &status, 0) != served->process || !WIFSIGNALED(status))
		served_fail("reprise serve had ended by itself");
}

int
served_connect(const struct served *served)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)served->port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int one = 1, connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connection < 0 ||
	    connect(connection, (const struct sockaddr *)&address, sizeof(address)) != 0)
		served_fail("no connection to port %d", served->port);
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return connection;
}

void
served_send(int connection, const char *text)
{
	size_t left = strlen(text);

	while (left != 0) {
		const ssize_t some = send(connection, text, left, MSG_NOSIGNAL);

		if (some <= 0)
			return;
		text += some;
		left -= (size_t)some;
	}
}

/* Whether the head and the body are there. */
static int
is_whole(const char *text, size_t size)
{
	const char *const end = strstr(text, "\r\n\r\n");
	const char *const length = strstr(text, "\r\nContent-Length: ");

	if (end == NULL)
		return 0;
	return length == NULL || length > end ||
	       size >= (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10);
}

struct served_reply
served_receive(int connection)
{
	static _Thread_local char text[SERVED_REPLY_BYTES];
	struct pollfd ready = { .fd = connection, .events = POLLIN };
	struct served_reply reply = { .text = text, .body = "" };
	size_t size = 0;

	text[0] = '\0';
	while (!is_whole(text, size)) {
		ssize_t some;

		if (poll(&ready, 1, WAIT_MS) != 1)
			served_fail("no reply within 30 s");
		some = read(connection, text + size, sizeof(text) - 1 - size);
		if (some <= 0)
			return reply;
		size += (size_t)some;
		text[size] = '\0';
	}
	reply.status = (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
	reply.body = strstr(text, "\r\n\r\n") + 4;
	return reply;
}

void
served_request(int connection, const char *method, const char *target, const char *type,
	       const char *body)
{
	char request[4096];

	if (body == NULL)
		snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			 method, target);
	else
		snprintf(request, sizeof(request),
			 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 method, target, type, strlen(body), body);
	served_send(connection, request);
}

struct served_reply
served_ask(const struct served *served, const char *method, const char *target, const char *json)
{
	const int connection = served_connect(served);
	struct served_reply reply;

	served_request(connection, method, target, "application/json", json);
	reply = served_receive(connection);
	close(connection);
	return reply;
}
