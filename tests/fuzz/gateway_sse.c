/* SPDX-License-Identifier: MIT */

/*
 * The encoder of Server-Sent Events (rules V01 and V02). The first bytes of the input choose the
 * frame, the kind and the places of cuts; the rest are payloads. A stream of hello, events, gaps
 * and heartbeats is decoded by a decoder, written from the rules of the WHATWG, byte by byte:
 * each payload comes back, each block has one id and has it last, and nothing else comes.
 */

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "gateway/sse.h"

enum {
	EVENTS_MAX = 8,
	NAME_BYTES = 32,
	PIECE_MIN = 4,
};

/* A client's part of the present block. */
struct decoder {
	struct buffer data;
	char event[NAME_BYTES];
	char last_id[REPRISE_CURSOR_TEXT_BYTES_MAX];
	char order[8];  /* the first letter of each field but retry, without doubles of data */
	bool is_base64; /* by a comment */
	uint64_t retry;
};

struct expected {
	const char *bytes;
	size_t size;
	struct reprise_cursor cursor;
};

struct checked {
	const struct stream_shape *shape;
	struct expected events[EVENTS_MAX];
	uint16_t kind;
	size_t events_count, seen;
	size_t gaps, hellos, others;
};

static int
digit_of(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *const found = strchr(digits, digit);

	MUST(digit != '\0' && found != NULL);
	return (int)(found - digits);
}

/* RFC 4648, with padding. */
static size_t
decode_base64(const char *text, size_t size, char *ret_bytes)
{
	size_t used = 0;

	MUST(size % 4 == 0);
	for (size_t i = 0; i < size; i += 4) {
		const bool is_last = i + 4 == size;
		const int padding = !is_last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		unsigned int word = 0;

		for (int j = 0; j < 4 - padding; j++)
			word |= (unsigned int)digit_of(text[i + (size_t)j]) << (18 - 6 * j);
		for (int j = 0; j < 3 - padding; j++)
			ret_bytes[used++] = (char)(word >> (16 - 8 * j) & 0xff);
		MUST((word & ((1U << (8 * padding)) - 1)) == 0);
	}
	return used;
}

static void
check_payload(const struct checked *checked, const struct expected *expected,
	      const struct decoder *decoder)
{
	const bool is_base64 = checked->shape->is_bare ? decoder->is_base64
						       : strcmp(decoder->event, "base64") == 0;
	size_t size = decoder->data.size;

	if (!is_base64) {
		MUST(size == expected->size &&
		     (size == 0 || memcmp(decoder->data.data, expected->bytes, size) == 0));
		return;
	}
	char *const bytes = malloc(size + 1);

	MUST(bytes != NULL);
	size = decode_base64(decoder->data.data, size, bytes);
	MUST(size == expected->size && memcmp(bytes, expected->bytes, size) == 0);
	free(bytes);
}

/* Whether the block is one of the gateway's own. */
static bool
is_own(const struct checked *checked, const struct decoder *decoder)
{
	return !checked->shape->is_bare &&
	       (strcmp(decoder->event, "hello") == 0 || strcmp(decoder->event, "gap") == 0);
}

static void
take_block(struct checked *checked, const struct decoder *decoder)
{
	struct reprise_cursor cursor;
	char kind[NAME_BYTES];

	MUST(strcmp(decoder->order, checked->shape->is_bare ? "di" : "edi") == 0);
	MUST(reprise_cursor_parse(decoder->last_id, strlen(decoder->last_id), &cursor, NULL) ==
	     REPRISE_OK);
	if (is_own(checked, decoder)) {
		if (strcmp(decoder->event, "gap") == 0)
			checked->gaps++;
		else
			checked->hellos++;
		MUST(json_is_valid((struct http_text){ decoder->data.data, decoder->data.size }));
		return;
	}
	MUST(checked->seen < checked->events_count);
	const struct expected *const expected = &checked->events[checked->seen++];

	MUST(memcmp(&cursor.incarnation, &expected->cursor.incarnation,
		    sizeof(cursor.incarnation)) == 0);
	MUST(cursor.position == expected->cursor.position);
	MUST(strcmp(cursor.session_id, expected->cursor.session_id) == 0);
	snprintf(kind, sizeof(kind), "%u", checked->kind);
	if (!checked->shape->is_bare && strcmp(decoder->event, "base64") != 0)
		MUST(strcmp(decoder->event, checked->shape->has_kind_names ? kind : "message") ==
		     0);
	check_payload(checked, expected, decoder);
}

static void
begin_block(struct decoder *decoder)
{
	decoder->data.size = 0;
	decoder->event[0] = '\0';
	decoder->order[0] = '\0';
	decoder->is_base64 = false;
}

/* An empty line: a block without data is no event. */
static void
dispatch(struct checked *checked, struct decoder *decoder)
{
	if (decoder->data.size == 0) {
		checked->others++;
	} else {
		decoder->data.size--; /* the last line feed */
		take_block(checked, decoder);
	}
	begin_block(decoder);
}

