/* SPDX-License-Identifier: MIT */

/*
 * A gateway in the runtime that writes: threads of the runtime append, while clients stream from
 * the sessions, go away and come back by their cursors, are too slow, and append, and while
 * sessions are invalidated and deleted. The gateway is stopped and closed in the middle of all that
 * a few times, and another one opened over the same store. In the end the books of every client
 * are exact: each event came once and in order, or is in the range of a gap (G2, G3); the status of
 * the end is the writer's; the events of an answered POST are where the answer said; and the store
 * closes, so no subscription and no writer was forgotten.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reprise/gateway.h>

#include "gateway_client.h"
#include "gateway_log.h"
#include "stress.h"

enum {
	WRITERS = 2,     /* of the runtime, each with its session */
	STREAMS = 3,     /* of each session: that stays, that comes and goes, that is slow */
	GATEWAYS = 4,    /* of a round, one after the other */
	BATCHES = 20000, /* of a round, at most */
	EVENTS = 3,      /* of a batch */
	WINDOW_EVENTS = 256,
	PADDING = 12000, /* bytes of some payloads */
	END_STATUS = 5,
};

/* The last two sessions have clients for writers. */
enum session {
	OF_RUNTIME, /* WRITERS of them */
	POSTED = WRITERS,
	SHARED, /* the runtime has the writer, too */
	CHURNED,
	SESSIONS,
};

static const char *const ids[SESSIONS] = { "own-1", "own-2", "posted", "shared", "churned" };

/* A round. */
struct round {
	struct reprise_store *store;
	struct reprise_gateway *gateway;
	_Atomic uint16_t port; /* 0: no gateway */
	atomic_bool is_ending; /* the writers end their sessions */
	atomic_bool is_over;   /* the gateway does not come back */
	atomic_uint_fast64_t appended[SESSIONS];
	/* Of each batch of `posted`: the position that the answer said, and that a stream saw. */
	_Atomic reprise_position answered[BATCHES], seen[BATCHES];
	uint64_t batches;
	atomic_uint_fast64_t events, gaps, resumes, posts;
	uint64_t displaced; /* streams that were too slow for a shared subscription */
};

struct stream {
	struct round *round;
	enum session session;
	int number;
	unsigned int random;
	reprise_position at; /* delivered or lost */
	bool has_begun, is_ended;
	char cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct client client;
};

static void
pause_ms(unsigned int ms)
{
	const struct timespec pause = { .tv_nsec = (long)ms * 1000000L };

	(void)nanosleep(&pause, NULL);
}

static bool
await_port(struct round *round, uint16_t *ret_port)
{
	while ((*ret_port = round->port) == 0 && !round->is_over)
		sched_yield();
	return *ret_port != 0;
}

/* --- the runtime's writers -------------------------------------------------------------------- */

struct own {
	struct round *round;
	enum session session;
	struct reprise_writer *writer;
};

static void
append_one(struct own *own, reprise_position number)
{
	char payload[PADDING + 32];
	int size = snprintf(payload, sizeof(payload), "%llu", (unsigned long long)number);
	reprise_position position;

	if (number % 4 == 0) {
		memset(payload + size, ' ', PADDING);
		size += PADDING;
	}
	CHECK_OK(reprise_append(own->writer, 0, 1, 0,
				(struct reprise_bytes){ payload, (size_t)size }, &position));
	if (own->session < POSTED)
		CHECK(position == number);
	own->round->appended[own->session] = position;
}

