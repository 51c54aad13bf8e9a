/* SPDX-License-Identifier: MIT */
/*
 * The table of routes. A path is matched as sent, without decoding: only the session id has
 * escapes, and an id with a slash is sent as %2F.
 */
#include "gateway/route.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/routes.h"

#define TAKES(name) (UINT32_C(1) << QUERY_##name)
#define TAKES_PLACE                                                            \
	(TAKES(FROM) | TAKES(KINDS) | TAKES(RECORDED) | TAKES(LAST_EVENT_ID) | \
	 TAKES(LAST_EVENT_ID_SNAKE) | TAKES(CURSOR) | TAKES(REVISION))

#define SESSIONS "/v1/sessions"
#define SESSION  "/v1/sessions/"
#define STREAM   "/v1/stream/"

/* Of one path and method the first row is found; route_choose finds the second. */
static const struct route routes[] = {
	{ HTTP_METHOD_GET, SESSIONS, NULL, ACCESS_READ, TAKES(LIMIT) | TAKES(AFTER),
	  &sessions_calls },
	{ HTTP_METHOD_GET, SESSION, "", ACCESS_READ, 0, &session_calls },
	{ HTTP_METHOD_GET, SESSION, "/events", ACCESS_READ,
	  TAKES_PLACE | TAKES(FRAME) | TAKES(NAMES) | TAKES(DONE) | TAKES(WAIT), &stream_calls },
	{ HTTP_METHOD_GET, SESSION, "/events", ACCESS_READ,
	  TAKES_PLACE | TAKES(LIMIT) | TAKES(FORMAT), &page_calls },
	{ HTTP_METHOD_POST, SESSION, "/events", ACCESS_WRITE, TAKES(WAIT) | TAKES(END),
	  &append_calls },
	{ HTTP_METHOD_GET, SESSION, "/cursor", ACCESS_READ, TAKES(AT) | TAKES(REVISION),
	  &cursor_calls },
	{ HTTP_METHOD_POST, SESSION, "/end", ACCESS_WRITE, TAKES(WAIT), &end_calls },
	{ HTTP_METHOD_POST, SESSION, "/invalidate", ACCESS_ADMIN, 0, &invalidate_calls },
	{ HTTP_METHOD_DELETE, SESSION, "", ACCESS_ADMIN, 0, &delete_calls },
	{ HTTP_METHOD_GET, STREAM, ROUTE_REST, ACCESS_READ,
	  TAKES(OFFSET) | TAKES(LIVE) | TAKES(CURSOR) | QUERY_OTHERS, &durable_read_calls },
	{ HTTP_METHOD_PUT, STREAM, ROUTE_REST, ACCESS_WRITE, QUERY_OTHERS, &durable_create_calls },
	{ HTTP_METHOD_POST, STREAM, ROUTE_REST, ACCESS_WRITE, QUERY_OTHERS, &durable_append_calls },
	{ HTTP_METHOD_DELETE, STREAM, ROUTE_REST, ACCESS_ADMIN, QUERY_OTHERS,
	  &durable_remove_calls },
	{ HTTP_METHOD_GET, "/healthz", NULL, ACCESS_NONE, 0, &health_calls },
	{ HTTP_METHOD_GET, "/readyz", NULL, ACCESS_NONE, 0, &ready_calls },
	{ HTTP_METHOD_GET, "/metrics", NULL, ACCESS_ADMIN, 0, &metrics_calls },
	{ HTTP_METHOD_GET, "/", NULL, ACCESS_NONE, QUERY_OTHERS, &viewer_calls },
	{ HTTP_METHOD_GET, "/viewer/", ROUTE_NAME, ACCESS_NONE, QUERY_OTHERS, &viewer_calls },
};

enum {
	ROUTES_COUNT = sizeof(routes) / sizeof(*routes),
	QUALITY_MAX = 1000,
};

static bool
begins_with(struct http_text text, const char *prefix)
{
	return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static bool
is_text(struct http_text text, const char *whole)
{
	return text.size == strlen(whole) && begins_with(text, whole);
}

static bool
is_name(const struct route *route)
{
	return route->after != NULL && strcmp(route->after, ROUTE_NAME) == 0;
}

/* Whether the path is the route's; *ret_segment is the session id as sent, if the route has one. */
static bool
has_path(const struct route *route, struct http_text path, struct http_text *ret_segment)
{
	struct http_text rest;
	const char *slash;

	if (route->after == NULL)
		return is_text(path, route->before);
	if (!begins_with(path, route->before))
		return false;
	rest = (struct http_text){ path.data + strlen(route->before),
				   path.size - strlen(route->before) };
	if (is_text((struct http_text){ route->after, strlen(route->after) }, ROUTE_REST)) {
		*ret_segment = rest;
		return true;
	}
	if (is_name(route))
		return rest.size > 0 && memchr(rest.data, '/', rest.size) == NULL;
	slash = rest.size == 0 ? NULL : memchr(rest.data, '/', rest.size);
	*ret_segment = rest;
	if (slash != NULL)
		ret_segment->size = (size_t)(slash - rest.data);
	return is_text(
		(struct http_text){ rest.data + ret_segment->size, rest.size - ret_segment->size },
		route->after);
}

bool
route_decode_session_id(struct http_text segment, char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1])
{
	if (segment.size == 0 ||
	    !query_decode(segment, false, session_id, REPRISE_SESSION_ID_BYTES_MAX + 1))
		return false;
	return utf8_text_prefix(session_id, strlen(session_id)) == strlen(session_id);
}

