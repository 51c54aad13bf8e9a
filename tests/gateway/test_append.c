/* SPDX-License-Identifier: MIT */
/*
 * V11 to V19: appends, the end, invalidating and deleting over HTTP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(append, .fini = scratch_remove, .timeout = 60);

#define JSON   "Content-Type: application/json\r\n"
#define NDJSON "Content-Type: application/x-ndjson\r\n"
#define BYTES  "Content-Type: application/octet-stream\r\n"

/* Expects the retained events of a session from position @first on, and no other. */
static void
expect_payloads(struct place *place, const char *session_id, reprise_position first,
		const char *const *payloads, size_t count)
{
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription;
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int,
		     reprise_session_earliest_cursor(place->store, session_id,
						     REPRISE_REVISION_UNKNOWN, &cursor),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_subscribe_after(place->store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, first + i));
		cr_assert(event.payload.size == strlen(payloads[i]) &&
				  memcmp(event.payload.data, payloads[i], event.payload.size) == 0,
			  "%.*s", (int)event.payload.size, (const char *)event.payload.data);
	}
	cr_assert(ne(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	reprise_subscription_close(subscription);
}

static reprise_position
newest_of(struct place *place, const char *session_id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	cr_assert(eq(int, reprise_session_stats(place->store, session_id, &stats), REPRISE_OK));
	return stats.newest;
}

Test(append, V11_a_json_text_is_one_event_as_it_was_sent)
{
	struct place *const place = place_without_log();
	struct reply reply = post(place, "s", " {\"a\": 1.50,\n\"b\":\"\\u00e9\"} \n");

	cr_assert(eq(u64, json_number(reply.body, "first"), 1));
	cr_assert(eq(u64, json_number(reply.body, "last"), 1));
	cr_assert(eq(u64, json_number(reply.body, "count"), 1));
	cr_assert(strstr(reply.body, "\"recorded\":false") != NULL, "%s", reply.body);
	expect_payloads(place, "s", 1, (const char *[]){ "{\"a\": 1.50,\n\"b\":\"\\u00e9\"}" }, 1);
	place_close(place);
}

Test(append, V11_the_lines_of_a_body_are_one_batch)
{
	struct place *const place = place_without_log();
	struct reply reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON,
				 "{\"a\":1}\n\n [2] \r\n\"three\"");

	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 1));
	cr_assert(eq(u64, json_number(reply.body, "last"), 3));
	cr_assert(eq(u64, json_number(reply.body, "count"), 3));
	expect_payloads(place, "s", 1, (const char *[]){ "{\"a\":1}", "[2]", "\"three\"" }, 3);
	place_close(place);
}

Test(append, V11_a_bad_line_refuses_the_whole_batch)
{
	struct place *const place = place_without_log();
	struct reply reply;

	(void)post(place, "s", "1");
	reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON, "1\n2\n{\n3\n");
	expect_error(&reply, 400, "bad_body");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "{\"a\":}");
	expect_error(&reply, 400, "bad_body");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, " \n");
	expect_error(&reply, 400, "empty_body");
	reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON, "\n\n");
	expect_error(&reply, 400, "empty_body");
	cr_assert(eq(u64, newest_of(place, "s"), 1));
	place_close(place);
}

Test(append, V11_any_other_body_is_one_event_of_its_bytes)
{
	struct place *const place = place_without_log();
	const struct reply reply = ask_bytes(place, "/v1/sessions/s/events", BYTES, "\0 \xff\n", 4);
	struct reprise_cursor cursor = { .session_id = "" };

	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(int,
		     reprise_cursor_parse(json_text(reply.body, "cursor"),
					  strlen(json_text(reply.body, "cursor")), &cursor, NULL),
		     REPRISE_OK));
	cr_assert(eq(str, cursor.session_id, "s"));
	cr_assert(eq(u64, cursor.position, 1));
	place_close(place);
}

Test(append, V11_the_fields_say_kind_revision_and_commit)
{
	struct place *const place = place_without_log();
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reply reply = ask(place, "POST", "/v1/sessions/s/events",
				 NDJSON "Reprise-Kind: 65534\r\nReprise-Revision: 7\r\n"
					"Reprise-Commit: 1\r\n",
				 "1\n2\n");

	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(int, reprise_session_earliest_cursor(place->store, "s", 0, &cursor),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_subscribe_after(place->store, &cursor, NULL, &subscription, NULL),
		     REPRISE_OK));
	for (unsigned int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(u16, event.kind, 65534));
		cr_assert(eq(u64, event.revision, 7));
		cr_assert(eq(u16, event.flags & REPRISE_EVENT_COMMIT, i));
	}
	reprise_subscription_close(subscription);
	place_close(place);
}

