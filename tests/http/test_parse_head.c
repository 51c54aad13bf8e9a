/* SPDX-License-Identifier: MIT */
/* H01 to H05: heads that are taken, and heads that are refused, each with its word. */
#include <stdio.h>
#include <stdlib.h>

#include "http/parse.h"
#include "support.h"

SUITE(http_head);

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

/* The whole way of a head: scanned, and then parsed. */
static enum http_refusal
judge(const char *bytes, size_t bytes_count, struct http_head *ret_head)
{
	struct http_scan scan = { 0 };
	enum http_refusal refusal;

	switch (http_scan_head(&scan, bytes, bytes_count, &refusal)) {
	case HTTP_COMPLETE:
		return http_parse_head(bytes, scan.scanned, ret_head);
	case HTTP_REFUSED:
		cr_assert(ne(int, (int)refusal, HTTP_REFUSAL_NONE));
		return refusal;
	case HTTP_INCOMPLETE:
		break;
	}
	cr_fatal("not whole: %s", bytes);
	return HTTP_REFUSAL_NONE;
}

static struct http_head
taken(const char *bytes)
{
	struct http_head head;
	const enum http_refusal refusal = judge(bytes, strlen(bytes), &head);

	cr_assert(refusal == HTTP_REFUSAL_NONE, "%s: %s", bytes, http_refusal_word(refusal));
	return head;
}

static void
expect_word(const char *bytes, size_t bytes_count, int status, const char *word)
{
	struct http_head head;
	const enum http_refusal refusal = judge(bytes, bytes_count, &head);

	cr_assert(eq(str, (char *)http_refusal_word(refusal), (char *)word), "%s", bytes);
	cr_assert(eq(int, http_refusal_status(refusal), status), "%s", bytes);
}

static void
expect_refused(const char *bytes, int status, const char *word)
{
	expect_word(bytes, strlen(bytes), status, word);
}

static void
expect_piece(struct http_text text, const char *wanted)
{
	cr_assert(eq(sz, text.size, strlen(wanted)), "%s", wanted);
	cr_assert(text.size == 0 || memcmp(text.data, wanted, text.size) == 0, "%s", wanted);
}

Test(http_head, H01_a_head_is_a_line_and_fields)
{
	const struct http_head head =
		taken("GET /a/b%20c?x=1&y HTTP/1.1\r\nhoST: example.com:8080\r\n"
		      "Accept:\t a, b \t\r\nX-Empty:\r\n\r\nbody");

	cr_assert(eq(int, (int)head.method, HTTP_METHOD_GET));
	cr_assert(eq(int, (int)head.minor, 1));
	expect_piece(head.path, "/a/b%20c");
	expect_piece(head.query, "x=1&y");
	expect_piece(head.host, "example.com:8080");
	cr_assert(eq(int, (int)head.fields_count, 3));
	expect_piece(http_head_field(&head, "accept")->value, "a, b");
	expect_piece(http_head_field(&head, "x-empty")->value, "");
	cr_assert(http_head_field(&head, "cookie") == NULL);
	cr_assert(head.keeps_alive);
	cr_assert(not(head.expects_continue));
	cr_assert(not(head.is_chunked));
	cr_assert(eq(u64, head.length, 0));
	cr_assert(taken(LINE HOST "\r\n").query.data == NULL);
}

