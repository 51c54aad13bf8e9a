/* SPDX-License-Identifier: MIT */
/* V66: long-polls of a durable stream. V67: Server-Sent Events of a durable stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "durable_calls.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_live, .fini = scratch_remove, .timeout = 60);

enum {
	POLL_MS = 300
};

/* Long-polls of 300 ms; heartbeats each second. */
static struct place *
open_place(void)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .durable_poll_ms = POLL_MS,
							 .heartbeat_ms = 1000 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };

	return place_open(&setup);
}

/* Long-polls of a minute: none ends by itself within a test. */
static struct place *
open_patient_place(void)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .durable_poll_ms = 60000 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };

	return place_open(&setup);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A long-poll of the stream that waits: the loop has begun with the request. */
static struct client *
begin_poll(struct place *place, const char *query)
{
	const uint64_t requests = place_stats(place).requests;
	struct client *const client = client_open(place);
	char target[256];

	snprintf(target, sizeof(target), STREAM "s%s&live=long-poll", query);
	client_request(client, "GET", target, NULL, NULL);
	await_requests(place, requests + 1);
	return client;
}

static void
expect_204(const struct reply *reply, uint64_t position, bool is_closed)
{
	cr_assert(eq(int, reply->status, 204), "%s%s", reply->head, reply->body);
	expect_next(reply, position);
	expect_field(reply, "Stream-Up-To-Date", "true");
	expect_field(reply, "Stream-Closed", is_closed ? "true" : NULL);
	expect_field(reply, "Cache-Control", "no-store");
	cr_assert(reply_field(reply, "Stream-Cursor") != NULL);
}

Test(durable_live, V66_a_long_poll_with_events_is_answered_at_once)
{
	struct place *const place = open_patient_place();
	struct reply reply;
	char query[64];
	uint64_t cursor;

	put_stream(place, "s", TEXT_TYPE, "data");
	reply = get_stream(place, "s", "?offset=-1&live=long-poll", 200);
	expect_body(&reply, "data");
	expect_next(&reply, 2);
	expect_field(&reply, "Stream-Up-To-Date", "true");
	expect_field(&reply, "ETag", "\"s:1:2\"");
	cursor = strtoull(reply_field(&reply, "Stream-Cursor"), NULL, 10);
	snprintf(query, sizeof(query), "?offset=-1&live=long-poll&cursor=%llu",
		 (unsigned long long)cursor);
	reply = get_stream(place, "s", query, 200);
	cr_assert(gt(u64, strtoull(reply_field(&reply, "Stream-Cursor"), NULL, 10), cursor));
	place_close(place);
}

Test(durable_live, V66_a_long_poll_without_events_is_204_in_time)
{
	struct place *const place = open_place();
	const int64_t begin = now_ms();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	reply = get_stream(place, "s", "?offset=now&live=long-poll", 204);
	expect_204(&reply, 2, false);
	cr_assert(ge(i64, now_ms() - begin, POLL_MS));
	place_close(place);
}

Test(durable_live, V66_a_long_poll_waits_for_the_first_event)
{
	static const char *const queries[] = { "?offset=now",
					       "?offset=0000000000000000_0000000000000004" };
	struct place *const place = open_patient_place();

	put_stream(place, "s", JSON_TYPE, "[1]");
	for (uint64_t i = 0; i < 2; i++) {
		struct client *const client = begin_poll(place, queries[i]);
		struct reply reply;

		post_stream(place, "s", JSON_TYPE, "[2,3]");
		reply = client_receive(client);
		cr_assert(eq(int, reply.status, 200), "%s%s", reply.head, reply.body);
		expect_body(&reply, "[2,3]");
		expect_next(&reply, 4 + 2 * i);
		expect_field(&reply, "Stream-Up-To-Date", "true");
		expect_field(&reply, "Cache-Control",
			     i == 0 ? "no-store"
				    : "public, max-age=60, stale-while-revalidate=300");
		client_close(client);
	}
	place_close(place);
}

Test(durable_live, V66_the_close_of_a_stream_ends_the_wait)
{
	struct place *const place = open_patient_place();
	struct client *client;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	client = begin_poll(place, "?offset=now");
	close_stream(place, "s");
	reply = client_receive(client);
	expect_204(&reply, 2, true);
	client_close(client);
	reply = get_stream(place, "s", "?offset=now&live=long-poll", 204);
	expect_204(&reply, 2, true);
	place_close(place);
}

