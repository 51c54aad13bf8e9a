/* SPDX-License-Identifier: MIT */
/* H11: the system calls of a stream whose client takes what comes. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

SUITE(http_calls);

enum {
	PIECES = 200
};

static atomic_int changes; /* to what epoll watches */

/* In place of the C library's: libevent calls this function. */
__attribute__((visibility("default"))) int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	changes++;
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

struct calls {
	struct host host;
	struct http_exchange *exchange; /* the one stream; the loop's */
	atomic_int pieces, drains;
};

static void
on_request(void *calls_, struct http_exchange *exchange, const struct http_head *head)
{
	struct calls *const calls = calls_;

	(void)head;
	calls->host.requests++;
	calls->exchange = exchange;
	cr_expect(eq(int, http_stream(exchange, 200, NULL, 0), REPRISE_OK));
	cr_expect(eq(int, http_write(exchange, (struct http_text){ "open", 4 }), REPRISE_OK));
}

static void
on_notify(void *calls_, struct http_server *server)
{
	struct calls *const calls = calls_;

	if (calls->host.drain_ms != 0)
		http_server_drain(server, (uint32_t)calls->host.drain_ms);
	calls->host.notifies++;
	if (calls->exchange == NULL || calls->pieces == PIECES)
		return;
	calls->pieces++;
	cr_expect(
		eq(int, http_write(calls->exchange, (struct http_text){ "piece", 5 }), REPRISE_OK));
}

static void
on_drain(void *calls_, struct http_exchange *exchange)
{
	(void)exchange;
	((struct calls *)calls_)->drains++;
}

static void
on_close(void *calls_, struct http_exchange *exchange)
{
	struct calls *const calls = calls_;

	(void)exchange;
	calls->exchange = NULL;
	calls->host.closes++;
}

Test(http_calls, H11_a_piece_that_the_socket_takes_changes_no_notification)
{
	struct calls *const calls = calloc(1, sizeof(*calls));
	const struct http_handler handler = { .context = calls,
					      .on_request = on_request,
					      .on_drain = on_drain,
					      .on_close = on_close,
					      .on_notify = on_notify };
	int fd, before;

	cr_assert(calls != NULL);
	host_begin(&calls->host, NULL, &handler);
	fd = client_open(&calls->host);
	client_send(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	(void)client_read(fd, "open\r\n");
	before = changes;
	cr_assert(gt(int, before, 0), "the count is not of libevent's calls");
	for (int i = 0; i < PIECES; i++) {
		http_server_notify(calls->host.server);
		(void)client_read(fd, "piece\r\n");
	}
	cr_assert(eq(int, changes, before));
	cr_assert(ge(int, calls->drains, PIECES));
	close(fd);
	wait_until(has_closes, &calls->host, 1);
	host_stop(&calls->host);
}
