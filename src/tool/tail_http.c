/* SPDX-License-Identifier: MIT */

/*
 * `reprise tail` of a gateway. A stream is opened again until the session has ended, each time
 * behind the last printed event. The pauses between two attempts are the gateway's own, doubled
 * with each failed attempt. A quarter is random: many programs then come back one after the other.
 * (rule V90)
 */

#include "tool/tail_http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/arguments.h"
#include "tool/client.h"
#include "tool/json_text.h"
#include "tool/sse_parse.h"
#include "tool/tail_block.h"
#include "tool/tail_pick.h"
#include "tool/tail_take.h"

enum {
	RETRY_MS = 1000,      /* until a gateway tells */
	RETRY_MS_MAX = 10000, /* of this program's own pauses */
	RETRY_MS_TOLD_MAX = 3600000,
	BEGIN_MS = 30000, /* until the first block */
	HEARTBEATS = 3,   /* may be missing */
	PAGE_MS = 30000,
	PAGE_EVENTS_MAX = 10000,
	CONTROL_KIND = 65535,
};

struct following {
	struct tail tail;
	struct client *client;
	struct sse_parse *parse;
	struct tail_told told; /* of this stream */
	uint32_t retry_ms;
	unsigned int failures; /* attempts without a stream, one after the other */
	bool has_begun;        /* a stream was there before */
	bool is_silent;        /* the silent stream was cut */
	uint64_t lost_ms;      /* when the last stream was lost, or the run began */
	char url[ADDRESS_URL_ROOM];
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- one stream ------------------------------------------------------------------------------ */

static bool
take_block(void *context, const struct sse_block *block)
{
	struct following *const following = context;

	return tail_block_take(&following->tail, &following->told, block);
}

static void
take_retry(void *context, uint64_t ms)
{
	struct following *const following = context;

	following->retry_ms = (uint32_t)(ms > RETRY_MS_TOLD_MAX ? RETRY_MS_TOLD_MAX : ms);
}

static bool
take_bytes(void *context, const char *bytes, size_t bytes_count)
{
	struct following *const following = context;
	const struct sse_calls calls = { take_block, take_retry, following };
	const char *fault = NULL;

	switch (sse_parse_feed(following->parse, &calls, bytes, bytes_count)) {
	case SSE_PARSE_MORE:
		return tail_goes_on(&following->tail);
	case SSE_PARSE_STOPPED:
		return false;
	case SSE_PARSE_TOO_LONG:
		fault = "an event of more than 64 MiB, which this program refuses";
		break;
	case SSE_PARSE_NO_MEMORY:
		fault = "an event for which there is no memory";
		break;
	}
	tail_output_fault(&following->tail.output, "the gateway sends %s", fault);
	tail_stop(&following->tail, EXIT_FAILURE);
	return false;
}

static bool
goes_on(void *context, uint64_t silent_ms)
{
	struct following *const following = context;
	const struct tail_told *const told = &following->told;
	const uint64_t deadline_ms =
		told->has_hello ? (uint64_t)HEARTBEATS * told->heartbeat_ms : BEGIN_MS;

	following->is_silent = silent_ms > deadline_ms;
	return tail_looks(&following->tail) && !following->is_silent;
}

/* --- after a stream ------------------------------------------------------------- */

static bool
is_temporary(long status)
{
	return status == 408 || status == 429 || status >= 500;
}

/* Whether the answer, or no answer, is final. */
static bool
is_final(const struct following *following, const struct client_reply *reply)
{
	const bool may_come = following->has_begun || following->tail.request->waits;

	if (reply->status == 0 || reply->status == 404)
		return !may_come;
	return !is_temporary(reply->status);
}

static void
say_lost(const struct following *following, const struct client_reply *reply, uint64_t pause_ms)
{
	const struct tail_output *const output = &following->tail.output;
	const char *why = reply->fault[0] != '\0' ? reply->fault : "the gateway closed the stream";
	char silence[64], answer[64];

	if (following->is_silent) {
		snprintf(silence, sizeof(silence), "no heartbeat for %" PRIu32 " ms",
			 HEARTBEATS * following->told.heartbeat_ms);
		why = silence;
	} else if (following->told.has_bye) {
		why = "the gateway goes down";
	} else if (reply->status != 0 && !following->told.has_hello) {
		snprintf(answer, sizeof(answer), "the answer has the HTTP status %ld",
			 reply->status);
		why = answer;
	}
	tail_output_note(output,
			 "%s behind position %" PRIu64 ": %s; the next attempt is in %" PRIu64
			 ".%" PRIu64 " s",
			 following->told.has_hello ? "lost the stream" : "no stream",
			 following->tail.track.last.position, why, pause_ms / 1000,
			 pause_ms % 1000 / 100);
}

static uint64_t
find_pause(const struct following *following, const struct client_reply *reply)
{
	uint64_t pause_ms = following->retry_ms;

	for (unsigned int i = 0; i < following->failures && pause_ms < RETRY_MS_MAX; i++)
		pause_ms *= 2;
	if (pause_ms > RETRY_MS_MAX && pause_ms > following->retry_ms)
		pause_ms = RETRY_MS_MAX;
	if (pause_ms < reply->retry_after_ms)
		pause_ms = reply->retry_after_ms;
	return pause_ms + (uint64_t)random() % (pause_ms / 4 + 1);
}

static void
pause_for(struct following *following, uint64_t pause_ms)
{
	const uint64_t until_ms = now_ms() + pause_ms;
	const uint64_t give_up_ms = following->tail.request->give_up_ms;

	while (now_ms() < until_ms && tail_rests(&following->tail)) {
		if (give_up_ms == 0 || now_ms() - following->lost_ms < give_up_ms)
			continue;
		tail_output_fault(&following->tail.output, "no stream for %" PRIu64 " s: given up",
				  give_up_ms / 1000);
		tail_stop(&following->tail, EXIT_FAILURE);
	}
}

static void
settle(struct following *following, const struct client_reply *reply)
{
	struct tail *const tail = &following->tail;

	if (following->told.has_hello) {
		following->has_begun = true;
		following->failures = 0;
		following->lost_ms = now_ms();
	}
	if (!tail_goes_on(tail))
		return;
	if (reply->status == 200 && !following->told.has_hello && reply->fault[0] == '\0' &&
	    reply->body != NULL) {
		tail_output_fault(&tail->output,
				  "the answer is no event stream: is this a gateway of sessions?");
		tail_stop(tail, EXIT_FAILURE);
		return;
	}
	if (!following->told.has_hello && !following->is_silent && reply->status != 200 &&
	    is_final(following, reply)) {
		tail_say_refusal("reprise tail", reply);
		tail_stop(tail, EXIT_FAILURE);
		return;
	}
	const uint64_t pause_ms = find_pause(following, reply);

	say_lost(following, reply, pause_ms);
	if (!following->told.has_hello)
		following->failures++;
	pause_for(following, pause_ms);
}

static void
follow_once(struct following *following)
{
	char last_event_id[REPRISE_CURSOR_TEXT_BYTES_MAX];
	const struct client_stream stream = {
		.url = following->url,
		.last_event_id =
			tail_cursor(&following->tail, last_event_id) ? last_event_id : NULL,
		.take = take_bytes,
		.goes_on = goes_on,
		.context = following,
	};
	struct client_reply reply;

	following->told = (struct tail_told){ .has_hello = false };
	following->is_silent = false;
	sse_parse_begin(following->parse);
	(void)client_stream(following->client, &stream, &reply);
	settle(following, &reply);
	client_reply_release(&reply);
}

/* --- holes ----------------------------------------------------------------------------------- */

/*
 * A stream without kinds leaves out the control events of a durable stream. Reads a page of control
 * events behind @cursor, and counts *next up while a control event has the next position.
 */
static bool
read_left_out(struct following *following, const char *cursor, reprise_position last,
	      reprise_position *next)
{
	char url[ADDRESS_URL_ROOM], rest[3 * REPRISE_CURSOR_TEXT_BYTES_MAX + 96];
	const uint64_t left = last - *next + 1;
	struct client_reply reply;
	int64_t position;

	const int size =
		snprintf(rest, sizeof(rest),
			 "/events?format=json&kinds=%d&limit=%" PRIu64 "&cursor=", CONTROL_KIND,
			 left < PAGE_EVENTS_MAX ? left : PAGE_EVENTS_MAX);

	address_escape(cursor, rest + size, sizeof(rest) - (size_t)size);
	address_of_session(&following->tail.request->address, rest, url);
	(void)client_get(following->client, url, PAGE_MS, &reply);
	struct json_text *const body = reply.status == 200 && reply.body != NULL
					       ? json_text_parse(reply.body, reply.body_bytes)
					       : NULL;
	const struct json_text *const events = json_text_member(body, "events");
	const reprise_position before = *next;

	for (size_t i = 0; i < json_text_count(events); i++)
		if (json_text_number(json_text_at(events, i), "position", &position) &&
		    (reprise_position)position == *next && *next <= last)
			(*next)++;
	json_text_release(body);
	client_reply_release(&reply);
	return *next > before;
}

static bool
explains(void *context, const struct tail_hole *hole)
{
	struct following *const following = context;
	struct reprise_cursor cursor = hole->before;
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	reprise_position next = hole->first;

	while (next <= hole->last) {
		cursor.position = next - 1;
		if (reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL) != REPRISE_OK ||
		    !read_left_out(following, text, hole->last, &next))
			return false;
	}
	return true;
}