Test(durable_live, V66_the_last_event_comes_with_the_close)
{
	struct place *const place = open_patient_place();
	struct client *client;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	client = begin_poll(place, "?offset=now");
	post_stream(place, "s", TEXT_TYPE "Stream-Closed: true\r\n", "last");
	reply = client_receive(client);
	cr_assert(eq(int, reply.status, 200), "%s%s", reply.head, reply.body);
	expect_body(&reply, "last");
	expect_field(&reply, "Stream-Closed", "true");
	expect_field(&reply, "Stream-Up-To-Date", "true");
	client_close(client);
	place_close(place);
}

Test(durable_live, V66_a_shutdown_ends_the_wait_with_204)
{
	struct place *const place = open_patient_place();
	struct client *client;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	client = begin_poll(place, "?offset=now");
	place_stop(place, 5000);
	reply = client_receive(client);
	expect_204(&reply, 2, false);
	client_close(client);
	place_close(place);
}

Test(durable_live, V66_a_deleted_stream_ends_the_wait_with_404)
{
	struct place *const place = open_patient_place();
	struct client *client;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	client = begin_poll(place, "?offset=now");
	remove_stream(place, "s");
	reply = client_receive(client);
	expect_error(&reply, 404, "unknown_stream");
	client_close(client);
	place_close(place);
}

/* The next block, whose raw text is expected up to the cursor, which changes. */
static void
expect_raw(struct client *client, const char *raw)
{
	struct block block;

	cr_assert(stream_next(client, 10000, &block), "no block came: %s", raw);
	cr_assert(strncmp(block.raw, raw, strlen(raw)) == 0, "%s\nis not\n%s", block.raw, raw);
}

static void
expect_data(struct client *client, const char *lines)
{
	char raw[1024];

	snprintf(raw, sizeof(raw), "event: data\n%s\n\n", lines);
	expect_raw(client, raw);
}

/* Whether the block says that the client has everything. */
static bool
expect_control(struct client *client, uint64_t position)
{
	char raw[1024];
	struct block block;

	snprintf(raw, sizeof(raw),
		 "event: control\ndata:{\"streamNextOffset\":\"%s\",\"streamCursor\":\"",
		 offset_text(position));
	cr_assert(stream_next(client, 10000, &block), "no block came: %s", raw);
	cr_assert(strncmp(block.raw, raw, strlen(raw)) == 0, "%s\nis not\n%s", block.raw, raw);
	return strstr(block.data, "\"upToDate\":true}") != NULL;
}

static void
expect_closed(struct client *client, uint64_t position)
{
	char raw[1024];
	struct block block;

	snprintf(raw, sizeof(raw),
		 "event: control\ndata:{\"streamNextOffset\":\"%s\",\"streamClosed\":true}\n\n",
		 offset_text(position));
	expect_raw(client, raw);
	cr_assert(not(stream_next(client, 10000, &block)));
	cr_assert(stream_is_over(client));
}

static struct client *
open_stream(struct place *place, const char *query)
{
	char target[256];

	snprintf(target, sizeof(target), STREAM "s%s&live=sse", query);
	return stream_open(place, target, NULL);
}

Test(durable_live, V67_each_data_block_has_a_control_block)
{
	struct place *const place = open_patient_place();
	struct client *stream;

	put_stream(place, "s", TEXT_TYPE, " one");
	post_stream(place, "s", TEXT_TYPE, "two");
	stream = open_stream(place, "?offset=-1");
	expect_data(stream, "data: one");
	cr_assert(not(expect_control(stream, 2)));
	expect_data(stream, "data:two");
	cr_assert(expect_control(stream, 3));
	post_stream(place, "s", TEXT_TYPE, "three");
	expect_data(stream, "data:three");
	cr_assert(expect_control(stream, 4));
	post_stream(place, "s", TEXT_TYPE "Stream-Closed: true\r\n", "four");
	expect_data(stream, "data:four");
	expect_closed(stream, 6);
	client_close(stream);
	stream = open_stream(place, "?offset=0000000000000000_0000000000000004");
	expect_data(stream, "data:four");
	expect_closed(stream, 6);
	client_close(stream);
	stream = open_stream(place, "?offset=now");
	expect_closed(stream, 6);
	client_close(stream);
	place_close(place);
}

