/* SPDX-License-Identifier: MIT */
/*
 * V01 to V06: streams of events over raw sockets. The session "s" has the writer of the test; the
 * payload of an event is the position, where nothing else is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(stream, .fini = scratch_remove, .timeout = 60);

#define EVENTS "/v1/sessions/s/events"

enum {
	TARGET_BYTES = 2048,
	ID_BYTES = 600,
};

static void
expect_begins(const char *text, const char *with)
{
	cr_assert(strncmp(text, with, strlen(with)) == 0, "%s", text);
}

/* Has the log record all events of "s". */
static void
flush(struct place *place)
{
	cr_assert(eq(int,
		     reprise_recorder_flush(place->recorder, "s", REPRISE_WRITTEN, 10 * one_second),
		     REPRISE_OK));
}

/* Appends events with the position as payload, until the newest is @newest. */
static void
append_numbers(struct place *place, struct reprise_writer *writer, reprise_position newest)
{
	reprise_position position = stats_of_s(place->store).newest;
	char number[24];

	while (position < newest) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)position + 1);
		position = append_text(writer, number);
	}
}

static void
append_bytes(struct reprise_writer *writer, uint16_t kind, const void *bytes, size_t size)
{
	const struct reprise_bytes payload = { bytes, size };

	cr_assert(eq(int, reprise_append(writer, 0, kind, 0, payload, NULL), REPRISE_OK));
}

/* The id of the event at @position. */
static const char *
id_at(struct place *place, reprise_position position)
{
	static char text[ID_BYTES];
	const struct reprise_cursor cursor = cursor_at(place->store, position);

	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL),
		     REPRISE_OK));
	return text;
}

static const char *
resume_field(const char *id)
{
	static char field[ID_BYTES + 32];

	snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", id);
	return field;
}

static const char *
target_with(const char *query, const char *id)
{
	static char target[TARGET_BYTES];

	snprintf(target, sizeof(target), "%s?%s%s", EVENTS, query, id);
	return target;
}

/* Expects the event at @position, with the position as payload and a cursor of that position. */
static void
expect_position(struct place *place, struct client *client, reprise_position position)
{
	const struct block block = stream_expect(client, "message");
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)position);
	cr_assert(eq(str, (char *)block.data, number));
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, position)), "%s", block.raw);
}

static void
expect_positions(struct place *place, struct client *client, reprise_position first,
		 reprise_position last)
{
	for (reprise_position position = first; position <= last; position++)
		expect_position(place, client, position);
}

/* Expects a gap with exact bounds. */
static void
expect_gap(struct client *client, const char *code, reprise_position first, reprise_position last)
{
	const struct block block = stream_expect(client, "gap");

	cr_assert(eq(str, (char *)block.order, "edi"), "%s", block.raw);
	cr_assert(eq(str, (char *)json_text(block.data, "code"), (char *)code));
	cr_assert(eq(u64, json_number(block.data, "lost"), last - first + 1));
	cr_assert(eq(u64, json_number(block.data, "first"), first));
	cr_assert(eq(u64, json_number(block.data, "last"), last));
	cr_assert(eq(u64, json_number(block.data, "position"), last));
	cr_assert(strstr(block.data, "\"healed\":false") != NULL, "%s", block.data);
}

