/* SPDX-License-Identifier: MIT */
/*
 * V43: clients that vanish, and descriptors that run out. V46: the loop, while the log is slow.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/session.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(clients, .fini = scratch_remove, .timeout = 60);

#define JSON   "Content-Type: application/json\r\n"
#define EVENTS "/v1/sessions/s/events"

static uint64_t
newest_of(struct place *place, const char *session_id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	return reprise_session_stats(place->store, session_id, &stats) == REPRISE_OK ? stats.newest
										     : 0;
}

/* Until the session has the position: for 10 s. */
static void
await_newest(struct place *place, const char *session_id, uint64_t newest)
{
	for (int i = 0; i < 10000 && newest_of(place, session_id) < newest; i++)
		usleep(1000);
	cr_assert(eq(u64, newest_of(place, session_id), newest));
}

static void
expect_healthy(struct client *client)
{
	struct reply reply;

	client_request(client, "GET", "/healthz", NULL, NULL);
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
}

/*
 * Until no client but the healthy one and that of the last `ask` is connected. The number is told
 * in a turn of the loop.
 */
static void
await_the_others_end(struct place *place, struct client *healthy)
{
	for (int i = 0; i < 10000 && place_stats(place).connections > 2; i++) {
		expect_healthy(healthy);
		usleep(1000);
	}
	cr_assert(eq(u64, place_stats(place).connections, 2));
}

/* The next event of a stream. */
static void
expect_data(struct client *stream, const char *data)
{
	struct block block;

	do
		cr_assert(stream_next(stream, 10000, &block), "%s does not come", data);
	while (block.data == NULL || (block.event != NULL && strcmp(block.event, "message") != 0));
	cr_assert(eq(str, (char *)block.data, (char *)data), "%s", block.raw);
}

/* Each has a worker of the gateway, or waits for one. */
static void
begin_waiting(struct place *place, struct client **clients, int count)
{
	char target[64];

	for (int i = 0; i < count; i++) {
		snprintf(target, sizeof(target), "/v1/sessions/new%d/events", i);
		clients[i] = client_open(place);
		client_request(clients[i], "POST", i == 0 ? EVENTS : target, JSON, "2");
	}
	for (int i = 0; i < 10000 && place_stats(place).jobs < (uint64_t)count - 1; i++)
		usleep(1000);
	await_newest(place, "s", 2);
}

/*
 * A commit that does not come keeps an append, and all workers, waiting. The loop answers others
 * meanwhile: their answers come first.
 */
Test(clients, V46_the_loop_goes_on_while_the_log_is_slow)
{
	enum {
		WAITING = 9
	};
	struct place *const place = place_with_log();
	struct client *const healthy = client_open(place), *waiting[WAITING], *stream;
	struct place_blockade *blockade;
	struct reply reply;

	(void)post(place, "s", "1");
	stream = stream_open(place, EVENTS, NULL);
	expect_data(stream, "1");
	blockade = place_block_log(place);
	begin_waiting(place, waiting, WAITING);
	expect_data(stream, "2");
	for (int i = 0; i < 200; i++) {
		expect_healthy(healthy);
		client_request(healthy, "GET", "/v1/sessions/s/cursor?at=newest", NULL, NULL);
		reply = client_receive(healthy);
		cr_assert(eq(u64, json_number(reply.body, "position"), 2));
	}
	reply = ask(place, "POST", EVENTS "?wait=none", JSON, "3");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_data(stream, "3");
	for (int i = 0; i < WAITING; i++)
		cr_assert(not(client_hears(waiting[i], 0)), "an answer before the commit");
	place_unblock_log(blockade);
	for (int i = 0; i < WAITING; i++) {
		reply = client_receive(waiting[i]);
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
		client_close(waiting[i]);
	}
	client_close(healthy);
	client_close(stream);
	place_close(place);
}

Test(clients, V43_a_client_that_vanishes_in_a_body_appends_nothing)
{
	static const char *const pieces[] = {
		"POST " EVENTS " HTTP/1.1\r\nHost: localhost\r\n" JSON
		"Content-Length: 10\r\n\r\n12345",
		"POST " EVENTS " HTTP/1.1\r\nHost: localhost\r\n" JSON
		"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
		"POST " EVENTS " HTTP/1.1\r\nHost: localhost\r\n" JSON
		"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
		"POST " EVENTS " HTTP/1.1\r\nHost: localhost\r\n" JSON,
	};
	struct place *const place = place_with_log();
	struct client *const healthy = client_open(place);

	(void)post(place, "s", "1");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		for (int how = 0; how < 2; how++) {
			struct client *const client = client_open(place);

			client_send(client, pieces[i]);
			if (how == 1) {
				client_half_close(client);
				(void)client_receive(client); /* to the end of the connection */
			}
			client_close(client);
		}
	await_the_others_end(place, healthy);
	cr_assert(eq(u64, newest_of(place, "s"), 1));
	client_close(healthy);
	place_close(place);
}