static void
add_allowed(char allow[ROUTE_ALLOW_BYTES], const char *method)
{
	const size_t used = strlen(allow);

	snprintf(allow + used, ROUTE_ALLOW_BYTES - used, "%s%s", used == 0 ? "" : ", ", method);
}

void
route_allow(char allow[ROUTE_ALLOW_BYTES], enum http_method method)
{
	if (strstr(allow, http_method_name(method)) != NULL)
		return;
	add_allowed(allow, http_method_name(method));
	if (method == HTTP_METHOD_GET)
		add_allowed(allow, http_method_name(HTTP_METHOD_HEAD));
}

const struct route *
route_find(const struct http_head *head, unsigned int without,
	   char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1], enum error_code *ret_code,
	   char ret_allow[ROUTE_ALLOW_BYTES])
{
	const enum http_method method =
		head->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : head->method;
	const struct route *found = NULL;
	struct http_text segment = { NULL, 0 };
	bool has_any = false;

	session_id[0] = '\0';
	ret_allow[0] = '\0';
	for (int i = 0; i < ROUTES_COUNT && found == NULL; i++) {
		if ((without & ROUTES_VIEWER) != 0 && routes[i].calls == &viewer_calls)
			continue;
		if (!has_path(&routes[i], head->path, &segment))
			continue;
		has_any = true;
		if ((without & ROUTES_WRITING) != 0 && routes[i].method != HTTP_METHOD_GET)
			continue;
		route_allow(ret_allow, routes[i].method);
		if (routes[i].method == method)
			found = &routes[i];
	}
	if (found == NULL) {
		route_allow(ret_allow, HTTP_METHOD_OPTIONS);
		*ret_code = has_any ? ERROR_METHOD : ERROR_NO_ROUTE;
		return NULL;
	}
	if (found->after != NULL && !is_name(found) &&
	    !route_decode_session_id(segment, session_id)) {
		*ret_code = ERROR_BAD_SESSION_ID;
		return NULL;
	}
	return found;
}

const struct route *
route_of(const struct route_calls *calls)
{
	size_t number = 0;

	while (routes[number].calls != calls)
		number++;
	return &routes[number];
}

const struct route *
route_row(size_t number)
{
	return number < ROUTES_COUNT ? &routes[number] : NULL;
}

/* Thousandths of a quality value, as RFC 9110 has it; a value that is none counts as 1. */
static int
read_quality(struct http_text parameters)
{
	int quality = 0, unit = QUALITY_MAX;

	for (size_t i = 0; i + 2 < parameters.size; i++) {
		if (parameters.data[i] != ';')
			continue;
		const struct http_text value = http_trim(
			(struct http_text){ parameters.data + i + 1, parameters.size - i - 1 });

		if (value.size < 3 || (value.data[0] | 0x20) != 'q' || value.data[1] != '=')
			continue;
		for (size_t j = 2; j < value.size && unit > 0; j++) {
			if (value.data[j] == '.')
				continue;
			if (!http_is(value.data[j], HTTP_CLASS_DIGIT))
				break;
			quality += (value.data[j] - '0') * unit;
			unit /= 10;
		}
		return quality > QUALITY_MAX ? QUALITY_MAX : quality;
	}
	return QUALITY_MAX;
}

/* The quality that Accept gives a type: of the exact type, else of its family, else of all. */
static int
quality_of(struct http_text accept, const char *type, const char *family)
{
	struct http_text element;
	int best = 0, rank = 0;

	while (http_list_next(&accept, &element)) {
		const char *const semicolon =
			element.size == 0 ? NULL : memchr(element.data, ';', element.size);
		const size_t size =
			semicolon == NULL ? element.size : (size_t)(semicolon - element.data);
		const struct http_text range = http_trim((struct http_text){ element.data, size });
		const int found = http_is_name(range, type)     ? 3
				  : http_is_name(range, family) ? 2
				  : is_text(range, "*/*")       ? 1
								: 0;

		if (found > rank) {
			rank = found;
			best = read_quality(
				(struct http_text){ element.data + size, element.size - size });
		}
	}
	return best;
}

static bool
prefers_json(const struct http_head *head)
{
	const struct http_field *const accept = http_head_field(head, "accept");

	return accept != NULL && quality_of(accept->value, "application/json", "application/*") >
					 quality_of(accept->value, "text/event-stream", "text/*");
}

/* The row with the same path and method behind @route; @route itself if there is none. */
static const struct route *
other_form(const struct route *route)
{
	const struct route *const next = route + 1;

	return next < routes + ROUTES_COUNT && next->method == route->method &&
			       route->after != NULL && next->after != NULL &&
			       strcmp(next->before, route->before) == 0 &&
			       strcmp(next->after, route->after) == 0
		       ? next
		       : route;
}

const struct route *
route_choose(const struct route *route, const struct http_head *head, struct query *query,
	     const char **ret_words)
{
	const struct route *const other = other_form(route);
	const char *format;

	*ret_words = query_parse(query, head->query, route->parameters | other->parameters);
	if (*ret_words != NULL)
		return NULL;
	format = query_value(query, QUERY_FORMAT);
	if (format != NULL && strcmp(format, "json") != 0) {
		*ret_words = "format is \"json\"";
		return NULL;
	}
	if (other != route &&
	    (format != NULL || query_value(query, QUERY_LIMIT) != NULL || prefers_json(head)))
		route = other;
	if ((query->present & ~route->parameters) != 0) {
		*ret_words =
			"frame, names, done and wait are of streams; limit and format are of pages";
		return NULL;
	}
	return route;
}
