/* SPDX-License-Identifier: MIT */
/* H15 and H16: memory that is refused, once, in each place. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "event_memory.h"
#include "host.h"
#include "refusal.h"

SUITE(http_memory);

#define END                " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST               " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " length "\r\n"

/* A scene has a client take what comes; true if that was all of @wanted. */
typedef bool scene(struct host *host, const char *request, const char *wanted);

static bool
ask(struct host *host, const char *request, const char *wanted)
{
	return strstr(client_ask(host, request), wanted) != NULL;
}

/* What is held or paused is released until something comes. */
static bool
ask_and_release(struct host *host, const char *request, const char *wanted)
{
	const int fd = client_open(host);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	bool is_whole;

	client_send(fd, request);
	do
		host_release(host);
	while (poll(&ready, 1, 1) == 0);
	is_whole = strstr(client_read(fd, NULL), wanted) != NULL;
	close(fd);
	return is_whole;
}

/* The client waits to be asked for the body. */
static bool
ask_with_a_body(struct host *host, const char *request, const char *wanted)
{
	const int fd = client_open(host);
	bool is_whole;

	client_send(fd, request);
	if (strstr(client_read(fd, "\r\n\r\n"), " 100 ") != NULL)
		client_send(fd, "hello");
	is_whole = strstr(client_read(fd, NULL), wanted) != NULL;
	close(fd);
	return is_whole;
}

static void
refuse_each(const struct http_options *options, scene *play, const char *request,
	    const char *wanted)
{
	struct host *const host = host_start(options);
	int failed = 0, number = 1;

	cr_assert(play(host, request, wanted));
	for (;; number++) {
		bool was_refused;

		wait_until(has_connections, host, 0);
		refusal_begin(number);
		failed += !play(host, request, wanted);
		was_refused = refusal_end();
		cr_assert(play(host, request, wanted), "behind the %d-th allocation", number);
		if (!was_refused)
			break;
	}
	cr_assert(gt(int, number, 5));
	cr_assert(gt(int, failed, 0));
	wait_until(has_connections, host, 0);
	cr_assert(gt(u64, host_stats(host).no_memory, 0));
	host_stop(host);
	expect_no_leaks();
}

Test(http_memory, H16_a_lack_of_memory_closes_one_connection, .timeout = 120)
{
	refuse_event_memory();
	refuse_each(NULL, ask, "GET /1" LAST, "\r\n\r\n1");
	refuse_each(NULL, ask, "GET /1" END "GET /2" LAST, "\r\n\r\n2");
	refuse_each(NULL, ask, POST("/echo", "5") "Connection: close\r\n\r\nhello",
		    "\r\n\r\nhello");
	refuse_each(NULL, ask, "GET /pull?40000" LAST, "\r\n0\r\n\r\n");
	refuse_each(NULL, ask, "GET /block" LAST, "block\r\n0\r\n\r\n");
	refuse_each(NULL, ask, "GET / HTTP/1.1\n", "http_line_end");
}

Test(http_memory, H16_a_lack_of_memory_in_a_wait_closes_one_connection, .timeout = 120)
{
	refuse_event_memory();
	refuse_each(NULL, ask_and_release, "GET /hold" LAST, "\r\n\r\nheld");
	refuse_each(NULL, ask_and_release, POST("/pause", "5") "Connection: close\r\n\r\nhello",
		    "\r\n\r\nhello");
	refuse_each(NULL, ask_with_a_body,
		    POST("/echo", "5") "Expect: 100-continue\r\nConnection: close\r\n\r\n",
		    "\r\n\r\nhello");
	refuse_each(&(struct http_options){ .head_ms = 5 }, ask, "GET / HTTP/1.1\r\n", "timeout");
	refuse_each(&(struct http_options){ .body_ms = 5 }, ask, POST("/echo", "5") "\r\nhe",
		    "timeout");
}

/* The server goes down none the less, and tells each exchange's end. */
Test(http_memory, H16_a_lack_of_memory_does_not_hold_a_drain_up, .timeout = 120)
{
	bool was_refused = true;
	int cut = 0;

	refuse_event_memory();
	for (int number = 1; was_refused; number++) {
		struct host *const host = host_start(NULL);
		int fds[3];

		for (int i = 0; i < 3; i++) {
			fds[i] = client_open(host);
			client_send(fds[i], "GET /open" END);
		}
		for (int i = 0; i < 3; i++)
			client_read(fds[i], "open");
		refusal_begin(number);
		host_drain(host, 10000);
		for (int i = 0; i < 3; i++) {
			cut += strstr(client_read(fds[i], NULL), "0\r\n\r\n") == NULL;
			close(fds[i]);
		}
		pthread_join(host->thread, NULL);
		was_refused = refusal_end();
		cr_assert(eq(int, host->result, REPRISE_OK));
		cr_assert(eq(int, host->closes, 3));
		http_block_release(host->block);
		http_server_close(host->server);
		free(host);
	}
	cr_assert(gt(int, cut, 0));
	expect_no_leaks();
}

static bool
has_failed_to_accept(struct host *host, int times)
{
	return host_stats(host).accept_failures >= (uint64_t)times;
}

/* Whatever the number of the timers is, and so the size of libevent's heap. */
Test(http_memory, H15_a_pause_needs_no_memory)
{
	struct host *const host = host_start(NULL);
	struct rlimit before, none;
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int fds[40];

	refuse_event_memory();
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3;
	fds[0] = client_open(host);
	cr_assert(eq(int, getpeername(fds[0], (struct sockaddr *)&address, &size), 0));
	for (int i = 1; i < 40; i++) {
		const uint64_t failures = host_stats(host).accept_failures;

		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		setrlimit(RLIMIT_NOFILE, &none);
		refusal_begin(1);
		cr_assert(eq(int, connect(fds[i], (struct sockaddr *)&address, size), 0));
		wait_until(has_failed_to_accept, host, (int)failures + 1);
		refusal_end();
		setrlimit(RLIMIT_NOFILE, &before);
		client_send(fds[i], "GET /1" END);
		expect_has(client_read(fds[i], "\r\n\r\n1"), "200");
	}
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	host_stop(host);
}

Test(http_memory, H16_a_server_that_gets_no_memory_is_not_opened)
{
	const struct http_handler handler = { .on_request = ignore_request,
					      .on_tick = ignore_tick };
	const struct http_options options = { .tick_ms = 1000 };
	struct http_server *server;
	reprise_status status;
	bool was_refused;

	refuse_event_memory();
	for (int number = 1;; number++) {
		server = NULL;
		refusal_begin(number);
		status = http_server_open(&options, &handler, &server, NULL);
		if (status == REPRISE_OK)
			status = http_server_listen(server, "127.0.0.1:0", NULL);
		was_refused = refusal_end();
		http_server_close(server);
		if (!was_refused)
			break;
		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "%d", number);
	}
	cr_assert(eq(int, status, REPRISE_OK));
	cr_assert(eq(int, http_server_open(NULL, NULL, &server, NULL), REPRISE_E_INVALID));
}
