/* SPDX-License-Identifier: MIT */
/*
 * V08 and V09: pages of events, cursors, and the list of sessions.
 */
#include <stdio.h>
#include <stdlib.h>

#include <reprise/session.h>
#include <reprise/writer.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(page, .fini = scratch_remove, .timeout = 60);

#define EVENTS "/v1/sessions/s/events"

enum {
	TARGET_BYTES = 1024,
};

static struct reply
get(struct place *place, const char *target)
{
	const struct reply reply = ask(place, "GET", target, NULL, NULL);

	cr_assert(eq(int, reply.status, 200), "%s: %s%s", target, reply.head, reply.body);
	return reply;
}

static bool
has(const struct reply *reply, const char *piece)
{
	return strstr(reply->body, piece) != NULL;
}

static void
expect_piece(const struct reply *reply, const char *piece)
{
	cr_assert(has(reply, piece), "no %s in %s", piece, reply->body);
}

/* The page behind the cursor of @reply. */
static struct reply
next_page(struct place *place, const struct reply *reply, const char *query)
{
	char target[TARGET_BYTES];

	snprintf(target, sizeof(target), "%s?%s&cursor=%s", EVENTS, query,
		 json_text(reply->body, "cursor"));
	return get(place, target);
}

/* How many events the page has; expects that they follow @position, which moves. */
static int
count_events(const struct reply *reply, reprise_position *position)
{
	const char *at = reply->body;
	int count = 0;

	while ((at = strstr(at, "{\"type\":\"event\",\"position\":")) != NULL) {
		at += strlen("{\"type\":\"event\",\"position\":");
		cr_assert(eq(u64, strtoull(at, NULL, 10), ++*position), "%s", reply->body);
		count++;
	}
	return count;
}

Test(page, V08_a_page_has_the_events_as_they_are_and_the_cursor_behind)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	const struct reprise_bytes bytes = { "\xff\0", 2 };
	struct reply reply;
	char id[REPRISE_CURSOR_TEXT_BYTES_MAX], expected[4096];
	struct reprise_cursor cursor;

	append_event(writer, 7, 3, REPRISE_EVENT_COMMIT, "{\"a\":1.50}");
	append_event(writer, 7, 0, 0, "no \"json\"\n");
	cr_assert(eq(int, reprise_append(writer, 8, 65534, 0, bytes, NULL), REPRISE_OK));
	append_event(writer, 8, 0, 0, "");
	cursor = cursor_at_revision(place->store, 4, 8);
	cr_assert(eq(int, reprise_cursor_format(&cursor, id, sizeof(id), NULL, NULL), REPRISE_OK));
	snprintf(
		expected, sizeof(expected),
		"{\"events\":[\n"
		"{\"type\":\"event\",\"position\":1,\"revision\":7,\"kind\":3,\"commit\":true,"
		"\"data\":{\"a\":1.50}},\n"
		"{\"type\":\"event\",\"position\":2,\"revision\":7,\"kind\":0,\"commit\":false,"
		"\"text\":\"no \\\"json\\\"\\n\"},\n"
		"{\"type\":\"event\",\"position\":3,\"revision\":8,\"kind\":65534,\"commit\":false,"
		"\"base64\":\"/wA=\"},\n"
		"{\"type\":\"event\",\"position\":4,\"revision\":8,\"kind\":0,\"commit\":false,"
		"\"text\":\"\"}],\n"
		"\"cursor\":\"%s\",\"up_to_date\":true,\"ended\":false,\"status\":null}\n",
		id);
	reply = get(place, EVENTS "?format=json");
	cr_assert(eq(str, (char *)reply.body, expected));
	cr_assert(eq(str, (char *)reply_field(&reply, "Content-Type"), "application/json"));
	reply = ask(place, "GET", EVENTS, "Accept: application/json\r\n", NULL);
	cr_assert(eq(str, (char *)reply.body, expected));
	reply = ask(place, "HEAD", EVENTS "?limit=4", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(sz, reply.body_size, 0));
	reprise_writer_close(writer);
	place_close(place);
}