Test(stream, V01_the_first_block_is_retry_hello_data_and_id)
{
	const struct reprise_gateway_options options = { .size = sizeof(options), .retry_ms = 321 };
	const struct place_setup setup = { .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	struct block block;
	char expected[TARGET_BYTES];

	append_numbers(place, writer, 3);
	client = stream_open(place, EVENTS "?from=newest", NULL);
	cr_assert(stream_next(client, 10000, &block));
	snprintf(expected, sizeof(expected),
		 "retry: 321\nevent: hello\ndata: {\"session\":\"s\",\"from\":\"newest\","
		 "\"position\":3,\"heartbeat_ms\":12000}\nid: %s\n\n",
		 id_at(place, 3));
	cr_assert(eq(str, (char *)block.raw, expected));
	cr_assert(stream_next(client, 10000, &block));
	snprintf(expected, sizeof(expected), "event: live\ndata: {\"position\":3}\nid: %s\n\n",
		 id_at(place, 3));
	cr_assert(eq(str, (char *)block.raw, expected));
	append_numbers(place, writer, 4);
	cr_assert(stream_next(client, 10000, &block));
	snprintf(expected, sizeof(expected), "event: message\ndata: 4\nid: %s\n\n",
		 id_at(place, 4));
	cr_assert(eq(str, (char *)block.raw, expected));
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V01_the_head_of_a_stream_has_no_length_no_coding_and_no_close)
{
	struct place *const place = place_without_log();
	struct client *const client = client_open(place);
	struct reply reply;

	reprise_writer_close(writer_of(place->store));
	client_request(client, "HEAD", EVENTS, "Accept-Encoding: gzip, br\r\n", NULL);
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(str, (char *)reply_field(&reply, "Content-Type"), "text/event-stream"));
	cr_assert(eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-cache, no-transform"));
	cr_assert(eq(str, (char *)reply_field(&reply, "X-Accel-Buffering"), "no"));
	cr_assert(reply_field(&reply, "Connection") == NULL, "%s", reply.head);
	cr_assert(reply_field(&reply, "Content-Encoding") == NULL, "%s", reply.head);
	cr_assert(reply_field(&reply, "Content-Length") == NULL, "%s", reply.head);
	/* The connection is there for the next request. */
	client_request(client, "HEAD", "/v1/sessions/none/events", NULL, NULL);
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 404));
	client_close(client);
	place_close(place);
}

Test(stream, V01_a_bare_stream_has_payloads_ids_and_comments_alone)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	struct block block;
	char expected[TARGET_BYTES];

	append_text(writer, "a\nb");
	client = stream_open(place, EVENTS "?frame=bare&done=1", NULL);
	cr_assert(stream_next(client, 10000, &block));
	snprintf(expected, sizeof(expected), ":\ndata: a\ndata: b\nid: %s\n\n", id_at(place, 1));
	cr_assert(eq(str, (char *)block.raw, expected));
	append_bytes(writer, 0, "\r", 1);
	cr_assert(stream_next(client, 10000, &block));
	snprintf(expected, sizeof(expected), ": base64\ndata: DQ==\nid: %s\n\n", id_at(place, 2));
	cr_assert(eq(str, (char *)block.raw, expected));
	cr_assert(eq(int, reprise_writer_end(writer, 7), REPRISE_OK));
	cr_assert(stream_next(client, 10000, &block));
	cr_assert(eq(str, (char *)block.raw, "data: [DONE]\n\n"));
	if (stream_next(client, 10000, &block) || !stream_is_over(client))
		cr_fatal("the response goes on");
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V01_an_event_may_be_named_by_its_kind)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;

	append_event(writer, 0, 65534, 0, "x");
	append_event(writer, 0, 0, 0, "y");
	client = stream_open(place, EVENTS "?names=kinds", NULL);
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "65534");
	(void)stream_expect(client, "0");
	(void)stream_expect(client, "live");
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V02_bytes_that_the_format_cannot_carry_are_base64)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *event, *data;
	} cases[] = {
		{ "", 0, "message", "" },
		{ " a", 2, "message", " a" },
		{ "\n", 1, "message", "\n" },
		{ "a\n\nb\n", 5, "message", "a\n\nb\n" },
		{ "\xef\xbb\xbfx", 4, "message", "\xef\xbb\xbfx" },
		{ "data: x\nid: 1", 13, "message", "data: x\nid: 1" },
		{ "a\rb", 3, "base64", "YQ1i" },
		{ "a\0b", 3, "base64", "YQBi" },
		{ "\xff", 1, "base64", "/w==" },
		{ "\xc3", 1, "base64", "ww==" },
	};
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		append_bytes(writer, 0, cases[i].bytes, cases[i].size);
	client = stream_open(place, EVENTS, NULL);
	(void)stream_expect(client, "hello");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct block block = stream_expect(client, cases[i].event);

		cr_assert(eq(str, (char *)block.data, (char *)cases[i].data), "%s", block.raw);
	}
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

/* Expects that the request goes on after position 3 of 6. */
static void
check_resumes(struct place *place, const char *query, const char *id, const char *fields)
{
	struct client *const client = stream_open(place, target_with(query, id), fields);
	const struct block block = stream_expect(client, "hello");

	cr_assert(eq(str, (char *)json_text(block.data, "from"), "cursor"));
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 3)));
	expect_positions(place, client, 4, 6);
	client_close(client);
}

