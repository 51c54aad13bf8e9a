/* SPDX-License-Identifier: MIT */
/*
 * V40 to V49: the errors that a client gets before a stream begins, each provoked over a socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(refusals, .fini = scratch_remove, .timeout = 60);

#define JSON "Content-Type: application/json\r\n"

static reprise_status opening = REPRISE_E_IO;

/* A log that cannot be opened, in the words of a database. */
static reprise_status
fail_to_open(void *place, struct reprise_log **ret_log, struct reprise_error *error)
{
	(void)place;
	*ret_log = NULL;
	*error = (struct reprise_error)REPRISE_ERROR_INIT;
	error->status = opening;
	snprintf(error->what, sizeof(error->what), "PQconnectdb");
	snprintf(error->detail, sizeof(error->detail), "password of user \"x\" at 10.0.0.7");
	return opening;
}

/* Each request that needs the log is 503, without a word of the log. */
static void
expect_all_unavailable(struct place *place)
{
	static const struct {
		const char *method, *target, *body;
	} requests[] = {
		{ "POST", "/v1/sessions/s/events", "1" },
		{ "POST", "/v1/sessions/s/end", "" },
		{ "POST", "/v1/sessions/s/invalidate", "" },
		{ "DELETE", "/v1/sessions/s", NULL },
		{ "GET", "/v1/sessions/s/cursor", NULL },
		{ "GET", "/v1/sessions/s/events", NULL },
		{ "GET", "/v1/sessions", NULL },
		{ "GET", "/v1/sessions/s/events?limit=1", NULL },
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const struct reply reply =
			ask(place, requests[i].method, requests[i].target, JSON, requests[i].body);

		expect_error(&reply, 503, "log_unavailable");
		cr_assert(strstr(reply.body, "\"detail\":null") != NULL, "%s: %s",
			  requests[i].target, reply.body);
		cr_assert(reply_field(&reply, "Retry-After") != NULL);
	}
}

/* A log that is not found is no session that is not found. */
Test(refusals, V40_the_words_of_the_log_are_for_the_gateways_own_log_alone)
{
	static const reprise_status statuses[] = { REPRISE_E_IO,      REPRISE_E_NOT_FOUND,
						   REPRISE_E_BUSY,    REPRISE_E_CONFLICT,
						   REPRISE_E_INVALID, REPRISE_E_TIMEOUT };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .open_log = fail_to_open };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		opening = statuses[i];
		expect_all_unavailable(place);
	}
	cr_assert(place_comes_line(place,
				   "\"event\":\"request_failed\",\"status\":\"REPRISE_E_IO\","
				   "\"what\":\"PQconnectdb\",\"detail\":\"password"));
	place_close(place);
}

/* A session as an earlier runtime has left it: in the log, and without a window. */
static void
put_into_log(struct place *place, const char *session_id)
{
	struct reprise_log *const log = place_connect_log(place);
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer;
	reprise_position position;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, session_id, NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_append(writer, 0, 0, 0, reprise_bytes_from_string("1"), &position),
		     REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
}

Test(refusals, V13_the_body_of_an_end_is_json_and_no_body_needs_no_type)
{
	static const char *const types[] = { "application/octet-stream", "application/x-ndjson",
					     "application/jsonx" };
	struct place *const place = place_without_log();
	struct reply reply;
	char fields[80];

	(void)post(place, "s", "1");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(fields, sizeof(fields), "Content-Type: %s\r\n", types[i]);
		reply = ask(place, "POST", "/v1/sessions/s/end", fields, "{\"status\":7}");
		expect_error(&reply, 415, "unsupported_type");
	}
	reply = ask(place, "POST", "/v1/sessions/s/end", NULL, "{\"status\":7}");
	expect_error(&reply, 403, "simple_type");
	reply = ask(place, "POST", "/v1/sessions/s/end", "Content-Type: text/plain\r\n", "");
	expect_error(&reply, 403, "simple_type");
	reply = ask(place, "POST", "/v1/sessions/s/end", "Origin: https://evil.example\r\n", "");
	expect_error(&reply, 403, "foreign_origin");
	reply = ask(place, "POST", "/v1/sessions/s/end", NULL, NULL);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "POST", "/v1/sessions/s/end", NULL, "");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "POST", "/v1/sessions/s/end",
		    "Content-Type: application/json; charset=utf-8\r\n", "{\"status\":0}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "POST", "/v1/sessions/s/invalidate", NULL, NULL);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	place_close(place);
}

Test(refusals, V14_a_session_of_the_log_alone_has_no_window_to_invalidate)
{
	struct place *const place = place_with_log();
	struct reply reply = post(place, "s", "1");

	(void)reply;
	cr_assert(eq(int, reprise_sessions_invalidate(place->store), REPRISE_OK));
	/* Said again: the last life is void. */
	for (int i = 0; i < 2; i++) {
		reply = ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "");
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	}
	put_into_log(place, "t");
	reply = ask(place, "POST", "/v1/sessions/t/invalidate", JSON, "");
	expect_error(&reply, 409, "no_window");
	reply = ask(place, "POST", "/v1/sessions/nowhere/invalidate", JSON, "");
	expect_error(&reply, 404, "unknown_session");
	place_close(place);
}

Test(refusals, V11_a_field_that_decides_comes_once)
{
	static const struct {
		const char *fields, *code;
	} rows[] = {
		{ JSON JSON, "http_field_twice" },
		{ JSON "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", "bad_field" },
		{ JSON "Reprise-Commit: 1\r\nReprise-Commit: 1\r\n", "bad_field" },
	};
	struct place *const place = place_without_log();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct reply reply =
			ask(place, "POST", "/v1/sessions/s/events", rows[i].fields, "1");

		expect_error(&reply, 400, rows[i].code);
	}
	place_close(place);
}
