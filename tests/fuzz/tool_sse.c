/* SPDX-License-Identifier: MIT */

/*
 * The parser of event streams of `reprise tail` (rule V89). The first byte of the input chooses the
 * sizes of the pieces, the rest is a stream. The blocks of the pieces are those of the whole, and
 * those of a decoder that takes the stream line by line, as the HTML standard has the rules.
 */

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "tool/sse_parse.h"

enum {
	STREAM_BYTES_MAX = 4096,
	TOLD_ROOM = STREAM_BYTES_MAX * 1024, /* each block repeats an id of up to 1 KiB */
	DATA_BYTES_MAX = 1024,
	VALUE_BYTES_MAX = 1023, /* of a field other than data */
	RETRY_DIGITS_MAX = 9,
};

struct told {
	char bytes[TOLD_ROOM];
	size_t count;
	bool is_stopped; /* too long */
};

static void
tell(struct told *told, const char *bytes, size_t count)
{
	MUST(count <= sizeof(told->bytes) - told->count);
	if (count > 0)
		memcpy(told->bytes + told->count, bytes, count);
	told->count += count;
}

static void
tell_block(struct told *told, const struct sse_block *block)
{
	tell(told, "[", 1);
	tell(told, block->name, strlen(block->name) + 1);
	tell(told, block->data, block->data_bytes);
	tell(told, "|", 1);
	tell(told, block->id, strlen(block->id) + 1);
}

static bool
take_block(void *context, const struct sse_block *block)
{
	tell_block(context, block);
	return true;
}

static void
take_retry(void *context, uint64_t ms)
{
	char text[32];

	tell(context, text, (size_t)snprintf(text, sizeof(text), "{%llu", (unsigned long long)ms));
}

/* --- the parser ------------------------------------------------------------------------------ */

static void
parse_stream(const char *stream, size_t count, uint8_t sizes, struct told *told)
{
	struct sse_parse *const parse = sse_parse_open(DATA_BYTES_MAX);
	const struct sse_calls calls = { take_block, take_retry, told };
	enum sse_parse_outcome outcome = SSE_PARSE_MORE;
	uint32_t state = sizes;

	MUST(parse != NULL);
	told->count = 0;
	sse_parse_begin(parse);
	while (count > 0 && outcome == SSE_PARSE_MORE) {
		state = state * 1103515245 + 12345;
		const size_t most = sizes == 0 ? count : 1 + (state >> 16) % sizes;
		const size_t taken = most < count ? most : count;

		outcome = sse_parse_feed(parse, &calls, stream, taken);
		stream += taken;
		count -= taken;
	}
	told->is_stopped = outcome != SSE_PARSE_MORE;
	MUST(outcome == SSE_PARSE_MORE || outcome == SSE_PARSE_TOO_LONG);
	sse_parse_close(parse);
}

/* --- the decoder by lines -------------------------------------------------------------------- */

struct decoder {
	char name[VALUE_BYTES_MAX + 1], id[VALUE_BYTES_MAX + 1], data[DATA_BYTES_MAX + 1];
	size_t data_bytes;
	bool has_data;
	struct told *told;
};

static bool
is_field(const char *line, size_t field_bytes, const char *field)
{
	return strlen(field) == field_bytes && memcmp(line, field, field_bytes) == 0;
}

static void
decode_data(struct decoder *decoder, const char *value, size_t count)
{
	const size_t join = decoder->has_data ? 1 : 0;

	if (decoder->data_bytes + join + count > DATA_BYTES_MAX) {
		decoder->told->is_stopped = true;
		return;
	}
	if (join > 0)
		decoder->data[decoder->data_bytes++] = '\n';
	if (count > 0)
		memcpy(decoder->data + decoder->data_bytes, value, count);
	decoder->data_bytes += count;
	decoder->has_data = true;
}

static void
decode_retry(struct decoder *decoder, const char *value, size_t count)
{
	char digits[RETRY_DIGITS_MAX + 1] = "";

	if (count == 0 || count > RETRY_DIGITS_MAX)
		return;
	memcpy(digits, value, count);
	if (strspn(digits, "0123456789") == count)
		take_retry(decoder->told, strtoull(digits, NULL, 10));
}

