/* SPDX-License-Identifier: MIT */
/* V50 to V54 over sockets: gateways with a route map. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "gateway/route_map.h"
#include "log_sqlite/scratch.h"
#include "refusal.h"

TestSuite(routes, .fini = scratch_remove, .timeout = 60);

#define JSON  "Content-Type: application/json\r\n"
#define GUEST "Authorization: Bearer guest-token-00001\r\n"

enum {
	TARGET_BYTES = 1024,
};

static const char *
write_file(const char *name, const char *text)
{
	const char *const path = scratch_path(name);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(fd >= 0);
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	close(fd);
	return path;
}

/* The file of the routes, separated by commas. */
static const char *
write_routes(const char *routes)
{
	char text[8192];

	snprintf(text, sizeof(text), "{\"routes\":[%s]}", routes);
	return write_file("routes.json", text);
}

static struct place *
place_of(const char *routes, bool has_log)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .routes_file = write_routes(routes) };

	return place_open(&(struct place_setup){ .has_log = has_log, .gateway = &options });
}

/* The example of gateway/README.md. */
static struct place *
place_of_example(const struct reprise_gateway_options *more)
{
	char *const text = fixture_text("../src/gateway/routes.example.json");
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;

	if (more != NULL)
		options = *more;
	options.routes_file = write_file("routes.json", text);
	free(text);
	return place_open(&(struct place_setup){ .gateway = &options });
}

/* Appends {"n":1} to {"n":count}, with the kinds 1 to count. */
static void
post_numbers(struct place *place, const char *session_id, int count)
{
	char target[TARGET_BYTES], fields[128], body[32];

	snprintf(target, sizeof(target), "/v1/sessions/%s/events", session_id);
	for (int i = 1; i <= count; i++) {
		snprintf(fields, sizeof(fields), JSON "Reprise-Kind: %d\r\n", i);
		snprintf(body, sizeof(body), "{\"n\":%d}", i);
		cr_assert(eq(int, ask(place, "POST", target, fields, body).status, 200));
	}
}

static void
end(struct place *place, const char *session_id)
{
	char target[TARGET_BYTES];

	snprintf(target, sizeof(target), "/v1/sessions/%s/end", session_id);
	cr_assert(eq(int, ask(place, "POST", target, JSON, "{\"status\":0}").status, 200));
}

/* Expects {"n":first} to {"n":last} as the next blocks with data, and without a name. */
static void
expect_bare(struct client *client, int first, int last)
{
	struct block block;
	char data[32];

	for (int i = first; i <= last; i++) {
		do
			cr_assert(stream_next(client, 10000, &block));
		while (block.data == NULL);
		snprintf(data, sizeof(data), "{\"n\":%d}", i);
		cr_assert(eq(str, (char *)block.data, data), "%s", block.raw);
		cr_assert(eq(ptr, (void *)block.event, NULL), "%s", block.raw);
	}
}

/* Expects that a whole reply has the payloads of the range alone. */
static void
expect_range(const struct reply *reply, int first, int last, int count)
{
	char data[32];

	for (int i = 1; i <= count; i++) {
		snprintf(data, sizeof(data), "data: {\"n\":%d}\n", i);
		cr_assert(eq(int, strstr(reply->body, data) != NULL, i >= first && i <= last),
			  "%d: %s", i, reply->body);
	}
}

Test(routes, V50_a_bad_map_refuses_the_opening)
{
	struct place *const place = place_without_log();
	struct reprise_gateway_options options = { .size = sizeof(options) };
	struct reprise_gateway *gateway = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	const char *const fifo = scratch_path("fifo");

	options.routes_file = write_file("routes.json", "{\n\"routes\":[{}]}");
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "routes_file"));
	cr_assert(eq(str, error.detail, "line 2: a route needs path and to"));
	options.routes_file = "/there/is/none";
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.detail, "No such file or directory"));
	cr_assert(eq(int, mkfifo(fifo, 0600), 0));
	options.routes_file = fifo;
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.detail, "not a regular file"));
	cr_assert(eq(ptr, (void *)gateway, NULL));
	place_close(place);
}

