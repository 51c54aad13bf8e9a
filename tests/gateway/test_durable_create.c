/* SPDX-License-Identifier: MIT */
/* V70, V71: PUT of a durable stream. */
#include <stdio.h>
#include <stdlib.h>

#include <reprise/session.h>

#include "durable_client.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_create, .fini = scratch_remove, .timeout = 60);

Test(durable_create, V70_a_stream_is_created_once_and_found_again)
{
	struct place *const place = place_with_log();
	struct reply reply;
	char location[128];

	reply = on_stream(place, "PUT", "a/b%20c", TEXT, NULL);
	cr_assert(eq(int, reply.status, 201), "%s", reply.head);
	snprintf(location, sizeof(location), "http://localhost/v1/stream/a/b%%20c");
	expect_field(&reply, "Location", location);
	expect_field(&reply, "Content-Type", "text/plain");
	expect_field(&reply, "Stream-Closed", NULL);
	expect_offset(&reply, 1);
	reply = on_stream(place, "PUT", "a/b%20c", TEXT, NULL);
	cr_assert(eq(int, reply.status, 200));
	expect_field(&reply, "Location", NULL);
	expect_offset(&reply, 1);
	cr_assert(eq(u64, events_in_log(place, "a/b c"), 1));
	place_restart(place);
	reply = on_stream(place, "PUT", "a/b%20c", TEXT, NULL);
	cr_assert(eq(int, reply.status, 200));
	place_close(place);
}

Test(durable_create, V70_other_settings_are_a_conflict)
{
	static const char *const fields[] = { "Content-Type: text/html\r\n",
					      NULL,
					      TEXT "Stream-TTL: 60\r\n",
					      TEXT "Stream-TTL: 3601\r\n",
					      TEXT "Stream-Expires-At: 2100-01-01T00:00:00Z\r\n",
					      TEXT "Stream-TTL: 3600\r\nStream-Closed: true\r\n" };
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "s", TEXT "Stream-TTL: 3600\r\n", "x");
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		reply = on_stream(place, "PUT", "s", fields[i], NULL);
		expect_error(&reply, 409, "conflict");
	}
	reply = on_stream(place, "PUT", "s", TEXT "Stream-TTL: 3600\r\n", "y");
	cr_assert(eq(int, reply.status, 200));
	expect_content(place, "s", "x");
	place_close(place);
}

Test(durable_create, V70_types_are_compared_without_their_parameters_and_case)
{
	struct place *const place = place_with_log();
	struct reply reply;

	create_stream(place, "none", NULL, NULL);
	reply = on_stream(place, "HEAD", "none", NULL, NULL);
	expect_field(&reply, "Content-Type", "application/octet-stream");
	create_stream(place, "bad", "Content-Type: text\r\n", NULL);
	reply = on_stream(place, "HEAD", "bad", NULL, NULL);
	expect_field(&reply, "Content-Type", "application/octet-stream");
	create_stream(place, "s", "Content-Type: Text/Plain; Charset=UTF-8\r\n", NULL);
	reply = on_stream(place, "PUT", "s", TEXT, NULL);
	cr_assert(eq(int, reply.status, 200));
	expect_field(&reply, "Content-Type", "Text/Plain; Charset=UTF-8");
	send_text(place, "s", "x");
	place_restart(place);
	reply = on_stream(place, "HEAD", "s", NULL, NULL);
	expect_field(&reply, "Content-Type", "Text/Plain; Charset=UTF-8");
	place_close(place);
}

Test(durable_create, V70_a_stream_may_be_created_closed)
{
	struct place *const place = place_with_log();
	struct reply reply;

	reply = on_stream(place, "PUT", "s", TEXT "Stream-Closed: TRUE\r\n", "all");
	cr_assert(eq(int, reply.status, 201));
	expect_field(&reply, "Stream-Closed", "true");
	expect_offset(&reply, 2);
	reply = on_stream(place, "PUT", "s", TEXT "Stream-Closed: true\r\n", NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = on_stream(place, "PUT", "s", TEXT, NULL);
	expect_error(&reply, 409, "conflict");
	reply = on_stream(place, "POST", "s", TEXT, "more");
	expect_error(&reply, 409, "stream_closed");
	place_restart(place);
	expect_content(place, "s", "all");
	reply = on_stream(place, "GET", "s", NULL, NULL);
	expect_field(&reply, "Stream-Closed", "true");
	place_close(place);
}

Test(durable_create, V70_of_two_equal_requests_at_once_one_creates)
{
	struct place *const place = place_that_lingers(300, 5000);
	struct client *const one = client_open(place), *const two = client_open(place);
	int first, second;

	send_on_stream(one, "PUT", "s", TEXT, "x");
	send_on_stream(two, "PUT", "s", TEXT, "x");
	first = client_receive(one).status;
	second = client_receive(two).status;
	cr_assert(eq(int, first + second, 200 + 201));
	expect_content(place, "s", "x");
	cr_assert(eq(u64, events_in_log(place, "s"), 2));
	client_close(one);
	client_close(two);
	place_close(place);
}

Test(durable_create, V70_a_stream_that_was_found_is_recorded)
{
	struct place *const place = place_that_lingers(1500, 200);
	struct reply reply;

	for (int i = 0; i < 2; i++) {
		reply = on_stream(place, "PUT", "s", TEXT, "x");
		expect_error(&reply, 503, "not_recorded");
		cr_assert(eq(u64, newest_of(place, "s"), 2));
	}
	do
		reply = on_stream(place, "PUT", "s", TEXT, "x");
	while (reply.status == 503);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(u64, events_in_log(place, "s"), 2));
	place_close(place);
}

