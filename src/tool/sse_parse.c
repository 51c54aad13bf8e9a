/* SPDX-License-Identifier: MIT */

/*
 * The parser of Server-Sent Events. A line is taken in pieces: the name of the field up to the
 * colon, then the value, which goes straight to the data of the block or to a small buffer. So a
 * block is in memory once, whatever the pieces are.
 */

#include "tool/sse_parse.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIELD_ROOM = 8,    /* "event", "retry" and a NUL; a longer field is none of the format's */
	VALUE_ROOM = 1024, /* of an id, a name or a time */
	DATA_ROOM_MIN = 4096,
	RETRY_DIGITS_MAX = 9,
};

enum target {
	TARGET_NONE, /* a comment, or an unknown field */
	TARGET_DATA,
	TARGET_NAME,
	TARGET_ID,
	TARGET_RETRY,
};

static const char byte_order_mark[] = "\xef\xbb\xbf";

struct sse_parse {
	/* The line. */
	char field[FIELD_ROOM];
	size_t field_bytes; /* more than the room: the field is unknown */
	bool has_colon;
	bool is_value_begun; /* a first space of the value is past */
	enum target target;
	char value[VALUE_ROOM];
	size_t value_bytes;
	bool skips_lf;     /* the line before has ended with CR */
	size_t mark_bytes; /* of the byte order mark; more than 3: the stream is past the mark */

	/* The block. */
	char name[VALUE_ROOM];
	char id[VALUE_ROOM], last_id[VALUE_ROOM];
	char *data;
	size_t data_bytes, data_room, data_bytes_max;
	bool has_data;
	enum sse_parse_outcome outcome;
};

struct sse_parse *
sse_parse_open(size_t data_bytes_max)
{
	struct sse_parse *const parse = calloc(1, sizeof(*parse));

	if (parse != NULL)
		parse->data_bytes_max = data_bytes_max;
	return parse;
}

void
sse_parse_close(struct sse_parse *parse)
{
	if (parse == NULL)
		return;
	free(parse->data);
	free(parse);
}

static void
begin_line(struct sse_parse *parse)
{
	parse->field_bytes = 0;
	parse->value_bytes = 0;
	parse->has_colon = false;
	parse->is_value_begun = false;
	parse->target = TARGET_NONE;
}

static void
begin_block(struct sse_parse *parse)
{
	parse->name[0] = '\0';
	parse->data_bytes = 0;
	parse->has_data = false;
}

void
sse_parse_begin(struct sse_parse *parse)
{
	begin_line(parse);
	begin_block(parse);
	memcpy(parse->id, parse->last_id, sizeof(parse->id));
	parse->skips_lf = false;
	parse->mark_bytes = 0;
	parse->outcome = SSE_PARSE_MORE;
}

/* --- the block ------------------------------------------------------------------------------- */

static void
add_data(struct sse_parse *parse, const char *bytes, size_t bytes_count)
{
	if (bytes_count > parse->data_bytes_max - parse->data_bytes) {
		parse->outcome = SSE_PARSE_TOO_LONG;
		return;
	}
	const size_t needed = parse->data_bytes + bytes_count;

	if (needed > parse->data_room) {
		size_t room = parse->data_room < DATA_ROOM_MIN ? DATA_ROOM_MIN : parse->data_room;

		while (room < needed)
			room *= 2;
		char *const grown = realloc(parse->data, room);

		if (grown == NULL) {
			parse->outcome = SSE_PARSE_NO_MEMORY;
			return;
		}
		parse->data = grown;
		parse->data_room = room;
	}
	if (bytes_count > 0)
		memcpy(parse->data + parse->data_bytes, bytes, bytes_count);
	parse->data_bytes = needed;
}

static void
begin_data_line(struct sse_parse *parse)
{
	if (parse->has_data)
		add_data(parse, "\n", 1);
	parse->has_data = true;
}

static void
end_block(struct sse_parse *parse, const struct sse_calls *calls)
{
	memcpy(parse->last_id, parse->id, sizeof(parse->id));
	if (parse->has_data) {
		const struct sse_block block = {
			.name = parse->name[0] != '\0' ? parse->name : "message",
			.data = parse->data_bytes > 0 ? parse->data : "",
			.data_bytes = parse->data_bytes,
			.id = parse->last_id,
		};

		if (!calls->block(calls->context, &block))
			parse->outcome = SSE_PARSE_STOPPED;
	}
	begin_block(parse);
}

/* --- the line -------------------------------------------------------------------------------- */

static enum target
find_target(const struct sse_parse *parse)
{
	static const struct {
		const char *field;
		enum target target;
	} targets[] = { { "data", TARGET_DATA },
			{ "event", TARGET_NAME },
			{ "id", TARGET_ID },
			{ "retry", TARGET_RETRY } };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (strlen(targets[i].field) == parse->field_bytes &&
		    memcmp(targets[i].field, parse->field, parse->field_bytes) == 0)
			return targets[i].target;
	return TARGET_NONE;
}