static void *
write_events(void *own_)
{
	struct own *const own = own_;
	const uint64_t most = gateway_log_is_used() ? 3000 : 100000;

	for (reprise_position number = 1; !own->round->is_ending; number++) {
		if (number <= most)
			append_one(own, number);
		if (number % 16 == 0)
			sched_yield();
		if (number % 512 == 0 || number > most)
			pause_ms(1);
	}
	CHECK_OK(reprise_writer_end(own->writer, END_STATUS));
	return NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

static bool
begin_stream(struct stream *stream)
{
	char request[1200];
	uint16_t port;
	size_t body_bytes;
	int size, status;

	if (!await_port(stream->round, &port) ||
	    !client_open(&stream->client, port, stream->number == 2 ? 4096 : 0))
		return false;
	size = snprintf(request, sizeof(request),
			"GET /v1/sessions/%s/events?wait=1&names=kinds%s%s HTTP/1.0\r\nHost: "
			"localhost\r\n\r\n",
			ids[stream->session],
			stream->cursor[0] == '\0' ? "" : "&cursor=", stream->cursor);
	if (!client_send(&stream->client, request, (size_t)size) ||
	    !client_status(&stream->client, &status, &body_bytes))
		return false;
	CHECK(status == 200 || status == 503); /* the gateway goes down */
	if (status != 200)
		client_close(&stream->client);
	stream->round->resumes++;
	return status == 200;
}

/* A batch of a client: "BATCH.EVENT". */
static void
take_posted(struct stream *stream, const char *data)
{
	char *rest;
	const unsigned long batch = strtoul(data, &rest, 10);
	const unsigned long event = strtoul(rest + 1, NULL, 10);
	reprise_position seen = 0;

	CHECK(*rest == '.' && batch < BATCHES && event < EVENTS);
	if (!atomic_compare_exchange_strong(&stream->round->seen[batch], &seen, stream->at - event))
		CHECK(seen == stream->at - event);
}

static void
take_event(struct stream *stream, const struct block *block, reprise_position position)
{
	if (stream->session == CHURNED) {
		CHECK(position > stream->at);
		stream->at = position;
		return;
	}
	CHECK(position == stream->at + 1);
	stream->at = position;
	if (stream->session < POSTED)
		CHECK(strtoull(block->data, NULL, 10) == position);
	else if (stream->session == POSTED)
		take_posted(stream, block->data);
	stream->round->events++;
}

static void
take_gap(struct stream *stream, const struct block *block)
{
	uint64_t first, last, lost;

	stream->round->gaps++;
	if (stream->session == CHURNED) /* one life after the other, and positions that are void */
		return;
	CHECK(client_number(block->data, "first", &first));
	CHECK(client_number(block->data, "last", &last));
	CHECK(client_number(block->data, "lost", &lost));
	CHECK(first == stream->at + 1 && last >= first && lost == last - first + 1);
	stream->at = last;
}

static void
take_end(struct stream *stream, const struct block *block)
{
	uint64_t number;

	CHECK(client_number(block->data, "status", &number) && number == END_STATUS);
	CHECK(client_number(block->data, "position", &number));
	if (stream->session == CHURNED)
		return;
	CHECK(number == stream->at);
	if (stream->session < POSTED)
		CHECK(stream->at == stream->round->appended[stream->session]);
	stream->is_ended = true;
}

static void
take_block(struct stream *stream, const struct block *block)
{
	struct reprise_cursor cursor;
	bool stays = true;

	CHECK(strlen(block->id) < sizeof(stream->cursor));
	CHECK_OK(reprise_cursor_parse(block->id, strlen(block->id), &cursor, NULL));
	if (strcmp(block->event, "hello") == 0) {
		CHECK(!stream->has_begun || cursor.position == stream->at ||
		      stream->session == CHURNED);
		stream->at = cursor.position;
		stream->has_begun = true;
	} else if (strcmp(block->event, "gap") == 0) {
		take_gap(stream, block);
	} else if (strcmp(block->event, "end") == 0) {
		take_end(stream, block);
	} else if (strcmp(block->event, "live") != 0 && strcmp(block->event, "bye") != 0) {
		take_event(stream, block, cursor.position);
		stays = false;
	}
	CHECK(cursor.position == stream->at || stream->session == CHURNED || !stays);
	memcpy(stream->cursor, block->id, strlen(block->id) + 1);
}

/* Reads nothing for most of a gateway's time: sockets take megabytes. */
static void
fall_behind(struct round *round)
{
	const uint64_t behind = round->appended[OF_RUNTIME] + 1500;

	while (round->appended[OF_RUNTIME] < behind && !round->is_ending)
		pause_ms(1);
}

/* Until the session's end; a stream of a session without an end goes on to the round's. */
static void *
follow(void *stream_)
{
	struct stream *const stream = stream_;
	struct round *const round = stream->round;
	struct block block;
	uint64_t left;

	stream->client.fd = -1;
	while (!stream->is_ended && !round->is_over) {
		if (!begin_stream(stream)) {
			sched_yield();
			continue;
		}
		left = stream->number == 1 ? stress_random(&stream->random) % 64 : UINT64_MAX;
		while (left-- > 0 && !stream->is_ended && client_block(&stream->client, &block)) {
			take_block(stream, &block);
			if (stream->number == 2)
				fall_behind(round);
		}
		client_close(&stream->client);
	}
	return NULL;
}

/* --- clients that append ---------------------------------------------------------------------- */

/* False: no answer came. */
static bool
ask(struct round *round, struct client *client, const char *method, const char *path,
    const char *body, int *ret_status, const char **ret_answer)
{
	char request[512];
	size_t body_bytes;
	uint16_t port;
	int size;

	if (!await_port(round, &port) || (client->fd < 0 && !client_open(client, port, 0)))
		return false;
	size = snprintf(request, sizeof(request),
			"%s /v1/sessions/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			"application/%s\r\nContent-Length: %zu\r\n\r\n%s",
			method, path, body[0] == '{' ? "json" : "x-ndjson", strlen(body), body);
	CHECK((size_t)size < sizeof(request));
	round->posts++;
	return client_send(client, request, (size_t)size) &&
	       client_status(client, ret_status, &body_bytes) &&
	       client_body(client, body_bytes, ret_answer);
}

/* JSON texts that are numbers: a batch's and an event's. */
static void *
post_batches(void *round_)
{
	struct round *const round = round_;
	struct client client = { .fd = -1 };
	uint64_t batch = 0, first, count;
	const char *answer;
	char body[64];
	int status;

	for (; !round->is_ending && batch < BATCHES; batch++) {
		snprintf(body, sizeof(body), "%llu.0\n%llu.1\n%llu.2\n", (unsigned long long)batch,
			 (unsigned long long)batch, (unsigned long long)batch);
		if (!ask(round, &client, "POST", "posted/events", body, &status, &answer))
			continue;
		CHECK(status == 200 || status == 503);
		if (status != 200)
			continue;
		CHECK(client_number(answer, "first", &first));
		CHECK(client_number(answer, "count", &count) && count == EVENTS);
		round->answered[batch] = first;
	}
	for (status = 0; status != 200 && !round->is_over;) {
		if (!ask(round, &client, "POST", "posted/end", "{\"status\":5}", &status, &answer))
			status = 0;
		CHECK(status == 0 || status == 200 || status == 503);
	}
	round->batches = batch;
	client_close(&client);
	return NULL;
}

/* One event at a time beside the runtime's writer; the client goes without the answer at times. */
static void *
post_shared(void *round_)
{
	static const char request[] = "POST /v1/sessions/shared/events HTTP/1.1\r\nHost: "
				      "localhost\r\nContent-Type: application/json\r\n"
				      "Content-Length: 1\r\n\r\n1";
	struct round *const round = round_;
	struct client client = { .fd = -1 };
	const char *answer;
	uint16_t port;
	int status;

	while (!round->is_ending) {
		if (ask(round, &client, "POST", "shared/events", "1\n", &status, &answer))
			CHECK(status == 200 || status == 503 ||
			      (status == 409 && round->is_ending));
		client_close(&client);
		if (await_port(round, &port) && client_open(&client, port, 0))
			(void)client_send(&client, request, sizeof(request) - 1);
		client_close(&client);
	}
	return NULL;
}

static void *
churn(void *round_)
{
	static const char *const calls[][3] = {
		{ "POST", "churned/events", "1\n2\n" },
		{ "POST", "churned/invalidate", "" },
		{ "POST", "churned/events", "3\n" },
		{ "POST", "churned/events?end=5", "4\n" },
		{ "DELETE", "churned", "" },
	};
	struct round *const round = round_;
	struct client client = { .fd = -1 };
	unsigned int random = 7;
	const char *answer;
	int status;

	while (!round->is_over) {
		const char *const *const call = calls[stress_random(&random) % 5];

		if (!ask(round, &client, call[0], call[1], call[2], &status, &answer))
			continue;
		CHECK(status == 200 || status == 204 || status == 404 || status == 409 ||
		      status == 410 || status == 503);
	}
	client_close(&client);
	return NULL;
}

/* --- a round ---------------------------------------------------------------------------------- */

static void *
run(void *gateway)
{
	CHECK_OK(reprise_gateway_run(gateway, NULL));
	return NULL;
}

/* The calls that other threads may make meanwhile. */
static void
look(struct round *round)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;
	char address[80];

	CHECK_OK(reprise_gateway_stats(round->gateway, &stats));
	CHECK_OK(reprise_gateway_reload(round->gateway));
	CHECK_OK(reprise_gateway_address(round->gateway, 0, address, sizeof(address)));
	pause_ms(1);
}

