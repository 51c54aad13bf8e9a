/* SPDX-License-Identifier: MIT */
/* V72, V73, V75: POST to a durable stream, control events, and the close. */
#include <stdio.h>
#include <stdlib.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "durable_client.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_append, .fini = scratch_remove, .timeout = 60);

#define CLOSED "Stream-Closed: true\r\n"

Test(durable_append, V72_an_append_is_answered_with_the_next_offset)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	for (uint64_t i = 0; i < 3; i++) {
		reply = on_stream(place, "POST", "s", TEXT, "abc");
		cr_assert(eq(int, reply.status, 204), "%s", reply.head);
		expect_offset(&reply, 2 + i);
		expect_field(&reply, "Stream-Closed", NULL);
	}
	expect_content(place, "s", "abcabcabc");
	place_close(place);
}

Test(durable_append, V72_JSON_is_one_event_for_each_value)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", JSON, NULL);
	reply = on_stream(place, "POST", "s", JSON, " [ [1,2] , {\"a\" : [] }, 1.50 ]\n");
	cr_assert(eq(int, reply.status, 204), "%s", reply.head);
	expect_offset(&reply, 4);
	reply = on_stream(place, "POST", "s", "Content-Type: application/JSON;a=b\r\n", "null");
	cr_assert(eq(int, reply.status, 204), "%s", reply.head);
	expect_content(place, "s", "[[1,2],{\"a\" : [] },1.50,null]");
	reply = on_stream(place, "POST", "s", JSON, "[]");
	expect_error(&reply, 400, "empty_body");
	reply = on_stream(place, "POST", "s", JSON, "[1,2");
	expect_error(&reply, 400, "bad_body");
	cr_assert(eq(u64, newest_of(place, "s"), 5));
	place_close(place);
}

Test(durable_append, V72_what_is_refused_changes_nothing)
{
	static const struct {
		const char *fields, *body, *code;
		int status;
	} cases[] = {
		{ TEXT, "", "empty_body", 400 },
		{ NULL, "x", "bad_field", 400 },
		{ "Content-Type: text\r\n", "x", "bad_field", 400 },
		{ "Content-Type: text/html\r\n", "x", "conflict", 409 },
		{ TEXT "Stream-Seq: b\r\n", "x", "conflict", 409 },
		{ TEXT "Stream-Seq: a\r\n", "x", "conflict", 409 },
		{ TEXT "Stream-Seq: b\r\nStream-Seq: c\r\n", "x", "bad_field", 400 },
		{ TEXT "Stream-Seq:\r\n", "x", "bad_field", 400 },
		{ TEXT "Producer-Id: p\r\nProducer-Epoch: 0\r\n", "x", "bad_field", 400 },
		{ TEXT "Producer-Id:\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n", "x", "bad_field",
		  400 },
		{ TEXT "Producer-Id: p\r\nProducer-Epoch: -1\r\nProducer-Seq: 0\r\n", "x",
		  "bad_field", 400 },
		{ TEXT "Producer-Id: p\r\nProducer-Epoch: 0\r\n"
		       "Producer-Seq: 9007199254740992\r\n",
		  "x", "bad_field", 400 },
	};
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	reply = on_stream(place, "POST", "s", TEXT "Stream-Seq: b\r\n", "1");
	cr_assert(eq(int, reply.status, 204), "%s", reply.head);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reply = on_stream(place, "POST", "s", cases[i].fields, cases[i].body);
		cr_assert(eq(int, reply.status, cases[i].status), "%zu: %s", i, reply.body);
		expect_error(&reply, cases[i].status, cases[i].code);
	}
	reply = on_stream(place, "POST", "nowhere", TEXT, "x");
	expect_error(&reply, 404, "unknown_stream");
	cr_assert(eq(u64, newest_of(place, "nowhere"), 0));
	expect_content(place, "s", "1");
	place_close(place);
}

