/* SPDX-License-Identifier: MIT */
/*
 * The encoder of Server-Sent Events. A payload of text is sent as it is, one data line for each of
 * its lines. The format has no way to send a carriage return, a NUL, or bytes that are not UTF-8:
 * such a payload is sent as base64, in an event of the name `base64`.
 */
#include "gateway/sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void
sse_cursor(struct buffer *buffer, const struct reprise_cursor *cursor)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	size_t text_bytes;

	if (reprise_cursor_format(cursor, text, sizeof(text), &text_bytes, NULL) == REPRISE_OK)
		buffer_add(buffer, text, text_bytes);
}

static void
add_id(struct buffer *buffer, const struct reprise_cursor *cursor)
{
	buffer_text(buffer, "\nid: ");
	sse_cursor(buffer, cursor);
	buffer_text(buffer, "\n\n");
}

static bool
is_plain(const struct reprise_event *event)
{
	return event->payload.size == 0 ||
	       (memchr(event->payload.data, '\r', event->payload.size) == NULL &&
		memchr(event->payload.data, '\0', event->payload.size) == NULL &&
		utf8_is_valid(event->payload.data, event->payload.size));
}

static void
add_lines(struct buffer *buffer, const char *data, size_t size)
{
	const char *end;

	buffer_text(buffer, "data: ");
	while (size > 0 && (end = memchr(data, '\n', size)) != NULL) {
		buffer_add(buffer, data, (size_t)(end - data));
		buffer_text(buffer, "\ndata: ");
		size -= (size_t)(end - data) + 1;
		data = end + 1;
	}
	buffer_add(buffer, data, size);
}

/* In a bare stream only a route map's names are told: a client that needs names asks for them. */
static void
add_name(struct buffer *buffer, const struct stream_shape *shape, const struct reprise_event *event,
	 bool is_plain)
{
	const char *const name = stream_shape_name(shape, event->kind);

	if (!is_plain) {
		buffer_text(buffer, shape->is_bare ? ": base64\n" : "event: base64\n");
		return;
	}
	if (name == NULL && shape->is_bare)
		return;
	buffer_text(buffer, "event: ");
	if (name == NULL && shape->has_kind_names)
		buffer_number(buffer, event->kind);
	else
		buffer_text(buffer, name == NULL ? "message" : name);
	buffer_text(buffer, "\n");
}

void
sse_event(struct buffer *buffer, const struct stream_shape *shape,
	  const struct reprise_event *event, const struct reprise_cursor *cursor)
{
	const bool plain = is_plain(event);

	add_name(buffer, shape, event, plain);
	if (plain) {
		add_lines(buffer, event->payload.data, event->payload.size);
	} else {
		buffer_text(buffer, "data: ");
		buffer_base64(buffer, event->payload.data, event->payload.size);
	}
	add_id(buffer, cursor);
}

void
sse_gap_code(struct buffer *buffer, reprise_gap_detail detail)
{
	for (const char *name = reprise_gap_detail_name(detail); *name != '\0'; name++)
		buffer_add(buffer, *name == ' ' ? "_" : name, 1);
}

static void
add_member(struct buffer *buffer, const char *name, uint64_t number)
{
	buffer_text(buffer, name);
	buffer_number(buffer, number);
}

/* Whether the gap says how many events are lost. */
static bool
is_exact(const struct reprise_gap *gap)
{
	return gap->reason == REPRISE_GAP_TRIMMED && gap->detail != REPRISE_GAP_RESTART;
}

void
sse_gap_members(struct buffer *buffer, const struct reprise_gap *gap)
{
	buffer_text(buffer, "\"reason\":\"");
	buffer_text(buffer, reprise_gap_reason_name(gap->reason));
	buffer_text(buffer, "\",\"code\":\"");
	sse_gap_code(buffer, gap->detail);
	buffer_text(buffer, "\",\"text\":\"");
	buffer_text(buffer, reprise_gap_detail_text(gap->detail));
	if (is_exact(gap)) {
		add_member(buffer, "\",\"lost\":", gap->lost);
		add_member(buffer, ",\"first\":", gap->lost_first);
		add_member(buffer, ",\"last\":", gap->lost_last);
	} else {
		buffer_text(buffer, "\",\"lost\":null,\"first\":null,\"last\":null");
	}
	add_member(buffer, ",\"position\":", gap->cursor.position);
	add_member(buffer, ",\"newest\":", gap->newest.position);
	buffer_text(buffer, ",\"healed\":false");
}