static void
open_gateway(struct round *round)
{
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	char address[80];

	options.workers = 2;
	gateway_log_set(&options);
	CHECK_OK(reprise_gateway_open(round->store, &options, &round->gateway, NULL));
	CHECK_OK(reprise_gateway_address(round->gateway, 0, address, sizeof(address)));
	round->port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* A gateway for a while, which is stopped in the middle of everything. */
static void
serve(struct round *round, uint32_t drain_ms, bool is_last)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;
	pthread_t loop;

	open_gateway(round);
	CHECK(pthread_create(&loop, NULL, run, round->gateway) == 0);
	for (uint64_t left = stress_work(100); is_last ? !round->is_over : left > 0; left--)
		look(round);
	round->port = 0;
	CHECK_OK(reprise_gateway_stop(round->gateway, drain_ms));
	look(round);
	CHECK(pthread_join(loop, NULL) == 0);
	CHECK_OK(reprise_gateway_stats(round->gateway, &stats));
	CHECK(stats.streams == 0 && stats.streams_shared == 0);
	round->displaced += stats.displaced;
	reprise_gateway_close(round->gateway);
}

static void *
serve_all(void *round_)
{
	struct round *const round = round_;

	for (uint32_t i = 0; i < GATEWAYS; i++) {
		round->is_ending = i == GATEWAYS - 1;
		serve(round, i * 10, i == GATEWAYS - 1);
	}
	return NULL;
}

