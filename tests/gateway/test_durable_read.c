/* SPDX-License-Identifier: MIT */
/* V65: catch-up answers to a GET of a durable stream, and HEAD. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "durable_calls.h"
#include "log_sqlite/scratch.h"

TestSuite(durable_read, .fini = scratch_remove, .timeout = 60);

static struct reply
get_after(struct place *place, const char *id, uint64_t position)
{
	char query[80];

	snprintf(query, sizeof(query), "?offset=%s", offset_text(position));
	return get_stream(place, id, query, 200);
}

Test(durable_read, V65_bytes_come_one_behind_the_other)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "a/b", TEXT_TYPE, "first");
	post_stream(place, "a/b", TEXT_TYPE, " second\r\n");
	reply = get_stream(place, "a%2Fb", "", 200);
	expect_body(&reply, "first second\r\n");
	expect_next(&reply, 3);
	expect_field(&reply, "Content-Type", "text/plain");
	expect_field(&reply, "Content-Length", "14");
	expect_field(&reply, "Stream-Up-To-Date", "true");
	expect_field(&reply, "Stream-Closed", NULL);
	expect_field(&reply, "Cache-Control", "public, no-cache");
	expect_field(&reply, "X-Content-Type-Options", "nosniff");
	cr_assert(reply_field(&reply, "Stream-Cursor") != NULL);
	reply = get_after(place, "a/b", 2);
	expect_body(&reply, " second\r\n");
	expect_next(&reply, 3);
	reply = get_after(place, "a/b", 3);
	expect_body(&reply, "");
	expect_next(&reply, 3);
	expect_field(&reply, "Stream-Up-To-Date", "true");
	place_close(place);
}

Test(durable_read, V65_values_come_as_one_array_as_appended)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "j", JSON_TYPE, "[]");
	reply = get_stream(place, "j", "", 200);
	expect_body(&reply, "[]");
	post_stream(place, "j", JSON_TYPE, "[ {\"a\" : 1.0} ,[2,3]]");
	post_stream(place, "j", JSON_TYPE, "\"\\u00e9\"");
	reply = get_stream(place, "j", "", 200);
	expect_body(&reply, "[{\"a\" : 1.0},[2,3],\"\\u00e9\"]");
	expect_field(&reply, "Content-Type", "application/json");
	expect_next(&reply, 4);
	reply = get_after(place, "j", 3);
	expect_body(&reply, "[\"\\u00e9\"]");
	reply = get_after(place, "j", 4);
	expect_body(&reply, "[]");
	place_close(place);
}

Test(durable_read, V65_the_beginning_has_three_names)
{
	static const char *const queries[] = { "", "?offset=-1",
					       "?offset=0000000000000000_0000000000000000",
					       "?offset=-1&foo=bar&foo=%FF&limit=1" };
	struct place *const place = place_with_log();
	char first_tag[128] = "";

	put_stream(place, "s", TEXT_TYPE, "data");
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		const struct reply reply = get_stream(place, "s", queries[i], 200);

		expect_body(&reply, "data");
		if (i == 0)
			snprintf(first_tag, sizeof(first_tag), "%s", reply_field(&reply, "ETag"));
		expect_field(&reply, "ETag", first_tag);
	}
	place_close(place);
}

Test(durable_read, V65_now_is_the_end_without_events)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	reply = get_stream(place, "s", "?offset=now", 200);
	expect_body(&reply, "");
	expect_next(&reply, 2);
	expect_field(&reply, "Stream-Up-To-Date", "true");
	expect_field(&reply, "Cache-Control", "no-store");
	expect_field(&reply, "ETag", NULL);
	put_stream(place, "j", JSON_TYPE, "[1]");
	reply = get_stream(place, "j", "?offset=now", 200);
	expect_body(&reply, "[]");
	place_close(place);
}

Test(durable_read, V65_a_query_that_is_no_read_is_refused)
{
	static const struct {
		const char *query, *code;
	} rows[] = {
		{ "?offset=", "bad_offset" },
		{ "?offset=0,1", "bad_offset" },
		{ "?offset=0%201", "bad_offset" },
		{ "?offset=NOW", "bad_offset" },
		{ "?offset=2", "bad_offset" },
		{ "?offset=0000000000000000_0000000000000003", "bad_offset" },
		{ "?offset=9999999999999999_9999999999999999", "bad_offset" },
		{ "?live=long-poll", "bad_offset" },
		{ "?live=sse", "bad_offset" },
		{ "?offset=-1&live=websocket", "bad_query" },
		{ "?offset=-1&offset=-1", "bad_query" },
		{ "?offset=-1&live=sse&live=sse", "bad_query" },
		{ "?offset=%00", "bad_query" },
	};
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		reply = get_stream(place, "s", rows[i].query, 400);
		expect_error(&reply, 400, rows[i].code);
	}
	reply = get_stream(place, "none", "?offset=now", 404);
	expect_error(&reply, 404, "unknown_stream");
	reply = ask(place, "HEAD", STREAM "none", NULL, NULL);
	cr_assert(eq(int, reply.status, 404));
	place_close(place);
}

/* A stream needs a log: an append is answered when it is recorded. */
Test(durable_read, V65_without_a_log_there_are_no_streams)
{
	struct place *const place = place_without_log();
	const struct reply reply = get_stream(place, "s", "", 400);

	expect_error(&reply, 400, "no_log");
	place_close(place);
}