Test(page, V08_pages_that_follow_one_another_have_each_event_once)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	reprise_position position = 0;
	struct reply reply;
	int pages = 1;

	append_until(writer, 100);
	reply = get(place, EVENTS "?limit=7");
	cr_assert(eq(int, count_events(&reply, &position), 7));
	while (!has(&reply, "\"up_to_date\":true")) {
		reply = next_page(place, &reply, "limit=7");
		(void)count_events(&reply, &position);
		pages++;
	}
	cr_assert(eq(int, pages, 15));
	cr_assert(eq(u64, position, 100));
	/* An empty page has the same cursor, and goes on when there is more. */
	reply = next_page(place, &reply, "limit=7");
	cr_assert(eq(int, count_events(&reply, &position), 0));
	append_until(writer, 101);
	reply = next_page(place, &reply, "limit=7");
	cr_assert(eq(int, count_events(&reply, &position), 1));
	cr_assert(eq(int, reprise_writer_end(writer, -9), REPRISE_OK));
	reply = next_page(place, &reply, "limit=7");
	expect_piece(&reply, "\"up_to_date\":true,\"ended\":true,\"status\":-9}");
	reply = get(place, EVENTS "?format=json&from=newest");
	expect_piece(&reply, "{\"events\":[],\n");
	expect_piece(&reply, "\"ended\":true,\"status\":-9}");
	reprise_writer_close(writer);
	place_close(place);
}

Test(page, V08_a_page_has_the_kinds_that_were_asked_for)
{
	struct place *const place = place_without_log();
	struct reprise_writer *const writer = writer_of(place->store);
	struct reply reply;

	for (uint16_t i = 0; i < 9; i++)
		append_event(writer, i, i % 3, 0, "x");
	reply = get(place, EVENTS "?kinds=1&limit=2");
	expect_piece(&reply, "\"position\":2,");
	expect_piece(&reply, "\"position\":5,");
	reply = next_page(place, &reply, "kinds=1&limit=2");
	expect_piece(&reply, "[\n{\"type\":\"event\",\"position\":8,");
	expect_piece(&reply, "\"up_to_date\":true");
	reply = get(place, EVENTS "?revision=6&limit=1");
	expect_piece(&reply, "\"position\":8,");
	reprise_writer_close(writer);
	place_close(place);
}

Test(page, V08_a_gap_of_a_page_is_exact_and_the_next_page_goes_on_behind)
{
	struct place *const place = place_of_events(4, false);
	struct reprise_writer *const writer = writer_of(place->store);
	reprise_position position = 5;
	struct reply reply;

	append_until(writer, 1);
	reply = get(place, EVENTS "?limit=1");
	append_until(writer, 9);
	reply = next_page(place, &reply, "limit=1");
	expect_piece(&reply, "{\"events\":[\n{\"type\":\"gap\",\"reason\":\"trimmed\","
			     "\"code\":\"capacity\",");
	expect_piece(&reply, "\"lost\":4,\"first\":2,\"last\":5,\"position\":5,\"newest\":9,"
			     "\"healed\":false}],\n");
	reply = next_page(place, &reply, "limit=10");
	cr_assert(eq(int, count_events(&reply, &position), 4));
	reprise_writer_close(writer);
	place_close(place);
}

Test(page, V08_a_refused_cursor_is_a_gap_and_the_next_page_goes_on_behind)
{
	struct place *const place = place_without_log();
	struct reprise_writer *writer = writer_of(place->store);
	reprise_position position = 5;
	struct reply reply;

	append_until(writer, 5);
	reply = get(place, EVENTS "?limit=2");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_session_invalidate(place->store, "s"), REPRISE_OK));
	writer = writer_of(place->store);
	append_until(writer, 8);
	reply = next_page(place, &reply, "limit=10");
	expect_piece(&reply, "\"code\":\"another_incarnation\"");
	expect_piece(&reply, "\"lost\":null");
	for (int i = 0; i < 3 && !has(&reply, "\"up_to_date\":true"); i++) {
		(void)count_events(&reply, &position);
		reply = next_page(place, &reply, "limit=10");
	}
	(void)count_events(&reply, &position);
	cr_assert(eq(u64, position, 8), "%s", reply.body);
	expect_piece(&reply, "\"up_to_date\":true");
	reprise_writer_close(writer);
	place_close(place);
}