Test(http_head, H01_six_methods_are_taken_as_they_stand)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };
	char bytes[64];

	for (int i = 0; i < 6; i++) {
		snprintf(bytes, sizeof(bytes), "%s / HTTP/1.1\r\nHost: h\r\n\r\n", names[i]);
		cr_assert(eq(int, (int)taken(bytes).method, i));
		cr_assert(eq(str, (char *)http_method_name((enum http_method)i), (char *)names[i]));
	}
	expect_refused("get / HTTP/1.1\r\n" HOST "\r\n", 501, "method-unknown");
	expect_refused("GETS / HTTP/1.1\r\n" HOST "\r\n", 501, "method-unknown");
	expect_refused("TRACE / HTTP/1.1\r\n" HOST "\r\n", 405, "method-not-allowed");
	expect_refused("PATCH / HTTP/1.1\r\n" HOST "\r\n", 405, "method-not-allowed");
	expect_refused("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 405, "method-not-allowed");
	expect_refused("G[T / HTTP/1.1\r\n", 400, "method");
	expect_refused(" / HTTP/1.1\r\n", 400, "method");
	expect_refused("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 400, "method"); /* 33 bytes */
}

Test(http_head, H01_a_request_line_has_two_spaces)
{
	expect_refused("GET\r\n\r\n", 400, "request-line");
	expect_refused("GET /\r\n" HOST "\r\n", 400, "request-line");
	expect_refused("GET  / HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /  HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "version");
	expect_refused("GET /a b HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, "method");
	expect_refused("GET /\tHTTP/1.1 HTTP/1.1\r\n" HOST "\r\n", 400, "target");
}

Test(http_head, H01_the_version_is_one_of_two)
{
	cr_assert(eq(int, (int)taken("GET / HTTP/1.0\r\n" HOST "\r\n").minor, 0));
	expect_refused("GET / HTTP/1.2\r\n" HOST "\r\n", 505, "version-unknown");
	expect_refused("GET / HTTP/2.0\r\n" HOST "\r\n", 505, "version-unknown");
	expect_refused("GET / HTTP/0.9\r\n" HOST "\r\n", 505, "version-unknown");
	expect_refused("GET / http/1.1\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTP/1\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTP/1.11\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTP/1x1\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTQ/1.1\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTP/x.1\r\n" HOST "\r\n", 400, "version");
	expect_refused("GET / HTTP/1.x\r\n" HOST "\r\n", 400, "version");
}

Test(http_head, H02_a_target_is_a_path_and_a_query)
{
	expect_piece(taken("GET /?? HTTP/1.1\r\n" HOST "\r\n").query, "?");
	expect_piece(taken("GET /-._~!$&'()*+,;=:@/%aF HTTP/1.1\r\n" HOST "\r\n").path,
		     "/-._~!$&'()*+,;=:@/%aF");
	expect_piece(taken("OPTIONS * HTTP/1.1\r\n" HOST "\r\n").path, "*");
	expect_refused("GET * HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /#f HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /% HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /%a HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /%ag HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /%ga HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /?%1 HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /\\ HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /\" HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /?<a> HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET /caf\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400, "target");
}

Test(http_head, H02_a_target_with_a_host_names_the_same_host)
{
	const struct http_head head = taken("GET HTTP://H:80/p?q HTTP/1.1\r\nHost: h:80\r\n\r\n");

	expect_piece(head.path, "/p");
	expect_piece(head.query, "q");
	expect_piece(head.host, "h:80");
	expect_piece(taken("GET https://h HTTP/1.1\r\n" HOST "\r\n").path, "/");
	expect_piece(taken("GET http://h?q HTTP/1.1\r\n" HOST "\r\n").path, "/");
	expect_piece(taken("GET http://h?q HTTP/1.1\r\n" HOST "\r\n").query, "q");
	expect_refused("GET http://g/ HTTP/1.1\r\n" HOST "\r\n", 400, "host");
	expect_refused("GET http:///p HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET http://u@h/ HTTP/1.1\r\n" HOST "\r\n", 400, "target");
	expect_refused("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400, "target");
}

Test(http_head, H02_there_is_one_host)
{
	static const char *const good[] = { "h",     "h:1",      "127.0.0.1:65535",
					    "[::1]", "[::1]:80", "a-b_c.d~" };
	static const char *const bad[] = { "",     "h:",  "h:0",    "h:65536", "h:123456",
					   "h:1x", "u@h", "h/p",    "h, i",    "h i",
					   "[::1", "[]",  "[::1]x", "[g]",     "h%41" };
	char bytes[96];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(bytes, sizeof(bytes), LINE "Host: %s\r\n\r\n", good[i]);
		expect_piece(taken(bytes).host, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(bytes, sizeof(bytes), LINE "Host: %s\r\n\r\n", bad[i]);
		expect_refused(bytes, 400, "host");
	}
	expect_refused(LINE "\r\n", 400, "host-missing");
	expect_refused("GET / HTTP/1.0\r\n\r\n", 400, "host-missing");
	expect_refused(LINE HOST HOST "\r\n", 400, "field-twice");
}

Test(http_head, H03_a_field_is_a_name_a_colon_and_a_value)
{
	expect_refused(LINE HOST "X : a\r\n\r\n", 400, "field-name");
	expect_refused(LINE HOST ": a\r\n\r\n", 400, "field-name");
	expect_refused(LINE HOST "X\r\n\r\n", 400, "field-name");
	expect_refused(LINE HOST "X[: a\r\n\r\n", 400, "field-name");
	expect_refused(LINE HOST "X\xc3\xab: a\r\n\r\n", 400, "field-name");
	expect_refused(LINE HOST " folded\r\n\r\n", 400, "folded-line");
	expect_refused(LINE HOST "\tfolded: x\r\n\r\n", 400, "folded-line");
	expect_refused(LINE " \r\n" HOST "\r\n", 400, "folded-line");
	expect_piece(taken(LINE HOST "X: \x80\xff a\r\n\r\n").fields[1].value, "\x80\xff a");
}

Test(http_head, H03_only_cr_and_lf_end_a_line)
{
	expect_refused("\r\n" LINE, 400, "empty-line");
	expect_refused("GET / HTTP/1.1\n", 400, "line-end");
	expect_refused(LINE "Host: h\n", 400, "line-end");
	expect_refused(LINE HOST "\n", 400, "line-end");
	expect_refused(LINE HOST "\r\r", 400, "line-end");
	expect_refused(LINE "Host: a\rb\r\n\r\n", 400, "line-end");
	for (int byte = 0; byte < 256; byte++) {
		char bytes[] = LINE HOST "X: a?\r\n\r\n";

		bytes[sizeof(LINE HOST "X: a") - 1] = (char)byte;
		if ((byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n') || byte == 0x7f)
			expect_word(bytes, sizeof(bytes) - 1, 400, "control-character");
		else if (byte == '\n')
			expect_word(bytes, sizeof(bytes) - 1, 400, "line-end");
		else if (byte != '\r')
			taken(bytes);
	}
}

Test(http_head, H03_fields_that_would_contradict_come_once)
{
	static const char *const names[] = {
		"Authorization", "CONTENT-TYPE",   "Origin",
		"last-event-id", "Content-Length", "Transfer-Encoding"
	};
	char bytes[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(bytes, sizeof(bytes), POST "%s: 5\r\n%s: 5\r\n\r\n", names[i], names[i]);
		expect_refused(bytes, 400, "field-twice");
	}
	expect_refused(LINE HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 400,
		       "field-twice");
	cr_assert(eq(int, (int)taken(LINE HOST "X: 1\r\nX: 1\r\n\r\n").fields_count, 3));
}

Test(http_head, H04_a_length_is_digits)
{
	static const char *const bad[] = { "",
					   "-1",
					   "+5",
					   "0x5",
					   "1 0",
					   "5, 5",
					   "5 \t",
					   "5,5",
					   "00",
					   "05",
					   "1_0",
					   "a",
					   "1234567890123456789" };
	char bytes[96];

	cr_assert(eq(u64, taken(POST "Content-Length: 123456789012345678 \r\n\r\n").length,
		     UINT64_C(123456789012345678)));
	cr_assert(eq(u64, taken(LINE HOST "Content-Length: 0\r\n\r\n").length, 0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(bytes, sizeof(bytes), POST "Content-Length: %s\r\n\r\n", bad[i]);
		expect_refused(bytes, 400, "content-length");
	}
}

Test(http_head, H04_a_coding_is_chunked_alone)
{
	static const char *const bad[] = { "",
					   ",",
					   ", chunked",
					   "chunked,",
					   "chunked, gzip",
					   "chunked, chunked",
					   "chunked;q=1",
					   "a b",
					   "chunked\t" };
	static const char *const unknown[] = { "gzip", "identity", "xchunked", "gzip, chunked" };
	char bytes[96];

	cr_assert(taken(POST "Transfer-Encoding: Chunked \r\n\r\n").is_chunked);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(bytes, sizeof(bytes), POST "Transfer-Encoding: %s\r\n\r\n", bad[i]);
		expect_refused(bytes, 400, "transfer-encoding");
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		snprintf(bytes, sizeof(bytes), POST "Transfer-Encoding: %s\r\n\r\n", unknown[i]);
		expect_refused(bytes, 501, "transfer-coding-unknown");
	}
	expect_refused("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400,
		       "transfer-encoding");
	expect_refused(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400,
		       "two-lengths");
}

Test(http_head, H04_get_and_head_have_no_body)
{
	expect_refused(LINE HOST "Content-Length: 1\r\n\r\n", 400, "body-unexpected");
	expect_refused("HEAD / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400,
		       "body-unexpected");
	cr_assert(
		eq(u64, taken("DELETE / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n").length, 1));
}

Test(http_head, H05_the_connection_is_kept_as_the_client_says)
{
	cr_assert(not(taken(LINE HOST "Connection: close\r\n\r\n").keeps_alive));
	cr_assert(not(taken(LINE HOST "Connection: x, CLOSE\r\n\r\n").keeps_alive));
	cr_assert(not(taken(LINE HOST "Connection: x\r\nConnection: close\r\n\r\n").keeps_alive));
	cr_assert(taken(LINE HOST "Connection: keep-alive\r\n\r\n").keeps_alive);
	cr_assert(not(taken("GET / HTTP/1.0\r\n" HOST "\r\n").keeps_alive));
	cr_assert(taken("GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n").keeps_alive);
	expect_refused(LINE HOST "Connection: a b\r\n\r\n", 400, "connection");
	expect_refused(LINE HOST "Connection: \r\n\r\n", 400, "connection");
}

Test(http_head, H05_one_expectation_is_known)
{
	cr_assert(taken(POST "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n").expects_continue);
	cr_assert(not(taken(LINE HOST "Expect: 100-continue\r\n\r\n").expects_continue));
	cr_assert(not(taken("POST / HTTP/1.0\r\n" HOST
			    "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n")
			      .expects_continue));
	expect_refused(LINE HOST "Expect: 200-ok\r\n\r\n", 417, "expectation");
}

/* As many letters as the longest texts of the tests have. */
static const char *
letters(void)
{
	static char text[HTTP_HEAD_BYTES_MAX + 1];

	memset(text, 'a', sizeof(text) - 1);
	return text;
}

/* "GET /aa...a HTTP/1.1" of so many bytes, and the rest of a head. */
static void
judge_long_line(int bytes, int status, const char *word)
{
	static char text[HTTP_HEAD_BYTES_MAX];

	snprintf(text, sizeof(text), "GET /%.*s HTTP/1.1\r\n" HOST "\r\n",
		 bytes - (int)strlen("GET / HTTP/1.1"), letters());
	expect_refused(text, status, word);
}

Test(http_head, H01_a_request_line_has_at_most_8192_bytes)
{
	judge_long_line(HTTP_LINE_BYTES_MAX, 0, "");
	judge_long_line(HTTP_LINE_BYTES_MAX + 1, 414, "target-too-long");
}

Test(http_head, H01_a_head_has_at_most_16384_bytes)
{
	const int room = HTTP_HEAD_BYTES_MAX - (int)strlen(LINE HOST "X: \r\n\r\n");
	static char text[HTTP_HEAD_BYTES_MAX + 2];
	struct http_head head;

	snprintf(text, sizeof(text), LINE HOST "X: %.*s\r\n\r\n", room, letters());
	cr_assert(eq(int, (int)judge(text, HTTP_HEAD_BYTES_MAX, &head), HTTP_REFUSAL_NONE));
	snprintf(text, sizeof(text), LINE HOST "X: %.*s\r\n\r\n", room + 1, letters());
	expect_refused(text, 431, "head-too-large");
}

Test(http_head, H01_a_head_has_at_most_100_fields)
{
	char text[2048] = LINE HOST;
	size_t size = strlen(text);

	for (int i = 1; i < HTTP_FIELDS_MAX; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "X: y\r\n");
	snprintf(text + size, sizeof(text) - size, "\r\n");
	cr_assert(eq(int, (int)taken(text).fields_count, HTTP_FIELDS_MAX));
	snprintf(text + size, sizeof(text) - size, "X: y\r\n\r\n");
	expect_refused(text, 431, "too-many-fields");
}

Test(http_head, H06_a_cut_head_is_judged_as_a_whole_one)
{
	static const char *const texts[] = { LINE HOST "\r\nrest", "GET / HTTP/1.1\nHost",
					     LINE HOST "X\x01: \r\n\r\n", "\r\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const size_t size = strlen(texts[i]);
		struct http_scan whole = { 0 };
		enum http_refusal wanted, refusal;
		const enum http_progress progress = http_scan_head(&whole, texts[i], size, &wanted);

		for (size_t cut = 0; cut <= size; cut++) {
			struct http_scan scan = { 0 };
			enum http_progress got = http_scan_head(&scan, texts[i], cut, &refusal);

			if (got == HTTP_INCOMPLETE)
				got = http_scan_head(&scan, texts[i], size, &refusal);
			cr_assert(eq(int, (int)got, (int)progress));
			cr_assert(eq(int, (int)refusal, (int)wanted));
			cr_assert(eq(sz, scan.scanned, whole.scanned));
		}
	}
}