/* A comment: a block with data would be taken for a payload. */
static void
add_gap_comment(struct buffer *buffer, const struct reprise_gap *gap)
{
	buffer_text(buffer, ": gap ");
	sse_gap_code(buffer, gap->detail);
	if (is_exact(gap)) {
		add_member(buffer, " lost ", gap->lost);
		add_member(buffer, " first ", gap->lost_first);
		add_member(buffer, " last ", gap->lost_last);
	} else {
		buffer_text(buffer, " lost unknown");
	}
	buffer_text(buffer, "\n");
}

void
sse_gap(struct buffer *buffer, const struct stream_shape *shape, const struct reprise_gap *gap)
{
	if (shape->is_bare) {
		add_gap_comment(buffer, gap);
		return;
	}
	buffer_text(buffer, "event: gap\ndata: {");
	sse_gap_members(buffer, gap);
	buffer_text(buffer, "}");
	add_id(buffer, &gap->cursor);
}

void
sse_end(struct buffer *buffer, const struct stream_shape *shape, int32_t status,
	const struct reprise_cursor *cursor)
{
	char number[16];

	if (shape->is_bare)
		return;
	snprintf(number, sizeof(number), "%" PRId32, status);
	buffer_text(buffer, "event: end\ndata: {\"status\":");
	buffer_text(buffer, number);
	add_member(buffer, ",\"position\":", cursor->position);
	buffer_text(buffer, "}");
	add_id(buffer, cursor);
}

void
sse_hello(struct buffer *buffer, const struct stream_shape *shape,
	  const struct reprise_cursor *cursor, const char *from, uint32_t retry_ms,
	  uint32_t heartbeat_ms)
{
	if (shape->is_bare) {
		buffer_text(buffer, ":\n");
		return;
	}
	add_member(buffer, "retry: ", retry_ms);
	buffer_text(buffer, "\nevent: hello\ndata: {\"session\":");
	buffer_string(buffer, cursor->session_id, strlen(cursor->session_id));
	buffer_text(buffer, ",\"from\":\"");
	buffer_text(buffer, from);
	add_member(buffer, "\",\"position\":", cursor->position);
	add_member(buffer, ",\"heartbeat_ms\":", heartbeat_ms);
	buffer_text(buffer, "}");
	add_id(buffer, cursor);
}

void
sse_live(struct buffer *buffer, const struct stream_shape *shape,
	 const struct reprise_cursor *cursor)
{
	if (shape->is_bare)
		return;
	add_member(buffer, "event: live\ndata: {\"position\":", cursor->position);
	buffer_text(buffer, "}");
	add_id(buffer, cursor);
}

void
sse_bye(struct buffer *buffer, const struct stream_shape *shape,
	const struct reprise_cursor *cursor, uint32_t retry_ms)
{
	if (shape->is_bare)
		return;
	add_member(buffer, "retry: ", retry_ms);
	add_member(buffer, "\nevent: bye\ndata: {\"retry_ms\":", retry_ms);
	buffer_text(buffer, "}");
	add_id(buffer, cursor);
}

struct sse_read
sse_read(struct reprise_subscription *subscription, const struct stream_shape *shape,
	 struct buffer *buffer, size_t bytes, reprise_position until)
{
	struct sse_read read = { .outcome = SSE_MORE };
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;

	while (buffer->size < bytes && !buffer->failed) {
		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EMPTY:
			read.outcome = SSE_EMPTY;
			return read;
		case REPRISE_NEXT_EVENT:
			if (reprise_subscription_cursor(subscription, &cursor) != REPRISE_OK)
				break;
			if (stream_shape_takes(shape, &event)) {
				sse_event(buffer, shape, &event, &cursor);
				read.events++;
			}
			if (cursor.position < until)
				continue;
			read.outcome = SSE_REACHED;
			return read;
		case REPRISE_NEXT_GAP:
			if (gap.detail == REPRISE_GAP_LIFE_ENDED) {
				sse_end(buffer, shape, gap.end_status, &gap.cursor);
				read.outcome = SSE_ENDED;
				return read;
			}
			sse_gap(buffer, shape, &gap);
			read.gaps++;
			if ((size_t)gap.detail < SSE_GAPS)
				read.gaps_by_detail[gap.detail]++;
			read.lost += gap.lost;
			continue;
		case REPRISE_NEXT_ENDED:
			break;
		}
		read.outcome = SSE_LOST;
		return read;
	}
	return read;
}