Test(stream, V03_the_field_comes_before_three_parameters)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	char third[ID_BYTES], fifth[ID_BYTES], query[TARGET_BYTES];

	append_numbers(place, writer, 6);
	snprintf(third, sizeof(third), "%s", id_at(place, 3));
	snprintf(fifth, sizeof(fifth), "%s", id_at(place, 5));
	snprintf(query, sizeof(query), "lastEventId=%s&last_event_id=%s&from=newest&cursor=", fifth,
		 fifth);
	check_resumes(place, query, fifth, resume_field(third));
	snprintf(query, sizeof(query), "last_event_id=%s&cursor=%s&from=oldest&lastEventId=", fifth,
		 fifth);
	check_resumes(place, query, third, NULL);
	snprintf(query, sizeof(query), "cursor=%s&last_event_id=", fifth);
	check_resumes(place, query, third, NULL);
	check_resumes(place, "cursor=", third, NULL);
	/* A browser without an id sends no field; an empty one says as much. */
	check_resumes(place, "cursor=", third, "Last-Event-ID:\r\n");
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V03_a_cursor_that_is_none_or_of_another_session_is_refused)
{
	static const char *const bad[] = { "cursor=",         "cursor=x",       "lastEventId=",
					   "last_event_id=7", "cursor=rp1.0.0", "lastEventId=%20" };
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	char id[ID_BYTES], two[TARGET_BYTES];
	struct reply reply;

	append_numbers(place, writer, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reply = ask(place, "GET", target_with(bad[i], ""), NULL, NULL);
		expect_error(&reply, 400, "malformed_cursor");
	}
	snprintf(id, sizeof(id), "%s", id_at(place, 2));
	id[strlen(id) - 1] = 't';
	reply = ask(place, "GET", EVENTS, resume_field(id), NULL);
	expect_error(&reply, 400, "malformed_cursor"); /* the check digits */
	snprintf(id, sizeof(id), "%s", id_at(place, 2));
	(void)post(place, "other", "1");
	snprintf(two, sizeof(two), "/v1/sessions/other/events?cursor=%s", id);
	reply = ask(place, "GET", two, NULL, NULL);
	expect_error(&reply, 400, "wrong_session");
	snprintf(two, sizeof(two), "Last-Event-ID: %s\r\nLast-Event-ID: %s\r\n", id, id);
	reply = ask(place, "GET", EVENTS, two, NULL);
	cr_assert(eq(int, reply.status, 400));
	cr_assert(strstr(reply.body, "http_field_twice") != NULL, "%s", reply.body);
	reprise_writer_close(writer);
	place_close(place);
}

/* Reads @blocks blocks behind @first, of 3 events, `live` and 2 events; answers the last id. */
static const char *
read_and_cut(struct place *place, struct reprise_writer *writer, reprise_position first, int blocks)
{
	static const char *const names[] = { "hello", "message", "message", "message",
					     "live",  "message", "message" };
	static char id[ID_BYTES];
	struct client *client;

	append_numbers(place, writer, first + 3);
	client = stream_open(place, target_with("cursor=", id_at(place, first)), NULL);
	for (int i = 0; i < blocks; i++) {
		if (i == 5)
			append_numbers(place, writer, first + 5);
		snprintf(id, sizeof(id), "%s", stream_expect(client, names[i]).id);
	}
	client_close(client);
	append_numbers(place, writer, first + 5);
	return id;
}