static unsigned char *
new_bytes(size_t size, unsigned int seed)
{
	unsigned char *const bytes = malloc(size);

	cr_assert(bytes != NULL);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(seed >> 24);
	}
	return bytes;
}

/* Sizes around a piece of the answer: none is cut or doubled at a seam. */
Test(durable_read, V65_a_large_answer_is_sent_in_pieces)
{
	static const size_t sizes[] = { 1, 65535, 65536, 65537, 300000, 3, 131072 };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = 1 << 20,
							 .events_max = 4 };
	const struct place_setup setup = { .has_log = true, .session = &session };
	struct place *const place = place_open(&setup);
	unsigned char *const bytes = new_bytes(1 << 20, 7);
	size_t size = 0;
	struct reply reply;

	put_stream(place, "b", BYTES_TYPE, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		post_bytes(place, "b", bytes + size, sizes[i]);
		size += sizes[i];
		reply = get_stream(place, "b", "", 200);
		cr_assert(eq(sz, reply.body_size, size));
		cr_assert(memcmp(reply.body, bytes, size) == 0);
		expect_next(&reply, i + 2);
		/* Less than a piece is sent whole. */
		cr_assert(eq(int, reply_field(&reply, "Content-Length") != NULL, size < 65536));
	}
	free(bytes);
	place_close(place);
}

/* Values of @count, as an array. */
static char *
new_values(size_t count)
{
	char *const text = malloc(2 * count + 2);

	cr_assert(text != NULL);
	for (size_t i = 0; i < count; i++) {
		text[2 * i] = ',';
		text[2 * i + 1] = '1';
	}
	text[0] = '[';
	text[2 * count] = ']';
	text[2 * count + 1] = '\0';
	return text;
}

/* Control events have positions, too. */
Test(durable_read, V65_an_answer_has_at_most_65536_positions)
{
	enum {
		AT_ONCE = 4096,
		WINDOW = 2 * AT_ONCE,
		POSTS = 17,
		ALL = POSTS * AT_ONCE,
		MOST = 65536
	};
	struct place *const place = place_of_events(WINDOW, true);
	char *const values = new_values(AT_ONCE);
	size_t values_count;
	struct reply reply;

	put_stream(place, "j", JSON_TYPE, NULL);
	for (int i = 0; i < POSTS; i++)
		post_stream(place, "j", JSON_TYPE, values);
	close_stream(place, "j");
	reply = get_stream(place, "j", "", 200);
	expect_next(&reply, 1 + MOST);
	expect_field(&reply, "Stream-Up-To-Date", NULL);
	expect_field(&reply, "Stream-Closed", NULL);
	expect_field(&reply, "Cache-Control", "public, max-age=60, stale-while-revalidate=300");
	values_count = reply.body_size / 2;
	cr_assert(le(sz, values_count, MOST));
	reply = get_after(place, "j", 1 + MOST);
	expect_field(&reply, "Stream-Up-To-Date", "true");
	expect_field(&reply, "Stream-Closed", "true");
	cr_assert(eq(sz, values_count + reply.body_size / 2, ALL));
	free(values);
	place_close(place);
}

/* The status of a GET with If-None-Match. */
static int
status_if(struct place *place, const char *none_match)
{
	char fields[512];
	struct reply reply;

	snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", none_match);
	reply = ask(place, "GET", STREAM "s", fields, NULL);
	if (reply.status == 304)
		cr_assert(eq(sz, reply.body_size, 0));
	return reply.status;
}

Test(durable_read, V65_an_answer_that_the_client_has_is_304)
{
	struct place *const place = place_with_log();
	char tag[128], list[320];
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	reply = get_stream(place, "s", "", 200);
	snprintf(tag, sizeof(tag), "%s", reply_field(&reply, "ETag"));
	cr_assert(eq(int, status_if(place, tag), 304));
	cr_assert(eq(int, status_if(place, "*"), 304));
	snprintf(list, sizeof(list), "\"x,\" , W/%s", tag);
	cr_assert(eq(int, status_if(place, list), 304));
	cr_assert(eq(int, status_if(place, "\"s:1:1\", s:1:2, \"s:1:2"), 200));
	cr_assert(eq(int, status_if(place, "W/"), 200));
	reply = ask(place, "GET", STREAM "s?offset=now", "If-None-Match: *\r\n", NULL);
	cr_assert(eq(int, reply.status, 200));
	post_stream(place, "s", TEXT_TYPE, "more");
	cr_assert(eq(int, status_if(place, tag), 200));
	reply = get_stream(place, "s", "", 200);
	snprintf(tag, sizeof(tag), "%s", reply_field(&reply, "ETag"));
	close_stream(place, "s");
	cr_assert(eq(int, status_if(place, tag), 200));
	reply = get_stream(place, "s", "", 200);
	expect_field(&reply, "ETag", "\"s:1:3:c\"");
	place_close(place);
}

