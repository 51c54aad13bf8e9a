/* SPDX-License-Identifier: MIT */
/* V89: the parser of event streams takes the bytes in any pieces, and drops half a block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tool/sse_parse.h"

SUITE(tool_sse_parse);

enum {
	ROOM = 8192,
	DATA_MAX = 64,
	LINES_MAX = 2 * DATA_MAX,
};

/* The parser's blocks, as a text. */
struct told {
	char text[ROOM];
	size_t bytes;
	size_t blocks, blocks_max; /* 0: no limit */
};

static bool
note_block(void *context, const struct sse_block *block)
{
	struct told *const told = context;

	told->bytes +=
		(size_t)snprintf(told->text + told->bytes, ROOM - told->bytes, "[%s|%.*s|%s]",
				 block->name, (int)block->data_bytes, block->data, block->id);
	return ++told->blocks != told->blocks_max;
}

static void
note_retry(void *context, uint64_t ms)
{
	struct told *const told = context;

	told->bytes += (size_t)snprintf(told->text + told->bytes, ROOM - told->bytes, "(%llu)",
					(unsigned long long)ms);
}

static struct sse_parse *
opened(void)
{
	struct sse_parse *const parse = sse_parse_open(DATA_MAX);

	cr_assert(ne(ptr, parse, NULL));
	return parse;
}

static enum sse_parse_outcome
feed(struct sse_parse *parse, struct told *told, const char *bytes, size_t bytes_count)
{
	const struct sse_calls calls = { note_block, note_retry, told };

	return sse_parse_feed(parse, &calls, bytes, bytes_count);
}

/* The whole stream at once. */
static void
expect_bytes(const char *bytes, size_t bytes_count, const char *wanted)
{
	struct sse_parse *const parse = opened();
	struct told told = { .bytes = 0 };

	cr_assert(eq(int, (int)feed(parse, &told, bytes, bytes_count), SSE_PARSE_MORE));
	cr_assert(eq(str, told.text, (char *)wanted));
	sse_parse_close(parse);
}

static void
expect(const char *bytes, const char *wanted)
{
	expect_bytes(bytes, strlen(bytes), wanted);
}

static const char stream[] = "\xef\xbb\xbf"
			     "retry: 1500\n"
			     "event: hello\ndata: {\"a\":1}\nid: one\n\n"
			     ": comment\n"
			     "data:first\ndata: second\ndata\nid: two\n\n"
			     "event: gap\r\ndata: x:y\r\n\r\n"
			     "unknown-field: z\rdata:  two spaces\r\r"
			     "id: three\n\n"
			     "data:\n\n"
			     "event: lost\ndata: half\nid: four\n";
static const char wanted_of_stream[] = "(1500)[hello|{\"a\":1}|one]"
				       "[message|first\nsecond\n|two]"
				       "[gap|x:y|two]"
				       "[message| two spaces|two]"
				       "[message||three]";

Test(tool_sse_parse, V89_a_stream_is_parsed_as_the_standard_says)
{
	expect(stream, wanted_of_stream);
}

Test(tool_sse_parse, V89_a_stream_may_be_cut_at_every_byte)
{
	const size_t size = sizeof(stream) - 1;

	for (size_t first = 0; first <= size; first++) {
		for (size_t second = first; second <= size; second++) {
			struct sse_parse *const parse = opened();
			struct told told = { .bytes = 0 };

			(void)feed(parse, &told, stream, first);
			(void)feed(parse, &told, stream + first, second - first);
			(void)feed(parse, &told, stream + second, size - second);
			cr_assert(eq(str, told.text, (char *)wanted_of_stream), "cut at %zu, %zu",
				  first, second);
			sse_parse_close(parse);
		}
	}
}

Test(tool_sse_parse, V89_half_a_block_is_dropped_with_its_id)
{
	static const char begun[] = "data: 1\nid: one\n\nevent: end\ndata: 2\nid: two\n";
	struct sse_parse *const parse = opened();
	struct told told = { .bytes = 0 };

	for (size_t cut = sizeof("data: 1\nid: one\n\n") - 1; cut < sizeof(begun); cut++) {
		told = (struct told){ .bytes = 0 };
		sse_parse_begin(parse);
		(void)feed(parse, &told, begun, cut);
		sse_parse_begin(parse);
		(void)feed(parse, &told, "data: 3\n\n", 9);
		cr_assert(eq(str, told.text, "[message|1|one][message|3|one]"), "cut at %zu", cut);
	}
	sse_parse_close(parse);
}