Test(routes, V50_a_map_without_memory_is_no_map)
{
	char *const text = fixture_text("../src/gateway/routes.example.json");
	const char *const path = write_file("routes.json", text);
	struct route_map *map = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status = REPRISE_E_NO_MEMORY;
	bool was_refused = true;
	int n = 1;

	free(text);
	for (; was_refused; n++) {
		refusal_begin(n);
		status = route_map_read(path, &map, &error);
		was_refused = refusal_end();
		cr_assert(eq(int, status, was_refused ? REPRISE_E_NO_MEMORY : REPRISE_OK));
	}
	cr_assert(gt(int, n, 4));
	cr_assert(eq(sz, map->aliases_count, 6));
	route_map_release(map);
}

Test(routes, V50_a_gateway_that_gets_no_memory_is_not_opened)
{
	struct place *const place = place_without_log();
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .routes_file = write_routes("") };
	struct reprise_gateway *gateway;
	bool was_refused = true;

	for (int n = 1; was_refused; n++) {
		gateway = NULL;
		refusal_begin(n);
		if (reprise_gateway_open(place->store, &options, &gateway, NULL) != REPRISE_OK)
			cr_assert(eq(ptr, (void *)gateway, NULL));
		was_refused = refusal_end();
		reprise_gateway_close(gateway);
	}
	place_close(place);
	expect_no_leaks();
}

/* One refused allocation. Answers the status; 0: the connection was closed. */
static int
ask_without_memory(struct place *place, int n, bool *ret_was_refused)
{
	struct client *const client = client_open(place);
	struct reply reply;

	refusal_begin(n);
	client_send(client, "GET /threads/t/runs/s/stream HTTP/1.1\r\nHost: localhost\r\n"
			    "Connection: close\r\n\r\n");
	(void)client_hears(client, 10000);
	*ret_was_refused = refusal_end();
	reply = client_receive(client);
	client_close(client);
	return reply.status;
}

Test(routes, V50_a_request_without_memory_is_refused)
{
	struct place *const place = place_of_example(NULL);
	bool was_refused = true;
	int refused = 0;

	post_numbers(place, "s", 1);
	end(place, "s");
	for (int n = 1; was_refused; n++) {
		const int status = ask_without_memory(place, n, &was_refused);

		cr_assert(status == 200 || status == 503 || status == 0, "%d: %d", n, status);
		refused += status == 503;
	}
	cr_assert(gt(int, refused, 0));
	place_close(place);
}

Test(routes, V51_a_session_has_the_same_events_by_each_of_its_paths)
{
	struct place *const place = place_of_example(NULL);
	struct client *streams[4];
	struct reply reply;

	reply = ask(place, "POST", "/ingest/a%2Fb", JSON, "{\"n\":1}");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 1));
	streams[0] = stream_open(place, "/v1/sessions/a%2Fb/events?frame=bare", NULL);
	streams[1] = stream_open(place, "/api/chat/a%2Fb/stream", NULL);
	streams[2] = stream_open(place, "/v1/responses/a%2Fb", "Accept: application/json\r\n");
	streams[3] = stream_ask(place, "POST", "/ag-ui/a%2Fb", JSON, "{\"runId\":\"a/b\"}");
	for (int i = 0; i < 4; i++)
		expect_bare(streams[i], 1, 1);
	reply = ask(place, "POST", "/ingest/a%2Fb", JSON, "{\"n\":2}");
	cr_assert(eq(u64, json_number(reply.body, "first"), 2));
	for (int i = 0; i < 4; i++) {
		expect_bare(streams[i], 2, 2);
		client_close(streams[i]);
	}
	reply = ask(place, "GET", "/api/chat/a%2Fb/history", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(strstr(reply.body, "\"data\":{\"n\":2}") != NULL, "%s", reply.body);
	place_close(place);
}

Test(routes, V51_the_level_and_the_sessions_of_a_token_are_those_of_the_target)
{
	static const struct {
		const char *method, *target;
		int status;
	} rows[] = {
		{ "GET", "/api/chat/chat-1/stream", 204 },
		{ "GET", "/api/chat/other/stream", 403 },
		{ "HEAD", "/v1/responses/chat-1", 404 },
		{ "HEAD", "/v1/responses/other", 403 },
		{ "POST", "/ingest/chat-1", 403 },
		{ "POST", "/ag-ui/other", 403 },
		{ "GET", "/api/chat/chat-1/history", 404 },
	};
	const char *const tokens = write_file("tokens", "guest-token-00001 default chat-* read\n");
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .token_file = tokens };
	struct place *const place = place_of_example(&options);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const bool is_post = strcmp(rows[i].method, "POST") == 0;
		struct reply reply =
			ask(place, rows[i].method, rows[i].target, JSON, is_post ? "{}" : NULL);

		cr_assert(eq(int, reply.status, 401), "%s", rows[i].target);
		reply = ask(place, rows[i].method, rows[i].target, JSON GUEST,
			    is_post ? "{}" : NULL);
		cr_assert(eq(int, reply.status, rows[i].status), "%s", rows[i].target);
	}
	place_close(place);
}

