/* SPDX-License-Identifier: MIT */
/*
 * GET /v1/sessions/{id}/events as a page of JSON, for people and scripts. A page has events and
 * gaps in their order, and the cursor of the next page. A page is read from a replay: it never
 * waits for events that do not exist yet.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/writer.h>

#include "base/utf8.h"
#include "gateway/gateway.h"
#include "gateway/place.h"
#include "gateway/routes.h"
#include "gateway/shape.h"
#include "gateway/sse.h"

enum {
	PAGE_EVENTS = 100,
	PAGE_EVENTS_MAX = 10000,
	PAGE_BYTES = 1 << 20, /* a page ends behind the event that passes this size */
};

struct page {
	struct request *request;
	struct place place;
	struct stream_shape shape; /* kinds, and recorded events alone */
	struct watch watch;
	struct buffer body;
	uint64_t limit, count;
	bool is_refused;             /* a gap UNAVAILABLE ends the replay: */
	struct reprise_cursor after; /* the place to go on */
};

static void
add_payload(struct buffer *body, const struct reprise_event *event)
{
	const struct http_text payload = { event->payload.data, event->payload.size };

	if (payload.size > 0 && json_is_valid(payload)) {
		buffer_text(body, ",\"data\":");
		buffer_add(body, payload.data, payload.size);
	} else if (utf8_is_valid(payload.data, payload.size)) {
		buffer_text(body, ",\"text\":");
		buffer_string(body, payload.data, payload.size);
	} else {
		buffer_text(body, ",\"base64\":\"");
		buffer_base64(body, payload.data, payload.size);
		buffer_text(body, "\"");
	}
}

static void
add_event(struct page *page, const struct reprise_event *event)
{
	struct buffer *const body = &page->body;

	buffer_text(body, page->count++ == 0 ? "\n{" : ",\n{");
	buffer_text(body, "\"type\":\"event\",\"position\":");
	buffer_number(body, event->position);
	buffer_text(body, ",\"revision\":");
	buffer_number(body, event->revision);
	buffer_text(body, ",\"kind\":");
	buffer_number(body, event->kind);
	buffer_text(body, (event->flags & REPRISE_EVENT_COMMIT) != 0 ? ",\"commit\":true"
								     : ",\"commit\":false");
	add_payload(body, event);
	buffer_text(body, "}");
}

static void
add_gap(struct page *page, const struct reprise_gap *gap)
{
	page->is_refused = gap->reason == REPRISE_GAP_UNAVAILABLE;
	page->after = gap->cursor;
	buffer_text(&page->body, page->count++ == 0 ? "\n{" : ",\n{");
	buffer_text(&page->body, "\"type\":\"gap\",");
	sse_gap_members(&page->body, gap);
	buffer_text(&page->body, "}");
}

static void
answer(struct page *page, const struct reprise_cursor *cursor, const struct reprise_end *end)
{
	struct buffer *const body = &page->body;
	char status[16];

	watch_close(&page->watch);
	buffer_text(body, "],\n\"cursor\":\"");
	sse_cursor(body, cursor);
	buffer_text(body, end == NULL || end->cause == REPRISE_END_INVALIDATED
				  ? "\",\"up_to_date\":false"
				  : "\",\"up_to_date\":true");
	if (end != NULL && end->cause == REPRISE_END_SESSION) {
		snprintf(status, sizeof(status), "%" PRId32, end->status);
		buffer_text(body, ",\"ended\":true,\"status\":");
		buffer_text(body, status);
	} else {
		buffer_text(body, ",\"ended\":false,\"status\":null");
	}
	buffer_text(body, "}\n");
	request_answer_buffer(page->request, "application/json", body);
}

/* True: the page goes on. */
static bool
read_one(struct page *page)
{
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	bool is_ended = false;

	switch (reprise_next(page->watch.subscription, &event, &gap, &end)) {
	case REPRISE_NEXT_EMPTY:
		return false;
	case REPRISE_NEXT_EVENT:
		if (stream_shape_takes(&page->shape, &event))
			add_event(page, &event);
		break;
	case REPRISE_NEXT_GAP:
		add_gap(page, &gap);
		break;
	case REPRISE_NEXT_ENDED:
		is_ended = true;
		break;
	}
	if (!is_ended && page->count < page->limit && page->body.size < PAGE_BYTES)
		return true;
	if (page->is_refused)
		cursor = page->after;
	else if (reprise_subscription_cursor(page->watch.subscription, &cursor) != REPRISE_OK)
		cursor = page->place.cursor;
	answer(page, &cursor, is_ended ? &end : NULL);
	return false;
}