Test(durable_append, V72_Stream_Seq_ascends_by_its_bytes_also_behind_a_restart)
{
	static const struct {
		const char *field;
		int status;
	} cases[] = {
		{ "Stream-Seq: 2\r\n", 204 },
		{ "Stream-Seq: 10\r\n", 409 },
		{ "Stream-Seq: 20\r\n", 204 },
		{ "Stream-Seq: 20\r\n", 409 },
		{ "", 204 },
		{ "Stream-Seq: 20\r\n", 409 },
		{ "Stream-Seq: a\r\n", 204 },
	};
	struct place *const place = place_with_log();
	char fields[128];
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(fields, sizeof(fields), TEXT "%s", cases[i].field);
		reply = on_stream(place, "POST", "s", fields, "x");
		cr_assert(eq(int, reply.status, cases[i].status), "%zu: %s", i, reply.body);
		place_restart(place);
	}
	expect_content(place, "s", "xxxx");
	place_close(place);
}

Test(durable_append, V72_a_body_beyond_the_bound_is_413)
{
	static const struct reprise_gateway_options options = { .size = sizeof(options),
								.body_bytes_max = 1000 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);
	char body[1002] = { 0 };
	struct reply reply;

	memset(body, 'x', 1001);
	create_stream(place, "s", TEXT, NULL);
	reply = on_stream(place, "POST", "s", TEXT, body);
	cr_assert(eq(int, reply.status, 413));
	body[1000] = '\0';
	reply = on_stream(place, "POST", "s", TEXT, body);
	cr_assert(eq(int, reply.status, 204), "%s", reply.head);
	place_close(place);
}

Test(durable_append, V73_a_control_event_and_its_data_are_one_batch)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", JSON, NULL);
	reply = on_stream(place, "POST", "s", of_producer("p", 0, 0, NULL), "x");
	cr_assert(eq(int, reply.status, 409)); /* text */
	reply = on_stream(place, "POST", "s",
			  JSON "Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n"
			       "Stream-Seq: a\r\n",
			  "[1,2,3]");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_offset(&reply, 5);
	cr_assert(eq(u64, events_in_log(place, "s"), 5));
	reply = ask(place, "GET", "/v1/sessions/s/events?limit=100&kinds=65535", NULL, NULL);
	cr_assert(strstr(reply.body, "\"position\":1,") != NULL, "%s", reply.body);
	cr_assert(strstr(reply.body, "\"position\":2,") != NULL, "%s", reply.body);
	cr_assert(strstr(reply.body, "\"position\":3,") == NULL, "%s", reply.body);
	place_close(place);
}

Test(durable_append, V73_clients_of_a_session_get_no_control_events_unasked)
{
	struct place *const place = place_with_log();
	struct client *stream;
	struct block block;
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	stream = stream_open(place, "/v1/sessions/s/events", NULL);
	(void)stream_expect(stream, "hello");
	block = stream_expect(stream, "message");
	cr_assert(eq(str, (char *)block.data, "1"));
	(void)stream_expect(stream, "live");
	reply = on_stream(place, "POST", "s", of_producer("p", 0, 0, NULL), "2");
	cr_assert(eq(int, reply.status, 200));
	block = stream_expect(stream, "message");
	cr_assert(eq(str, (char *)block.data, "2"));
	client_close(stream);
	reply = ask(place, "GET", "/v1/sessions/s/events?limit=100", NULL, NULL);
	cr_assert(strstr(reply.body, "\"kind\":65535") == NULL, "%s", reply.body);
	cr_assert(strstr(reply.body, "\"position\":4,") != NULL, "%s", reply.body);
	place_close(place);
}

Test(durable_append, V73_clients_cannot_append_control_events)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, NULL);
	for (int i = 0; i < 2; i++) {
		reply = ask(place, "POST",
			    i == 0 ? "/v1/sessions/s/events" : "/v1/sessions/new/events",
			    JSON "Reprise-Kind: 65535\r\n", "1");
		expect_error(&reply, 400, "bad_kind");
	}
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON "Reprise-Kind: 65534\r\n", "1");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	expect_content(place, "s", "1");
	place_close(place);
}

Test(durable_append, V73_events_of_a_runtime_are_data)
{
	struct place *const place = place_of_few_sessions();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	(void)post(place, "s", "2");
	send_text(place, "s", "3");
	expect_content(place, "s", "123");
	evict_window(place, "s");
	(void)post(place, "s", "4");
	reply = on_stream(place, "POST", "s", TEXT, "5");
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	expect_content(place, "s", "12345");
	place_restart(place);
	expect_content(place, "s", "12345");
	place_close(place);
}