Test(routes, V51_pages_of_other_sites_are_kept_out)
{
	struct place *const place = place_of_example(NULL);
	struct reply reply;

	reply = ask(place, "POST", "/ingest/a", "Content-Type: text/plain\r\n", "1");
	expect_error(&reply, 403, "simple_type");
	reply = ask(place, "POST", "/ingest/a", JSON "Origin: https://evil.example\r\n", "1");
	expect_error(&reply, 403, "foreign_origin");
	reply = ask(place, "POST", "/ag-ui/a", JSON "Origin: https://evil.example\r\n", "1");
	expect_error(&reply, 403, "foreign_origin");
	place_close(place);
}

Test(routes, V51_methods_and_errors_are_as_of_every_path)
{
	struct place *const place = place_of_example(NULL);
	struct reply reply;

	reply = ask(place, "GET", "/ag-ui/a", NULL, NULL);
	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "POST, OPTIONS"));
	reply = ask(place, "DELETE", "/v1/responses/a", NULL, NULL);
	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "GET, HEAD, OPTIONS"));
	reply = ask(place, "GET", "/v1/responses/%FF", NULL, NULL);
	expect_error(&reply, 400, "bad_session_id");
	reply = ask(place, "GET", "/v1/responses/a", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	reply = ask(place, "GET", "/v1/responses", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	reply = ask(place, "GET", "/api/chat/a/history?x=1", NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	post_numbers(place, "a", 1);
	reply = ask(place, "HEAD", "/v1/responses/a", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(str, (char *)reply_field(&reply, "Content-Type"), "text/event-stream"));
	place_close(place);
}

Test(routes, V51_a_gateway_that_only_reads_has_the_paths_that_read)
{
	const struct reprise_gateway_options options = { .size = sizeof(options), .reads_only = 1 };
	struct place *const place = place_of_example(&options);
	struct reply reply = ask(place, "POST", "/ingest/a", JSON, "1");

	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "OPTIONS"));
	reprise_writer_close(writer_of(place->store));
	reply = ask(place, "GET", "/api/chat/s/history", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	place_close(place);
}

Test(routes, V51_a_posted_run_is_read_and_dropped)
{
	struct place *const place = place_of_example(NULL);
	struct client *const client = client_open(place);
	char body[40000];
	struct reply reply;

	post_numbers(place, "s", 2);
	end(place, "s");
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	/* The connection is kept: the body was read whole. */
	for (int i = 0; i < 2; i++) {
		client_request(client, "POST", "/ag-ui/s", JSON, body);
		reply = client_receive(client);
		cr_assert(eq(int, reply.status, 200));
		expect_range(&reply, 1, 2, 2);
	}
	cr_assert(eq(u64, stats_of_s(place->store).newest, 2));
	client_close(client);
	place_close(place);
}

Test(routes, V52_a_number_of_the_front_end_begins_behind_its_event)
{
	static const struct {
		const char *query;
		int first;
	} rows[] = {
		{ "", 1 },
		{ "?starting_after=0", 2 },
		{ "?stream=true&starting_after=3", 5 },
		{ "?starting_after=4&other=x", 6 },
	};
	struct place *const place = place_of_example(NULL);
	char target[TARGET_BYTES];
	struct reply reply;

	post_numbers(place, "s", 5);
	end(place, "s");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(target, sizeof(target), "/v1/responses/s%s", rows[i].query);
		reply = ask(place, "GET", target, NULL, NULL);
		cr_assert(eq(int, reply.status, 200), "%s", rows[i].query);
		expect_range(&reply, rows[i].first, 5, 5);
	}
	reply = ask(place, "GET", "/v1/responses/s?starting_after=-1", NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	place_close(place);
}

/* A stream behind a position, in native frames. */
#define BEHIND                                                                             \
	"{\"path\":\"/behind/{session}\",\"to\":\"events\",\"parameters\":{\"n\":"         \
	"{\"position\":0}}},{\"path\":\"/page/{session}\",\"to\":\"page\",\"parameters\":" \
	"{\"n\":{\"position\":0}}}"

/* Expects the stream that /behind/s answers behind @position to begin with @first. */
static void
expect_behind(struct place *place, int position, int first)
{
	char target[TARGET_BYTES], data[32];
	struct client *client;

	snprintf(target, sizeof(target), "/behind/s?n=%d", position);
	client = stream_open(place, target, NULL);
	(void)stream_expect(client, "hello");
	snprintf(data, sizeof(data), "{\"n\":%d}", first);
	cr_assert(eq(str, (char *)stream_expect(client, "message").data, data));
	client_close(client);
}

/* The same behind a gap: the stream begins with the present life's first event. */
static void
expect_gap_behind(struct place *place, int position)
{
	char target[TARGET_BYTES];
	struct client *client;

	snprintf(target, sizeof(target), "/behind/s?n=%d", position);
	client = stream_open(place, target, NULL);
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "gap");
	cr_assert(eq(str, (char *)stream_expect(client, "message").data, "{\"n\":1}"));
	client_close(client);
}