Test(stream, V03_a_stream_that_is_cut_behind_any_block_goes_on_there)
{
	static const reprise_position seen[] = { 0, 0, 1, 2, 3, 3, 4, 5 };
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);

	for (int cut = 1; cut <= 7; cut++) {
		const reprise_position first = 5 * ((reprise_position)cut - 1);
		const char *const id = read_and_cut(place, writer, first, cut);
		struct client *const client = stream_open(place, EVENTS, resume_field(id));

		cr_assert(eq(str, (char *)stream_expect(client, "hello").id, (char *)id));
		expect_positions(place, client, first + seen[cut] + 1, first + 5);
		(void)stream_expect(client, "live");
		client_close(client);
	}
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V03_a_revision_counts_for_a_client_without_a_cursor)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	struct block block;
	char id[ID_BYTES];

	for (uint64_t revision = 1; revision <= 4; revision++)
		append_event(writer, revision, 0, REPRISE_EVENT_COMMIT, "x");
	client = stream_open(place, EVENTS "?revision=2", NULL);
	block = stream_expect(client, "hello");
	cr_assert(eq(str, (char *)json_text(block.data, "from"), "revision"));
	cr_assert(eq(u64, json_number(block.data, "position"), 2));
	(void)stream_expect(client, "message");
	snprintf(id, sizeof(id), "%s", stream_expect(client, "message").id);
	client_close(client);
	/* A browser comes back with the id, and with the same address. */
	client = stream_open(place, EVENTS "?revision=2", resume_field(id));
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "live");
	client_close(client);
	/* A cursor of the host's own is judged by its state. */
	client = stream_open(place, target_with("revision=2&cursor=", id), NULL);
	(void)stream_expect(client, "hello");
	block = stream_expect(client, "gap");
	cr_assert(eq(str, (char *)json_text(block.data, "code"), "ahead"));
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V04_what_has_left_the_window_is_one_gap_before_what_follows)
{
	struct place *const place = place_of_events(4, false);
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	struct block block;
	char id[ID_BYTES];

	append_numbers(place, writer, 2);
	snprintf(id, sizeof(id), "%s", id_at(place, 1));
	append_numbers(place, writer, 9);
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	expect_gap(client, "capacity", 2, 5);
	expect_positions(place, client, 6, 9);
	(void)stream_expect(client, "live");
	client_close(client);
	/* With frame=bare the gap is a comment, and no block of its own. */
	client = stream_open(place, EVENTS "?frame=bare", resume_field(id));
	cr_assert(stream_next(client, 10000, &block));
	expect_begins(block.raw, ":\n: gap capacity lost 4 first 2 last 5\ndata: 6\nid: ");
	client_close(client);
	/* "oldest" is the oldest event that is left. */
	client = stream_open(place, EVENTS "?from=oldest", NULL);
	(void)stream_expect(client, "hello");
	expect_position(place, client, 6);
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V04_a_cursor_of_another_life_is_a_gap_of_unknown_size)
{
	struct place *const place = place_without_log();
	struct reprise_writer *writer = writer_of(place->store);
	struct client *client;
	struct block block;
	char id[ID_BYTES];

	append_numbers(place, writer, 5);
	snprintf(id, sizeof(id), "%s", id_at(place, 4));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_OK));
	writer = writer_of(place->store);
	append_numbers(place, writer, 7);
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	block = stream_expect(client, "gap");
	cr_assert(eq(str, (char *)json_text(block.data, "reason"), "unavailable"));
	cr_assert(eq(str, (char *)json_text(block.data, "code"), "another_incarnation"));
	cr_assert(strstr(block.data, "\"lost\":null,\"first\":null,\"last\":null") != NULL, "%s",
		  block.data);
	cr_assert(eq(u64, json_number(block.data, "newest"), 7));
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 5)));
	expect_positions(place, client, 6, 7);
	(void)stream_expect(client, "live");
	client_close(client);
	client = stream_open(place, EVENTS "?frame=bare", resume_field(id));
	cr_assert(stream_next(client, 10000, &block));
	expect_begins(block.raw, ":\n: gap another_incarnation lost unknown\ndata: 6\n");
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V04_with_a_log_what_has_left_the_window_is_healed)
{
	struct place *const place = place_of_events(8, true);
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	char id[ID_BYTES];

	append_numbers(place, writer, 2);
	snprintf(id, sizeof(id), "%s", id_at(place, 1));
	for (reprise_position position = 2; position <= 297; position += 5) {
		append_numbers(place, writer, position);
		flush(place);
	}
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	expect_positions(place, client, 2, 297);
	(void)stream_expect(client, "live");
	append_numbers(place, writer, 298);
	expect_position(place, client, 298);
	client_close(client);
	client = stream_open(place, EVENTS "?from=oldest&recorded=1", NULL);
	(void)stream_expect(client, "hello");
	expect_position(place, client, 1);
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V04_an_invalidation_is_told_in_band_and_the_next_life_follows)
{
	struct place *const place = place_without_log();
	struct reprise_writer *writer = writer_of(place->store);
	struct client *client;
	struct block block;

	append_numbers(place, writer, 2);
	client = stream_open(place, EVENTS, NULL);
	(void)stream_expect(client, "hello");
	expect_positions(place, client, 1, 2);
	(void)stream_expect(client, "live");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_OK));
	block = stream_expect(client, "gap");
	cr_assert(eq(str, (char *)json_text(block.data, "code"), "invalidated"));
	writer = writer_of(place->store);
	append_numbers(place, writer, 4);
	expect_positions(place, client, 3, 4);
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

