/* SPDX-License-Identifier: MIT */
/*
 * V42: memory that is refused, once, in each place: of the gateway, of the store and the recorder
 * below, and of libevent. The client here takes no memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include <reprise/session.h>

#include "bare_client.h"
#include "client.h"
#include "event_memory.h"
#include "log_sqlite/scratch.h"
#include "refusal.h"

TestSuite(memory, .fini = scratch_remove, .timeout = 120);

#define END   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define LINES "1\n2\n3\n"
#define HAS_LINES                                                                             \
	" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json" \
	"l\r\nContent-Length: 6\r\n\r\n" LINES

static uint64_t
newest_of(struct place *place, const char *session_id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	return reprise_session_stats(place->store, session_id, &stats) == REPRISE_OK ? stats.newest
										     : 0;
}

/* A scene: a request to the session @n, what a whole answer has, and the status of success. */
struct scene {
	const char *format, *until;
	int status;
};

/* Appends the three lines, until the append is whole. Answers the newest position. */
static uint64_t
append_lines(struct place *place, const char *session_id)
{
	char request[400];
	struct bare_reply reply;

	snprintf(request, sizeof(request), "POST /v1/sessions/%s/events" HAS_LINES, session_id);
	do {
		reply = bare_ask(place, request, NULL);
		if (reply.status != 200)
			expect_refusal(&reply, -1);
	} while (reply.status != 200);
	return json_number(reply.text, "last");
}

/* Runs the scene with one refused allocation. Answers whether one was refused. */
static bool
refuse_one(struct place *place, const struct scene *scene, int n, int *failed)
{
	char request[400], id[32];
	struct bare_reply reply;
	bool was_refused;
	uint64_t newest;

	snprintf(id, sizeof(id), "s%d", n);
	newest = append_lines(place, id);
	cr_assert(eq(u64, newest % 3, 0));
	snprintf(request, sizeof(request), scene->format, id);
	refusal_begin(n);
	reply = bare_ask(place, request, scene->until);
	was_refused = refusal_end();
	if (reply.status != scene->status)
		expect_refusal(&reply, n);
	cr_assert(reply.status < 400 || strstr(reply.text, "\r\nContent-Length: 0\r\n") == NULL,
		  "%s", reply.text);
	if (reply.status != scene->status ||
	    (scene->until != NULL && strstr(reply.text, scene->until) == NULL))
		(*failed)++;
	cr_assert(eq(u64, newest_of(place, id) % 3, 0), "%d: half a batch", n);
	return was_refused;
}

static void
refuse_each(bool has_log, const struct scene *scene)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .writer_idle_ms = 1,
							 .workers = 1 };
	struct place *const place =
		place_open(&(struct place_setup){ .has_log = has_log, .gateway = &options });
	int failed = 0, n = 1;

	while (refuse_one(place, scene, n, &failed))
		n++;
	cr_assert(gt(int, n, 5));
	cr_assert(gt(int, failed, 0));
	cr_assert(eq(u64, place_stats(place).jobs, 0));
	place_close(place);
	expect_no_leaks();
}

static const struct scene scenes[] = {
	{ "POST /v1/sessions/%s/events" HAS_LINES, NULL, 200 },
	{ "POST /v1/sessions/new-%s/events" HAS_LINES, NULL, 200 },
	{ "POST /v1/sessions/%s/events?end=7" HAS_LINES, NULL, 200 },
	{ "GET /v1/sessions/%s/events" END, "event: live", 200 },
	{ "GET /v1/sessions/%s/events?limit=10" END, NULL, 200 },
	{ "GET /v1/sessions/%s/cursor?at=oldest" END, NULL, 200 },
	{ "POST /v1/sessions/%s/end" END, NULL, 200 },
	{ "POST /v1/sessions/%s/invalidate" END, NULL, 204 },
	{ "DELETE /v1/sessions/%s" END, NULL, 204 },
	{ "GET /v1/sessions?limit=5&after=%s" END, NULL, 200 },
	{ "GET /v1/sessions/%s" END, NULL, 200 },
	{ "GET /metrics" END, NULL, 200 },
	{ "GET /?%s" END, NULL, 200 },
	{ "GET /viewer/viewer.css?%s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n"
	  "Connection: close\r\n\r\n",
	  NULL, 304 },
	{ "GET /v1/nowhere/%s" END, NULL, 404 },
};

Test(memory, V42_a_lack_of_memory_refuses_one_request_and_halves_nothing)
{
	refuse_event_memory();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		refuse_each(false, &scenes[i]);
}

Test(memory, V42_a_lack_of_memory_with_a_log_halves_nothing)
{
	refuse_event_memory();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		refuse_each(true, &scenes[i]);
}

Test(memory, V42_a_gateway_that_gets_no_memory_is_not_opened)
{
	struct place *const place = place_without_log();
	struct reprise_gateway *gateway;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status;
	bool was_refused = true;
	int n = 1;

	refuse_event_memory();
	for (; was_refused; n++) {
		gateway = NULL;
		refusal_begin(n);
		status = reprise_gateway_open(place->store, NULL, &gateway, &error);
		was_refused = refusal_end();
		if (status == REPRISE_OK)
			cr_assert(gateway != NULL);
		else
			cr_assert(status == REPRISE_E_NO_MEMORY || status == REPRISE_E_SYSTEM,
				  "%d: %s", n, reprise_status_name(status));
		reprise_gateway_close(gateway);
	}
	cr_assert(eq(int, status, REPRISE_OK));
	cr_assert(gt(int, n, 10));
	place_close(place);
	expect_no_leaks();
}