static void
begin_value(struct sse_parse *parse)
{
	parse->target = find_target(parse);
	if (parse->target == TARGET_DATA)
		begin_data_line(parse);
}

static void
add_value(struct sse_parse *parse, const char *bytes, size_t bytes_count)
{
	if (!parse->is_value_begun && bytes_count > 0) {
		parse->is_value_begun = true;
		if (bytes[0] == ' ') {
			bytes++;
			bytes_count--;
		}
	}
	if (parse->target == TARGET_DATA) {
		add_data(parse, bytes, bytes_count);
	} else if (parse->target != TARGET_NONE) {
		if (bytes_count >= sizeof(parse->value) - parse->value_bytes) {
			parse->outcome = SSE_PARSE_TOO_LONG;
			return;
		}
		memcpy(parse->value + parse->value_bytes, bytes, bytes_count);
		parse->value_bytes += bytes_count;
	}
}

/* A piece of a line, without an end of a line. */
static void
add_piece(struct sse_parse *parse, const char *bytes, size_t bytes_count)
{
	while (!parse->has_colon && bytes_count > 0) {
		if (*bytes == ':') {
			parse->has_colon = true;
			begin_value(parse);
		} else {
			if (parse->field_bytes < sizeof(parse->field))
				parse->field[parse->field_bytes++] = *bytes;
		}
		bytes++;
		bytes_count--;
	}
	if (bytes_count > 0)
		add_value(parse, bytes, bytes_count);
}

static void
take_retry(const struct sse_parse *parse, const struct sse_calls *calls)
{
	if (parse->value_bytes == 0 || parse->value_bytes > RETRY_DIGITS_MAX)
		return;
	uint64_t ms = 0;

	for (size_t i = 0; i < parse->value_bytes; i++) {
		if (parse->value[i] < '0' || parse->value[i] > '9')
			return;
		ms = ms * 10 + (uint64_t)(parse->value[i] - '0');
	}
	calls->retry(calls->context, ms);
}

static void
end_line(struct sse_parse *parse, const struct sse_calls *calls)
{
	if (parse->field_bytes == 0 && !parse->has_colon) {
		end_block(parse, calls);
		return;
	}
	if (!parse->has_colon)
		begin_value(parse);
	parse->value[parse->value_bytes] = '\0';
	switch (parse->target) {
	case TARGET_NAME:
		memcpy(parse->name, parse->value, parse->value_bytes + 1);
		break;
	case TARGET_ID:
		/* An id with a NUL is ignored, as the standard says. */
		if (memchr(parse->value, '\0', parse->value_bytes) == NULL)
			memcpy(parse->id, parse->value, parse->value_bytes + 1);
		break;
	case TARGET_RETRY:
		take_retry(parse, calls);
		break;
	case TARGET_DATA:
	case TARGET_NONE:
		break;
	}
	begin_line(parse);
}

/* --- the bytes ------------------------------------------------------------------------------- */

/* The first LF or CR, or NULL. */
static const char *
find_end(const char *bytes, size_t bytes_count)
{
	const char *const lf = memchr(bytes, '\n', bytes_count);
	const char *const cr = memchr(bytes, '\r', lf != NULL ? (size_t)(lf - bytes) : bytes_count);

	return cr != NULL ? cr : lf;
}

/* A byte order mark at the beginning of a stream is no part of a line. Returns the bytes taken. */
static size_t
pass_mark(struct sse_parse *parse, const char *bytes, size_t bytes_count)
{
	const size_t mark_size = sizeof(byte_order_mark) - 1;
	size_t taken = 0;

	while (parse->mark_bytes < mark_size && taken < bytes_count &&
	       bytes[taken] == byte_order_mark[parse->mark_bytes]) {
		parse->mark_bytes++;
		taken++;
	}
	if (parse->mark_bytes < mark_size && taken == bytes_count)
		return taken;
	/* A beginning of the mark alone belongs to the first line. */
	if (parse->mark_bytes < mark_size)
		add_piece(parse, byte_order_mark, parse->mark_bytes);
	parse->mark_bytes = mark_size + 1;
	return taken;
}

enum sse_parse_outcome
sse_parse_feed(struct sse_parse *parse, const struct sse_calls *calls, const char *bytes,
	       size_t bytes_count)
{
	const char *const end = bytes + bytes_count;

	if (parse->mark_bytes < sizeof(byte_order_mark))
		bytes += pass_mark(parse, bytes, bytes_count);
	while (bytes < end && parse->outcome == SSE_PARSE_MORE) {
		if (parse->skips_lf) {
			parse->skips_lf = false;
			if (*bytes == '\n') {
				bytes++;
				continue;
			}
		}
		const char *const line_end = find_end(bytes, (size_t)(end - bytes));

		add_piece(parse, bytes, (size_t)((line_end != NULL ? line_end : end) - bytes));
		if (line_end == NULL)
			break;
		parse->skips_lf = *line_end == '\r';
		if (parse->outcome == SSE_PARSE_MORE)
			end_line(parse, calls);
		bytes = line_end + 1;
	}
	return parse->outcome;
}
