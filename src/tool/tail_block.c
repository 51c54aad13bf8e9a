/* SPDX-License-Identifier: MIT */

/*
 * The blocks of an event stream. The name of an event is its kind as a number, since the stream is
 * asked for with names=kinds; an event in base64 has the name "base64" and tells no kind. The
 * position, the life and the revision of a block are in its id. Blocks of unknown names are passed:
 * a later gateway may send more.
 */

#include "tool/tail_block.h"

#include <stdlib.h>
#include <string.h>

#include "tool/json_text.h"

enum {
	HEARTBEAT_MS = 12000, /* if the gateway does not tell */
	HEARTBEAT_MS_MAX = 600000,
};

static bool
refuse(struct tail *tail, const char *words)
{
	tail_output_fault(&tail->output, "the gateway sends %s", words);
	tail_stop(tail, EXIT_FAILURE);
	return false;
}

/* --- base64 ---------------------------------------------------------------------------------- */

/* The value of a digit, or -1. */
static int
digit_of(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	if (byte == '+')
		return 62;
	return byte == '/' ? 63 : -1;
}

/* Decodes @text into @room, which has three bytes for each four of the text. False: broken. */
static bool
decode(const char *text, size_t bytes, unsigned char *room, size_t *ret_size)
{
	size_t size = 0, padding = 0;

	while (padding < 2 && bytes > padding && text[bytes - 1 - padding] == '=')
		padding++;
	if (bytes % 4 != 0)
		return false;
	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			const int digit = i + j < bytes - padding ? digit_of(text[i + j]) : 0;

			if (digit < 0)
				return false;
			group = group << 6 | (uint32_t)digit;
		}
		room[size++] = (unsigned char)(group >> 16);
		room[size++] = (unsigned char)(group >> 8);
		room[size++] = (unsigned char)group;
	}
	*ret_size = size - padding;
	return true;
}

/* --- events ---------------------------------------------------------------------------------- */

/* The kind in a name. False: the name is no number of a kind. */
static bool
read_kind(const char *name, uint16_t *ret_kind)
{
	uint32_t kind = 0;
	const size_t digits = strspn(name, "0123456789");

	if (digits == 0 || digits > 5 || name[digits] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		kind = kind * 10 + (uint32_t)(name[i] - '0');
	*ret_kind = (uint16_t)kind;
	return kind <= UINT16_MAX;
}

static bool
take_event(struct tail *tail, const struct reprise_cursor *cursor, struct tail_event *event)
{
	if (event->payload.size > TAIL_EVENT_BYTES_MAX)
		return refuse(tail, "an event of more than 64 MiB, which this program refuses");
	event->position = cursor->position;
	event->revision = cursor->revision;
	tail_take_event(tail, cursor, event);
	return true;
}

static bool
take_base64(struct tail *tail, const struct reprise_cursor *cursor, const struct sse_block *block)
{
	unsigned char *const room = malloc(block->data_bytes / 4 * 3 + 1);
	struct tail_event event = { .has_kind = false };
	bool is_taken = false;

	if (room == NULL)
		return refuse(tail, "an event for which there is no memory");
	if (decode(block->data, block->data_bytes, room, &event.payload.size)) {
		event.payload.data = room;
		is_taken = take_event(tail, cursor, &event);
	} else {
		(void)refuse(tail, "an event that is no base64");
	}
	free(room);
	return is_taken;
}

/* --- other blocks ------------------------------------------------------------------------ */

static bool
take_hello(struct tail *tail, struct tail_told *told, const struct reprise_cursor *cursor,
	   const struct json_text *data)
{
	int64_t heartbeat_ms;

	told->has_hello = true;
	told->heartbeat_ms = HEARTBEAT_MS;
	if (json_text_number(data, "heartbeat_ms", &heartbeat_ms) && heartbeat_ms > 0 &&
	    heartbeat_ms <= HEARTBEAT_MS_MAX)
		told->heartbeat_ms = (uint32_t)heartbeat_ms;
	/* On a resume the place is this program's own, and the events are judged by that place. */
	if (!tail->track.has_last)
		tail_take_place(tail, cursor);
	return true;
}

static bool
is_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool
take_gap(struct tail *tail, const struct reprise_cursor *cursor, const struct json_text *data)
{
	int64_t lost, first, last, newest;
	struct tail_gap gap = {
		.reason = json_text_string(data, "reason", NULL),
		.code = json_text_string(data, "code", NULL),
		.text = json_text_string(data, "text", NULL),
		.position = cursor->position,
	};

	if (!is_text(gap.reason) || !is_text(gap.code) || !is_text(gap.text))
		return refuse(tail, "a gap without a reason");
	gap.is_exact =
		json_text_number(data, "lost", &lost) && json_text_number(data, "first", &first) &&
		json_text_number(data, "last", &last) && lost > 0 && first > 0 && last >= first;
	gap.is_lost = gap.is_exact || strcmp(gap.code, "restart") != 0;
	if (gap.is_exact) {
		gap.lost = (uint64_t)lost;
		gap.first = (reprise_position)first;
		gap.last = (reprise_position)last;
	}
	if (json_text_number(data, "newest", &newest) && newest > 0)
		gap.newest = (reprise_position)newest;
	tail_take_gap(tail, cursor, &gap);
	return true;
}

static bool
take_end(struct tail *tail, const struct reprise_cursor *cursor, const struct json_text *data)
{
	int64_t status;

	if (!json_text_number(data, "status", &status) || status < INT32_MIN || status > INT32_MAX)
		return refuse(tail, "an end without a status");
	tail_take_end(tail, cursor, (int32_t)status);
	return false;
}

static bool
take_live(struct tail *tail, const struct reprise_cursor *cursor)
{
	tail_take_place(tail, cursor);
	if (tail->request->is_once)
		tail_stop(tail, 0);
	return !tail->is_over;
}

/* The blocks with an object of JSON. */
static bool
take_object(struct tail *tail, struct tail_told *told, const struct reprise_cursor *cursor,
	    const struct sse_block *block)
{
	struct json_text *const data = json_text_parse(block->data, block->data_bytes);
	bool goes_on = true;

	if (strcmp(block->name, "hello") == 0) {
		goes_on = take_hello(tail, told, cursor, data);
	} else if (strcmp(block->name, "gap") == 0) {
		goes_on = take_gap(tail, cursor, data);
	} else if (strcmp(block->name, "end") == 0) {
		goes_on = take_end(tail, cursor, data);
	} else if (strcmp(block->name, "live") == 0) {
		goes_on = take_live(tail, cursor);
	} else if (strcmp(block->name, "bye") == 0) {
		told->has_bye = true;
		tail_take_place(tail, cursor);
		goes_on = false;
	}
	json_text_release(data);
	return goes_on;
}

bool
tail_block_take(struct tail *tail, struct tail_told *told, const struct sse_block *block)
{
	struct tail_event event = { .payload = { block->data, block->data_bytes } };
	struct reprise_cursor cursor;

	if (reprise_cursor_parse(block->id, strlen(block->id), &cursor, NULL) != REPRISE_OK)
		return refuse(tail,
			      "a block whose id is no cursor: is this a gateway of sessions?");
	if (strcmp(cursor.session_id, tail->request->address.session) != 0)
		return refuse(tail, "a block of another session");
	event.has_kind = read_kind(block->name, &event.kind);
	if (event.has_kind || strcmp(block->name, "message") == 0)
		return take_event(tail, &cursor, &event);
	if (strcmp(block->name, "base64") == 0)
		return take_base64(tail, &cursor, block);
	return take_object(tail, told, &cursor, block);
}