Test(append, V11_bad_fields_are_refused_by_name)
{
	static const struct {
		const char *fields, *code;
		int status;
	} cases[] = {
		{ JSON "Reprise-Kind: 65535\r\n", "bad_kind", 400 },
		{ JSON "Reprise-Kind: 65536\r\n", "bad_kind", 400 },
		{ JSON "Reprise-Kind: -1\r\n", "bad_kind", 400 },
		{ JSON "Reprise-Kind: 1\r\nReprise-Kind: 1\r\n", "bad_kind", 400 },
		{ JSON "Reprise-Revision: 18446744073709551615\r\n", "bad_field", 400 },
		{ JSON "Reprise-Revision: x\r\n", "bad_field", 400 },
		{ JSON "Reprise-Commit: yes\r\n", "bad_field", 400 },
		{ JSON "Content-Encoding: gzip\r\n", "unsupported_type", 415 },
	};
	static const char *const queries[] = { "?wait=soon", "?end=2147483648", "?end=x",
					       "?end=-0",    "?end=1&end=1",    "?limit=1" };
	struct place *const place = place_without_log();
	char target[64];
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reply = ask(place, "POST", "/v1/sessions/s/events", cases[i].fields, "1");
		expect_error(&reply, cases[i].status, cases[i].code);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		snprintf(target, sizeof(target), "/v1/sessions/s/events%s", queries[i]);
		reply = ask(place, "POST", target, JSON, "1");
		expect_error(&reply, 400, "bad_query");
	}
	reply = ask(place, "POST", "/v1/sessions/s/events?wait=recorded", JSON, "1");
	expect_error(&reply, 400, "no_log");
	place_close(place);
}

Test(append, V12_an_append_with_a_log_is_answered_once_it_is_recorded)
{
	struct place *const place = place_with_log();
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	struct reply reply;

	for (int i = 1; i <= 20; i++) {
		reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON, "1\n2\n3\n");
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
		cr_assert(eq(int, reprise_log_stats(place->log, &key, &stats, NULL), REPRISE_OK));
		cr_assert(ge(u64, stats.head, json_number(reply.body, "last")));
	}
	cr_assert(eq(u64, place_stats(place).appends_recorded, 60));
	reply = ask(place, "POST", "/v1/sessions/s/events?wait=none", JSON, "1");
	cr_assert(strstr(reply.body, "\"recorded\":false") != NULL, "%s", reply.body);
	place_close(place);
}

Test(append, V12_requests_at_once_are_one_row_of_batches)
{
	enum {
		CLIENTS = 24
	};
	struct place *const place = place_with_log();
	struct client *clients[CLIENTS];
	bool seen[CLIENTS] = { false };

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_open(place);
		client_request(clients[i], "POST", "/v1/sessions/s/events", NDJSON, "1\n2\n");
	}
	for (int i = 0; i < CLIENTS; i++) {
		const struct reply reply = client_receive(clients[i]);
		uint64_t first;

		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		first = json_number(reply.body, "first");
		cr_assert(first % 2 == 1 && first / 2 < CLIENTS && !seen[first / 2]);
		seen[first / 2] = true;
		client_close(clients[i]);
	}
	place_close(place);
}

Test(append, V13_the_last_batch_and_the_end_are_one)
{
	struct place *const place = place_with_log();
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	struct reply reply = ask(place, "POST", "/v1/sessions/s/events?end=-5", NDJSON, "1\n2\n");

	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "last"), 2));
	cr_assert(eq(int, reprise_log_stats(place->log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(stats.has_ended && stats.end_status == -5 && stats.end_ordinal == 2);
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "1");
	expect_error(&reply, 409, "session_ended");
	place_close(place);
}

static void
check_end(struct place *place)
{
	struct reply reply = ask(place, "POST", "/v1/sessions/none/end", JSON, "");

	expect_error(&reply, 404, "unknown_session");
	(void)post(place, "s", "1");
	for (int i = 0; i < 3; i++) {
		reply = ask(place, "POST", "/v1/sessions/s/end", JSON, " { \"status\" : 7 } ");
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
		cr_assert(eq(u64, json_number(reply.body, "status"), 7));
		cr_assert(eq(u64, json_number(reply.body, "position"), 1));
		cr_assert(strncmp(json_text(reply.body, "cursor"), "rp1.", 4) == 0);
	}
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON, "{\"status\":8}");
	expect_error(&reply, 409, "session_ended");
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "1");
	expect_error(&reply, 409, "session_ended");
}