/* The cursor of a session without a life is the beginning of the life that follows. */
Test(page, V08_a_page_of_a_session_without_a_life_goes_on_with_the_next_life)
{
	struct place *const place = place_with_log();
	reprise_position position = 2;
	struct reply reply;
	struct reply page;

	(void)post(place, "s", "1");
	(void)post(place, "s", "2");
	reply = ask(place, "DELETE", "/v1/sessions/s", NULL, NULL);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	page = ask(place, "GET", EVENTS "?limit=5", NULL, NULL);
	if (page.status == 200) {
		char target[TARGET_BYTES];

		expect_piece(&page, "{\"events\":[],\n");
		expect_piece(&page, "\"up_to_date\":true");
		snprintf(target, sizeof(target), "%s?limit=5&cursor=%s", EVENTS,
			 json_text(page.body, "cursor"));
		reply = get(place, target);
		expect_piece(&reply, "{\"events\":[],\n");
		expect_piece(&reply, "\"up_to_date\":true");
		(void)post(place, "s", "3");
		reply = get(place, target);
		cr_assert(eq(int, count_events(&reply, &position), 1), "%s", reply.body);
		expect_piece(&reply, "\"up_to_date\":true");
	} else {
		expect_error(&page, 404, "unknown_session");
	}
	place_close(place);
}

Test(page, V08_with_a_log_a_page_has_what_has_left_the_window)
{
	struct place *const place = place_of_events(8, true);
	reprise_position position = 0;
	struct reply reply;

	for (int i = 0; i < 40; i++)
		(void)post(place, "s", "1");
	reply = get(place, EVENTS "?limit=15&recorded=1");
	cr_assert(eq(int, count_events(&reply, &position), 15));
	reply = next_page(place, &reply, "limit=100");
	cr_assert(eq(int, count_events(&reply, &position), 25));
	expect_piece(&reply, "\"up_to_date\":true,\"ended\":false");
	place_close(place);
}

Test(page, V08_a_bad_page_is_refused)
{
	static const char *const bad[] = {
		"limit=0", "limit=10001", "limit=",         "limit=1.5",   "format=xml",
		"format=", "limit=-1",    "limit=1&done=1", "limit=1&at=", "limit=1&kinds="
	};
	struct place *const place = place_without_log();
	char target[TARGET_BYTES];
	struct reply reply;

	(void)post(place, "s", "1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(target, sizeof(target), "%s?%s", EVENTS, bad[i]);
		reply = ask(place, "GET", target, NULL, NULL);
		expect_error(&reply, 400, "bad_query");
	}
	reply = ask(place, "GET", EVENTS "?limit=1&recorded=1", NULL, NULL);
	expect_error(&reply, 400, "no_log");
	reply = ask(place, "GET", EVENTS "?limit=1&cursor=x", NULL, NULL);
	expect_error(&reply, 400, "malformed_cursor");
	reply = ask(place, "GET", "/v1/sessions/t/events?limit=1", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	place_close(place);
}

static void
expect_cursor(struct place *place, const char *query, reprise_position position, uint64_t revision)
{
	char target[TARGET_BYTES];
	struct reply reply;
	struct client *client;

	snprintf(target, sizeof(target), "/v1/sessions/s/cursor%s", query);
	reply = get(place, target);
	cr_assert(eq(u64, json_number(reply.body, "position"), position), "%s: %s", query,
		  reply.body);
	cr_assert(eq(u64, json_number(reply.body, "revision"), revision), "%s: %s", query,
		  reply.body);
	snprintf(target, sizeof(target), EVENTS "?cursor=%s", json_text(reply.body, "cursor"));
	client = stream_open(place, target, NULL);
	cr_assert(eq(u64, json_number(stream_expect(client, "hello").data, "position"), position));
	client_close(client);
}

Test(page, V08_a_cursor_is_given_to_begin_with)
{
	static const char *const bad[] = { "at=middle", "at=", "revision=x", "at=oldest&revision=1",
					   "from=oldest" };
	struct place *const place = place_of_events(4, false);
	struct reprise_writer *const writer = writer_of(place->store);
	char target[TARGET_BYTES];
	struct reply reply;

	for (uint64_t i = 1; i <= 6; i++)
		append_event(writer, 10 * i, 0, REPRISE_EVENT_COMMIT, "x");
	expect_cursor(place, "", 6, 60);
	expect_cursor(place, "?at=newest", 6, 60);
	expect_cursor(place, "?at=oldest", 2, 0);
	expect_cursor(place, "?revision=45", 4, 45);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(target, sizeof(target), "/v1/sessions/s/cursor?%s", bad[i]);
		reply = ask(place, "GET", target, NULL, NULL);
		expect_error(&reply, 400, "bad_query");
	}
	reply = ask(place, "GET", "/v1/sessions/t/cursor", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	reprise_writer_close(writer);
	place_close(place);
}

/* Reads the list in pages of @limit, and expects the ids "id-000" and on, in order. */
static void
expect_ids(struct place *place, unsigned int limit, unsigned int count)
{
	char target[TARGET_BYTES], after[64] = "", id[64];
	unsigned int seen = 0, pages = 0;

	for (;; pages++) {
		struct reply reply;

		snprintf(target, sizeof(target), "/v1/sessions?limit=%u%s%s", limit,
			 after[0] == '\0' ? "" : "&after=", after);
		reply = get(place, target);
		for (const char *at = reply.body; (at = strstr(at, "{\"id\":\"")) != NULL; at++) {
			snprintf(id, sizeof(id), "{\"id\":\"id-%03u\",", seen++);
			cr_assert(strncmp(at, id, strlen(id)) == 0, "%s, not %.20s", id, at);
		}
		if (has(&reply, "\"after\":null"))
			break;
		snprintf(after, sizeof(after), "%s", json_text(reply.body, "after"));
		cr_assert(eq(u32, seen, (pages + 1) * limit));
	}
	cr_assert(eq(u32, seen, count));
}

Test(page, V09_sessions_are_listed_in_pages_in_the_order_of_their_ids)
{
	struct place *const place = place_without_log();
	char id[64];

	expect_ids(place, 10, 0);
	for (unsigned int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "id-%03u", 37 * i % 60);
		cr_assert(
			eq(int, reprise_session_create(place->store, id, NULL, NULL), REPRISE_OK));
	}
	expect_ids(place, 7, 60);
	expect_ids(place, 60, 60);
	expect_ids(place, 1000, 60);
	place_close(place);
}

