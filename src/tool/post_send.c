/* SPDX-License-Identifier: MIT */

/*
 * The requests of `reprise post`. An answer has one of three meanings: the lines are appended; the
 * lines are certainly not appended, and the request may come again or is refused; or the answer is
 * lost, and the state of the lines is unknown. In the third case the program stops, since a second
 * request could append the lines twice. (rule V92)
 */

#include "tool/post_send.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/interrupt.h"
#include "tool/json_text.h"
#include "tool/post_input.h"
#include "tool/tail_pick.h"

enum {
	ANSWER_MS = 120000,
	RETRY_MS = 100,
	RETRY_MS_MAX = 5000,
	LOOK_MS = 50,
	SIGNAL_STATUS = 128, /* plus the signal: the status that shells use */
	FIELDS_MAX = 4,
	FIELD_ROOM = 64,
};

/* A request, with the lines in it; no lines in the end alone. */
struct sending {
	const struct post_piece *pieces;
	size_t count;
	char url[ADDRESS_URL_ROOM];
	char texts[FIELDS_MAX][FIELD_ROOM];
	const char *fields[FIELDS_MAX];
	struct client_post post;
};

enum answer {
	ANSWER_APPENDED,
	ANSWER_UNRECORDED, /* appended, but not recorded in time */
	ANSWER_LATER,      /* not appended: the same request may come again */
	ANSWER_SMALLER,    /* not appended: fewer lines, or another form, may be accepted */
	ANSWER_REFUSED,    /* not appended */
	ANSWER_LOST,       /* unknown */
};

void
post_stop(struct post_sender *sender, int exit_status)
{
	if (sender->is_stopped)
		return;
	sender->is_stopped = true;
	sender->exit_status = exit_status;
}

/* --- the request ----------------------------------------------------------------------------- */

static void
add_field(struct sending *sending, const char *name, uint64_t number)
{
	char *const text = sending->texts[sending->post.fields_count];

	snprintf(text, FIELD_ROOM, "%s: %" PRIu64, name, number);
	sending->fields[sending->post.fields_count++] = text;
}

static void
begin_sending(struct sending *sending, const char *type, const char *body, size_t body_bytes)
{
	snprintf(sending->texts[0], FIELD_ROOM, "Content-Type: %s", type);
	sending->fields[0] = sending->texts[0];
	sending->post = (struct client_post){
		.url = sending->url,
		.fields = sending->fields,
		.fields_count = 1,
		.body = body,
		.body_bytes = body_bytes,
		.timeout_ms = ANSWER_MS,
	};
}

static void
write_url(const struct post_request *request, const char *path, bool has_end, char *ret_url)
{
	char rest[96], end[32] = "";

	if (has_end)
		snprintf(end, sizeof(end), "end=%" PRId32, request->end_status);
	snprintf(rest, sizeof(rest), "%s%s%s%s%s%s", path,
		 has_end || request->wait != NULL ? "?" : "", end,
		 has_end && request->wait != NULL ? "&" : "", request->wait != NULL ? "wait=" : "",
		 request->wait != NULL ? request->wait : "");
	address_of_session(&request->address, rest, ret_url);
}

/* --- the answer ------------------------------------------------------------------------------ */

static bool
has_code(const struct client_reply *reply, const char *wanted)
{
	struct json_text *const body =
		reply->body != NULL ? json_text_parse(reply->body, reply->body_bytes) : NULL;
	const char *const code = json_text_string(json_text_member(body, "error"), "code", NULL);
	const bool has = code != NULL && (wanted == NULL || strcmp(code, wanted) == 0);

	json_text_release(body);
	return has;
}

/* A proxy before the gateway may answer, too, without knowledge of the append. */
static enum answer
judge(const struct client_reply *reply)
{
	if (reply->status == 0)
		return reply->may_be_sent ? ANSWER_LOST : ANSWER_LATER;
	if (reply->status == 200)
		return ANSWER_APPENDED;
	if (has_code(reply, "not_recorded"))
		return ANSWER_UNRECORDED;
	if (reply->status == 413 || has_code(reply, "bad_body"))
		return ANSWER_SMALLER;
	if (reply->status == 429 || (reply->status == 503 && has_code(reply, NULL)))
		return ANSWER_LATER;
	if (reply->status >= 500 || reply->status == 408)
		return ANSWER_LOST;
	return ANSWER_REFUSED;
}

static void
lose_lines(struct post_sender *sender, const struct sending *sending)
{
	if (sending->count == 0)
		return;
	sender->unknown_first = sending->pieces[0].number;
	sender->unknown_last = sending->pieces[sending->count - 1].number;
}