Test(durable_create, V71_a_session_that_is_no_stream_is_refused)
{
	struct place *const place = place_with_log();
	struct reply reply;

	(void)post(place, "s", "1");
	reply = on_stream(place, "PUT", "s", JSON, NULL);
	expect_error(&reply, 409, "conflict");
	reply = on_stream(place, "POST", "s", JSON, "2");
	expect_error(&reply, 404, "unknown_stream");
	expect_status(place, "GET", "s", 404);
	expect_status(place, "DELETE", "s", 404);
	place_restart(place);
	reply = on_stream(place, "PUT", "s", JSON, NULL);
	expect_error(&reply, 409, "conflict");
	cr_assert(eq(u64, events_in_log(place, "s"), 1));
	/* Of a deleted session nothing is left. */
	reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	create_stream(place, "s", JSON, "[2]");
	expect_content(place, "s", "[2]");
	place_close(place);
}

Test(durable_create, V71_a_body_of_JSON_is_one_event_for_each_value)
{
	struct place *const place = place_with_log();

	create_stream(place, "array", JSON, " [1, {\"a\": 2.0},[3,4]] ");
	expect_content(place, "array", "[1,{\"a\": 2.0},[3,4]]");
	cr_assert(eq(u64, events_in_log(place, "array"), 4));
	create_stream(place, "value", JSON, "{\"a\":[1,2]}");
	expect_content(place, "value", "[{\"a\":[1,2]}]");
	create_stream(place, "empty", JSON, "[]");
	expect_content(place, "empty", "[]");
	cr_assert(eq(u64, events_in_log(place, "empty"), 1));
	place_close(place);
}

Test(durable_create, V71_what_is_refused_changes_nothing)
{
	static const struct {
		const char *fields, *body, *code;
		int status;
	} cases[] = {
		{ JSON, "[1,", "bad_body", 400 },
		{ JSON, " ", "bad_body", 400 },
		{ TEXT "Stream-TTL: 1\r\nStream-Expires-At: 2100-01-01T00:00:00Z\r\n", "x",
		  "bad_field", 400 },
		{ TEXT "Stream-TTL: 01\r\n", "x", "bad_field", 400 },
		{ TEXT "Stream-TTL: 1\r\nStream-TTL: 1\r\n", "x", "bad_field", 400 },
		{ TEXT "Stream-Expires-At: soon\r\n", "x", "bad_field", 400 },
		{ TEXT "Content-Encoding: gzip\r\n", "x", "unsupported_type", 415 },
		{ TEXT "Stream-Fork-Sub-Offset: 1\r\n", "x", "bad_field", 400 },
	};
	struct place *const place = place_with_log();
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reply = on_stream(place, "PUT", "s", cases[i].fields, cases[i].body);
		expect_error(&reply, cases[i].status, cases[i].code);
	}
	cr_assert(eq(u64, newest_of(place, "s"), 0));
	expect_status(place, "GET", "s", 404);
	place_close(place);
}

Test(durable_create, V71_a_gateway_without_a_log_has_no_streams)
{
	struct place *const place = place_without_log();
	struct reply reply = on_stream(place, "PUT", "s", TEXT, "x");

	expect_error(&reply, 400, "no_log");
	reply = on_stream(place, "POST", "s", TEXT, "x");
	expect_error(&reply, 400, "no_log");
	reply = on_stream(place, "GET", "s", NULL, NULL);
	expect_error(&reply, 400, "no_log");
	reply = on_stream(place, "DELETE", "s", NULL, NULL);
	expect_error(&reply, 400, "no_log");
	place_close(place);
}