static void
on_ready(struct watch *watch)
{
	struct page *const page = (struct page *)((char *)watch - offsetof(struct page, watch));

	while (read_one(page))
		continue;
}

static bool
has_life(const struct reprise_cursor *cursor)
{
	static const struct reprise_incarnation none;

	return memcmp(&cursor->incarnation, &none, sizeof(none)) != 0;
}

static void
read_page(struct page *page)
{
	struct request *const request = page->request;
	struct reprise_gateway *const gateway = request->gateway;
	struct reprise_error error = REPRISE_ERROR_INIT;
	static const struct reprise_end nothing = { REPRISE_END_REPLAY, 0 };
	struct reprise_subscription_options options;
	struct reprise_subscription *subscription;
	reprise_status status;

	buffer_text(&page->body, "{\"events\":[");
	if (!has_life(&page->place.cursor) && page->place.cursor.position == 0) {
		answer(page, &page->place.cursor, &nothing); /* no life has an event yet */
		return;
	}
	stream_shape_options(&page->shape, &options);
	options.is_continuous = 0;
	status = reprise_replay_after(gateway->store, &page->place.cursor, &options, &subscription,
				      &error);
	if (status == REPRISE_OK)
		status = watch_open(&page->watch, gateway, subscription, on_ready);
	if (status != REPRISE_OK)
		request_refuse_status(request, status, &error);
	else
		on_ready(&page->watch);
}

static void
on_found(struct place *place)
{
	struct page *const page = (struct page *)((char *)place - offsetof(struct page, place));
	struct request *const request = place->request;

	if (request->exchange == NULL)
		return;
	if (place->job.status != REPRISE_OK)
		request_refuse_status(request, place->job.status, &place->job.error);
	else if (!place->is_known)
		request_refuse(request, ERROR_UNKNOWN_SESSION, NULL);
	else
		read_page(page);
}

static const char *
parse_page(struct page *page, const struct query *query)
{
	const char *const limit = query_value(query, QUERY_LIMIT);

	page->limit = PAGE_EVENTS;
	if (limit != NULL &&
	    (!query_number(limit, PAGE_EVENTS_MAX, &page->limit) || page->limit == 0))
		return "limit is a number from 1 to 10000";
	return stream_shape_parse_choice(&page->shape, page->request->session_id, query);
}

/* A cursor of no life at position 0 has seen nothing: the page begins with the first life. */
static void
begin_life(struct place *place)
{
	if (place->at != PLACE_CURSOR || has_life(&place->cursor) || place->cursor.position != 0)
		return;
	place->at = PLACE_OLDEST;
	place->is_beginning = true;
}

static void
page_begin(struct request *request, const struct http_head *head)
{
	struct page *const page = calloc(1, sizeof(*page));
	const char *wrong;

	if (page == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	request->state = page;
	page->request = request;
	wrong = parse_page(page, &request->query);
	if (wrong != NULL)
		request_refuse(request, ERROR_BAD_QUERY, wrong);
	else if (page->shape.is_recorded_only && !gateway_has_log(request->gateway))
		request_refuse(request, ERROR_NO_LOG, "recorded");
	else if (place_parse(&page->place, request, head)) {
		page->place.is_recorded_only = page->shape.is_recorded_only;
		page->place.found = on_found;
		begin_life(&page->place);
	}
}

static void
page_body_end(struct request *request)
{
	struct page *const page = request->state;

	place_find(&page->place);
}

static void
page_close(struct request *request)
{
	struct page *const page = request->state;

	if (page != NULL)
		watch_close(&page->watch);
}

static void
page_release(struct request *request)
{
	struct page *const page = request->state;

	if (page != NULL)
		buffer_free(&page->body);
	free(page);
}

const struct route_calls page_calls = {
	.begin = page_begin,
	.body_end = page_body_end,
	.close = page_close,
	.release = page_release,
};