Test(append, V13_an_end_again_with_the_same_status_is_no_failure)
{
	struct place *const place = place_without_log();
	static const char *const bodies[] = { "{}",
					      "[]",
					      "7",
					      "{\"status\":1.5}",
					      "{\"status\":\"7\"}",
					      "{\"status\":2147483648}",
					      "{\"status\":1,\"a\":2}",
					      "{\"status\":7" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct reply reply =
			ask(place, "POST", "/v1/sessions/s/end", JSON, bodies[i]);

		expect_error(&reply, 400, "bad_body");
	}
	check_end(place);
	place_close(place);
}

Test(append, V13_an_end_with_a_log_is_answered_once_it_is_recorded)
{
	struct place *const place = place_with_log();
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	struct reply reply;

	(void)post(place, "s", "1");
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON, "{\"status\":7}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
	cr_assert(eq(int, reprise_log_stats(place->log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(stats.has_ended && stats.end_status == 7);
	(void)ask(place, "POST", "/v1/sessions/t/events", JSON, "1");
	place_close(place);
}

Test(append, V14_an_invalidated_session_goes_on_as_a_new_life)
{
	struct place *const place = place_with_log();
	struct reply reply = ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "");

	expect_error(&reply, 404, "unknown_session");
	for (int i = 0; i < 3; i++) {
		char before[600];

		reply = post(place, "s", "1");
		snprintf(before, sizeof(before), "%s", json_text(reply.body, "cursor"));
		reply = ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "");
		cr_assert(eq(int, reply.status, 204), "%s", reply.body);
		reply = post(place, "s", "2");
		cr_assert(strncmp(before, json_text(reply.body, "cursor"), 36) != 0);
	}
	place_close(place);
}

/* The runtime invalidates behind the gateway's back: its writer is opened once more. */
Test(append, V14_a_writer_whose_window_has_gone_is_opened_again)
{
	struct place *const place = place_with_log();
	struct reply reply;

	for (int i = 0; i < 5; i++) {
		reply = post(place, "s", "1");
		cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
		cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_OK));
	}
	place_close(place);
}

Test(append, V14_an_ended_session_that_is_invalidated_takes_appends)
{
	struct place *const place = place_with_log();
	struct reply reply;

	(void)post(place, "s", "1");
	reply = ask(place, "POST", "/v1/sessions/s/end", JSON, "");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "");
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	reply = post(place, "s", "2");
	cr_assert(eq(u64, json_number(reply.body, "first"), 2));
	place_close(place);
}

Test(append, V15_a_deleted_session_is_gone_from_the_log_and_its_positions_go_on)
{
	struct place *const place = place_with_log();
	struct reprise_log_page *page;
	size_t entries_count;
	const struct reprise_log_key key = { "default", "s" };
	struct reply reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);

	expect_error(&reply, 404, "unknown_session");
	reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON, "1\n2\n3\n");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(place->log, &key, 0, 10, 0, page, NULL),
		     REPRISE_OK));
	(void)reprise_log_page_entries(page, &entries_count);
	cr_assert(eq(sz, entries_count, 0));
	reprise_log_page_close(page);
	reply = post(place, "s", "4");
	cr_assert(eq(u64, json_number(reply.body, "first"), 4));
	place_close(place);
}

Test(append, V15_a_store_without_a_log_deletes_the_window)
{
	struct place *const place = place_without_log();
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reply reply;

	(void)post(place, "s", "1");
	reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_E_NOT_FOUND));
	reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	place_close(place);
}

Test(append, V16_without_the_log_nothing_is_said_to_be_recorded)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .recorded_wait_ms = 300 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);
	struct place_blockade *blockade;
	struct reply reply;

	(void)post(place, "s", "1");
	blockade = place_block_log(place);
	reply = ask(place, "POST", "/v1/sessions/s/events", NDJSON, "2\n3\n");
	expect_error(&reply, 503, "not_recorded");
	cr_assert(strstr(reply.body, "first 2, last 3") != NULL, "%s", reply.body);
	cr_assert(reply_field(&reply, "Retry-After") != NULL);
	place_unblock_log(blockade);
	do
		reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "4");
	while (reply.status == 503 && strstr(reply.body, "log_unavailable") != NULL);
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 4));
	place_close(place);
}

