/* SPDX-License-Identifier: MIT */
/* H10 to H12: exchanges, streams, and clients that close a half. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

SUITE(http_server);

#define END                " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST               " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " length "\r\n"

Test(http_server, H10_a_response_has_a_date_and_a_length)
{
	struct host *const host = host_start(NULL);
	const char *const text = client_ask(host, "GET /12" LAST);

	expect_begins(text, "HTTP/1.1 200 OK\r\nDate: ");
	expect_has(text, " GMT\r\nConnection: close\r\nContent-Length: 2\r\n"
			 "Content-Type: text/plain\r\n\r\n12");
	host_stop(host);
	expect_no_leaks();
}

Test(http_server, H10_responses_come_in_the_order_of_the_requests)
{
	struct host *const host = host_start(NULL);
	char request[64 * 200] = "", piece[80];
	const char *text;
	size_t size = 0;

	for (int i = 1; i <= 200; i++)
		size += (size_t)snprintf(request + size, sizeof(request) - size, "GET /%d%s", i,
					 i == 200 ? LAST : END);
	text = client_ask(host, request);
	for (int i = 1; i <= 200; i++) {
		snprintf(piece, sizeof(piece), "text/plain\r\n\r\n%d", i);
		text = strstr(text, piece);
		cr_assert(text != NULL, "%d", i);
	}
	cr_assert(eq(int, host->requests, 200));
	host_stop(host);
}

Test(http_server, H10_a_request_that_is_held_holds_those_behind_it)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);
	const char *text;

	client_send(fd, "GET /hold" END "GET /2" LAST);
	wait_until(has_requests, host, 1);
	cr_assert(eq(int, (int)recv(fd, (char[1]){ 0 }, 1, MSG_DONTWAIT), -1));
	host_release(host);
	text = client_read(fd, NULL);
	cr_assert(strstr(text, "held") < strstr(text, "\r\n\r\n2"));
	close(fd);
	host_stop(host);
}

Test(http_server, H10_a_client_that_sends_far_ahead_is_read_as_it_is_answered)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host), requests = 20000;
	char *const request = malloc(64 * (size_t)requests);
	pid_t sender;
	const char *text;
	size_t size = 0;
	int status = 0;

	cr_assert(request != NULL);
	client_send(fd, "GET /hold" END);
	for (int i = 1; i < requests; i++)
		size += (size_t)snprintf(request + size, 64, "GET /5%s",
					 i == requests - 1 ? LAST : END);
	sender = fork();
	if (sender == 0) {
		client_send(fd, request);
		_exit(0);
	}
	wait_until(has_requests, host, 1);
	usleep(20000);
	cr_assert(eq(int, host->requests, 1));
	host_release(host);
	text = client_read(fd, NULL);
	cr_assert(eq(int, count_of(text, "HTTP/1.1 200 OK"), requests));
	cr_assert(eq(int, host->requests, requests));
	waitpid(sender, &status, 0);
	cr_assert(eq(int, status, 0));
	free(request);
	close(fd);
	host_stop(host);
}

Test(http_server, H10_a_body_comes_in_pieces)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);
	static const char request[] = POST(
		"/echo", "5") "\r\nhello"
			      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
			      "Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n";
	const char *text;

	for (size_t i = 0; i + 1 < sizeof(request); i++) {
		cr_assert(eq(int, (int)send(fd, request + i, 1, 0), 1));
		if (i % 16 == 0)
			usleep(500);
	}
	text = client_read(fd, NULL);
	expect_has(text, "\r\n\r\nhelloHTTP/1.1 200");
	expect_has(text, "\r\n\r\nabcde");
	cr_assert(eq(int, host->body_ends, 2));
	close(fd);
	host_stop(host);
}

Test(http_server, H10_a_head_request_gets_the_head_alone)
{
	struct host *const host = host_start(NULL);
	const char *text = client_ask(host, "HEAD /12" END "HEAD /pull?100000" LAST);

	expect_has(text, "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\nHTTP/1.1 200");
	expect_has(text, "Transfer-Encoding: chunked\r\n\r\n");
	cr_assert(strcmp(strstr(text, "chunked"), "chunked\r\n\r\n") == 0);
	host_stop(host);
}

Test(http_server, H10_a_client_that_waits_is_asked_for_the_body)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);

	client_send(fd, POST("/echo", "5") "Expect: 100-continue\r\n\r\n");
	expect_begins(client_read(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(fd, "hello");
	expect_has(client_read(fd, "hello"), "HTTP/1.1 200 OK");
	client_send(fd, POST("/early", "5") "Expect: 100-continue\r\n\r\n");
	expect_begins(client_read(fd, NULL), "HTTP/1.1 200 OK");
	close(fd);
	host_stop(host);
}

Test(http_server, H10_a_response_before_the_body_closes_the_connection)
{
	struct host *const host = host_start(NULL);
	const char *const text = client_ask(host, POST("/early", "50") "\r\nhelloGET /2" LAST);

	expect_has(text, "Connection: close\r\n");
	expect_has(text, "early");
	cr_assert(eq(int, count_of(text, "HTTP/1.1"), 1));
	cr_assert(eq(int, host->body_ends, 0));
	host_stop(host);
}

Test(http_server, H10_a_client_that_sends_on_reads_its_refusal)
{
	struct host *const host = host_start(&(struct http_options){ .body_bytes_max = 1000 });
	char *const large = malloc(1 << 22);

	cr_assert(large != NULL);
	memset(large, 'a', (1 << 22) - 1);
	large[(1 << 22) - 1] = '\0';
	for (int i = 0; i < 20; i++) {
		const int fd = client_open(host);

		client_send(fd, POST("/echo", "9999999") "\r\n");
		client_send(fd, large);
		expect_begins(client_read(fd, NULL), "HTTP/1.1 413 Content Too Large\r\n");
		close(fd);
	}
	cr_assert(eq(u64, host_stats(host).refused, 20));
	free(large);
	host_stop(host);
}

Test(http_server, H10_a_closed_connection_is_read_on_for_a_while)
{
	struct host *const host = host_start(&(struct http_options){ .linger_ms = 9000 });
	const int fd = client_open(host);

	client_send(fd, POST("/early", "9999") "\r\n");
	expect_has(client_read(fd, NULL), "early");
	/* A socket that was closed as a whole would answer with a reset. */
	for (int i = 0; i < 10; i++) {
		cr_assert(eq(int, (int)send(fd, "hello", 5, MSG_NOSIGNAL), 5));
		usleep(5000);
	}
	close(fd);
	wait_until(has_connections, host, 0);
	cr_assert(eq(u64, host_stats(host).timeouts, 0));
	host_stop(host);
}

