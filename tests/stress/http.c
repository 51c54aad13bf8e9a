/* SPDX-License-Identifier: MIT */

/*
 * The loop of the HTTP server against threads that notify: while the loop serves streams, during
 * the drain, and behind the run's end. Each notification is waited for without a time-out, so a
 * lost one stops the program (H17). What a thread wrote before is there in on_notify; each request
 * has one on_close; and the ticks go on.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http.h"
#include "stress.h"

enum {
	NOTIFIERS = 3,
	CLIENTS = 3,
	STREAMS_MAX = 64,
	EACH = 200,
};

struct round {
	struct http_server *server;
	uint16_t port;
	struct http_exchange *streams[STREAMS_MAX];
	uint64_t streams_count, requests, closes, ticks; /* the loop's */
	atomic_uint written[NOTIFIERS], seen[NOTIFIERS];
	atomic_bool goes_down, is_down;
};

struct notifier {
	struct round *round;
	int number;
};

static void
on_request(void *round_, struct http_exchange *exchange, const struct http_head *head)
{
	struct round *const round = round_;

	(void)head;
	round->requests++;
	if (round->streams_count == STREAMS_MAX) {
		http_abort(exchange);
		return;
	}
	CHECK_OK(http_stream(exchange, 200, NULL, 0));
	round->streams[round->streams_count++] = exchange;
}

static void
on_close(void *round_, struct http_exchange *exchange)
{
	struct round *const round = round_;

	round->closes++;
	for (uint64_t i = 0; i < round->streams_count; i++)
		if (round->streams[i] == exchange) {
			round->streams[i] = round->streams[--round->streams_count];
			return;
		}
}

static void
tell_all(struct round *round)
{
	for (uint64_t i = 0; i < round->streams_count; i++) {
		const reprise_status status =
			http_write(round->streams[i], (struct http_text){ "told", 4 });

		CHECK(status == REPRISE_OK || status == REPRISE_E_CLOSED ||
		      status == REPRISE_E_FULL);
	}
}

static void
on_notify(void *round_, struct http_server *server)
{
	struct round *const round = round_;

	for (int i = 0; i < NOTIFIERS; i++)
		round->seen[i] = round->written[i];
	tell_all(round);
	if (round->goes_down)
		CHECK_OK(http_server_drain(server, 20));
}

static void
on_tick(void *round_, struct http_server *server)
{
	struct round *const round = round_;

	(void)server;
	round->ticks++;
	tell_all(round);
}

static void *
run(void *round_)
{
	struct round *const round = round_;

	CHECK_OK(http_server_run(round->server, NULL));
	round->is_down = true;
	return NULL;
}

static void *
notify(void *notifier_)
{
	const struct notifier *const notifier = notifier_;
	struct round *const round = notifier->round;
	const int number = notifier->number;
	unsigned int written = 0;

	/* On behind the round's end: a notification then has no effect, and does no harm. */
	for (int after = 0; after < 3; after += round->is_down) {
		written++;
		atomic_store_explicit(&round->written[number], written, memory_order_relaxed);
		CHECK_OK(http_server_notify(round->server));
		while (round->seen[number] != written && !round->is_down)
			sched_yield();
	}
	return NULL;
}

/* Streams that are read for a while, and left. */
static void *
ask(void *round_)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	const struct round *const round = round_;
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(round->port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char bytes[4096];

	for (uint64_t i = stress_work(EACH); i > 0; i--) {
		const int fd = socket(AF_INET, SOCK_STREAM, 0);

		CHECK(fd >= 0);
		CHECK(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
		CHECK(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
		for (uint64_t j = i % 5; j > 0; j--)
			CHECK(recv(fd, bytes, sizeof(bytes), 0) > 0);
		CHECK(close(fd) == 0);
	}
	return NULL;
}

static void
open_server(struct round *round)
{
	const struct http_handler handler = { .context = round,
					      .on_request = on_request,
					      .on_close = on_close,
					      .on_notify = on_notify,
					      .on_tick = on_tick };
	const struct http_options options = { .tick_ms = 1 };
	char address[64];

	CHECK_OK(http_server_open(&options, &handler, &round->server, NULL));
	CHECK_OK(http_server_listen(round->server, "127.0.0.1:0", NULL));
	CHECK_OK(http_server_address(round->server, 0, address, sizeof(address)));
	round->port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* Answers the number of requests, and adds the ticks to @ticks. */
static uint64_t
play(uint64_t *ticks)
{
	struct round round = { .port = 0 };
	struct notifier notifiers[NOTIFIERS];
	pthread_t loop, notifying[NOTIFIERS], asking[CLIENTS];

	open_server(&round);
	CHECK(pthread_create(&loop, NULL, run, &round) == 0);
	for (int i = 0; i < NOTIFIERS; i++) {
		notifiers[i] = (struct notifier){ &round, i };
		CHECK(pthread_create(&notifying[i], NULL, notify, &notifiers[i]) == 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		CHECK(pthread_create(&asking[i], NULL, ask, &round) == 0);
	for (int i = 0; i < CLIENTS; i++)
		CHECK(pthread_join(asking[i], NULL) == 0);
	round.goes_down = true;
	CHECK(pthread_join(loop, NULL) == 0);
	for (int i = 0; i < NOTIFIERS; i++)
		CHECK(pthread_join(notifying[i], NULL) == 0);
	CHECK(http_server_stats(round.server).connections == 0);
	http_server_close(round.server);
	CHECK(round.requests == round.closes);
	CHECK(round.streams_count == 0);
	*ticks += round.ticks;
	return round.requests;
}

int
main(int argc, char **argv)
{
	uint64_t requests = 0, ticks = 0, rounds = 0;

	stress_begin(argc, argv);
	do {
		requests += play(&ticks);
		rounds++;
	} while (!stress_is_over());
	CHECK(requests != 0);
	CHECK(ticks != 0);
	printf("%llu rounds, %llu requests, %llu ticks\n", (unsigned long long)rounds,
	       (unsigned long long)requests, (unsigned long long)ticks);
	return 0;
}