/* --- all ------------------------------------------------------------------------------------- */

static void
write_url(struct following *following)
{
	const struct tail_request *const request = following->tail.request;
	char rest[REPRISE_KINDS_MAX * 6 + 96];
	size_t size = (size_t)snprintf(rest, sizeof(rest), "/events?names=kinds%s%s",
				       request->waits ? "&wait=1" : "",
				       request->is_from_newest ? "&from=newest" : "");

	for (size_t i = 0; i < request->kinds_count; i++)
		size += (size_t)snprintf(rest + size, sizeof(rest) - size, "%s%u",
					 i == 0 ? "&kinds=" : ",", request->kinds[i]);
	address_of_session(&request->address, rest, following->url);
}

static int
follow(struct following *following, const struct tail_request *request)
{
	tail_begin(&following->tail, request);
	following->tail.explains = explains;
	following->tail.context = following;
	following->retry_ms = RETRY_MS;
	following->lost_ms = now_ms();
	srandom((unsigned int)now_ms());
	write_url(following);
	while (tail_goes_on(&following->tail))
		follow_once(following);
	return tail_end(&following->tail);
}

int
tail_http(struct tail_request *request)
{
	const struct client_options options = { .command = "reprise tail",
						.token_file = request->token_file,
						.ca_file = request->ca_file };
	struct following following = { .client = NULL };
	int status = 0;

	if (request->waits && request->address.session[0] == '\0') {
		fputs("reprise tail: --wait needs a session: in the URL, or --session\n", stderr);
		return EXIT_USAGE;
	}
	following.client = client_open(&options);
	if (following.client == NULL)
		return EXIT_USAGE;
	if (request->address.session[0] == '\0')
		status = tail_pick(following.client, request);
	following.parse = status == 0 ? sse_parse_open(TAIL_DATA_BYTES_MAX) : NULL;
	if (status == 0 && following.parse == NULL) {
		fputs("reprise tail: no memory\n", stderr);
		status = EXIT_FAILURE;
	} else if (status == 0) {
		status = follow(&following, request);
	}
	sse_parse_close(following.parse);
	client_close(following.client);
	return status;
}