Test(http_server, H10_a_refusal_has_a_status_and_a_code)
{
	struct host *const host = host_start(NULL);
	const char *text = client_ask(host, "PATCH /" END);

	expect_begins(text, "HTTP/1.1 405 Method Not Allowed\r\n");
	expect_has(text, "\r\nConnection: close\r\n");
	expect_has(text, "\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n");
	expect_has(text, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
	expect_has(text, "\r\n\r\n{\"error\":{\"code\":\"http_method_not_allowed\",\"status\":405,"
			 "\"message\":\"the server does not take this method\","
			 "\"detail\":null}}\n");
	expect_has(client_ask(host, "GET / HTTP/1.1\n"), "\"code\":\"http_line_end\"");
	expect_has(client_ask(host, POST("/echo", "5") "Transfer-Encoding: chunked\r\n\r\n"),
		   "\"code\":\"http_two_lengths\"");
	expect_has(client_ask(host,
			      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "5\r\nhello!"),
		   "\"code\":\"http_chunk_end\"");
	text = client_ask(host, "HEAD /1" END "HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n");
	expect_has(text, "HTTP/1.1 400 Bad Request\r\n");
	cr_assert(strcmp(text + strlen(text) - 4, "\r\n\r\n") == 0); /* the head alone */
	/* The method of the request before does not matter. */
	expect_has(client_ask(host, "HEAD /1" END "GET / HTTP/1.1\n"),
		   "\"code\":\"http_line_end\"");
	cr_assert(eq(int, host->requests, 3));
	host_stop(host);
}

static void
judge_responses(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	static const struct http_field_out bad[] = {
		{ "X\r\nY", "z" },
		{ "X", "y\r\nZ: a" },
		{ "", "y" },
		{ "X y", "z" },
		{ "Content-Length", "5" },
		{ "DATE", "x" },
		{ "connection", "x" },
		{ "Transfer-Encoding", "chunked" },
	};
	const struct http_text none = { "", 0 };
	int *const refused = context;

	(void)head;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		*refused += http_respond(exchange, 200, &bad[i], 1, none) == REPRISE_E_INVALID;
		*refused += http_stream(exchange, 200, &bad[i], 1) == REPRISE_E_INVALID;
	}
	*refused += http_respond(exchange, 199, NULL, 0, none) == REPRISE_E_INVALID;
	*refused += http_respond(exchange, 600, NULL, 0, none) == REPRISE_E_INVALID;
	*refused += http_stream(exchange, 204, NULL, 0) == REPRISE_E_INVALID;
	*refused += http_write(exchange, (struct http_text){ "a", 1 }) == REPRISE_E_CLOSED;
	*refused += http_finish(exchange) == REPRISE_E_CLOSED;
	*refused += http_respond(exchange, 204, NULL, 0, none) == REPRISE_OK;
	*refused += http_respond(exchange, 204, NULL, 0, none) == REPRISE_E_CLOSED;
	http_server_drain(http_exchange_server(exchange), 1000);
}

