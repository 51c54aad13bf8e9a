/* SPDX-License-Identifier: MIT */
/* H07 to H09: where a body ends, and bodies that are refused. */
#include <stdio.h>

#include "http/parse.h"
#include "support.h"

SUITE(http_body);

enum {
	ROOM = 1000,
};

struct outcome {
	enum http_refusal refusal;
	bool is_over;
	size_t taken, size;
	char data[2 * ROOM];
};

/* Takes the body in pieces of at most @piece bytes. */
static struct outcome
take(const char *bytes, size_t bytes_count, size_t piece, bool is_chunked, uint64_t length)
{
	const struct http_head head = { .is_chunked = is_chunked, .length = length };
	struct outcome outcome = { .taken = 0 };
	struct http_body body;

	outcome.refusal = http_body_begin(&body, &head, ROOM);
	while (outcome.refusal == HTTP_REFUSAL_NONE && !http_body_is_over(&body) &&
	       outcome.taken < bytes_count) {
		const size_t left = bytes_count - outcome.taken;
		struct http_text data;

		outcome.taken += http_body_take(&body, bytes + outcome.taken,
						left < piece ? left : piece, &data);
		memcpy(outcome.data + outcome.size, data.size == 0 ? "" : data.data, data.size);
		outcome.size += data.size;
		if (body.state == HTTP_BODY_REFUSED)
			outcome.refusal = body.refusal;
	}
	outcome.is_over = outcome.refusal == HTTP_REFUSAL_NONE && http_body_is_over(&body);
	return outcome;
}

/* In pieces of every size: the same result each time. */
static void
expect_outcome(const char *bytes, bool is_chunked, uint64_t length, size_t taken, const char *data,
	       const char *word)
{
	const size_t size = strlen(bytes);

	for (size_t piece = 1; piece <= size + 1; piece++) {
		const struct outcome outcome = take(bytes, size, piece, is_chunked, length);

		cr_assert(eq(str, (char *)http_refusal_word(outcome.refusal), (char *)word), "%s",
			  bytes);
		cr_assert(eq(sz, outcome.taken, taken), "%s", bytes);
		cr_assert(eq(str, (char *)outcome.data, (char *)data));
		cr_assert(outcome.is_over == (word[0] == '\0'));
	}
}

static void
expect_chunks(const char *bytes, const char *data)
{
	expect_outcome(bytes, true, 0, strlen(bytes) - strlen("GET"), data, "");
}

/* The refusal comes at the last byte. */
static void
expect_refused(const char *bytes, const char *word)
{
	for (size_t piece = 1; piece <= strlen(bytes); piece++) {
		const struct outcome outcome = take(bytes, strlen(bytes), piece, true, 0);

		cr_assert(eq(str, (char *)http_refusal_word(outcome.refusal), (char *)word), "%s",
			  bytes);
		cr_assert(eq(sz, outcome.taken, strlen(bytes)), "%s", bytes);
	}
}

Test(http_body, H07_a_body_of_a_length_ends_there)
{
	expect_outcome("helloGET", false, 5, 5, "hello", "");
	expect_outcome("GET", false, 0, 0, "", "");
}

Test(http_body, H07_chunks_are_joined)
{
	expect_chunks("0\r\n\r\nGET", "");
	expect_chunks("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world");
	expect_chunks("A\r\n0\r\n\r\n12345\r\n000\r\n\r\nGET", "0\r\n\r\n12345");
	expect_chunks("0000000000000005\r\nhello\r\n0\r\n\r\nGET", "hello");
}

Test(http_body, H07_a_chunk_is_framed_strictly)
{
	expect_refused("\r", "chunk-size");
	expect_refused(" ", "chunk-size");
	expect_refused("5 ", "chunk-size");
	expect_refused("+", "chunk-size");
	expect_refused("-", "chunk-size");
	expect_refused("0x", "chunk-size");
	expect_refused("1_", "chunk-size");
	expect_refused("5\n", "chunk-size");
	expect_refused("g", "chunk-size");
	expect_refused("00000000000000005", "chunk-size"); /* 17 digits */
	expect_refused("5\rh", "line-end");
	expect_refused("5\r\nhello\n", "chunk-end");
	expect_refused("5\r\nhello!", "chunk-end");
	expect_refused("5\r\nhello\r\r", "chunk-end");
	expect_refused("0\r\n\n", "field-name");
	expect_refused("0\r\n\r\r", "line-end");
}

Test(http_body, H08_a_body_has_a_limit)
{
	const struct http_head head = { .length = ROOM + 1 };
	struct http_body body;

	cr_assert(eq(int, (int)http_body_begin(&body, &head, ROOM), HTTP_REFUSAL_BODY_TOO_LARGE));
	cr_assert(eq(int, (int)http_body_begin(&body, &head, ROOM + 1), HTTP_REFUSAL_NONE));
	cr_assert(eq(int, http_refusal_status(HTTP_REFUSAL_BODY_TOO_LARGE), 413));
	expect_refused("3e9\r", "body-too-large");
	expect_refused("ffffffffffffffff\r", "body-too-large");
	expect_refused("5\r\nhello\r\n3e4\r", "body-too-large");
	expect_refused("5\r\nhello\r\nfffffffffffffffe;", "body-too-large");
}

