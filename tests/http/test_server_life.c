/* SPDX-License-Identifier: MIT */
/* H17 to H19: wake-ups from other threads, going down, addresses, and forks. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host.h"

SUITE(http_life);

#define END                " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST               " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " length "\r\n"

/* Of servers that get no request. */
static void
take_nothing(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	(void)context;
	(void)exchange;
	(void)head;
	abort();
}

static void *
notify_often(void *host)
{
	for (int i = 0; i < 10000; i++)
		cr_assert(eq(int, http_server_notify(((struct host *)host)->server), REPRISE_OK));
	return NULL;
}

Test(http_life, H17_a_notification_of_any_thread_reaches_the_loop)
{
	struct host *const host = host_start(NULL);
	pthread_t threads[4];
	const int fd = client_open(host);
	int before;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, notify_often, host);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	client_send(fd, "GET /hold" END);
	wait_until(has_requests, host, 1);
	before = host->notifies;
	host_release(host);
	expect_has(client_read(fd, "held"), "200");
	cr_assert(ge(int, host->notifies, before + 1));
	cr_assert(le(int, host->notifies, 40001));
	close(fd);
	host_stop(host);
}

Test(http_life, H18_a_server_that_goes_down_finishes_what_it_has)
{
	struct host *const host = host_start(NULL);
	const int idle = client_open(host), half = client_open(host), held = client_open(host),
		  stream = client_open(host);

	client_send(half, "GET /3 HTTP/1.1\r\n");
	client_send(held, "GET /hold" END);
	client_send(stream, "GET /open" END);
	expect_has(client_read(stream, "open"), "200");
	wait_until(has_requests, host, 2);
	host_drain(host, 10000);
	cr_assert(eq(str, (char *)client_read(idle, NULL), ""));
	expect_has(client_read(stream, NULL), "3\r\nbye\r\n0\r\n\r\n");
	client_send(half, "Host: h\r\n\r\n");
	expect_has(client_read(half, NULL), "Connection: close\r\n");
	expect_has(client_read(held, NULL), "Connection: close\r\n");
	close(idle);
	close(held);
	close(stream);
	close(half);
	host_join(host);
}

Test(http_life, H18_a_server_that_goes_down_takes_no_connection)
{
	struct host *const host = host_start(NULL);
	const int held = client_open(host), late = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	cr_assert(eq(int, getpeername(held, (struct sockaddr *)&address, &size), 0));
	client_send(held, "GET /hold" END);
	wait_until(has_requests, host, 1);
	host_drain(host, 10000);
	host_release(host);
	expect_has(client_read(held, NULL), "held");
	cr_assert(eq(int, connect(late, (struct sockaddr *)&address, size), -1));
	close(held);
	close(late);
	host_join(host);
}

Test(http_life, H18_the_deadline_closes_what_is_left)
{
	struct host *const host = host_start(NULL);
	const int held = client_open(host), body = client_open(host);
	const uint64_t began = clock_ns();

	client_send(held, "GET /hold" END);
	client_send(body, POST("/echo", "5") "\r\nhel");
	wait_until(has_requests, host, 2);
	host->drain_ms = 200;
	http_server_notify(host->server);
	pthread_join(host->thread, NULL);
	cr_assert(ge(u64, clock_ns() - began, UINT64_C(200000000)));
	cr_assert(lt(u64, clock_ns() - began, UINT64_C(5000000000)));
	cr_assert(eq(int, host->closes, 2));
	http_block_release(host->block);
	http_server_close(host->server);
	close(held);
	close(body);
}

Test(http_life, H18_a_server_that_never_ran_can_be_closed)
{
	struct host *const host = host_start(NULL);
	struct http_server *server;
	const struct http_handler handler = { .on_request = take_nothing };

	cr_assert(eq(int, http_server_open(NULL, &handler, &server, NULL), REPRISE_OK));
	http_server_close(server);
	http_server_close(NULL);
	host_stop(host);
	expect_no_leaks();
}

Test(http_life, H19_an_address_is_numbers)
{
	static const char *const bad[] = { "",
					   "127.0.0.1",
					   ":80",
					   "localhost:80",
					   "::1:80",
					   "127.0.0.1:x",
					   "127.0.0.1:99999",
					   "[::1]80",
					   "[]:80",
					   "1.2.3:http",
					   "127.0.0.1:" };
	struct host *const host = host_start(NULL);
	const struct http_handler handler = { .on_request = take_nothing };
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct http_server *server;
	char text[64], used[32];

	cr_assert(eq(int, http_server_open(NULL, &handler, &server, NULL), REPRISE_OK));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_assert(eq(int, http_server_listen(server, bad[i], &error), REPRISE_E_INVALID),
			  "%s", bad[i]);
		cr_assert(eq(str, error.what, (char *)"address"));
	}
	snprintf(used, sizeof(used), "127.0.0.1:%s", host->port);
	cr_assert(eq(int, http_server_listen(server, used, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, (char *)"bind"));
	cr_assert(eq(int, http_server_address(server, 0, text, sizeof(text)), REPRISE_E_NOT_FOUND));
	for (int i = 0; i < 8; i++)
		cr_assert(eq(int, http_server_listen(server, "[::1]:0", NULL), REPRISE_OK));
	cr_assert(eq(int, http_server_listen(server, "[::1]:0", NULL), REPRISE_E_FULL));
	cr_assert(eq(int, http_server_address(server, 7, text, sizeof(text)), REPRISE_OK));
	expect_begins(text, "[::1]:");
	cr_assert(eq(int, http_server_address(server, 7, text, 5), REPRISE_E_TOO_LARGE));
	http_server_close(server);
	host_stop(host);
}

Test(http_life, H19_a_socket_of_a_service_manager_is_served)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);
	int listening;

	cr_assert(eq(int, http_server_adopt(host->server, fd, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, http_server_adopt(host->server, -1, NULL), REPRISE_E_INVALID));
	close(fd);
	host_stop(host);
	listening = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(eq(int, listen(listening, 5), 0));
	{
		struct host *const other = host_adopting(listening);

		expect_has(client_ask(other, "GET /5" LAST), "\r\n\r\n5");
		host_stop(other);
	}
	cr_assert(eq(int, close(listening), -1));
}

Test(http_life, H19_a_child_harms_nobody)
{
	struct host *const host = host_start(&(struct http_options){ .tick_ms = 5 });
	const int fd = client_open(host);
	int status = 0, ticks;
	pid_t child;

	client_send(fd, "GET /open" END);
	expect_has(client_read(fd, "open"), "200");
	child = fork();
	if (child == 0) {
		const bool is_refused =
			http_server_notify(host->server) == REPRISE_E_FORKED &&
			http_server_drain(host->server, 1) == REPRISE_E_FORKED &&
			http_server_listen(host->server, "127.0.0.1:0", NULL) == REPRISE_E_FORKED &&
			http_server_run(host->server, NULL) == REPRISE_E_FORKED;

		http_server_close(host->server);
		_exit(is_refused && host->closes == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	cr_assert(eq(int, status, 0));
	expect_has(client_ask(host, "GET /6" LAST), "\r\n\r\n6");
	ticks = host->ticks;
	while (host->ticks == ticks)
		usleep(1000);
	host_drain(host, 10000);
	expect_has(client_read(fd, NULL), "bye");
	close(fd);
	host_join(host);
}