static void *
ask_once(void *host)
{
	return strdup(client_ask(host, "GET /" END));
}

Test(http_server, H10_a_response_that_would_break_is_refused)
{
	int refused = 0;
	const struct http_handler handler = { .context = &refused, .on_request = judge_responses };
	struct host host = { .requests = 0 };
	char address[64];
	pthread_t client;
	void *text;

	cr_assert(eq(int, http_server_open(NULL, &handler, &host.server, NULL), REPRISE_OK));
	cr_assert(eq(int, http_server_listen(host.server, "127.0.0.1:0", NULL), REPRISE_OK));
	http_server_address(host.server, 0, address, sizeof(address));
	snprintf(host.port, sizeof(host.port), "%.7s", strrchr(address, ':') + 1);
	pthread_create(&client, NULL, ask_once, &host);
	cr_assert(eq(int, http_server_run(host.server, NULL), REPRISE_OK));
	pthread_join(client, &text);
	http_server_close(host.server);
	cr_assert(eq(int, refused, 23));
	expect_begins(text, "HTTP/1.1 204 No Content\r\n");
	cr_assert(strstr(text, "Content-Length") == NULL);
	free(text);
}

Test(http_server, H11_a_stream_is_pulled_as_the_client_takes_it)
{
	struct host *const host = host_start(NULL);
	const char *const text = client_ask(host, "GET /pull?5000000" LAST);

	expect_has(text, "Transfer-Encoding: chunked\r\n");
	expect_has(text, "\r\n\r\n4000\r\na");
	cr_assert(strcmp(text + strlen(text) - 7, "\r\n0\r\n\r\n") == 0);
	cr_assert(eq(int, count_of(text, "z\r\n4000\r\na"), 304));
	expect_has(text, "z\r\nb40\r\na"); /* 5,000,000 is 305 pieces of 16,384 bytes, and 2,880 */
	cr_assert(lt(u64, host->pending_most, 49152));
	host_stop(host);
}

Test(http_server, H11_a_stream_of_http10_ends_with_its_connection)
{
	struct host *const host = host_start(NULL);
	const char *const text = client_ask(
		host, "GET /pull?20000 HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");

	expect_has(text, "Connection: close\r\n\r\na");
	cr_assert(eq(sz, strlen(strstr(text, "\r\n\r\n") + 4), 20000));
	host_stop(host);
}