static void
copy_value(char text[VALUE_BYTES_MAX + 1], const char *value, size_t count)
{
	if (count > 0)
		memcpy(text, value, count);
	text[count] = '\0';
}

static void
decode_field(struct decoder *decoder, const char *line, size_t line_bytes)
{
	const char *const colon = memchr(line, ':', line_bytes);
	const size_t field_bytes = colon == NULL ? line_bytes : (size_t)(colon - line);
	const char *value = line + field_bytes + (colon == NULL ? 0 : 1);
	size_t count = line_bytes - (size_t)(value - line);

	if (count > 0 && *value == ' ') {
		value++;
		count--;
	}
	if (is_field(line, field_bytes, "data")) {
		decode_data(decoder, value, count);
		return;
	}
	const bool is_name = is_field(line, field_bytes, "event");
	const bool is_id = is_field(line, field_bytes, "id");
	const bool is_retry = is_field(line, field_bytes, "retry");

	if ((is_name || is_id || is_retry) && count > VALUE_BYTES_MAX)
		decoder->told->is_stopped = true;
	else if (is_name)
		copy_value(decoder->name, value, count);
	else if (is_id && (count == 0 || memchr(value, '\0', count) == NULL))
		copy_value(decoder->id, value, count);
	else if (is_retry)
		decode_retry(decoder, value, count);
}

static void
decode_line(struct decoder *decoder, const char *line, size_t line_bytes)
{
	if (line_bytes > 0) {
		decode_field(decoder, line, line_bytes);
		return;
	}
	if (decoder->has_data)
		tell_block(
			decoder->told,
			&(struct sse_block){ decoder->name[0] != '\0' ? decoder->name : "message",
					     decoder->data, decoder->data_bytes, decoder->id });
	decoder->name[0] = '\0';
	decoder->data_bytes = 0;
	decoder->has_data = false;
}

/* A line without an end tells one thing alone: whether a limit was passed. */
static void
decode_rest(struct decoder *decoder, const char *line, size_t line_bytes)
{
	const size_t told = decoder->told->count;

	if (memchr(line, ':', line_bytes) != NULL)
		decode_field(decoder, line, line_bytes);
	decoder->told->count = told;
}

static void
decode_stream(const char *stream, size_t count, struct told *told)
{
	struct decoder decoder = { .told = told };

	told->count = 0;
	told->is_stopped = false;
	if (count >= 3 && memcmp(stream, "\xef\xbb\xbf", 3) == 0) {
		stream += 3;
		count -= 3;
	}
	while (!told->is_stopped) {
		size_t line_bytes = 0;

		while (line_bytes < count && stream[line_bytes] != '\n' &&
		       stream[line_bytes] != '\r')
			line_bytes++;
		if (line_bytes == count) {
			decode_rest(&decoder, stream, line_bytes);
			return;
		}
		decode_line(&decoder, stream, line_bytes);
		const bool is_pair = stream[line_bytes] == '\r' && line_bytes + 1 < count &&
				     stream[line_bytes + 1] == '\n';

		stream += line_bytes + (is_pair ? 2 : 1);
		count -= line_bytes + (is_pair ? 2 : 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	static struct told whole, pieces, lines;

	if (bytes_count == 0 || bytes_count > STREAM_BYTES_MAX)
		return 0;
	const char *const stream = (const char *)bytes + 1;

	parse_stream(stream, bytes_count - 1, 0, &whole);
	parse_stream(stream, bytes_count - 1, bytes[0], &pieces);
	decode_stream(stream, bytes_count - 1, &lines);
	MUST(whole.is_stopped == pieces.is_stopped && whole.count == pieces.count);
	MUST(memcmp(whole.bytes, pieces.bytes, whole.count) == 0);
	MUST(whole.is_stopped == lines.is_stopped && whole.count == lines.count);
	MUST(memcmp(whole.bytes, lines.bytes, whole.count) == 0);
	return 0;
}
