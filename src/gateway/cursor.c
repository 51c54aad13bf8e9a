/* SPDX-License-Identifier: MIT */
/* GET /v1/sessions/{id}/cursor: a cursor to begin with, for a client that has none. */
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/place.h"
#include "gateway/routes.h"
#include "gateway/sse.h"

static void
on_found(struct place *place)
{
	struct request *const request = place->request;
	struct buffer body = { 0 };

	if (request->exchange == NULL)
		return;
	if (place->job.status != REPRISE_OK) {
		request_refuse_status(request, place->job.status, &place->job.error);
		return;
	}
	if (!place->is_known) {
		request_refuse(request, ERROR_UNKNOWN_SESSION, NULL);
		return;
	}
	buffer_text(&body, "{\"cursor\":\"");
	sse_cursor(&body, &place->cursor);
	buffer_text(&body, "\",\"position\":");
	buffer_number(&body, place->cursor.position);
	buffer_text(&body, ",\"revision\":");
	buffer_number(&body, place->cursor.revision);
	buffer_text(&body, "}\n");
	request_answer_buffer(request, "application/json", &body);
}

static const char *
parse_place(struct place *place, const struct query *query)
{
	const char *const at = query_value(query, QUERY_AT);
	const char *const revision = query_value(query, QUERY_REVISION);

	if (at != NULL && strcmp(at, "oldest") != 0 && strcmp(at, "newest") != 0)
		return "at is oldest or newest";
	if (at != NULL && revision != NULL)
		return "at and revision exclude each other";
	if (revision != NULL &&
	    !query_number(revision, REPRISE_REVISION_UNKNOWN - 1, &place->revision))
		return "revision is a number below 2^64 - 1";
	if (revision != NULL)
		place->at = PLACE_REVISION;
	else
		place->at = at != NULL && strcmp(at, "oldest") == 0 ? PLACE_OLDEST : PLACE_NEWEST;
	return NULL;
}

static void
cursor_begin(struct request *request, const struct http_head *head)
{
	struct place *const place = calloc(1, sizeof(*place));
	const char *wrong;

	(void)head;
	if (place == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	request->state = place;
	place->request = request;
	place->found = on_found;
	memcpy(place->cursor.session_id, request->session_id, sizeof(place->cursor.session_id));
	wrong = parse_place(place, &request->query);
	if (wrong != NULL)
		request_refuse(request, ERROR_BAD_QUERY, wrong);
}

static void
cursor_body_end(struct request *request)
{
	place_find(request->state);
}

static void
cursor_release(struct request *request)
{
	free(request->state);
}

const struct route_calls cursor_calls = {
	.begin = cursor_begin,
	.body_end = cursor_body_end,
	.release = cursor_release,
};