Test(page, V09_an_entry_tells_of_the_window_and_the_log)
{
	const struct place_setup setup = { .has_log = true, .sessions_max = 20 };
	struct place *const place = place_open(&setup);
	struct reply reply;
	char id[64];

	for (unsigned int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "id-%03u", 37 * i % 60);
		(void)post(place, id, "1");
		reply = ask(place, "POST", "/v1/sessions/x/end", NULL, NULL);
		snprintf(id, sizeof(id), "/v1/sessions/id-%03u/end", 37 * i % 60);
		reply = ask(place, "POST", id, "Content-Type: application/json\r\n",
			    "{\"status\":-4}");
		cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	}
	expect_ids(place, 7, 60);
	reply = get(place, "/v1/sessions?limit=1000");
	expect_piece(&reply, "\"in_memory\":false");
	expect_piece(&reply, "\"in_memory\":true");
	reply = get(place, "/v1/sessions?limit=1");
	expect_piece(&reply, "{\"id\":\"id-000\",\"oldest\":1,\"newest\":1,\"recorded\":1,"
			     "\"ended\":true,\"status\":-4,");
	place_close(place);
}

Test(page, V09_a_deleted_session_is_not_listed)
{
	struct place *const place = place_with_log();
	struct reply reply;

	(void)post(place, "id-000", "1");
	(void)post(place, "id-001", "1");
	(void)post(place, "id-002", "1");
	reply = ask(place, "DELETE", "/v1/sessions/id-002", NULL, NULL);
	cr_assert(eq(int, reply.status, 204), "%s", reply.body);
	reply = ask(place, "GET", "/v1/sessions/id-002/events", NULL, NULL);
	expect_error(&reply, 404, "unknown_session");
	expect_ids(place, 1, 2);
	expect_ids(place, 10, 2);
	place_close(place);
}

Test(page, V09_a_bad_question_for_the_list_is_refused)
{
	static const char *const bad[] = { "limit=0",   "limit=1001",  "limit=",
					   "after=%00", "from=oldest", "after=a&after=b" };
	struct place *const place = place_without_log();
	char target[TARGET_BYTES];
	struct reply reply;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(target, sizeof(target), "/v1/sessions?%s", bad[i]);
		reply = ask(place, "GET", target, NULL, NULL);
		expect_error(&reply, 400, "bad_query");
	}
	place_close(place);
}