Test(durable_live, V67_a_stream_without_events_begins_with_a_control_block)
{
	struct place *const place = open_patient_place();
	struct client *stream;

	put_stream(place, "s", TEXT_TYPE, NULL);
	stream = open_stream(place, "?offset=-1");
	cr_assert(expect_control(stream, 1));
	post_stream(place, "s", TEXT_TYPE, "data");
	expect_data(stream, "data:data");
	cr_assert(expect_control(stream, 2));
	client_close(stream);
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	close_stream(place, "s");
	expect_closed(stream, 2);
	client_close(stream);
	place_close(place);
}

/* No payload can end a block, or begin another. */
Test(durable_live, V67_each_end_of_a_line_begins_a_data_line)
{
	struct place *const place = open_patient_place();
	struct client *stream;

	put_stream(place, "s", TEXT_TYPE, "a\r\n\r\nevent: control\rdata: x\n\nb\r");
	stream = open_stream(place, "?offset=-1");
	expect_data(stream,
		    "data:a\ndata:\ndata:event: control\ndata:data: x\ndata:\ndata:b\ndata:");
	cr_assert(expect_control(stream, 2));
	client_close(stream);
	place_close(place);
}

Test(durable_live, V67_values_are_an_array_and_other_types_are_base64)
{
	struct place *const place = open_patient_place();
	struct client *stream;
	struct reply reply;

	put_stream(place, "s", JSON_TYPE, "[{\"n\":\r\n1}]");
	post_stream(place, "s", JSON_TYPE, "[2,3]");
	stream = open_stream(place, "?offset=-1");
	expect_data(stream, "data:[{\"n\":\ndata:1},2,3]");
	cr_assert(expect_control(stream, 4));
	client_close(stream);
	put_stream(place, "b", BYTES_TYPE, NULL);
	post_bytes(place, "b", "\0\r\n\xff", 4);
	post_bytes(place, "b", "Hello", 5);
	close_stream(place, "b");
	reply = get_stream(place, "b", "?offset=-1&live=sse", 200);
	expect_field(&reply, "Content-Type", "text/event-stream");
	expect_field(&reply, "Stream-SSE-Data-Encoding", "base64");
	expect_field(&reply, "Cache-Control", "no-cache, no-transform");
	expect_field(&reply, "X-Content-Type-Options", "nosniff");
	expect_field(&reply, "ETag", NULL);
	cr_assert(strncmp(reply.body, "event: data\ndata:AA0K/w==\n\n", 27) == 0, "%s", reply.body);
	cr_assert(strstr(reply.body, "event: data\ndata:SGVsbG8=\n\n") != NULL);
	place_close(place);
}

Test(durable_live, V67_cursors_never_go_back)
{
	struct place *const place = open_patient_place();
	struct client *stream;
	uint64_t cursor, last = UINT64_C(99999999);
	struct block block;

	put_stream(place, "s", TEXT_TYPE, "data");
	stream = open_stream(place, "?offset=-1&cursor=99999999");
	for (int i = 0; i < 20; i++) {
		(void)stream_expect(stream, "data");
		block = stream_expect(stream, "control");
		cursor = strtoull(json_text(block.data, "streamCursor"), NULL, 10);
		cr_assert(i == 0 ? cursor > last : cursor >= last, "%s", block.raw);
		last = cursor;
		post_stream(place, "s", TEXT_TYPE, "more");
	}
	client_close(stream);
	place_close(place);
}

Test(durable_live, V67_a_silent_stream_has_heartbeats)
{
	struct place *const place = open_place();
	struct client *stream;
	struct block block;

	put_stream(place, "s", TEXT_TYPE, "data");
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	cr_assert(not(stream_next(stream, 2500, &block)));
	cr_assert(not(stream_is_over(stream)));
	post_stream(place, "s", TEXT_TYPE, "more");
	block = stream_expect(stream, "data");
	cr_assert(strncmp(block.raw, ":\n", 2) == 0, "%s", block.raw);
	client_close(stream);
	place_close(place);
}