Test(http_server, H11_a_stream_may_be_followed_by_a_request)
{
	struct host *const host = host_start(NULL);

	expect_has(client_ask(host, "GET /pull?5" END "GET /7" LAST), "\r\n0\r\n\r\nHTTP/1.1 200");
	host_stop(host);
}

Test(http_server, H11_what_a_client_does_not_take_is_bounded)
{
	struct host *const host =
		host_start(&(struct http_options){ .pending_bytes_max = 8 << 20 });
	const int fd = client_open(host);

	client_send(fd, "GET /flood" LAST);
	wait_until(has_requests, host, 1);
	usleep(1000);
	cr_assert(eq(int, host->closes, 0));
	expect_has(client_read(fd, NULL), "\r\n4\r\nfull\r\n0\r\n\r\n");
	cr_assert(le(u64, host->pending_most, (8 << 20) + 65536));
	cr_assert(gt(u64, host->pending_most, 7 << 20));
	close(fd);
	host_stop(host);
}

Test(http_server, H11_a_block_is_sent_by_many_streams)
{
	struct host *const host = host_start(NULL);

	for (int i = 0; i < 50; i++)
		expect_has(client_ask(host, "GET /block" LAST), "\r\n\r\n5\r\nblock\r\n0\r\n\r\n");
	expect_has(client_ask(host, "GET /block HTTP/1.0\r\nHost: h\r\n\r\n"), "\r\n\r\nblock");
	host_stop(host);
	expect_no_leaks();
}

Test(http_server, H12_a_client_that_has_closed_its_half_gets_its_response)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);

	client_send(fd, "GET /hold" END "GET /2" END);
	shutdown(fd, SHUT_WR);
	wait_until(has_requests, host, 1);
	usleep(20000);
	host_release(host);
	expect_has(client_read(fd, NULL), "\r\n\r\n2");
	close(fd);
	host_stop(host);
}

Test(http_server, H12_the_client_of_a_stream_that_closes_its_half_has_gone)
{
	struct host *const host = host_start(NULL);
	const int fd = client_open(host);

	client_send(fd, "GET /open" END);
	expect_has(client_read(fd, "open"), "chunked");
	cr_assert(eq(int, host->closes, 0));
	shutdown(fd, SHUT_WR);
	wait_until(has_closes, host, 1);
	wait_until(has_connections, host, 0);
	close(fd);
	host_stop(host);
}

Test(http_server, H12_a_client_that_vanishes_raises_no_signal)
{
	struct host *const host = host_start(NULL);

	signal(SIGPIPE, SIG_DFL);
	for (int i = 1; i <= 50; i++) {
		const struct linger reset = { 1, 0 };
		const int fd = client_open(host);

		client_send(fd,
			    i % 2 == 0 ? "GET /pull?50000000" END : POST("/echo", "5") "\r\nhe");
		wait_until(has_requests, host, i);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	wait_until(has_connections, host, 0);
	cr_assert(eq(int, host->closes, 50));
	host_stop(host);
}

Test(http_server, H12_a_client_that_hangs_up_before_its_response_raises_no_signal)
{
	struct host *const host = host_start(NULL);

	signal(SIGPIPE, SIG_DFL);
	for (int i = 1; i <= 20; i++) {
		const int fd = client_open(host), before = host->requests;

		client_send(fd, "GET /hold" END "GET /big?20000000" END);
		wait_until(has_requests, host, before + 1);
		close(fd);
		/* The server has seen the end of the requests, and waits with the response. */
		usleep(1000);
		host_release(host);
		/* The first bytes are answered with a reset; the next ones meet a broken pipe. */
		wait_until(has_connections, host, 0);
	}
	cr_assert(gt(int, host->requests, 20)); /* of large responses, too */
	host_stop(host);
}

Test(http_server, H12_a_handler_may_abort)
{
	struct host *const host = host_start(NULL);

	cr_assert(eq(str, (char *)client_ask(host, "GET /abort" END), ""));
	cr_assert(eq(int, host->aborts, 1));
	host_stop(host);
}