static void
count_events(struct post_sender *sender, const struct sending *sending, uint64_t first,
	     uint64_t last)
{
	if (sender->events == 0)
		sender->first_position = first;
	sender->last_position = last;
	sender->events += sending->count;
	sender->appended_line = sending->pieces[sending->count - 1].number;
}

/* The positions in the error `not_recorded`: "first 7, last 9", or "the end". */
static void
take_unrecorded(struct post_sender *sender, const struct sending *sending,
		const struct client_reply *reply)
{
	struct json_text *const body = json_text_parse(reply->body, reply->body_bytes);
	const char *const detail =
		json_text_string(json_text_member(body, "error"), "detail", NULL);
	uint64_t first = 0, last = 0;

	if (sending->count > 0 && detail != NULL &&
	    sscanf(detail, "first %" SCNu64 ", last %" SCNu64, &first, &last) == 2)
		count_events(sender, sending, first, last);
	else
		lose_lines(sender, sending);
	json_text_release(body);
}

/* Takes the positions from an answer. False: the answer has none. */
static bool
take_positions(struct post_sender *sender, const struct sending *sending,
	       const struct client_reply *reply)
{
	struct json_text *const body =
		reply->body != NULL ? json_text_parse(reply->body, reply->body_bytes) : NULL;
	int64_t first, last, count;
	const bool has_all = json_text_number(body, "first", &first) &&
			     json_text_number(body, "last", &last) &&
			     json_text_number(body, "count", &count) && first > 0 &&
			     last >= first && count == (int64_t)sending->count;

	if (has_all)
		count_events(sender, sending, (uint64_t)first, (uint64_t)last);
	json_text_release(body);
	return has_all;
}

/* The lines of the request, in words. */
static void
say_lines(const struct sending *sending)
{
	if (sending->count == 0)
		fputs("reprise post: the end", stderr);
	else if (sending->count == 1)
		fprintf(stderr, "reprise post: line %" PRIu64 " (%zu bytes)",
			sending->pieces[0].number, sending->pieces[0].bytes);
	else
		fprintf(stderr, "reprise post: lines %" PRIu64 " to %" PRIu64,
			sending->pieces[0].number, sending->pieces[sending->count - 1].number);
}

static void
say_stop(struct post_sender *sender, const struct sending *sending, const char *what,
	 const struct client_reply *reply)
{
	say_lines(sending);
	tail_say_refusal(what, reply);
	post_stop(sender, EXIT_FAILURE);
}

/* --- attempts -------------------------------------------------------------------------------- */

/* False: a signal came. */
static bool
rest_for(struct post_sender *sender, uint64_t pause_ms)
{
	const uint64_t until_ms = post_now_ms() + pause_ms;

	while (post_now_ms() < until_ms && !interrupt_happened())
		poll(NULL, 0, LOOK_MS);
	if (interrupt_happened())
		post_stop(sender, SIGNAL_STATUS + interrupt_number());
	return !sender->is_stopped;
}

/* Sends the request until the answer differs from "later". The caller frees the reply. */
static enum answer
send_until_answered(struct post_sender *sender, const struct sending *sending,
		    struct client_reply *ret_reply)
{
	const uint64_t since_ms = post_now_ms();
	uint64_t pause_ms = RETRY_MS;

	for (;;) {
		(void)client_post(sender->client, &sending->post, ret_reply);
		const enum answer answer = judge(ret_reply);
		const uint64_t wait_ms =
			ret_reply->retry_after_ms > pause_ms ? ret_reply->retry_after_ms : pause_ms;

		if (answer != ANSWER_LATER)
			return answer;
		if (post_now_ms() - since_ms + wait_ms > sender->request->give_up_ms)
			return ANSWER_REFUSED;
		if (!rest_for(sender, wait_ms))
			return ANSWER_LATER;
		client_reply_release(ret_reply);
		pause_ms = pause_ms < RETRY_MS_MAX / 2 ? 2 * pause_ms : RETRY_MS_MAX;
	}
}