/* Expects hello, `end` with @status at @position and nothing more. */
static void
expect_end(struct place *place, struct client *client, const char *status,
	   reprise_position position)
{
	const struct block block = stream_expect(client, "end");
	struct block next;
	char expected[TARGET_BYTES];

	snprintf(expected, sizeof(expected),
		 "event: end\ndata: {\"status\":%s,\"position\":%llu}\nid: %s\n\n", status,
		 (unsigned long long)position, id_at(place, position));
	cr_assert(eq(str, (char *)block.raw, expected));
	if (stream_next(client, 10000, &next))
		cr_fatal("behind the end: %s", next.raw);
	if (!stream_is_over(client))
		cr_fatal("the response goes on");
	client_close(client);
}

Test(stream, V05_the_end_has_the_last_cursor_and_is_told_again)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *const live = stream_open(place, EVENTS "?wait=1", NULL);
	struct client *client;
	char id[ID_BYTES];

	(void)stream_expect(live, "hello");
	(void)stream_expect(live, "live");
	append_numbers(place, writer, 2);
	expect_positions(place, live, 1, 2);
	cr_assert(eq(int, reprise_writer_end(writer, -3), REPRISE_OK));
	expect_end(place, live, "-3", 2);
	snprintf(id, sizeof(id), "%s", id_at(place, 2));
	for (int i = 0; i < 2; i++) {
		client = stream_open(place, EVENTS, resume_field(id));
		(void)stream_expect(client, "hello");
		expect_end(place, client, "-3", 2);
	}
	client = stream_open(place, EVENTS "?from=oldest", NULL);
	(void)stream_expect(client, "hello");
	expect_positions(place, client, 1, 2);
	expect_end(place, client, "-3", 2);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V05_a_session_that_does_not_exist_is_waited_for_if_asked)
{
	struct place *const place = place_without_log();
	struct reply reply = ask(place, "GET", EVENTS, NULL, NULL);
	struct reprise_writer *writer;
	struct client *client;
	char id[ID_BYTES];

	expect_error(&reply, 404, "unknown_session");
	reply = ask(place, "GET", EVENTS "?wait=0", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	client = stream_open(place, EVENTS "?wait=1", NULL);
	snprintf(id, sizeof(id), "%s", stream_expect(client, "hello").id);
	(void)stream_expect(client, "live");
	writer = writer_of(place->store);
	append_numbers(place, writer, 2);
	expect_positions(place, client, 1, 2);
	client_close(client);
	/* A client that heard nothing but hello comes back. */
	client = stream_open(place, EVENTS "?wait=1", resume_field(id));
	(void)stream_expect(client, "hello");
	expect_positions(place, client, 1, 2);
	(void)stream_expect(client, "live");
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

/* Waits, at most 10 s, until nothing but one shared subscription is left of @streams streams. */
static void
wait_until_shared(struct place *place, uint64_t streams)
{
	struct reprise_gateway_stats stats;

	for (int i = 0; i < 10000; i++) {
		stats = place_stats(place);
		if (stats.streams_shared == streams && stats.subscriptions == 1)
			return;
		usleep(1000);
	}
	cr_fatal("%llu shared, %llu subscriptions", (unsigned long long)stats.streams_shared,
		 (unsigned long long)stats.subscriptions);
}

Test(stream, V05_an_old_cursor_is_live_behind_its_gap_though_no_life_follows)
{
	struct place *const place = place_with_log();
	struct reprise_writer *writer = writer_of(place->store);
	struct client *client;
	char id[ID_BYTES];

	append_numbers(place, writer, 5);
	flush(place);
	snprintf(id, sizeof(id), "%s", id_at(place, 3));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_OK));
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "gap");
	(void)stream_expect(client, "live");
	wait_until_shared(place, 1);
	writer = writer_of(place->store);
	append_numbers(place, writer, 6);
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V05_a_cursor_beyond_the_newest_event_is_not_live_before_its_gap)
{
	struct place *const place = place_with_log();
	struct reprise_writer *writer = writer_of(place->store);
	struct reprise_cursor cursor;
	struct client *client;
	struct block block;
	char id[ID_BYTES];

	append_numbers(place, writer, 5);
	flush(place);
	cursor = cursor_at(place->store, 5);
	cursor.position = 9;
	cr_assert(eq(int, reprise_cursor_format(&cursor, id, sizeof(id), NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(place->store); /* a life without events follows */
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	block = stream_expect(client, "gap");
	cr_assert(eq(str, (char *)json_text(block.data, "code"), "diverged"));
	(void)stream_expect(client, "live");
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V06_a_silent_stream_has_a_comment_of_one_line_each_interval)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .heartbeat_ms = 1000 };
	const struct place_setup setup = { .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client = stream_open(place, EVENTS, NULL);
	struct block block;

	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "live");
	/* Each comment is a line, and the event ends the block that they are in. */
	if (stream_next(client, 2600, &block))
		cr_fatal("a comment ends a block: %s", block.raw);
	append_numbers(place, writer, 1);
	cr_assert(stream_next(client, 10000, &block));
	cr_assert(strspn(block.raw, ":\n") >= 4, "%s", block.raw);
	cr_assert(strncmp(block.raw, ":\n:\n", 4) == 0, "%s", block.raw);
	cr_assert(strstr(block.raw, "\n\n") == block.raw + strlen(block.raw) - 2, "%s", block.raw);
	cr_assert(eq(str, (char *)block.data, "1"));
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V06_a_shutdown_is_told_with_a_time_to_come_back)
{
	const struct reprise_gateway_options options = { .size = sizeof(options), .retry_ms = 100 };
	const struct place_setup setup = { .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *clients[12];
	uint64_t least = UINT64_MAX, most = 0;
	struct block block;

	append_numbers(place, writer, 3);
	for (size_t i = 0; i < 12; i++) {
		clients[i] = stream_open(place, EVENTS "?from=newest", NULL);
		(void)stream_expect(clients[i], "hello");
		(void)stream_expect(clients[i], "live");
	}
	place_stop(place, 10000);
	for (size_t i = 0; i < 12; i++) {
		uint64_t retry;

		block = stream_expect(clients[i], "bye");
		retry = strtoull(block.retry, NULL, 10);
		cr_assert(retry >= 100 && retry <= 300, "%s", block.raw);
		cr_assert(eq(str, (char *)block.order, "redi"));
		cr_assert(eq(u64, json_number(block.data, "retry_ms"), retry));
		cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 3)));
		if (stream_next(clients[i], 10000, &block) || !stream_is_over(clients[i]))
			cr_fatal("the response goes on");
		least = retry < least ? retry : least;
		most = retry > most ? retry : most;
		client_close(clients[i]);
	}
	cr_assert(lt(u64, least, most)); /* 12 equal numbers of 201: never */
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V05_each_bad_parameter_is_refused)
{
	static const char *const bad[] = {
		"from=",
		"from=middle",
		"kinds=",
		"kinds=1,",
		"kinds=65536",
		"kinds=1,,2",
		"kinds=a",
		"kinds=01",
		"names=",
		"names=kind",
		"frame=",
		"frame=json",
		"done=2",
		"done=",
		"recorded=yes",
		"wait=true",
		"revision=",
		"revision=-1",
		"revision=01",
		"unknown=1",
		"done=1&done=1",
		"from=oldest&revision=1",
		"revision=18446744073709551615",
		"limit=1&frame=bare",
		"format=json&names=kinds",
		"format=json&wait=1",
		"at=oldest",
	};
	struct place *const place = place_without_log();
	char many[1024] = "kinds=0";
	struct reply reply;

	(void)post(place, "s", "1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reply = ask(place, "GET", target_with(bad[i], ""), NULL, NULL);
		cr_assert(eq(int, reply.status, 400), "%s: %s", bad[i], reply.body);
		expect_error(&reply, 400, "bad_query");
	}
	for (size_t i = 0; i < 64; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), ",%zu", i);
	reply = ask(place, "GET", target_with(many, ""), NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	reply = ask(place, "GET", EVENTS "?recorded=1", NULL, NULL);
	expect_error(&reply, 400, "no_log");
	place_close(place);
}