Test(routes, V52_a_position_is_found_in_the_log)
{
	const struct reprise_session_options session = { .size = sizeof(session), .events_max = 4 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .writer_idle_ms = 1,
							 .routes_file = write_routes(BEHIND) };
	struct place *const place = place_open(
		&(struct place_setup){ .has_log = true, .gateway = &options, .session = &session });
	struct reply reply;

	post_numbers(place, "s", 12);
	for (int position = 0; position < 12; position++)
		expect_behind(place, position, position + 1);
	reply = ask(place, "GET", "/page/s?n=7", NULL, NULL);
	cr_assert(eq(u64, json_number(reply.body, "position"), 8));
	place_close(place);
}

Test(routes, V52_a_position_is_found_in_a_session_without_a_window)
{
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .routes_file = write_routes(BEHIND) };
	struct place *const place = place_open(
		&(struct place_setup){ .has_log = true, .gateway = &options, .sessions_max = 20 });
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	char id[32];
	struct reply reply;

	post_numbers(place, "s", 3);
	cr_assert(eq(int, ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "").status, 204));
	post_numbers(place, "s", 3);
	end(place, "s");
	/* The windows of other sessions take the place of the window of "s". */
	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "other-%d", i);
		post_numbers(place, id, 1);
		end(place, id);
	}
	cr_assert(eq(int, reprise_session_stats(place->store, "s", &stats), REPRISE_E_NOT_FOUND));
	/* The positions 4 to 6 are the second life's, and the positions before are void. */
	expect_behind(place, 4, 2);
	expect_behind(place, 5, 3);
	reply = ask(place, "GET", "/behind/s?n=3", NULL, NULL);
	cr_assert(strstr(reply.body, "\"code\":\"invalidated\"") != NULL, "%s", reply.body);
	reply = ask(place, "GET", "/behind/s?n=6", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(strstr(reply.body, "event: end\n") != NULL, "%s", reply.body);
	cr_assert(strstr(reply.body, "event: gap\n") == NULL, "%s", reply.body);
	place_close(place);
}

/* Records {"n":1} to {"n":3} of "s" in the log that a place opens later: a life of its own. */
static void
record_life(void)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = scratch_path("log.db") };
	struct reprise_store *store = NULL;
	struct reprise_recorder *recorder = NULL;
	struct reprise_log *log = NULL;
	struct reprise_writer *writer;
	char text[32];

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL), REPRISE_OK));
	writer = writer_of(store);
	for (int i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "{\"n\":%d}", i);
		(void)append_text(writer, text);
	}
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
}

Test(routes, V52_a_position_of_a_life_before_is_healed)
{
	struct place *place;

	record_life();
	place = place_of(BEHIND, true);
	for (int position = 0; position < 3; position++)
		expect_behind(place, position, position + 1);
	post_numbers(place, "s", 2);
	for (int position = 0; position < 3; position++)
		expect_behind(place, position, position + 1);
	expect_behind(place, 4, 2);
	place_close(place);
}