/* Judges the lines by the answer. False: the run is over. */
static bool
settle(struct post_sender *sender, const struct sending *sending, enum answer answer,
       const struct client_reply *reply)
{
	switch (answer) {
	case ANSWER_APPENDED:
		if (sending->count == 0 || take_positions(sender, sending, reply))
			return true;
		lose_lines(sender, sending);
		say_stop(sender, sending, ": the answer has no positions: is this a gateway?",
			 reply);
		return false;
	case ANSWER_UNRECORDED:
		take_unrecorded(sender, sending, reply);
		say_stop(sender, sending, ": appended, and not recorded yet", reply);
		return false;
	case ANSWER_SMALLER:
	case ANSWER_REFUSED:
		say_stop(sender, sending, ": not appended", reply);
		return false;
	case ANSWER_LOST:
		lose_lines(sender, sending);
		say_stop(sender, sending, ": unknown whether appended", reply);
		return false;
	case ANSWER_LATER:
		break; /* a signal came */
	}
	return false;
}

/* --- lines ----------------------------------------------------------------------------------- */

struct range {
	size_t from, count;
	bool is_json;
	bool is_last; /* no line follows */
};

static enum answer
send_range(struct post_sender *sender, const struct post_batch *batch, const struct range *range,
	   bool may_be_smaller)
{
	const struct post_request *const request = sender->request;
	const struct post_piece *const first = &batch->pieces[range->from];
	const struct post_piece *const last = first + range->count - 1;
	struct sending sending = { .pieces = first, .count = range->count };
	struct client_reply reply;

	begin_sending(&sending,
		      range->is_json ? "application/x-ndjson" : "application/octet-stream",
		      batch->body + first->offset, last->offset + last->bytes - first->offset);
	write_url(request, "/events", range->is_last && request->has_end, sending.url);
	if (batch->kind != 0)
		add_field(&sending, "Reprise-Kind", batch->kind);
	if (request->revision != 0)
		add_field(&sending, "Reprise-Revision", request->revision);
	if (range->is_last && request->is_commit)
		add_field(&sending, "Reprise-Commit", 1);
	const enum answer answer = send_until_answered(sender, &sending, &reply);

	if (answer != ANSWER_SMALLER || !may_be_smaller)
		(void)settle(sender, &sending, answer, &reply);
	client_reply_release(&reply);
	return answer;
}

/* One line. A text is sent as bytes if the gateway does not take the text for JSON. */
static void
send_line(struct post_sender *sender, const struct post_batch *batch, size_t index, bool is_last)
{
	struct range range = { index, 1, batch->is_json, is_last };
	const bool may_be_bytes = batch->is_json && !sender->request->is_json;

	if (send_range(sender, batch, &range, may_be_bytes) != ANSWER_SMALLER || !may_be_bytes)
		return;
	range.is_json = false;
	(void)send_range(sender, batch, &range, false);
}

bool
post_send(struct post_sender *sender, const struct post_batch *batch, size_t count, bool is_last)
{
	const struct range range = { 0, count, batch->is_json, is_last };

	if (count > 1 && send_range(sender, batch, &range, true) != ANSWER_SMALLER)
		return !sender->is_stopped;
	for (size_t i = 0; i < count && !sender->is_stopped; i++)
		send_line(sender, batch, i, is_last && i + 1 == count);
	return !sender->is_stopped;
}

bool
post_send_end(struct post_sender *sender)
{
	struct sending sending = { .count = 0 };
	struct client_reply reply;
	char body[32];

	snprintf(body, sizeof(body), "{\"status\":%" PRId32 "}", sender->request->end_status);
	begin_sending(&sending, "application/json", body, strlen(body));
	write_url(sender->request, "/end", false, sending.url);
	const enum answer answer = send_until_answered(sender, &sending, &reply);

	(void)settle(sender, &sending, answer, &reply);
	client_reply_release(&reply);
	return !sender->is_stopped;
}

/* --- the report ------------------------------------------------------------------------------ */

static void
report_lines(const struct post_sender *sender)
{
	const uint64_t through =
		sender->unknown_last != 0 ? sender->unknown_last : sender->appended_line;

	fputs("reprise post: ", stderr);
	if (sender->appended_line == 0)
		fputs("no line is appended for certain", stderr);
	else
		fprintf(stderr, "appended: lines 1 to %" PRIu64, sender->appended_line);
	if (sender->unknown_last != 0)
		fprintf(stderr, "; unknown: lines %" PRIu64 " to %" PRIu64, sender->unknown_first,
			sender->unknown_last);
	fprintf(stderr, "; not appended: from line %" PRIu64 " on\n", through + 1);
}

int
post_report(const struct post_sender *sender)
{
	if (sender->is_stopped)
		report_lines(sender);
	if (sender->events == 0)
		fputs("posted 0 events\n", stderr);
	else
		fprintf(stderr, "posted %" PRIu64 " events, positions %" PRIu64 " to %" PRIu64 "\n",
			sender->events, sender->first_position, sender->last_position);
	return sender->exit_status;
}