static struct round *
open_round(struct own owns[SHARED + 1])
{
	struct round *const round = calloc(1, sizeof(*round));
	const struct reprise_session_options shared = { .size = sizeof(shared), .is_shared = 1 };

	CHECK(round != NULL);
	round->store = stress_store(WINDOW_EVENTS, UINT64_C(2) << 20);
	gateway_log_attach(round->store);
	for (int i = 0; i <= SHARED; i++) {
		owns[i] = (struct own){ .round = round, .session = (enum session)i };
		if (i != POSTED)
			CHECK_OK(reprise_writer_open(round->store, ids[i],
						     i == SHARED ? &shared : NULL, &owns[i].writer,
						     NULL));
	}
	return round;
}

/* A stream has seen each event of a batch where the answer said. */
static void
close_round(struct round *round, struct own owns[SHARED + 1])
{
	for (uint64_t i = 0; i < round->batches; i++)
		CHECK(round->answered[i] == 0 || round->seen[i] == 0 ||
		      round->answered[i] == round->seen[i]);
	for (int i = 0; i <= SHARED; i++)
		reprise_writer_close(owns[i].writer);
	gateway_log_detach();
	CHECK_OK(reprise_store_close(round->store));
	free(round);
}

struct totals {
	uint64_t events, gaps, resumes, posts, displaced;
};

static void
play(struct totals *totals)
{
	static struct stream streams[SESSIONS][STREAMS];
	pthread_t writing[SHARED + 1], streaming[SESSIONS][STREAMS], posting[3], serving;
	struct own owns[SHARED + 1];
	struct round *const round = open_round(owns);

	for (int i = 0; i <= SHARED; i++)
		if (i != POSTED)
			CHECK(pthread_create(&writing[i], NULL, write_events, &owns[i]) == 0);
	for (int i = 0; i < SESSIONS * STREAMS; i++) {
		struct stream *const stream = &streams[i / STREAMS][i % STREAMS];

		*stream = (struct stream){ .round = round,
					   .session = (enum session)(i / STREAMS),
					   .number = i % STREAMS,
					   .random = (unsigned int)i };
		CHECK(pthread_create(&streaming[i / STREAMS][i % STREAMS], NULL, follow, stream) ==
		      0);
	}
	CHECK(pthread_create(&posting[0], NULL, post_batches, round) == 0);
	CHECK(pthread_create(&posting[1], NULL, post_shared, round) == 0);
	CHECK(pthread_create(&posting[2], NULL, churn, round) == 0);
	CHECK(pthread_create(&serving, NULL, serve_all, round) == 0);
	for (int i = 0; i <= SHARED; i++)
		if (i != POSTED)
			CHECK(pthread_join(writing[i], NULL) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(posting[i], NULL) == 0);
	for (int i = 0; i < CHURNED * STREAMS; i++)
		CHECK(pthread_join(streaming[i / STREAMS][i % STREAMS], NULL) == 0);
	round->is_over = true;
	CHECK(pthread_join(serving, NULL) == 0);
	CHECK(pthread_join(posting[2], NULL) == 0);
	for (int i = 0; i < STREAMS; i++)
		CHECK(pthread_join(streaming[CHURNED][i], NULL) == 0);
	totals->events += round->events;
	totals->gaps += round->gaps;
	totals->resumes += round->resumes;
	totals->posts += round->posts;
	totals->displaced += round->displaced;
	close_round(round, owns);
}

int
main(int argc, char **argv)
{
	struct totals totals = { 0 };
	unsigned int rounds = 0;

	if (argc > 1 && strcmp(argv[argc - 1], "log") == 0) {
		gateway_log_use();
		argc--;
	}
	stress_begin(argc, argv);
	do {
		play(&totals);
		rounds++;
	} while (!stress_is_over());
	CHECK(totals.events != 0 && totals.resumes != 0 && totals.posts != 0);
	printf("%u rounds, %llu events, %llu gaps, %llu streams, %llu displaced, %llu requests\n",
	       rounds, (unsigned long long)totals.events, (unsigned long long)totals.gaps,
	       (unsigned long long)totals.resumes, (unsigned long long)totals.displaced,
	       (unsigned long long)totals.posts);
	return 0;
}
