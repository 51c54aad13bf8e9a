/* SPDX-License-Identifier: MIT */
/* V20: the table of routes, and the choice between a stream and a page. */
#include <stdio.h>

#include "gateway/route.h"
#include "gateway/routes.h"
#include "heads.h"

SUITE(gateway_route);

/* The table alone is tested: no part answers. */
const struct route_calls stream_calls, page_calls, sessions_calls, cursor_calls, append_calls,
	end_calls, invalidate_calls, delete_calls, health_calls, ready_calls, metrics_calls,
	viewer_calls, session_calls, durable_read_calls, durable_create_calls, durable_append_calls,
	durable_remove_calls;

struct found {
	const struct route *route;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	enum error_code code;
	char allow[ROUTE_ALLOW_BYTES];
};

static struct found
find_as(const char *method, const char *path, unsigned int without)
{
	struct found found = { .code = ERROR_INTERNAL };
	char bytes[1024];
	struct http_head head;

	snprintf(bytes, sizeof(bytes), "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, path);
	head = head_of(bytes);
	found.route = route_find(&head, without, found.session_id, &found.code, found.allow);
	return found;
}

static struct found
find(const char *method, const char *path)
{
	return find_as(method, path, 0);
}

static const struct route_calls *
calls_of(const char *method, const char *path)
{
	const struct found found = find(method, path);

	return found.route == NULL ? NULL : found.route->calls;
}

Test(gateway_route, V20_each_path_and_method_has_its_part)
{
	static const struct {
		const char *method, *path;
		const struct route_calls *calls;
	} rows[] = {
		{ "GET", "/v1/sessions", &sessions_calls },
		{ "HEAD", "/v1/sessions", &sessions_calls },
		{ "GET", "/v1/sessions/a/events", &stream_calls },
		{ "POST", "/v1/sessions/a/events", &append_calls },
		{ "GET", "/v1/sessions/a/cursor", &cursor_calls },
		{ "POST", "/v1/sessions/a/end", &end_calls },
		{ "POST", "/v1/sessions/a/invalidate", &invalidate_calls },
		{ "GET", "/v1/sessions/a", &session_calls },
		{ "DELETE", "/v1/sessions/a", &delete_calls },
		{ "GET", "/v1/stream/a/b", &durable_read_calls },
		{ "PUT", "/v1/stream/a/b", &durable_create_calls },
		{ "POST", "/v1/stream/a", &durable_append_calls },
		{ "DELETE", "/v1/stream/a/b/c", &durable_remove_calls },
		{ "GET", "/healthz", &health_calls },
		{ "GET", "/readyz", &ready_calls },
		{ "GET", "/metrics", &metrics_calls },
		{ "GET", "/", &viewer_calls },
		{ "GET", "/viewer/viewer.css", &viewer_calls },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert(eq(ptr, (void *)calls_of(rows[i].method, rows[i].path),
			     (void *)rows[i].calls),
			  "%s %s", rows[i].method, rows[i].path);
}

Test(gateway_route, V20_other_paths_have_no_route)
{
	static const char *const paths[] = { "/v1",
					     "/v1/session",
					     "/v1/sessions2",
					     "/v1/sessions/a/b/events",
					     "/v1/sessions/a/events/",
					     "/v1/sessions/a/Events",
					     "/v1//sessions",
					     "/healthz/",
					     "/v1/sessions/a/event%73",
					     "/viewer",
					     "/viewer/",
					     "/viewer/a/b",
					     "//",
					     "/index.html" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const struct found found = find("GET", paths[i]);

		cr_assert(found.route == NULL && found.code == ERROR_NO_ROUTE, "%s", paths[i]);
	}
}

Test(gateway_route, V20_a_session_id_is_decoded_once_and_judged)
{
	char path[512];
	struct found found = find("GET", "/v1/sessions/a%2Fb%2525%C3%A9/events");

	cr_assert(ne(ptr, (void *)found.route, NULL));
	cr_assert(eq(str, found.session_id, "a/b%25\xc3\xa9"));
	snprintf(path, sizeof(path), "/v1/sessions/%0128d/events", 1);
	cr_assert(ne(ptr, (void *)find("GET", path).route, NULL));
	snprintf(path, sizeof(path), "/v1/sessions/%0129d/events", 1);
	cr_assert(eq(int, (int)find("GET", path).code, ERROR_BAD_SESSION_ID));
	cr_assert(eq(int, (int)find("GET", "/v1/sessions//events").code, ERROR_BAD_SESSION_ID));
	cr_assert(eq(int, (int)find("GET", "/v1/sessions/%ff/events").code, ERROR_BAD_SESSION_ID));
	cr_assert(eq(int, (int)find("GET", "/v1/sessions/%00/events").code, ERROR_BAD_SESSION_ID));
	cr_assert(eq(int, (int)find("GET", "/v1/sessions/%0a/events").code, ERROR_BAD_SESSION_ID));
}

Test(gateway_route, V20_a_wrong_method_is_told_the_right_ones)
{
	struct found found = find("DELETE", "/v1/sessions/a/events");

	cr_assert(eq(int, (int)found.code, ERROR_METHOD));
	cr_assert(eq(str, found.allow, "GET, HEAD, POST, OPTIONS"));
	found = find("PUT", "/healthz");
	cr_assert(eq(str, found.allow, "GET, HEAD, OPTIONS"));
	found = find("OPTIONS", "/v1/sessions/a");
	cr_assert(eq(int, (int)found.code, ERROR_METHOD));
	cr_assert(eq(str, found.allow, "GET, HEAD, DELETE, OPTIONS"));
}

Test(gateway_route, V20_a_gateway_that_only_reads_has_no_routes_that_write)
{
	struct found found = find_as("POST", "/v1/sessions/a/events", ROUTES_WRITING);

	cr_assert(eq(int, (int)found.code, ERROR_METHOD));
	cr_assert(eq(str, found.allow, "GET, HEAD, OPTIONS"));
	found = find_as("DELETE", "/v1/sessions/a", ROUTES_WRITING);
	cr_assert(eq(int, (int)found.code, ERROR_METHOD));
	cr_assert(eq(str, found.allow, "GET, HEAD, OPTIONS"));
	cr_assert(ne(ptr, (void *)find_as("GET", "/v1/sessions", ROUTES_WRITING).route, NULL));
}

Test(gateway_route, V97_a_gateway_without_the_viewer_has_none_of_its_paths)
{
	static const char *const paths[] = { "/", "/viewer/viewer.css" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct found found = find_as("GET", paths[i], ROUTES_VIEWER);

		cr_assert(found.route == NULL && found.code == ERROR_NO_ROUTE, "%s", paths[i]);
		found = find_as("OPTIONS", paths[i], ROUTES_VIEWER);
		cr_assert(eq(int, (int)found.code, ERROR_NO_ROUTE), "%s", paths[i]);
		found = find_as("GET", paths[i], ROUTES_WRITING);
		cr_assert(ne(ptr, (void *)found.route, NULL), "%s", paths[i]);
	}
	cr_assert(ne(ptr, (void *)find_as("GET", "/v1/sessions", ROUTES_VIEWER).route, NULL));
}

/* The part for GET of events with a query, and a value of Accept; NULL: refused. */
static const struct route_calls *
choose(const char *query_text, const char *accept)
{
	const struct route *route;
	struct query query;
	struct http_head head;
	const char *words = NULL;
	char bytes[512], session_id[REPRISE_SESSION_ID_BYTES_MAX + 1], allow[ROUTE_ALLOW_BYTES];
	enum error_code code;

	snprintf(bytes, sizeof(bytes),
		 "GET /v1/sessions/a/events%s HTTP/1.1\r\nHost: h\r\n%s%s%s\r\n", query_text,
		 accept == NULL ? "" : "Accept: ", accept == NULL ? "" : accept,
		 accept == NULL ? "" : "\r\n");
	head = head_of(bytes);
	route = route_find(&head, 0, session_id, &code, allow);
	cr_assert(ne(ptr, (void *)route, NULL));
	route = route_choose(route, &head, &query, &words);
	cr_assert(eq(int, route == NULL, words != NULL));
	return route == NULL ? NULL : route->calls;
}

Test(gateway_route, V20_events_are_a_stream_unless_a_page_is_asked_for)
{
	static const struct {
		const char *query, *accept;
		const struct route_calls *calls;
	} rows[] = {
		{ "", NULL, &stream_calls },
		{ "?from=oldest&frame=bare&done=1", NULL, &stream_calls },
		{ "", "*/*", &stream_calls },
		{ "", "text/event-stream", &stream_calls },
		{ "", "application/json, text/event-stream", &stream_calls },
		{ "", "text/html, application/xml;q=0.9, */*;q=0.8", &stream_calls },
		{ "", "application/json;q=0.1, text/event-stream;q=0.2", &stream_calls },
		{ "", "application/json", &page_calls },
		{ "", "Application/JSON ; q=0.5", &page_calls },
		{ "", "application/json, */*;q=0.1", &page_calls },
		{ "", "text/*;q=0, application/*", &page_calls },
		{ "", "text/event-stream;q=0.999, application/json;q=1", &page_calls },
		{ "?limit=5", NULL, &page_calls },
		{ "?limit=5", "text/event-stream", &page_calls },
		{ "?format=json", "*/*", &page_calls },
		{ "?format=sse", NULL, NULL },
		{ "?limit=5&frame=bare", NULL, NULL },
		{ "?done=1", "application/json", NULL },
		{ "?color=red", NULL, NULL },
		{ "?after=a", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert(eq(ptr, (void *)choose(rows[i].query, rows[i].accept),
			     (void *)rows[i].calls),
			  "row %zu", i);
}
