/* SPDX-License-Identifier: MIT */
/* H13 to H15: deadlines, limits, descriptors that run out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "host.h"

SUITE(http_limits);

#define END                " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST               " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " length "\r\n"
#define NS_PER_MS          UINT64_C(1000000)

enum {
	MANY = 1000,
};

Test(http_limits, H13_a_head_has_a_deadline_that_bytes_do_not_move)
{
	struct host *const host = host_start(&(struct http_options){ .head_ms = 150 });
	const int fd = client_open(host);
	const uint64_t began = clock_ns();
	char byte = '\0';

	client_send(fd, "GET / HTTP/1.1\r\nX: ");
	/* Byte by byte, until the server has had enough. */
	while (recv(fd, &byte, 1, MSG_DONTWAIT) != 1 && clock_ns() - began < 10 * NS_PER_S) {
		send(fd, "a", 1, MSG_NOSIGNAL);
		usleep(2000);
	}
	cr_assert(eq(chr, byte, 'H'));
	expect_begins(client_read(fd, NULL), "TTP/1.1 408 Request Timeout\r\n");
	cr_assert(ge(u64, clock_ns() - began, 150 * NS_PER_MS));
	cr_assert(eq(u64, host_stats(host).timeouts, 1));
	close(fd);
	host_stop(host);
}

Test(http_limits, H13_a_connection_without_a_request_is_closed)
{
	struct host *const host = host_start(&(struct http_options){ .idle_ms = 100 });
	const int fd = client_open(host), used = client_open(host);

	client_send(used, "GET /1" END);
	expect_has(client_read(used, "\r\n\r\n1"), "200");
	cr_assert(eq(str, (char *)client_read(fd, NULL), ""));
	cr_assert(eq(str, (char *)client_read(used, NULL), ""));
	cr_assert(eq(u64, host_stats(host).timeouts, 2));
	close(fd);
	close(used);
	host_stop(host);
}

Test(http_limits, H13_a_body_has_a_deadline_that_grows_with_the_bytes)
{
	struct host *const host = host_start(&(struct http_options){ .body_ms = 100 });
	const int fd = client_open(host), other = client_open(host);
	char kilobytes[1001];
	const uint64_t began = clock_ns();

	memset(kilobytes, 'a', 1000);
	kilobytes[1000] = '\0';
	client_send(fd, POST("/echo", "5") "\r\nhel");
	client_send(other, POST("/echo", "2000") "\r\n");
	client_send(other, kilobytes);
	expect_begins(client_read(fd, NULL), "HTTP/1.1 408 ");
	cr_assert(ge(u64, clock_ns() - began, 100 * NS_PER_MS));
	expect_begins(client_read(other, NULL), "HTTP/1.1 408 ");
	cr_assert(ge(u64, clock_ns() - began, 1100 * NS_PER_MS));
	close(fd);
	close(other);
	host_stop(host);
}

Test(http_limits, H13_a_paused_body_has_no_deadline_and_is_not_read_on)
{
	struct host *const host = host_start(&(struct http_options){ .body_ms = 60 });
	const int fd = client_open(host);

	client_send(fd, POST("/pause", "10") "\r\nhello");
	wait_until(has_requests, host, 1);
	usleep(150000);
	cr_assert(eq(u64, http_server_stats(host->server).timeouts, 0));
	host_release(host);
	client_send(fd, "world");
	expect_has(client_read(fd, "world"), "\r\n\r\nhelloworld");
	close(fd);
	host_stop(host);
}

Test(http_limits, H13_a_paused_body_is_not_read_on)
{
	struct host *const host = host_start(&(struct http_options){ .body_bytes_max = 64000000 });
	const int fd = client_open(host);
	char *const bytes = calloc(1, 1 << 20);
	size_t sent = 0;
	int quiet = 0;

	cr_assert(bytes != NULL);
	client_send(fd, POST("/pause", "64000000") "\r\n");
	/* Until the kernel's buffers are full, and stay full. */
	while (sent < 64000000 && quiet < 20) {
		const size_t left = 64000000 - sent;
		const ssize_t some = send(fd, bytes, left < 1 << 20 ? left : 1 << 20,
					  MSG_DONTWAIT | MSG_NOSIGNAL);

		quiet = some > 0 ? 0 : quiet + 1;
		sent += some > 0 ? (size_t)some : 0;
		usleep(some > 0 ? 0 : 5000);
	}
	cr_assert(lt(sz, sent, 40000000));
	host_release(host);
	while (sent < 64000000) {
		const size_t left = 64000000 - sent;
		const ssize_t some = send(fd, bytes, left < 1 << 20 ? left : 1 << 20, MSG_NOSIGNAL);

		cr_assert(gt(int, (int)some, 0));
		sent += (size_t)some;
	}
	expect_has(client_read(fd, "\r\n\r\n"), "200 OK");
	cr_assert(eq(int, host->body_ends, 1));
	free(bytes);
	close(fd);
	host_stop(host);
}