Test(durable_append, V73_a_session_that_is_deleted_or_invalidated_is_no_stream)
{
	static const char *const ways[][2] = { { "DELETE", "/v1/sessions/s" },
					       { "POST", "/v1/sessions/s/invalidate" } };
	struct place *const place = place_of_few_sessions();
	struct reply reply;

	for (int i = 0; i < 4; i++) {
		create_stream(place, "s", TEXT, "1");
		if (i == 2)
			evict_window(place, "s");
		if (i == 3)
			break; /* an invalidation needs a window */
		reply = ask(place, ways[i % 2][0], ways[i % 2][1], NULL, NULL);
		cr_assert(eq(int, reply.status, 204), "%d: %s", i, reply.body);
		reply = on_stream(place, "POST", "s", TEXT, "2");
		expect_error(&reply, 404, "unknown_stream");
		if (i == 1) /* another life */
			(void)post(place, "s", "3");
		reply = on_stream(place, "POST", "s", TEXT, "2");
		expect_error(&reply, 404, "unknown_stream");
		expect_status(place, "GET", "s", 404);
		(void)ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	}
	place_close(place);
}

Test(durable_append, V75_a_close_may_come_alone_and_may_be_said_again)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	for (int i = 0; i < 3; i++) {
		reply = on_stream(place, "POST", "s", i == 1 ? CLOSED JSON : CLOSED, NULL);
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
		expect_field(&reply, "Stream-Closed", "true");
		expect_offset(&reply, 2);
		if (i == 1)
			place_restart(place);
	}
	cr_assert(eq(u64, events_in_log(place, "s"), 3));
	reply = on_stream(place, "POST", "s", TEXT CLOSED, "2");
	expect_error(&reply, 409, "stream_closed");
	expect_field(&reply, "Stream-Closed", "true");
	expect_offset(&reply, 2);
	expect_content(place, "s", "1");
	place_close(place);
}

Test(durable_append, V75_a_close_comes_with_the_last_data)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	reply = on_stream(place, "POST", "s", TEXT CLOSED, "2");
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	expect_field(&reply, "Stream-Closed", "true");
	expect_offset(&reply, 4);
	reply = on_stream(place, "POST", "s", TEXT, "3");
	expect_error(&reply, 409, "stream_closed");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "3");
	expect_error(&reply, 409, "session_ended");
	place_restart(place);
	reply = on_stream(place, "POST", "s", TEXT, "3");
	expect_error(&reply, 409, "stream_closed");
	expect_offset(&reply, 4);
	expect_content(place, "s", "12");
	place_close(place);
}

Test(durable_append, V75_the_end_of_the_session_closes_the_stream)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON, "{\"status\":7}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	for (int i = 0; i < 2; i++) {
		reply = on_stream(place, "POST", "s", TEXT, "2");
		expect_error(&reply, 409, "stream_closed");
		expect_field(&reply, "Stream-Closed", "true");
		reply = on_stream(place, "POST", "s", CLOSED, NULL);
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
		reply = on_stream(place, "GET", "s", NULL, NULL);
		expect_field(&reply, "Stream-Closed", "true");
		place_restart(place);
	}
	place_close(place);
}

/* A close that is not recorded yet is in force, and whoever repeats the close waits. */
Test(durable_append, V75_a_repeated_close_waits_for_the_record)
{
	struct place *const place = place_that_lingers(700, 5000);
	struct client *const one = client_open(place), *const two = client_open(place);
	struct reply reply;

	create_stream(place, "s", TEXT, "1");
	send_on_stream(one, "POST", "s", CLOSED, "");
	await_newest(place, "s", 3);
	reply = on_stream(place, "GET", "s", NULL, NULL);
	expect_field(&reply, "Stream-Closed", NULL);
	send_on_stream(two, "POST", "s", CLOSED, "");
	reply = on_stream(place, "POST", "s", TEXT, "2");
	expect_error(&reply, 409, "stream_closed");
	cr_assert(eq(int, client_hears(one, 0), 0));
	reply = client_receive(two);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	cr_assert(eq(u64, events_in_log(place, "s"), 3));
	reply = client_receive(one);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	client_close(one);
	client_close(two);
	place_close(place);
}