static void
append(char *to, size_t room, const char *text)
{
	snprintf(to + strlen(to), room - strlen(to), "%s", text);
}

Test(http_body, H08_a_body_may_be_as_large_as_the_limit)
{
	char bytes[2 * ROOM] = "3e8\r\n";

	memset(bytes + 5, 'a', ROOM);
	bytes[5 + ROOM] = '\0';
	append(bytes, sizeof(bytes), "\r\n0\r\n\r\n");
	cr_assert(take(bytes, strlen(bytes), 100, true, 0).is_over);
	bytes[5 + ROOM] = '\0';
	append(bytes, sizeof(bytes), "\r\n1\r");
	cr_assert(eq(int, (int)take(bytes, strlen(bytes), 100, true, 0).refusal,
		     HTTP_REFUSAL_BODY_TOO_LARGE));
}

Test(http_body, H09_chunk_extensions_are_judged_and_dropped)
{
	expect_chunks("5;a\r\nhello\r\n0;b;c;d=\"e [ f\"\r\n\r\nGET", "hello");
	expect_chunks("5;a=\"\"\r\nhello\r\n0\r\n\r\nGET", "hello");
	expect_refused("5;\r", "chunk-extension");
	expect_refused("5;;", "chunk-extension");
	expect_refused("5; ", "chunk-extension");
	expect_refused("5;a ", "chunk-extension");
	expect_refused("5;a=\r", "chunk-extension");
	expect_refused("5;a=;", "chunk-extension");
	expect_refused("5;a=b=", "chunk-extension");
	expect_refused("5;a=b;", "chunk-extension");
	expect_refused("5;a=\"b\";", "chunk-extension");
	expect_refused("5;a\"", "chunk-extension");
	expect_refused("5;a=\"b\"c", "chunk-extension");
	expect_refused("5;a=\"\r", "chunk-extension");
	expect_refused("5;a=\"\\", "chunk-extension");
	expect_refused("5;a[", "chunk-extension");
	expect_refused("5;a\n", "chunk-extension");
	expect_refused("5;a\rX", "line-end");
}

Test(http_body, H09_chunk_extensions_have_a_limit_together)
{
	char bytes[1024] = "";

	/* Four bytes of each of 64 chunks are 256, with the CR, and there may be no more. */
	for (int i = 0; i < HTTP_EXTENSION_BYTES_MAX / 4; i++)
		append(bytes, sizeof(bytes), "1;abc\r\nx\r\n");
	cr_assert(eq(int, (int)take(bytes, strlen(bytes), 1, true, 0).refusal, HTTP_REFUSAL_NONE));
	append(bytes, sizeof(bytes), "1;a");
	expect_refused(bytes, "chunk-extension");
}

Test(http_body, H09_trailers_are_judged_and_dropped)
{
	expect_chunks("0\r\nX-Checksum: abc\r\nY:\r\n\r\nGET", "");
	expect_refused("0\r\nX\r", "field-name");
	expect_refused("0\r\n:", "field-name");
	expect_refused("0\r\nX ", "field-name");
	expect_refused("0\r\n ", "folded-line");
	expect_refused("0\r\nX: a\r\n\t", "folded-line");
	expect_refused("0\r\nX: a\n", "field-value");
	expect_refused("0\r\nX: \x01", "field-value");
	expect_refused("0\r\nX: a\rb", "line-end");
	expect_refused("0\r\nContent-Length:", "trailer");
	expect_refused("0\r\nX: a\r\nTRANSFER-ENCODING:", "trailer");
	expect_refused("0\r\nHost:", "trailer");
	expect_refused("0\r\nAuthorization:", "trailer");
	expect_chunks("0\r\nX-Authorization: a\r\nTransfer-Encodings: b\r\n\r\nGET", "");
	expect_chunks("0\r\nA-Name-That-Is-Longer-Than-Any-Forbidden-One: b\r\n\r\nGET", "");
}

Test(http_body, H09_trailers_have_limits)
{
	static char bytes[2 * HTTP_TRAILER_BYTES_MAX] = "0\r\nX: ";
	char many[1024] = "0\r\n";

	memset(bytes + strlen(bytes), 'a', HTTP_TRAILER_BYTES_MAX - 2);
	cr_assert(eq(int, (int)take(bytes, strlen(bytes), 64, true, 0).refusal,
		     HTTP_REFUSAL_TRAILER_TOO_LARGE));
	bytes[strlen(bytes) - 1] = '\0';
	cr_assert(eq(int, (int)take(bytes, strlen(bytes), 64, true, 0).refusal, HTTP_REFUSAL_NONE));
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		append(many, sizeof(many), "X:y\r\n");
	cr_assert(eq(int, (int)take(many, strlen(many), 1, true, 0).refusal, HTTP_REFUSAL_NONE));
	append(many, sizeof(many), "X:");
	expect_refused(many, "trailer-too-large");
}