/* A stream, an append that waits and a job are under way when the gateway goes down. */
Test(memory, V42_a_lack_of_memory_does_not_hold_the_end_up)
{
	bool was_refused = true;

	refuse_event_memory();
	for (int n = 1; was_refused; n++) {
		struct place *const place = place_without_log();
		struct client *stream;

		(void)post(place, "s", "1");
		stream = stream_open(place, "/v1/sessions/s/events", NULL);
		refusal_begin(n);
		place_stop(place, 1000);
		was_refused = refusal_end();
		client_close(stream);
		place_close(place);
	}
	expect_no_leaks();
}

/* Reads a stream up to a position, or to the connection's end. Answers whether it was reached. */
static bool
read_to(struct client *stream, const char *text)
{
	struct block block;

	while (stream_next(stream, 10000, &block)) {
		cr_assert(block.event == NULL || strcmp(block.event, "gap") != 0, "%s", block.raw);
		if (block.data != NULL && strcmp(block.data, text) == 0)
			return true;
	}
	return false;
}

/* Each allocation beside three streams is refused. Answers how many streams were cut. */
static int
refuse_each_beside_streams(struct place *place)
{
	bool was_refused = true;
	int cut = 0;

	for (int n = 1; was_refused; n++) {
		struct client *streams[3];
		struct bare_reply reply;

		(void)append_lines(place, "s");
		for (int i = 0; i < 3; i++) {
			streams[i] = stream_open(place, "/v1/sessions/s/events?from=newest", NULL);
			(void)stream_expect(streams[i], "hello");
			(void)stream_expect(streams[i], "live");
		}
		refusal_begin(n);
		reply = bare_ask(place, "POST /v1/sessions/s/events" HAS_LINES, NULL);
		if (reply.status != 200)
			expect_refusal(&reply, n);
		was_refused = refusal_end();
		(void)append_lines(place, "s");
		for (int i = 0; i < 3; i++) {
			const bool is_there = read_to(streams[i], "1") &&
					      read_to(streams[i], "2") && read_to(streams[i], "3");

			cut += !is_there;
			client_close(streams[i]);
		}
	}
	return cut;
}

/* Whether an allocation is a stream's depends on the moment of the post: again, until one was. */
static void
cut_streams(bool has_log)
{
	struct place *const place = has_log ? place_with_log() : place_without_log();

	while (refuse_each_beside_streams(place) == 0)
		;
	place_close(place);
	expect_no_leaks();
}

Test(memory, V42_a_lack_of_memory_cuts_a_stream_and_loses_nothing_in_silence)
{
	refuse_event_memory();
	cut_streams(false);
	cut_streams(true);
}

/* A read of the stream "s" of two events, or of "large", whose answer is sent in pieces. */
static const struct scene reads[] = {
	{ "GET /v1/stream/s" END, NULL, 200 },
	{ "GET /v1/stream/large" END, NULL, 200 },
	{ "GET /v1/stream/s?offset=now&live=long-poll" END, NULL, 204 },
	{ "GET /v1/stream/s?offset=-1&live=sse" END, "upToDate", 200 },
};

static void
put_streams(struct place *place)
{
	static char body[100 << 10];
	const char *const type = "Content-Type: text/plain\r\n";

	memset(body, 'x', sizeof(body) - 1);
	(void)ask(place, "PUT", "/v1/stream/s", type, "one");
	(void)ask(place, "POST", "/v1/stream/s", type, "two");
	cr_assert(eq(int, ask(place, "PUT", "/v1/stream/large", type, body).status, 201));
}

static void
refuse_reads(struct place *place, const struct scene *scene)
{
	bool was_refused = true;
	int failed = 0, n = 0;

	while (was_refused) {
		struct bare_reply reply;

		refusal_begin(++n);
		reply = bare_ask(place, scene->format, scene->until);
		was_refused = refusal_end();
		if (reply.status != scene->status)
			expect_refusal(&reply, n);
		if (reply.status != scene->status ||
		    (scene->until != NULL && strstr(reply.text, scene->until) == NULL))
			failed++;
	}
	cr_assert(gt(int, n, 3), "%s", scene->format);
	cr_assert(gt(int, failed, 0), "%s", scene->format);
	cr_assert(eq(int, bare_ask(place, scene->format, scene->until).status, scene->status));
}

Test(memory, V42_a_lack_of_memory_refuses_one_read_of_a_durable_stream)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .durable_poll_ms = 20,
							 .workers = 1 };
	struct place *const place =
		place_open(&(struct place_setup){ .has_log = true, .gateway = &options });

	refuse_event_memory();
	put_streams(place);
	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++)
		refuse_reads(place, &reads[i]);
	place_close(place);
	expect_no_leaks();
}