static void
expect_lives(bool has_log)
{
	struct place *const place = place_of(BEHIND, has_log);

	post_numbers(place, "s", 3);
	end(place, "s");
	cr_assert(eq(int, ask(place, "POST", "/v1/sessions/s/invalidate", JSON, "").status, 204));
	post_numbers(place, "s", 2);
	/* The second event of the new life has the position 5; the events before are void. */
	expect_behind(place, 4, 2);
	expect_gap_behind(place, 2);
	expect_gap_behind(place, 3);
	place_close(place);
}

Test(routes, V52_a_position_is_of_the_life_that_has_it)
{
	expect_lives(false);
	expect_lives(true);
}

Test(routes, V52_a_position_that_is_trimmed_or_to_come_is_a_gap)
{
	const struct reprise_session_options session = { .size = sizeof(session), .events_max = 4 };
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .routes_file = write_routes(BEHIND) };
	struct place *const place =
		place_open(&(struct place_setup){ .gateway = &options, .session = &session });
	struct client *client;
	struct block block;

	post_numbers(place, "s", 10);
	for (int position = 0; position < 2; position++) {
		client =
			stream_open(place, position == 0 ? "/behind/s?n=0" : "/behind/s?n=3", NULL);
		(void)stream_expect(client, "hello");
		block = stream_expect(client, "gap");
		cr_assert(eq(u64, json_number(block.data, "first"), position == 0 ? 1 : 4));
		client_close(client);
	}
	client = stream_open(place, "/behind/s?n=11", NULL);
	(void)stream_expect(client, "hello");
	cr_assert(eq(str, (char *)json_text(stream_expect(client, "gap").data, "reason"),
		     "unavailable"));
	client_close(client);
	place_close(place);
}

Test(routes, V52_Last_Event_ID_comes_before_a_position)
{
	struct place *const place = place_of(BEHIND, false);
	char field[TARGET_BYTES];
	struct client *client;
	struct reply reply;

	post_numbers(place, "s", 4);
	reply = ask(place, "GET", "/v1/sessions/s/cursor?at=newest", NULL, NULL);
	snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", json_text(reply.body, "cursor"));
	post_numbers(place, "s", 1);
	client = stream_open(place, "/behind/s?n=0", field);
	cr_assert(
		eq(str, (char *)json_text(stream_expect(client, "hello").data, "from"), "cursor"));
	cr_assert(eq(str, (char *)stream_expect(client, "message").data, "{\"n\":1}"));
	(void)stream_expect(client, "live");
	client_close(client);
	place_close(place);
}

#define STATES                                                                           \
	"{\"path\":\"/unknown/{session}\",\"to\":\"events\",\"unknown\":204},"           \
	"{\"path\":\"/ended/{session}\",\"to\":\"events\",\"ended\":204,\"parameters\":" \
	"{\"n\":{\"position\":0}}},"                                                     \
	"{\"path\":\"/wait/{session}\",\"to\":\"events\",\"unknown\":204,\"fixed\":"     \
	"{\"wait\":\"1\"}}"