Test(http_limits, H13_a_client_that_takes_nothing_is_closed)
{
	struct host *const host = host_start(&(struct http_options){ .write_ms = 100 });
	const int slow = client_open(host), stream = client_open(host), idle = client_open(host);

	client_send(slow, "GET /big?50000000" END);
	client_send(stream, "GET /pull?50000000" END);
	client_send(idle, "GET /open" END);
	wait_until(has_closes, host, 2);
	cr_assert(eq(u64, host_stats(host).timeouts, 2));
	/* A stream with nothing to take goes on. */
	usleep(250000);
	cr_assert(eq(u64, host_stats(host).connections, 1));
	close(slow);
	close(stream);
	close(idle);
	host_stop(host);
}

Test(http_limits, H13_a_client_that_takes_slowly_is_served)
{
	struct host *const host = host_start(&(struct http_options){ .write_ms = 200 });
	const int fd = client_open(host), small = 4096;
	const uint64_t began = clock_ns();
	size_t size = 0;
	char bytes[1024];
	ssize_t some;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(fd, "GET /pull?600000" LAST);
	while ((some = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		size += (size_t)some;
		usleep(1000);
	}
	cr_assert(gt(sz, size, 600000));
	cr_assert(gt(u64, clock_ns() - began, 200 * NS_PER_MS));
	cr_assert(eq(u64, host_stats(host).timeouts, 0));
	close(fd);
	host_stop(host);
}

Test(http_limits, H13_a_client_that_still_takes_its_response_is_not_idle)
{
	struct host *const host = host_start(&(struct http_options){ .idle_ms = 50 });
	const int fd = client_open(host);
	const char *text;

	client_send(fd, "GET /big?20000000" END);
	wait_until(has_closes, host, 1); /* the exchange is over, and its bytes are not sent */
	usleep(200000);
	text = client_read(fd, NULL);
	cr_assert(eq(sz, strlen(strstr(text, "\r\n\r\n") + 4), 20000000));
	cr_assert(eq(u64, host_stats(host).timeouts, 1));
	close(fd);
	host_stop(host);
}

Test(http_limits, H14_connections_above_the_limit_get_503)
{
	struct host *const host =
		host_start(&(struct http_options){ .connections_max = 3, .retry_after_s = 7 });
	int fds[3];
	const char *text;

	for (int i = 0; i < 3; i++)
		fds[i] = client_open(host);
	wait_until(has_connections, host, 3);
	text = client_ask(host, "GET /1" END);
	expect_begins(text, "HTTP/1.1 503 Service Unavailable\r\n");
	expect_has(text, "\r\nRetry-After: 7\r\n");
	expect_has(text, "\"code\":\"http_too_many_connections\"");
	client_send(fds[0], "GET /1" LAST);
	expect_has(client_read(fds[0], NULL), "\r\n\r\n1");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	wait_until(has_connections, host, 0);
	expect_begins(client_ask(host, "GET /1" LAST), "HTTP/1.1 200");
	cr_assert(eq(u64, host_stats(host).turned_away, 1));
	host_stop(host);
}

Test(http_limits, H14_connections_of_one_peer_above_the_limit_get_429)
{
	struct host *const host =
		host_start(&(struct http_options){ .connections_per_peer_max = 2 });
	const int one = client_open(host), other = client_open(host);
	const char *text;

	wait_until(has_connections, host, 2);
	text = client_ask(host, "GET /1" END);
	expect_begins(text, "HTTP/1.1 429 Too Many Requests\r\n");
	expect_has(text, "\r\nRetry-After: 1\r\n");
	close(one);
	wait_until(has_connections, host, 1);
	expect_begins(client_ask(host, "GET /1" LAST), "HTTP/1.1 200");
	close(other);
	host_stop(host);
	expect_no_leaks();
}

Test(http_limits, H14_requests_of_one_peer_above_the_rate_get_429)
{
	struct host *const host =
		host_start(&(struct http_options){ .requests_per_second_max = 2 });
	const uint64_t began = clock_ns();
	const char *text = client_ask(host, "GET /1" END "GET /1" LAST);
	uint64_t asked;

	cr_assert(eq(int, count_of(text, "HTTP/1.1 200"), 2));
	/* Another connection does not help; but half a second would be one more request. */
	do {
		text = client_ask(host, "GET /1" LAST);
		asked = clock_ns();
	} while (count_of(text, "HTTP/1.1 200") == 1 && clock_ns() - began < 10 * NS_PER_S);
	expect_begins(text, "HTTP/1.1 429 Too Many Requests\r\n");
	expect_has(text, "Retry-After: 1\r\n");
	expect_has(text, "\"code\":\"http_too_many_requests\"");
	cr_assert(eq(u64, host_stats(host).too_many, 1));
	while (clock_ns() - asked < 1050 * NS_PER_MS)
		usleep(10000);
	text = client_ask(host, "GET /1" END "GET /1" LAST);
	cr_assert(eq(int, count_of(text, "HTTP/1.1 200"), 2));
	host_stop(host);
	expect_no_leaks();
}

Test(http_limits, H14_those_turned_away_are_bounded_too)
{
	struct host *const host =
		host_start(&(struct http_options){ .connections_max = 1, .linger_ms = 10000 });
	int fds[200], closed = 0;
	char byte;

	for (int i = 0; i < 200; i++)
		fds[i] = client_open(host);
	wait_until(has_connections, host, 1 + 128);
	/* The server closes a connection beyond the bound when the loop accepts it. */
	for (uint64_t began = clock_ns();
	     closed < 200 - 129 && clock_ns() - began < 10 * NS_PER_S;) {
		closed = 0;
		for (int i = 0; i < 200; i++)
			closed += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
	}
	cr_assert(eq(int, closed, 200 - 129));
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	wait_until(has_connections, host, 0);
	host_stop(host);
}

Test(http_limits, H14_a_thousand_connections_are_served_and_counted)
{
	struct host *const host = host_start(&(struct http_options){
		.connections_max = MANY, .connections_per_peer_max = MANY });
	int *const fds = calloc(MANY, sizeof(*fds));

	host_allow_descriptors();
	cr_assert(fds != NULL);
	for (int i = 0; i < MANY; i++) {
		fds[i] = client_open(host);
		client_send(fds[i], "GET /open" END);
	}
	wait_until(has_requests, host, MANY);
	for (int i = 0; i < MANY; i++)
		expect_has(client_read(fds[i], "open"), "HTTP/1.1 200");
	cr_assert(eq(u64, host_stats(host).connections, MANY));
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	wait_until(has_connections, host, 0);
	cr_assert(eq(int, host->closes, MANY));
	expect_begins(client_ask(host, "GET /1" LAST), "HTTP/1.1 200");
	free(fds);
	host_stop(host);
	expect_no_leaks();
}

static bool
has_failed_to_accept(struct host *host, int times)
{
	return host_stats(host).accept_failures >= (uint64_t)times;
}

static uint64_t
processor_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

Test(http_limits, H15_a_loop_without_descriptors_neither_spins_nor_ends)
{
	struct host *const host = host_start(NULL);
	const int held = client_open(host), waiting = client_open(host);
	struct rlimit before, none;
	uint64_t failures, used;

	client_send(held, "GET /1" END);
	expect_has(client_read(held, "\r\n\r\n1"), "200");
	wait_until(has_connections, host, 2);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3;
	{
		/*
		 * The client's socket is made while there are descriptors, and connects when there
		 * are none.
		 */
		const int late = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);

		cr_assert(eq(int, getpeername(held, (struct sockaddr *)&address, &size), 0));
		setrlimit(RLIMIT_NOFILE, &none);
		cr_assert(eq(int, connect(late, (struct sockaddr *)&address, size), 0));
		client_send(late, "GET /3" LAST);
		wait_until(has_failed_to_accept, host, 1);
		failures = host_stats(host).accept_failures;
		used = processor_ms();
		usleep(500000);
		cr_assert(le(u64, host_stats(host).accept_failures - failures, 6));
		cr_assert(lt(u64, processor_ms() - used, 250));
		/* Those that are connected are served meanwhile. */
		client_send(held, "GET /2" END);
		expect_has(client_read(held, "\r\n\r\n2"), "200");
		setrlimit(RLIMIT_NOFILE, &before);
		expect_has(client_read(late, NULL), "\r\n\r\n3");
		close(late);
	}
	close(held);
	close(waiting);
	host_stop(host);
}