Test(append, V16_a_window_full_of_unrecorded_events_refuses)
{
	const struct reprise_session_options session = { .size = sizeof(session), .events_max = 4 };
	const struct place_setup setup = { .has_log = true, .session = &session };
	struct place *const place = place_open(&setup);
	struct place_blockade *blockade;
	struct reply reply;

	(void)post(place, "s", "1");
	blockade = place_block_log(place);
	reply = ask(place, "POST", "/v1/sessions/s/events?wait=none", NDJSON, "1\n2\n3\n4\n5\n");
	expect_error(&reply, 413, "too_large");
	do
		reply = ask(place, "POST", "/v1/sessions/s/events?wait=none", JSON, "2");
	while (reply.status == 200);
	expect_error(&reply, 503, "window_full");
	cr_assert(eq(u64, newest_of(place, "s"), 5));
	place_unblock_log(blockade);
	place_close(place);
}

Test(append, V17_another_writer_is_told_and_a_shared_one_appends)
{
	struct place *const place = place_with_log();
	const struct reprise_session_options shared = { .size = sizeof(shared), .is_shared = 1 };
	struct reprise_writer *writer;
	struct reply reply;

	cr_assert(eq(int, reprise_writer_open(place->store, "s", NULL, &writer, NULL), REPRISE_OK));
	reply = ask(place, "POST", "/v1/sessions/s/events", JSON, "1");
	expect_error(&reply, 409, "session_busy");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_writer_open(place->store, "t", &shared, &writer, NULL),
		     REPRISE_OK));
	for (uint64_t i = 1; i <= 3; i++) {
		reply = post(place, "t", "1");
		cr_assert(eq(u64, json_number(reply.body, "first"), i));
		cr_assert(strstr(reply.body, "\"recorded\":true") != NULL, "%s", reply.body);
	}
	reply = ask(place, "POST", "/v1/sessions/t/events", NDJSON, "1\n2\n");
	expect_error(&reply, 409, "session_busy");
	reply = ask(place, "POST", "/v1/sessions/t/end", JSON, "");
	expect_error(&reply, 409, "session_busy");
	reprise_writer_close(writer);
	place_close(place);
}

Test(append, V18_a_limit_of_sessions_holds_for_new_sessions_alone)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .sessions_max = 2 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reply reply;

	(void)post(place, "a", "1");
	(void)post(place, "b", "1");
	reply = ask(place, "POST", "/v1/sessions/c/events", JSON, "1");
	expect_error(&reply, 429, "too_many_sessions");
	cr_assert(reply_field(&reply, "Retry-After") != NULL);
	(void)post(place, "a", "2");
	place_close(place);
}

static bool
has_writer(struct place *place, const char *session_id)
{
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;

	return reprise_session_stats(place->store, session_id, &stats) == REPRISE_OK &&
	       stats.has_writer;
}

Test(append, V19_an_unused_writer_is_closed_and_opened_again)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .writer_idle_ms = 50 };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);
	struct reply reply;

	for (uint64_t i = 1; i <= 3; i++) {
		reply = post(place, "s", "1");
		cr_assert(eq(u64, json_number(reply.body, "first"), i));
		for (int ms = 0; has_writer(place, "s") && ms < 10000; ms++)
			usleep(1000);
		cr_assert(not(has_writer(place, "s")));
	}
	place_close(place);
}

/* Each client goes as soon as its request is sent: an append is whole, or not there. */
Test(append, V19_clients_that_go_leave_whole_batches)
{
	struct place *const place = place_with_log();

	for (int i = 0; i < 100; i++) {
		struct client *const client = client_open(place);

		client_request(client, "POST", "/v1/sessions/s/events", NDJSON, "1\n2\n3\n");
		client_close(client);
	}
	(void)post(place, "s", "1");
	cr_assert(eq(u64, newest_of(place, "s") % 3, 1));
	place_close(place);
}

Test(append, V19_a_stop_in_the_middle_of_appends_closes_all)
{
	for (int i = 0; i < 20; i++) {
		struct place *const place = place_with_log();
		struct client *clients[8];

		for (int n = 0; n < 8; n++) {
			char target[64];

			snprintf(target, sizeof(target), "/v1/sessions/s%d/events", n / 2);
			clients[n] = client_open(place);
			client_request(clients[n], "POST", target, JSON, "1");
		}
		place_close(place);
		for (int n = 0; n < 8; n++)
			client_close(clients[n]);
	}
}