Test(routes, V53_an_unknown_session_is_204_where_the_map_says_so)
{
	struct place *const place = place_of(STATES, false);
	struct client *client;
	struct reply reply;

	reply = ask(place, "GET", "/unknown/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	reply = ask(place, "HEAD", "/unknown/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	reply = ask(place, "GET", "/ended/s", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	client = stream_open(place, "/wait/s", NULL);
	(void)stream_expect(client, "hello");
	(void)stream_expect(client, "live");
	post_numbers(place, "s", 1);
	cr_assert(eq(str, (char *)stream_expect(client, "message").data, "{\"n\":1}"));
	client_close(client);
	end(place, "s");
	reply = ask(place, "GET", "/unknown/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(strstr(reply.body, "event: end\n") != NULL);
	place_close(place);
}

static void
expect_status_at_end(struct place *place, const char *query, const char *fields, int status)
{
	char target[TARGET_BYTES];
	struct reply reply;

	snprintf(target, sizeof(target), "/ended/s%s", query);
	reply = ask(place, "GET", target, fields, NULL);
	cr_assert(eq(int, reply.status, status), "%s", query);
	if (status == 200)
		cr_assert(strstr(reply.body, "data: {\"n\":3}\n") != NULL, "%s", reply.body);
}

/* A client in the middle of a run gets the rest, whatever the map says. */
static void
expect_204_at_the_end(bool has_log)
{
	struct place *const place = place_of(STATES, has_log);
	char field[TARGET_BYTES];
	struct client *client;
	struct reply reply;

	post_numbers(place, "s", 2);
	reply = ask(place, "GET", "/v1/sessions/s/cursor?at=newest", NULL, NULL);
	snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", json_text(reply.body, "cursor"));
	post_numbers(place, "s", 3);
	client = stream_open(place, "/ended/s", NULL);
	client_close(client);
	end(place, "s");
	expect_status_at_end(place, "", NULL, 204);
	expect_status_at_end(place, "?from=newest", NULL, 204);
	expect_status_at_end(place, "", field, 200);
	expect_status_at_end(place, "?n=0", NULL, 200);
	expect_status_at_end(place, "?n=4", NULL, 200);
	expect_status_at_end(place, "?n=5", NULL, 204);
	reply = ask(place, "GET", "/v1/sessions/s/cursor?at=newest", NULL, NULL);
	snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", json_text(reply.body, "cursor"));
	expect_status_at_end(place, "", field, 204);
	place_close(place);
}

Test(routes, V53_an_ended_session_is_204_for_a_client_that_has_everything)
{
	expect_204_at_the_end(false);
	expect_204_at_the_end(true);
}

#define NAMES                                                                         \
	"{\"path\":\"/native/{session}\",\"to\":\"events\",\"names\":{\"2\":\"two\"," \
	"\"1\":\"message_start\"}},{\"path\":\"/bare/{session}\",\"to\":\"events\","  \
	"\"names\":{\"2\":\"end\"},\"fixed\":{\"frame\":\"bare\"}}"

Test(routes, V53_kinds_have_the_names_of_the_map)
{
	struct place *const place = place_of(NAMES, false);
	struct client *native;
	struct reply reply;

	post_numbers(place, "s", 3);
	native = stream_open(place, "/native/s", NULL);
	(void)stream_expect(native, "hello");
	(void)stream_expect(native, "message_start");
	(void)stream_expect(native, "two");
	(void)stream_expect(native, "message");
	client_close(native);
	reply = ask(place, "GET", "/native/s?names=kinds", NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	end(place, "s");
	reply = ask(place, "GET", "/bare/s", NULL, NULL);
	cr_assert(strstr(reply.body, "event: end\ndata: {\"n\":2}\n") != NULL, "%s", reply.body);
	cr_assert(strstr(reply.body, "\n\ndata: {\"n\":3}\n") != NULL, "%s", reply.body);
	place_close(place);
}

/* Two streams that share an encoding have the same names. */
Test(routes, V53_streams_with_other_names_share_nothing)
{
	struct place *const place = place_of(NAMES, false);
	struct client *streams[2];

	post_numbers(place, "s", 1);
	streams[0] = stream_open(place, "/native/s", NULL);
	streams[1] = stream_open(place, "/v1/sessions/s/events", NULL);
	for (int i = 0; i < 2; i++) {
		(void)stream_expect(streams[i], "hello");
		(void)stream_expect(streams[i], i == 0 ? "message_start" : "message");
		(void)stream_expect(streams[i], "live");
	}
	post_numbers(place, "s", 1);
	for (int i = 0; i < 2; i++) {
		(void)stream_expect(streams[i], i == 0 ? "message_start" : "message");
		client_close(streams[i]);
	}
	place_close(place);
}

Test(routes, V53_answers_have_the_fields_of_the_map)
{
	struct place *const place = place_of_example(NULL);
	struct reply reply;

	reply = ask(place, "GET", "/api/chat/none/stream", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	cr_assert(eq(str, (char *)reply_field(&reply, "x-vercel-ai-ui-message-stream"), "v1"));
	post_numbers(place, "s", 1);
	end(place, "s");
	reply = ask(place, "GET", "/api/chat/s/stream", NULL, NULL);
	cr_assert(eq(str, (char *)reply_field(&reply, "x-vercel-ai-ui-message-stream"), "v1"));
	cr_assert(eq(str, (char *)reply_field(&reply, "X-Content-Type-Options"), "nosniff"));
	cr_assert(eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-cache, no-transform"));
	cr_assert(eq(ptr, (void *)reply_field(&reply, "Location"), NULL));
	cr_assert(strstr(reply.body, "\n\ndata: [DONE]\n\n") != NULL, "%s", reply.body);
	reply = ask(place, "GET", "/threads/t%20/runs/s/stream?x=y", NULL, NULL);
	cr_assert(eq(str, (char *)reply_field(&reply, "Location"), "/threads/t%20/runs/s/stream"));
	reply = ask(place, "GET", "/threads/t/runs/none/stream", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	cr_assert(eq(ptr, (void *)reply_field(&reply, "Location"), NULL));
	/* The gateway's own paths have none of them. */
	reply = ask(place, "GET", "/v1/sessions/s/events", NULL, NULL);
	cr_assert(eq(ptr, (void *)reply_field(&reply, "x-vercel-ai-ui-message-stream"), NULL));
	place_close(place);
}

Test(routes, V53_pages_of_a_listed_origin_may_send_and_read_the_fields)
{
	static const char *const origins[] = { "https://app.example" };
	const struct reprise_gateway_options options = {
		.size = sizeof(options),
		.origins = origins,
		.origins_count = 1,
		.routes_file =
			write_routes("{\"path\":\"/a/{session}\",\"to\":\"events\",\"method\":"
				     "\"POST\",\"fields\":{\"X-Mode\":\"1\"},"
				     "\"request_fields\":[\"X-Api-Key\"]}"),
	};
	struct place *const place = place_open(&(struct place_setup){ .gateway = &options });
	const char *allowed;
	struct reply reply;

	reply = ask(place, "OPTIONS", "/a/s",
		    "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n", NULL);
	cr_assert(eq(int, reply.status, 204));
	cr_assert(eq(str, (char *)reply_field(&reply, "Access-Control-Allow-Methods"),
		     "POST, OPTIONS"));
	allowed = reply_field(&reply, "Access-Control-Allow-Headers");
	cr_assert(strstr(allowed, "Last-Event-ID") != NULL, "%s", allowed);
	cr_assert(strstr(allowed, ", X-Api-Key") != NULL, "%s", allowed);
	reply = ask(place, "OPTIONS", "/v1/sessions/s/events",
		    "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n", NULL);
	cr_assert(strstr(reply_field(&reply, "Access-Control-Allow-Headers"), "X-Api-Key") == NULL);
	reply = ask(place, "OPTIONS", "/a/s",
		    "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
		    NULL);
	cr_assert(eq(ptr, (void *)reply_field(&reply, "Access-Control-Allow-Origin"), NULL));
	post_numbers(place, "s", 1);
	end(place, "s");
	reply = ask(place, "POST", "/a/s", JSON "Origin: https://app.example\r\n", "{}");
	cr_assert(eq(int, reply.status, 200));
	cr_assert(strstr(reply_field(&reply, "Access-Control-Expose-Headers"), ", X-Mode") != NULL);
	place_close(place);
}

Test(routes, V54_a_reload_changes_the_paths_and_leaves_streams_alone)
{
	struct place *const place = place_of(NAMES, false);
	struct client *stream;
	struct reply reply;

	post_numbers(place, "s", 1);
	stream = stream_open(place, "/native/s", NULL);
	(void)stream_expect(stream, "hello");
	(void)stream_expect(stream, "message_start");
	(void)stream_expect(stream, "live");
	(void)write_routes("{\"path\":\"/other/{session}\",\"to\":\"events\",\"unknown\":204}");
	cr_assert(eq(int, reprise_gateway_reload(place->gateway), REPRISE_OK));
	cr_assert(place_comes_line(place, "\"event\":\"routes_reloaded\""));
	reply = ask(place, "GET", "/native/s", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	reply = ask(place, "GET", "/other/none", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	post_numbers(place, "s", 2);
	(void)stream_expect(stream, "message_start");
	(void)stream_expect(stream, "two");

	/* A bad file and a file that is gone change nothing. */
	(void)write_file("routes.json", "{\"routes\":[\n{}]}");
	cr_assert(eq(int, reprise_gateway_reload(place->gateway), REPRISE_OK));
	cr_assert(place_comes_line(place, "\"detail\":\"line 2: a route needs path and to\""));
	cr_assert(place_has_line(place, "\"level\":\"error\",\"event\":\"routes_not_reloaded\""));
	reply = ask(place, "GET", "/other/none", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	(void)unlink(scratch_path("routes.json"));
	cr_assert(eq(int, reprise_gateway_reload(place->gateway), REPRISE_OK));
	cr_assert(place_comes_line(place, "\"detail\":\"No such file or directory\""));
	reply = ask(place, "GET", "/other/none", NULL, NULL);
	cr_assert(eq(int, reply.status, 204));
	client_close(stream);
	place_close(place);
}