Test(stream, V05_other_kinds_are_left_out)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *client;
	struct block block;

	for (uint16_t kind = 0; kind < 6; kind++)
		append_event(writer, 0, kind, 0, "x");
	client = stream_open(place, EVENTS "?kinds=3,1,3&from=oldest", NULL);
	(void)stream_expect(client, "hello");
	block = stream_expect(client, "message");
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 2)));
	block = stream_expect(client, "message");
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 4)));
	/* The cursor passes what is left out. */
	block = stream_expect(client, "live");
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 6)));
	append_event(writer, 0, 2, 0, "x");
	append_event(writer, 0, 1, 0, "x");
	block = stream_expect(client, "message");
	cr_assert(eq(str, (char *)block.id, (char *)id_at(place, 8)));
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V05_with_a_log_a_stream_goes_from_life_to_life)
{
	struct place *const place = place_with_log();
	struct reprise_writer *writer = writer_of(place->store);
	struct client *client, *other;
	char id[ID_BYTES];

	append_numbers(place, writer, 3);
	snprintf(id, sizeof(id), "%s", id_at(place, 3));
	cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_OK));
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	expect_end(place, client, "1", 3);
	reprise_writer_close(writer);
	writer = writer_of(place->store);
	append_numbers(place, writer, 5);
	client = stream_open(place, EVENTS, resume_field(id));
	other = stream_open(place, EVENTS "?from=oldest", NULL);
	(void)stream_expect(client, "hello");
	expect_positions(place, client, 4, 5);
	(void)stream_expect(client, "live");
	(void)stream_expect(other, "hello");
	for (int i = 0; i < 5; i++)
		(void)stream_expect(other, "message");
	(void)stream_expect(other, "live");
	wait_until_shared(place, 2);
	client_close(client);
	client_close(other);
	reprise_writer_close(writer);
	place_close(place);
}