Test(durable_live, V67_a_shutdown_ends_a_stream_in_order)
{
	struct place *const place = open_place();
	struct client *stream;
	struct block block;

	put_stream(place, "s", TEXT_TYPE, "data");
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	place_stop(place, 5000);
	cr_assert(not(stream_next(stream, 10000, &block)));
	cr_assert(stream_is_over(stream));
	client_close(stream);
	place_close(place);
}

Test(durable_live, V67_a_deleted_stream_ends_and_a_new_one_is_another)
{
	struct place *const place = open_patient_place();
	struct client *stream;
	struct block block;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	remove_stream(place, "s");
	put_stream(place, "s", TEXT_TYPE, "other");
	cr_assert(not(stream_next(stream, 10000, &block)));
	cr_assert(stream_is_over(stream));
	client_close(stream);
	reply = get_stream(place, "s", "?offset=0000000000000000_0000000000000002&live=sse", 410);
	expect_error(&reply, 410, "offset_expired");
	reply = get_stream(place, "s", "", 200);
	expect_body(&reply, "other");
	place_close(place);
}

/* HEAD does not renew, a live read does while it lasts. */
Test(durable_live, V67_a_live_read_keeps_the_stream_alive)
{
	struct place *const place = open_patient_place();
	struct client *stream;
	struct block block;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE "Stream-TTL: 1\r\n", "data");
	put_stream(place, "other", TEXT_TYPE "Stream-TTL: 1\r\n", "data");
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	cr_assert(not(stream_next(stream, 2500, &block)));
	cr_assert(not(stream_is_over(stream)));
	reply = ask(place, "HEAD", STREAM "s", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "HEAD", STREAM "other", NULL, NULL);
	cr_assert(eq(int, reply.status, 404));
	client_close(stream);
	place_close(place);
}

/* The source of a fork is kept when it is deleted, and is gone for its clients. */
Test(durable_live, V67_a_stream_that_is_kept_for_its_forks_ends)
{
	struct place *const place = open_patient_place();
	struct client *stream, *poll;
	struct block block;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	put_stream(place, "f", TEXT_TYPE "Stream-Forked-From: /v1/stream/s\r\n", NULL);
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	poll = begin_poll(place, "?offset=now");
	remove_stream(place, "s");
	cr_assert(not(stream_next(stream, 10000, &block)));
	cr_assert(stream_is_over(stream));
	client_close(stream);
	reply = client_receive(poll);
	expect_error(&reply, 410, "stream_gone");
	client_close(poll);
	reply = get_stream(place, "s", "", 410);
	expect_error(&reply, 410, "stream_gone");
	reply = get_stream(place, "f", "", 200);
	expect_body(&reply, "data");
	place_close(place);
}

/* The copied control events of the source say nothing of the fork. */
Test(durable_live, V67_a_fork_of_a_closed_stream_is_open)
{
	struct place *const place = open_patient_place();
	struct client *stream;

	put_stream(place, "source", TEXT_TYPE, "data");
	close_stream(place, "source");
	put_stream(place, "s", TEXT_TYPE "Stream-Forked-From: /v1/stream/source\r\n", NULL);
	stream = open_stream(place, "?offset=-1");
	expect_data(stream, "data:data");
	/* The log may say later that there is nothing more. */
	while (!expect_control(stream, 2))
		continue;
	post_stream(place, "s", TEXT_TYPE, "more");
	expect_data(stream, "data:more");
	client_close(stream);
	place_close(place);
}

/* A runtime knows sessions alone: the end of one is the close of the stream. */
Test(durable_live, V66_the_end_of_the_session_is_a_close)
{
	struct place *const place = open_patient_place();
	struct client *stream, *poll;
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	stream = open_stream(place, "?offset=now");
	cr_assert(expect_control(stream, 2));
	poll = begin_poll(place, "?offset=now");
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON_TYPE, "{\"status\":0}");
	cr_assert(eq(int, reply.status, 200), "%s%s", reply.head, reply.body);
	reply = client_receive(poll);
	expect_204(&reply, 2, true);
	client_close(poll);
	expect_closed(stream, 2);
	client_close(stream);
	place_close(place);
}