static void
note_field(struct decoder *decoder, char letter)
{
	const size_t size = strlen(decoder->order);

	if (letter == 'd' && size > 0 && decoder->order[size - 1] == 'd')
		return;
	MUST(size + 1 < sizeof(decoder->order));
	decoder->order[size] = letter;
	decoder->order[size + 1] = '\0';
}

static bool
is_field(const char *line, size_t name_size, const char *name)
{
	return name_size == strlen(name) && memcmp(line, name, name_size) == 0;
}

static void
take_text(char *to, size_t room, const char *value, size_t size)
{
	MUST(size < room && memchr(value, '\0', size) == NULL);
	memcpy(to, value, size);
	to[size] = '\0';
}

static void
take_line(struct checked *checked, struct decoder *decoder, const char *line, size_t size)
{
	const char *const colon = memchr(line, ':', size);
	const size_t name_size = colon == NULL ? size : (size_t)(colon - line);
	const char *value = colon == NULL ? line + size : colon + 1;

	if (size == 0) {
		dispatch(checked, decoder);
		return;
	}
	if (value < line + size && *value == ' ')
		value++;
	size = (size_t)(line + size - value);
	if (name_size == 0) {
		decoder->is_base64 = decoder->is_base64 || is_field(value, size, "base64");
		return;
	}
	if (is_field(line, name_size, "retry")) {
		decoder->retry = 1;
		return;
	}
	note_field(decoder, line[0]);
	if (is_field(line, name_size, "event")) {
		take_text(decoder->event, sizeof(decoder->event), value, size);
	} else if (is_field(line, name_size, "id")) {
		take_text(decoder->last_id, sizeof(decoder->last_id), value, size);
	} else {
		MUST(is_field(line, name_size, "data"));
		buffer_add(&decoder->data, value, size);
		buffer_text(&decoder->data, "\n");
	}
}

/* Lines end with CR LF, LF or CR; a byte order mark at the beginning is left out. */
static void
decode(struct checked *checked, const char *stream, size_t size)
{
	struct decoder decoder = { .retry = 0 };
	size_t begin = size >= 3 && memcmp(stream, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (size_t i = begin; i < size; i++) {
		if (stream[i] != '\n' && stream[i] != '\r')
			continue;
		take_line(checked, &decoder, stream + begin, i - begin);
		if (stream[i] == '\r' && i + 1 < size && stream[i + 1] == '\n')
			i++;
		begin = i + 1;
	}
	MUST(begin == size);
	MUST(decoder.data.size == 0 && decoder.order[0] == '\0');
	MUST(decoder.retry == !checked->shape->is_bare);
	buffer_free(&decoder.data);
}

static void
add_gap(struct buffer *buffer, const struct stream_shape *shape,
	const struct reprise_cursor *cursor, unsigned char choice)
{
	const struct reprise_gap gap = {
		.reason = (choice & 1) != 0 ? REPRISE_GAP_TRIMMED : REPRISE_GAP_UNAVAILABLE,
		.detail = (reprise_gap_detail)(choice % 17),
		.lost = choice,
		.lost_first = 1,
		.lost_last = choice,
		.cursor = *cursor,
		.newest = *cursor,
	};

	sse_gap(buffer, shape, &gap);
}

static void
encode(struct buffer *stream, struct checked *checked, const uint8_t *bytes, size_t size)
{
	const size_t piece = size / EVENTS_MAX + PIECE_MIN;
	struct reprise_cursor cursor = { .session_id = "a b/\xc3\xa9", .revision = size };

	cursor.incarnation.bytes[0] = 1;
	sse_hello(stream, checked->shape, &cursor, "oldest", 1, 2);
	for (size_t at = 0; at < size && checked->events_count < EVENTS_MAX; at += piece) {
		const size_t some = size - at < piece ? size - at : piece;
		const struct reprise_event event = {
			.kind = checked->kind,
			.payload = { bytes + at, some - (bytes[at] & 1) },
		};

		cursor.position++;
		if ((bytes[at] & 6) == 6)
			buffer_text(stream, ":\n"); /* a heartbeat */
		if ((bytes[at] & 24) == 24)
			add_gap(stream, checked->shape, &cursor, bytes[at]);
		checked->events[checked->events_count++] =
			(struct expected){ event.payload.data, event.payload.size, cursor };
		sse_event(stream, checked->shape, &event, &cursor);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	struct stream_shape shape = { .session_id = "s" };
	struct checked checked = { .shape = &shape };
	struct buffer stream = { 0 };

	if (bytes_count < 3)
		return 0;
	shape.is_bare = (bytes[0] & 1) != 0;
	shape.has_kind_names = (bytes[0] & 2) != 0;
	checked.kind = (uint16_t)(bytes[1] << 8 | bytes[2]);
	encode(&stream, &checked, bytes + 3, bytes_count - 3);
	MUST(!stream.failed);
	/* A client decodes UTF-8 first, and replaces what is none. */
	MUST(utf8_is_valid(stream.data, stream.size));
	MUST(memchr(stream.data, '\0', stream.size) == NULL);
	decode(&checked, stream.data, stream.size);
	MUST(checked.seen == checked.events_count);
	MUST(checked.hellos == (shape.is_bare ? 0 : 1));
	MUST(checked.others == 0);
	buffer_free(&stream);
	return 0;
}