Test(tool_sse_parse, V89_blocks_without_data_tell_nothing)
{
	expect("event: a\n\nid: b\n\n\n\n: c\n\n", "");
}

Test(tool_sse_parse, V89_an_empty_id_takes_the_last_id_away)
{
	expect("data: 1\nid: a\n\ndata: 2\nid\n\n", "[message|1|a][message|2|]");
}

Test(tool_sse_parse, V89_an_id_with_a_nul_is_ignored)
{
	static const char bytes[] = "data: 1\nid: a\n\ndata: 2\nid: b\0c\n\n";

	expect_bytes(bytes, sizeof(bytes) - 1, "[message|1|a][message|2|a]");
}

Test(tool_sse_parse, V89_only_digits_are_a_time)
{
	expect("retry: 5s\nretry: -5\nretry:\nretry: 1234567890\nretry: 07\n", "(7)");
}

Test(tool_sse_parse, V89_a_name_is_of_one_block)
{
	expect("event: a\ndata: 1\n\ndata: 2\n\n", "[a|1|][message|2|]");
}

Test(tool_sse_parse, V89_the_beginning_of_a_byte_order_mark_is_no_mark)
{
	expect("\xef\xbb"
	       "data: 1\n\ndata: 2\n\n",
	       "[message|2|]");
	expect("data: 1\n\n\xef\xbb\xbf"
	       "data: 2\n\n",
	       "[message|1|]");
}

Test(tool_sse_parse, V89_data_beyond_the_limit_stop_the_parser)
{
	char line[DATA_MAX + 16];
	struct sse_parse *const parse = opened();
	struct told told = { .bytes = 0 };

	snprintf(line, sizeof(line), "data: %0*d\n\n", DATA_MAX, 7);
	cr_assert(eq(int, (int)feed(parse, &told, line, strlen(line)), SSE_PARSE_MORE));
	cr_assert(eq(sz, told.blocks, 1));
	snprintf(line, sizeof(line), "data: %0*d\n\n", DATA_MAX + 1, 7);
	cr_assert(eq(int, (int)feed(parse, &told, line, strlen(line)), SSE_PARSE_TOO_LONG));
	cr_assert(eq(sz, told.blocks, 1));
	sse_parse_close(parse);
}

Test(tool_sse_parse, V89_many_lines_beyond_the_limit_stop_the_parser)
{
	struct sse_parse *const parse = opened();
	struct told told = { .bytes = 0 };
	enum sse_parse_outcome outcome = SSE_PARSE_MORE;
	size_t lines = 0;

	for (; outcome == SSE_PARSE_MORE && lines < LINES_MAX; lines++)
		outcome = feed(parse, &told, "data\n", 5);
	cr_assert(eq(int, (int)outcome, SSE_PARSE_TOO_LONG));
	cr_assert(eq(sz, lines, DATA_MAX + 2)); /* n lines have n - 1 ends between them */
	sse_parse_close(parse);
}

Test(tool_sse_parse, V89_an_id_beyond_the_limit_stops_the_parser)
{
	char line[2048];
	struct sse_parse *const parse = opened();
	struct told told = { .bytes = 0 };

	snprintf(line, sizeof(line), "id: %01023d\n", 7);
	cr_assert(eq(int, (int)feed(parse, &told, line, strlen(line)), SSE_PARSE_MORE));
	snprintf(line, sizeof(line), "id: %01024d\n", 7);
	cr_assert(eq(int, (int)feed(parse, &told, line, strlen(line)), SSE_PARSE_TOO_LONG));
	sse_parse_close(parse);
}

Test(tool_sse_parse, V89_a_stopped_parser_tells_no_more)
{
	struct sse_parse *const parse = opened();
	struct told told = { .blocks_max = 1 };

	cr_assert(
		eq(int, (int)feed(parse, &told, "data: 1\n\ndata: 2\n\n", 18), SSE_PARSE_STOPPED));
	cr_assert(eq(sz, told.blocks, 1));
	sse_parse_close(parse);
}