/* An appended event stays, and is recorded; an event that waited for a writer is not appended. */
Test(clients, V43_clients_that_vanish_in_a_wait_leave_whole_appends)
{
	struct place *const place = place_with_log();
	struct client *const healthy = client_open(place);
	struct place_blockade *blockade;
	struct client *waiting[5];
	struct reply reply;

	(void)post(place, "s", "1");
	blockade = place_block_log(place);
	begin_waiting(place, waiting, 5);
	for (int i = 0; i < 5; i++)
		client_reset(waiting[i]);
	await_the_others_end(place, healthy);
	place_unblock_log(blockade);
	do
		reply = ask(place, "POST", EVENTS, JSON, "3");
	while (reply.status == 503 && strstr(reply.body, "log_unavailable") != NULL);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 3));
	for (int i = 0; i < 10000 && place_stats(place).jobs > 0; i++)
		usleep(1000);
	for (int i = 1; i < 5; i++) {
		char id[16];

		snprintf(id, sizeof(id), "new%d", i);
		cr_assert(eq(u64, newest_of(place, id), 0), "%s", id);
	}
	client_close(healthy);
	place_close(place);
}

Test(clients, V43_a_client_that_sends_no_more_gets_its_answer)
{
	struct place *const place = place_with_log();
	struct client *const client = client_open(place);
	struct place_blockade *blockade;
	struct reply reply;

	(void)post(place, "s", "1");
	blockade = place_block_log(place);
	client_request(client, "POST", EVENTS, JSON, "2");
	client_half_close(client);
	await_newest(place, "s", 2);
	place_unblock_log(blockade);
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
	client_close(client);
	place_close(place);
}

/* Each has taken nothing of its stream, so that its end is a reset; SIGPIPE would kill. */
Test(clients, V43_streams_that_vanish_raise_no_signal)
{
	struct place *const place = place_without_log();
	struct client *const healthy = client_open(place);
	char text[4000];

	signal(SIGPIPE, SIG_DFL);
	memset(text, '7', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)post(place, "s", "1");
	for (int i = 0; i < 50; i++) {
		struct client *const client = client_open(place);

		client_request(client, "GET", EVENTS, NULL, NULL);
		(void)post(place, "s", text);
		client_close(client);
		(void)post(place, "s", text);
	}
	await_the_others_end(place, healthy);
	cr_assert(eq(u64, place_stats(place).streams, 0));
	cr_assert(eq(u64, place_stats(place).subscriptions, 0));
	client_close(healthy);
	place_close(place);
}

/* The number of the first descriptor that is free. */
static int
free_descriptor(void)
{
	const int fd = dup(STDERR_FILENO);

	cr_assert(ge(int, fd, 0));
	close(fd);
	return fd;
}

/* Each worker's turn comes: a worker without a connection to the log says so. */
static void
expect_opened_or_refused(struct client *client)
{
	char target[64];

	for (int i = 0; i < 40; i++) {
		struct reply reply;

		snprintf(target, sizeof(target), "/v1/sessions/new%d/cursor", i);
		client_request(client, "GET", target, NULL, NULL);
		reply = client_receive(client);
		cr_assert(reply.status == 404 || reply.status == 503, "%s", reply.body);
	}
}

/* A new connection is not accepted, and a worker gets no connection to the log. */
Test(clients, V43_without_descriptors_the_open_connections_are_served)
{
	struct place *const place = place_with_log();
	struct client *const healthy = client_open(place), *stream, *late;
	struct rlimit before, none;
	struct reply reply;

	(void)post(place, "s", "1");
	stream = stream_open(place, EVENTS, NULL);
	expect_data(stream, "1");
	expect_healthy(healthy);
	late = client_prepare();
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)free_descriptor();
	setrlimit(RLIMIT_NOFILE, &none);
	client_connect(late, place);
	client_request(late, "GET", "/healthz", NULL, NULL);
	for (int i = 0; i < 20; i++) {
		expect_healthy(healthy);
		client_request(healthy, "POST", EVENTS, JSON, "2");
		reply = client_receive(healthy);
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		expect_data(stream, "2");
	}
	expect_opened_or_refused(healthy);
	cr_assert(not(client_hears(late, 0)));
	setrlimit(RLIMIT_NOFILE, &before);
	reply = client_receive(late);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	(void)post(place, "new0", "1");
	client_close(late);
	client_close(stream);
	client_close(healthy);
	place_close(place);
}