Test(durable_read, V65_a_tag_is_safe_for_any_id)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "a%22%3A%25%C3%A9/,~", TEXT_TYPE, "data");
	reply = get_stream(place, "a%22%3A%25%C3%A9/,~", "", 200);
	expect_field(&reply, "ETag", "\"a%22%3A%25%C3%A9/%2C~:1:2\"");
	place_close(place);
}

Test(durable_read, V65_a_closed_stream_says_so_at_its_end)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "data");
	close_stream(place, "s");
	reply = get_stream(place, "s", "", 200);
	expect_body(&reply, "data");
	expect_field(&reply, "Stream-Closed", "true");
	expect_field(&reply, "Cache-Control", "public, max-age=60, stale-while-revalidate=300");
	reply = get_after(place, "s", 2);
	expect_body(&reply, "");
	expect_field(&reply, "Stream-Closed", "true");
	reply = get_stream(place, "s", "?offset=now", 200);
	expect_field(&reply, "Stream-Closed", "true");
	/* The position of the close is behind the data, and no event is behind the position. */
	reply = get_after(place, "s", 3);
	expect_body(&reply, "");
	expect_next(&reply, 3);
	expect_field(&reply, "Stream-Closed", "true");
	put_stream(place, "t", TEXT_TYPE "Stream-TTL: 20\r\n", "data");
	close_stream(place, "t");
	reply = get_stream(place, "t", "", 200);
	cr_assert(strncmp(reply_field(&reply, "Cache-Control"), "public, max-age=", 16) == 0);
	cr_assert(le(int, atoi(reply_field(&reply, "Cache-Control") + 16), 20));
	place_close(place);
}

Test(durable_read, V65_HEAD_tells_of_the_stream)
{
	struct place *const place = place_with_log();
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE "Stream-TTL: 3600\r\n", "data");
	reply = ask(place, "HEAD", STREAM "s?offset=nonsense", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	expect_next(&reply, 2);
	expect_field(&reply, "Content-Type", "text/plain");
	expect_field(&reply, "Content-Length", NULL);
	expect_field(&reply, "Stream-TTL", "3600");
	expect_field(&reply, "Stream-Expires-At", NULL);
	expect_field(&reply, "Stream-Closed", NULL);
	expect_field(&reply, "Cache-Control", "no-store");
	close_stream(place, "s");
	reply = ask(place, "HEAD", STREAM "s", NULL, NULL);
	expect_field(&reply, "Stream-Closed", "true");
	put_stream(place, "e", TEXT_TYPE "Stream-Expires-At: 2490-01-02T03:04:05+01:00\r\n", NULL);
	reply = ask(place, "HEAD", STREAM "e", NULL, NULL);
	expect_next(&reply, 1);
	expect_field(&reply, "Stream-Expires-At", "2490-01-02T02:04:05.000Z");
	expect_field(&reply, "Stream-TTL", NULL);
	place_close(place);
}

#define TOKEN "c3f1a8d0e95b4726813d"

Test(durable_read, V65_with_tokens_no_shared_cache_keeps_an_answer)
{
	static const char *const fields = TEXT_TYPE "Authorization: Bearer " TOKEN "\r\n";
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	FILE *const file = fopen(scratch_path("tokens"), "w");
	struct place *place;
	struct reply reply;

	cr_assert(file != NULL);
	fputs(TOKEN " default * admin\n", file);
	fclose(file);
	cr_assert(eq(int, chmod(scratch_path("tokens"), 0600), 0));
	options.token_file = scratch_path("tokens");
	place = place_open(&setup);
	put_stream(place, "s", fields, "data");
	reply = ask(place, "GET", STREAM "s", fields, NULL);
	cr_assert(eq(int, reply.status, 200));
	expect_field(&reply, "Cache-Control", "private, no-cache");
	reply = ask(place, "GET", STREAM "s", NULL, NULL);
	cr_assert(eq(int, reply.status, 401));
	place_close(place);
}

/* Offsets of an earlier life are as good as those of the window. */
Test(durable_read, V65_offsets_stay_good_over_restarts)
{
	const struct place_setup setup = { .has_log = true };
	struct place *place = place_open(&setup);
	struct reply reply;

	put_stream(place, "s", TEXT_TYPE, "1");
	post_stream(place, "s", TEXT_TYPE, "2");
	place = place_reopen(place, &setup);
	reply = get_after(place, "s", 2);
	expect_body(&reply, "2");
	post_stream(place, "s", TEXT_TYPE, "3");
	post_stream(place, "s", TEXT_TYPE, "4");
	place = place_reopen(place, &setup);
	for (uint64_t position = 1; position <= 5; position++) {
		reply = get_after(place, "s", position);
		expect_body(&reply, &"1234"[position - 1]);
		expect_next(&reply, 5);
	}
	post_stream(place, "s", TEXT_TYPE, "5");
	reply = get_stream(place, "s", "", 200);
	expect_body(&reply, "12345");
	place_close(place);
}