/* HTTP/1.0 has no chunks: the end of the connection is the end of the stream. */
Test(stream, V01_a_client_of_http_1_0_gets_the_blocks_alone)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct client *const client = client_open(place);
	struct reply reply;
	char expected[TARGET_BYTES];

	append_numbers(place, writer, 1);
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	client_send(client, "GET " EVENTS "?frame=bare&from=oldest HTTP/1.0\r\n"
			    "Host: localhost\r\n\r\n");
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(reply_field(&reply, "Transfer-Encoding") == NULL, "%s", reply.head);
	snprintf(expected, sizeof(expected), ":\ndata: 1\nid: %s\n\n", id_at(place, 1));
	cr_assert(eq(str, (char *)reply.body, expected));
	client_close(client);
	reprise_writer_close(writer);
	place_close(place);
}

Test(stream, V05_a_session_that_has_ended_in_the_log_is_not_live)
{
	const struct place_setup setup = { .has_log = true, .sessions_max = 1 };
	struct place *const place = place_open(&setup);
	struct reprise_writer *const writer = writer_of(place->store);
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct client *client;
	struct reply reply;
	char id[ID_BYTES];

	append_numbers(place, writer, 3);
	snprintf(id, sizeof(id), "%s", id_at(place, 3));
	cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_OK));
	reprise_writer_close(writer);
	/* The window has room for another session once the end is recorded. */
	do
		reply = ask(place, "POST", "/v1/sessions/other/events",
			    "Content-Type: application/json\r\n", "1");
	while (reply.status == 503);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_E_NOT_FOUND));
	client = stream_open(place, EVENTS "?from=oldest", NULL);
	(void)stream_expect(client, "hello");
	for (int i = 0; i < 3; i++)
		(void)stream_expect(client, "message");
	cr_assert(eq(str, (char *)stream_expect(client, "end").id, id));
	client_close(client);
	client = stream_open(place, EVENTS, resume_field(id));
	(void)stream_expect(client, "hello");
	cr_assert(eq(str, (char *)stream_expect(client, "end").id, id));
	client_close(client);
	place_close(place);
}
