/* SPDX-License-Identifier: MIT */
/* V50 to V53: the file of a route map, and the paths and queries of its aliases. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/route_map.h"
#include "gateway/routes.h"
#include "heads.h"

SUITE(gateway_route_map);

enum {
	FILE_BYTES = 70000,
	HEAD_BYTES = 4096,
};

static struct http_text
text_of(const char *text)
{
	return (struct http_text){ text, strlen(text) };
}

/* The words of the refusal; NULL: the file is taken, and *ret_map is the caller's. */
static const char *
parse(const char *text, struct route_map **ret_map)
{
	static struct reprise_error error;
	reprise_status status;

	error = (struct reprise_error)REPRISE_ERROR_INIT;
	*ret_map = NULL;
	status = route_map_parse(text_of(text), ret_map, &error);
	if (status == REPRISE_OK)
		return NULL;
	cr_assert(eq(int, status, REPRISE_E_INVALID));
	cr_assert(eq(int, error.status, REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "routes_file"));
	cr_assert(eq(ptr, (void *)*ret_map, NULL));
	return error.detail;
}

/* The map of one route to the events of a session, with more members. */
static struct route_map *
map_of(const char *members)
{
	char text[HEAD_BYTES];
	struct route_map *map;
	const char *words;

	snprintf(text, sizeof(text), "{\"routes\":[{%s}]}", members);
	words = parse(text, &map);
	cr_assert(words == NULL, "%s", words);
	return map;
}

struct found {
	const struct route_alias *alias;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	enum error_code code;
	char allow[ROUTE_ALLOW_BYTES];
};

static struct found
find_as(const struct route_map *map, const char *method, const char *path, bool reads_only)
{
	struct found found = { .code = ERROR_NO_ROUTE };
	char bytes[HEAD_BYTES];
	struct http_head head;

	snprintf(bytes, sizeof(bytes), "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, path);
	head = head_of(bytes);
	found.alias =
		route_map_find(map, &head, reads_only, found.session_id, &found.code, found.allow);
	return found;
}

static struct found
find(const struct route_map *map, const char *method, const char *path)
{
	return find_as(map, method, path, false);
}

/* --- V50 ------------------------------------------------------------------------------------- */

#define ONE(members)    "{\"routes\":[{" members "}]}"
#define EVENTS(members) ONE("\"path\":\"/a/{session}\",\"to\":\"events\"," members)
#define APPEND(members) ONE("\"path\":\"/a/{session}\",\"to\":\"append\"," members)
#define PAGE(members)   ONE("\"path\":\"/a/{session}\",\"to\":\"page\"," members)
#define PATH(path)      ONE("\"path\":\"" path "\",\"to\":\"events\"")

static const struct {
	const char *text, *words;
} bad_files[] = {
	{ "", "line 1: the file is not JSON here" },
	{ "{\n\"routes\": [\n]\n", "line 4: the file is not JSON here" },
	{ "{\n\"routes\": [\n{,}]}", "line 3: the file is not JSON here" },
	{ "\xff", "line 1: the file is not UTF-8" },
	{ "[]", "line 1: the file is an object with the one member routes" },
	{ "{}", "line 1: the file is an object with the one member routes" },
	{ "{\"route\":[]}", "line 1: the file is an object with the one member routes" },
	{ "\n\n{\"routes\":[],\"routes\":[]}",
	  "line 3: the file is an object with the one member routes" },
	{ "{\"routes\":{}}", "line 1: routes is an array" },
	{ "{\"routes\":[\n1]}", "line 2: 1 is no object" },
	{ "{\"routes\":[\n{}]}", "line 2: a route needs path and to" },
	{ ONE("\"to\":\"events\""), "line 1: a route needs path and to" },
	{ ONE("\"path\":\"/a/{session}\""), "line 1: a route needs path and to" },
	{ EVENTS("\n\"frmae\":1"), "line 2: \"frmae\" is no member of a route" },
	{ EVENTS("\n\"to\":\"page\""), "line 2: \"to\" is there twice" },
	{ EVENTS("\"about\":1"), "line 1: about is a string" },
	{ ONE("\"path\":1,\"to\":\"events\""), "line 1: 1 is no string that may be here" },
	{ ONE("\"path\":\"/a/{session}\",\"to\":\"cursor\""),
	  "line 1: to is events, page or append" },
	{ ONE("\"path\":\"/a/{session}\",\"to\":1"), "line 1: to is events, page or append" },

	{ PATH("a/{session}"), "line 1: a path begins with a slash" },
	{ PATH(""), "line 1: a path begins with a slash" },
	{ PATH("/a/b"), "line 1: the path has no segment {session}" },
	{ PATH("/{session}/{session}"), "line 1: two segments of the path have the same name" },
	{ PATH("/a/{x}/{session}/{x}"), "line 1: two segments of the path have the same name" },
	{ PATH("/a/{session}b"), "line 1: a segment in braces is" },
	{ PATH("/a/{session"), "line 1: a segment in braces is" },
	{ PATH("/a/{"), "line 1: a segment in braces is" },
	{ PATH("/a/{sess ion}"), "line 1: a segment in braces is" },
	{ PATH("/a/b{session}"), "line 1: a segment has a byte that no path has" },
	{ PATH("/a//{session}"), "line 1: an empty segment can be the last one alone" },
	{ PATH("//{session}"), "line 1: an empty segment can be the last one alone" },
	{ PATH("/../{session}"), "line 1: clients take the segments . and .. away" },
	{ PATH("/./{session}"), "line 1: clients take the segments . and .. away" },
	{ PATH("/a%20/{session}"), "line 1: a segment has a byte that no path has" },
	{ PATH("/a?b/{session}"), "line 1: a segment has a byte that no path has" },
	{ PATH("/a\\u0000/{session}"), "line 1: \"/a\\u0000/{session}\" is no string" },
	{ PATH("/a\\ud800/{session}"), "line 1: \"/a\\ud800/{session}\" is no string" },
	{ PATH("/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/{session}/h"),
	  "line 1: a path has at most 16 segments" },
	{ PATH("/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/v1/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/v1/sessions/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/v1/sessions/{session}/x/y"),
	  "line 1: the path can be a path of the gateway's own" },
	{ PATH("/v1/stream/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/{}/{}/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/{}/stream/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/viewer/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/viewer/a/{session}"), "line 1: the path can be a path of the gateway's own" },
	{ PATH("/{session}/chat"), "line 1: the path can be a path of the gateway's own" },
	{ "{\"routes\":[{\"path\":\"/a/{session}\",\"to\":\"events\"},\n"
	  "{\"path\":\"/a/{session}\",\"to\":\"page\"}]}",
	  "line 2: the path and the method can be those of a route before" },
	{ "{\"routes\":[{\"path\":\"/a/{session}/b\",\"to\":\"events\"},\n"
	  "{\"path\":\"/a/{}/{session}\",\"to\":\"page\"}]}",
	  "line 2: the path and the method can be those of a route before" },

	{ EVENTS("\"method\":\"PUT\""), "line 1: method is GET or POST" },
	{ EVENTS("\"method\":\"get\""), "line 1: method is GET or POST" },
	{ EVENTS("\"method\":1"), "line 1: method is GET or POST" },
	{ APPEND("\"method\":\"GET\""), "line 1: an append is a POST" },
	{ PAGE("\"method\":\"POST\""), "line 1: a page is a GET" },

	{ EVENTS("\"fixed\":[]"), "line 1: [] is no object" },
	{ EVENTS("\"fixed\":{\"frame\":1}"), "line 1: 1 is no string that may be here" },
	{ EVENTS("\"fixed\":{\"frame\":\"x\"}"), "line 1: frame is native or bare" },
	{ EVENTS("\"fixed\":{\"done\":\"2\"}"), "line 1: done is 0 or 1" },
	{ EVENTS("\"fixed\":{\"from\":\"now\"}"), "line 1: from is oldest or newest" },
	{ EVENTS("\"fixed\":{\"names\":\"x\"}"), "line 1: names is kinds" },
	{ EVENTS("\"fixed\":{\"kinds\":\"1,\"}"), "line 1: kinds is a list" },
	{ EVENTS("\"defaults\":{\"recorded\":\"x\"}"), "line 1: recorded is 0 or 1" },
	{ EVENTS("\"defaults\":{\"wait\":\"none\"}"), "line 1: wait is 0 or 1" },
	{ APPEND("\"defaults\":{\"wait\":\"1\"}"), "line 1: wait is recorded or none" },
	{ PAGE("\"fixed\":{\"limit\":\"0\"}"), "line 1: limit is a number from 1 to 10000" },
	{ PAGE("\"fixed\":{\"limit\":\"10001\"}"), "line 1: limit is a number from 1 to 10000" },
	{ EVENTS("\"fixed\":{\"limit\":\"1\"}"),
	  "line 1: \"limit\" cannot be set for this target" },
	{ EVENTS("\"fixed\":{\"cursor\":\"x\"}"),
	  "line 1: \"cursor\" cannot be set for this target" },
	{ EVENTS("\"fixed\":{\"position\":\"1\"}"),
	  "line 1: \"position\" cannot be set for this target" },
	{ EVENTS("\"fixed\":{\"x\":\"1\"}"), "line 1: \"x\" cannot be set for this target" },
	{ PAGE("\"fixed\":{\"frame\":\"bare\"}"), "line 1: \"frame\" cannot be set" },
	{ APPEND("\"fixed\":{\"end\":\"1\"}"), "line 1: \"end\" cannot be set for this target" },
	{ EVENTS("\"fixed\":{\"done\":\"1\",\"done\":\"1\"}"), "line 1: \"done\" is set twice" },
	{ EVENTS("\"fixed\":{\"done\":\"1\"},\n\"defaults\":{\"done\":\"1\"}"),
	  "line 2: \"done\" is set twice" },

	{ EVENTS("\"parameters\":1"), "line 1: 1 is no object" },
	{ EVENTS("\"parameters\":{\"a\":1}"), "line 1: 1 is not \"ignored\"" },
	{ EVENTS("\"parameters\":{\"a\":\"x\"}"), "line 1: \"x\" is not \"ignored\"" },
	{ EVENTS("\"parameters\":{\"a\":\"position\"}"), "line 1: \"position\" is not" },
	{ EVENTS("\"parameters\":{\"a\":\"limit\"}"), "line 1: \"limit\" is not" },
	{ EVENTS("\"fixed\":{\"frame\":\"bare\"},\"parameters\":{\"a\":\"frame\"}"),
	  "line 1: \"frame\" is not" },
	{ PAGE("\"parameters\":{\"a\":\"format\"}"), "line 1: \"format\" is not" },
	{ EVENTS("\"parameters\":{\"a\":\"from\",\n\"a\":\"ignored\"}"),
	  "line 2: \"a\" is there twice" },
	{ EVENTS("\"parameters\":{\"a\":{}}"), "line 1: a position is {\"position\": N}" },
	{ EVENTS("\"parameters\":{\"a\":{\"place\":1}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":\"1\"}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":1.5}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":1e1}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":1001}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":-1001}}"), "line 1: a position is" },
	{ EVENTS("\"parameters\":{\"a\":{\"position\":1,\"b\":2}}"), "line 1: a position is" },
	{ APPEND("\"parameters\":{\"a\":{\"position\":1}}"),
	  "line 1: an append begins at no position" },
	{ EVENTS("\"ignore_unknown\":1"), "line 1: 1 is not true or false" },

	{ EVENTS("\"unknown\":404"), "line 1: 404 is not 204" },
	{ EVENTS("\"ended\":true"), "line 1: true is not 204" },
	{ EVENTS("\"ended\":204.0"), "line 1: 204.0 is not 204" },
	{ PAGE("\"unknown\":204"), "line 1: unknown and ended are of events" },
	{ APPEND("\"ended\":204"), "line 1: unknown and ended are of events" },

	{ EVENTS("\"location\":1"), "line 1: 1 is not true or false" },
	{ EVENTS("\"location\":\"a\""), "line 1: a location begins with one slash" },
	{ EVENTS("\"location\":\"\""), "line 1: a location begins with one slash" },
	{ EVENTS("\"location\":\"//evil.example/\""), "line 1: a location begins with one slash" },
	{ EVENTS("\"location\":\"/a/{x}\""), "line 1: a location has names" },
	{ EVENTS("\"location\":\"/a/{}\""), "line 1: a location has names" },
	{ EVENTS("\"location\":\"/a/{session\""), "line 1: a location has names" },
	{ EVENTS("\"location\":\"/a\\r\\nSet-Cookie: a\""), "line 1: a location has a byte" },
	{ EVENTS("\"location\":\"/a b\""), "line 1: a location has a byte" },

	{ EVENTS("\"fields\":1"), "line 1: 1 is no object" },
	{ EVENTS("\"fields\":{\"a\":1}"), "line 1: 1 is no string that may be here" },
	{ EVENTS("\"fields\":{\"\":\"x\"}"), "line 1: \"\" is no name of a field" },
	{ EVENTS("\"fields\":{\"a b\":\"x\"}"), "line 1: \"a b\" is no name of a field" },
	{ EVENTS("\"fields\":{\"a\":\"x\\r\\nb: c\"}"), "line 1: \"x\\r\\nb: c\" is no value" },
	{ EVENTS("\"fields\":{\"a\":\"x\\u007f\"}"), "line 1: \"x\\u007f\" is no value" },
	{ EVENTS("\"fields\":{\"Content-Type\":\"x\"}"), "line 1: \"Content-Type\" is a field of" },
	{ EVENTS("\"fields\":{\"location\":\"x\"}"), "line 1: \"location\" is a field of" },
	{ EVENTS("\"fields\":{\"ACCESS-CONTROL-ALLOW-ORIGIN\":\"*\"}"), "is a field of" },
	{ EVENTS("\"fields\":{\"Transfer-Encoding\":\"x\"}"), "is a field of" },
	{ EVENTS("\"fields\":{\"a\":\"x\",\n\"A\":\"y\"}"), "line 2: \"A\" is there twice" },
	{ EVENTS("\"fields\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\","
		 "\"g\":\"\",\"h\":\"\",\"i\":\"\"}"),
	  "line 1: \"i\" is one field too many: 8 are allowed" },
	{ EVENTS("\"request_fields\":{}"), "line 1: request_fields is an array" },
	{ EVENTS("\"request_fields\":[1]"), "line 1: 1 is no string that may be here" },
	{ EVENTS("\"request_fields\":[\"a\",\n\"b, c\"]"), "line 2: \"b, c\" is no name" },
	{ EVENTS("\"request_fields\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
		 "\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]"),
	  "line 1: at most 16 request_fields" },

	{ EVENTS("\"names\":[]"), "line 1: [] is no object" },
	{ EVENTS("\"names\":{\"x\":\"a\"}"), "line 1: \"x\" is no kind" },
	{ EVENTS("\"names\":{\"65536\":\"a\"}"), "line 1: \"65536\" is no kind" },
	{ EVENTS("\"names\":{\"01\":\"a\"}"), "line 1: \"01\" is no kind" },
	{ EVENTS("\"names\":{\"1\":\"a\",\"\\u0031\":\"b\"}"),
	  "line 1: \"\\u0031\" is there twice" },
	{ EVENTS("\"names\":{\"1\":\"\"}"), "line 1: \"\" is no name of an event" },
	{ EVENTS("\"names\":{\"1\":\"a\\nb\"}"), "line 1: \"a\\nb\" is no name of an event" },
	{ EVENTS("\"names\":{\"1\":1}"), "line 1: 1 is no string that may be here" },
	{ EVENTS("\"names\":{\"1\":\"end\"}"),
	  "line 1: a name of events is a name of the gateway's" },
	{ EVENTS("\"names\":{\"1\":\"gap\"},\"defaults\":{\"frame\":\"bare\"}"),
	  "line 1: a name of events is a name of the gateway's" },
	{ EVENTS("\"names\":{\"1\":\"a\"},\"fixed\":{\"names\":\"kinds\"}"),
	  "line 1: \"names\" is in the way of the names of the route" },
	{ EVENTS("\"names\":{\"1\":\"a\"},\"parameters\":{\"x\":\"names\"}"),
	  "line 1: \"names\" is not \"ignored\"" },
	{ PAGE("\"names\":{\"1\":\"a\"}"), "line 1: names is of events" },
};

Test(gateway_route_map, V50_a_bad_file_is_refused_with_the_line_and_the_reason)
{
	for (size_t i = 0; i < sizeof(bad_files) / sizeof(*bad_files); i++) {
		struct route_map *map;
		const char *const words = parse(bad_files[i].text, &map);

		cr_assert(words != NULL, "taken: %s", bad_files[i].text);
		cr_assert(strstr(words, bad_files[i].words) != NULL, "%s\n%s", bad_files[i].text,
			  words);
	}
}

/* A file of @count routes, each with a path of its own. */
static const char *
file_of_routes(int count)
{
	static char text[FILE_BYTES];
	size_t used = (size_t)snprintf(text, sizeof(text), "{\"routes\":[");

	for (int i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s{\"path\":\"/a%d/{session}\",\"to\":\"events\"}",
					 i == 0 ? "" : ",\n", i);
	snprintf(text + used, sizeof(text) - used, "]}");
	return text;
}

Test(gateway_route_map, V50_a_file_has_at_most_64_routes_and_64_KiB)
{
	static char text[FILE_BYTES];
	struct route_map *map;
	size_t size;

	cr_assert(eq(ptr, (void *)parse(file_of_routes(64), &map), NULL));
	cr_assert(eq(sz, map->aliases_count, 64));
	route_map_release(map);
	cr_assert(eq(str, (char *)parse(file_of_routes(65), &map), "line 65: at most 64 routes"));

	size = (size_t)snprintf(text, sizeof(text), "%s", file_of_routes(1));
	memset(text + size, ' ', ROUTE_MAP_BYTES_MAX - size);
	cr_assert(eq(ptr, (void *)parse(text, &map), NULL));
	route_map_release(map);
	text[ROUTE_MAP_BYTES_MAX] = ' ';
	cr_assert(eq(str, (char *)parse(text, &map), "the file has more than 64 KiB"));
	cr_assert(eq(ptr, (void *)parse("{\"routes\":[]}", &map), NULL));
	cr_assert(eq(sz, map->aliases_count, 0));
	route_map_release(map);
}

Test(gateway_route_map, V50_the_order_of_members_says_nothing)
{
	struct route_map *const map = map_of(
		"\"fixed\":{\"frame\":\"bare\"},\"names\":{\"7\":\"end\",\"2\":\"b\"},\"location\":"
		"\"/x/{session}\",\"method\":\"POST\",\"to\":\"events\",\"path\":\"/a/{session}\"");
	const struct route_alias *const alias = &map->aliases[0];

	cr_assert(eq(int, (int)alias->route.method, HTTP_METHOD_POST));
	cr_assert(eq(ptr, (void *)alias->route.calls, (void *)&stream_calls));
	cr_assert(eq(str, (char *)alias->location, "/x/{session}"));
	cr_assert(eq(sz, alias->names->count, 2));
	cr_assert(eq(str, (char *)alias->names->table[0].name, "b"));
	cr_assert(eq(str, (char *)alias->names->table[1].name, "end"));
	route_map_release(map);
}

/* --- V51 ------------------------------------------------------------------------------------- */

Test(gateway_route_map, V51_a_path_is_matched_segment_by_segment_as_sent)
{
	static const struct {
		const char *path, *session_id; /* NULL: no route */
	} rows[] = {
		{ "/threads/t/runs/r/stream", "r" },
		{ "/threads/%2F/runs/a%2Fb/stream", "a/b" },
		{ "/threads/t/runs/%C3%A9/stream", "\xc3\xa9" },
		{ "/threads//runs/r/stream", NULL },
		{ "/threads/t/runs//stream", NULL },
		{ "/threads/t/runs/r/stream/", NULL },
		{ "/threads/t/runs/r", NULL },
		{ "/threads/t/runs/r/streams", NULL },
		{ "/Threads/t/runs/r/stream", NULL },
		{ "/thread%73/t/runs/r/stream", NULL },
		{ "//threads/t/runs/r/stream", NULL },
		{ "/x/threads/t/runs/r/stream", NULL },
		{ "/", NULL },
	};
	struct route_map *const map =
		map_of("\"path\":\"/threads/{thread}/runs/{session}/stream\",\"to\":\"events\"");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct found found = find(map, "GET", rows[i].path);

		if (rows[i].session_id == NULL) {
			cr_assert(eq(ptr, (void *)found.alias, NULL), "%s", rows[i].path);
			cr_assert(eq(int, (int)found.code, ERROR_NO_ROUTE), "%s", rows[i].path);
			continue;
		}
		cr_assert(eq(ptr, (void *)found.alias, (void *)&map->aliases[0]));
		cr_assert(eq(str, (char *)found.session_id, (char *)rows[i].session_id));
	}
	route_map_release(map);
}

Test(gateway_route_map, V51_a_slash_at_the_end_is_a_segment)
{
	struct route_map *const map = map_of("\"path\":\"/a/{session}/\",\"to\":\"events\"");

	cr_assert(find(map, "GET", "/a/b/").alias != NULL);
	cr_assert(eq(ptr, (void *)find(map, "GET", "/a/b").alias, NULL));
	cr_assert(eq(ptr, (void *)find(map, "GET", "/a/b/c").alias, NULL));
	cr_assert(eq(ptr, (void *)find(map, "GET", "/a//").alias, NULL));
	route_map_release(map);
}

Test(gateway_route_map, V51_an_id_that_is_none_is_refused)
{
	static const char *const paths[] = { "/a/%ff", "/a/%00", "/a/%0a" };
	struct route_map *const map = map_of("\"path\":\"/a/{session}\",\"to\":\"events\"");
	char path[200] = "/a/";

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		cr_assert(eq(int, (int)find(map, "GET", paths[i]).code, ERROR_BAD_SESSION_ID), "%s",
			  paths[i]);
		cr_assert(eq(ptr, (void *)find(map, "GET", paths[i]).alias, NULL));
	}
	memset(path + 3, 'x', 129);
	cr_assert(eq(int, (int)find(map, "GET", path).code, ERROR_BAD_SESSION_ID));
	path[3 + 128] = '\0';
	cr_assert(find(map, "GET", path).alias != NULL);
	route_map_release(map);
}

Test(gateway_route_map, V51_a_path_has_the_methods_of_its_routes)
{
	struct route_map *map;
	struct found found;

	cr_assert(eq(ptr,
		     (void *)parse("{\"routes\":[{\"path\":\"/a/{session}\",\"to\":\"events\"},"
				   "{\"path\":\"/a/{session}\",\"to\":\"append\"},"
				   "{\"path\":\"/b/{session}\",\"to\":\"append\"},"
				   "{\"path\":\"/c/{session}\",\"to\":\"events\","
				   "\"method\":\"POST\"}]}",
				   &map),
		     NULL));
	cr_assert(eq(ptr, (void *)find(map, "GET", "/a/s").alias, (void *)&map->aliases[0]));
	cr_assert(eq(ptr, (void *)find(map, "HEAD", "/a/s").alias, (void *)&map->aliases[0]));
	cr_assert(eq(ptr, (void *)find(map, "POST", "/a/s").alias, (void *)&map->aliases[1]));
	cr_assert(eq(ptr, (void *)find(map, "POST", "/c/s").alias, (void *)&map->aliases[3]));

	found = find(map, "DELETE", "/a/s");
	cr_assert(eq(int, (int)found.code, ERROR_METHOD));
	cr_assert(eq(str, found.allow, "GET, HEAD, POST, OPTIONS"));
	cr_assert(eq(str, find(map, "GET", "/b/s").allow, "POST, OPTIONS"));
	cr_assert(eq(str, find(map, "HEAD", "/c/s").allow, "POST, OPTIONS"));
	cr_assert(eq(str, find(map, "OPTIONS", "/a/s").allow, "GET, HEAD, POST, OPTIONS"));

	/* A gateway that only reads takes a POST that reads. */
	cr_assert(eq(ptr, (void *)find_as(map, "POST", "/a/s", true).alias, NULL));
	cr_assert(eq(str, find_as(map, "POST", "/a/s", true).allow, "GET, HEAD, OPTIONS"));
	cr_assert(find_as(map, "POST", "/c/s", true).alias != NULL);
	route_map_release(map);
}

/* --- V52 ------------------------------------------------------------------------------------- */

static const char *
query_of(const struct route_map *map, const char *text, struct query *query)
{
	return route_alias_query(&map->aliases[0], text_of(text), query);
}

static void
expect_value(const struct query *query, enum query_name name, const char *value)
{
	const char *const found = query_value(query, name);

	if (value == NULL)
		cr_assert(found == NULL, "%s", found);
	else
		cr_assert(found != NULL && strcmp(found, value) == 0, "%s, not %s",
			  found == NULL ? "nothing" : found, value);
}

Test(gateway_route_map, V52_values_are_fixed_or_defaults)
{
	struct route_map *const map =
		map_of("\"path\":\"/a/{session}\",\"to\":\"events\",\"fixed\":{\"frame\":\"bare\","
		       "\"done\":\"1\"},\"defaults\":{\"from\":\"newest\",\"kinds\":\"1,2\"}");
	struct query query;

	cr_assert(eq(ptr, (void *)query_of(map, "", &query), NULL));
	expect_value(&query, QUERY_FRAME, "bare");
	expect_value(&query, QUERY_DONE, "1");
	expect_value(&query, QUERY_FROM, "newest");
	expect_value(&query, QUERY_KINDS, "1,2");
	cr_assert(eq(ptr, (void *)query_of(map, "from=oldest&kinds=3&cursor=x%20y", &query), NULL));
	expect_value(&query, QUERY_FROM, "oldest");
	expect_value(&query, QUERY_KINDS, "3");
	expect_value(&query, QUERY_CURSOR, "x y");
	/* A place takes the place of the default one. */
	cr_assert(eq(ptr, (void *)query_of(map, "revision=3", &query), NULL));
	expect_value(&query, QUERY_FROM, NULL);
	expect_value(&query, QUERY_KINDS, "1,2");

	cr_assert(ne(ptr, (void *)query_of(map, "frame=bare", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "done=1", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "x=1", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "limit=1", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "position=1", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "from=oldest&from=oldest", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "kinds=%zz", &query), NULL));
	route_map_release(map);
}

Test(gateway_route_map, V52_parameters_are_renamed_ignored_or_refused)
{
	struct route_map *map =
		map_of("\"path\":\"/a/{session}\",\"to\":\"events\",\"parameters\":{\"since\":"
		       "\"cursor\",\"stream\":\"ignored\",\"include[]\":\"ignored\",\"wait\":"
		       "\"ignored\"}");
	struct query query;

	cr_assert(eq(
		ptr,
		(void *)query_of(map, "since=a&stream=1&stream=%zz&include%5B%5D=x&wait=9", &query),
		NULL));
	expect_value(&query, QUERY_CURSOR, "a");
	expect_value(&query, QUERY_WAIT, NULL);
	cr_assert(ne(ptr, (void *)query_of(map, "since=a&cursor=b", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "Stream=1", &query), NULL));
	cr_assert(ne(ptr, (void *)query_of(map, "%zz=1", &query), NULL));
	route_map_release(map);

	map = map_of("\"path\":\"/a/{session}\",\"to\":\"events\",\"ignore_unknown\":true,"
		     "\"fixed\":{\"frame\":\"bare\"}");
	cr_assert(eq(ptr, (void *)query_of(map, "x=1&%zz&frame=native&limit=7&from=newest", &query),
		     NULL));
	expect_value(&query, QUERY_FRAME, "bare");
	expect_value(&query, QUERY_LIMIT, NULL);
	expect_value(&query, QUERY_FROM, "newest");
	route_map_release(map);
}

Test(gateway_route_map, V52_a_number_is_a_position)
{
	static const struct {
		const char *query, *position; /* NULL: refused */
	} rows[] = {
		{ "n=0", "1" },
		{ "n=41", "42" },
		{ "n=9223372036854775807", "9223372036854775808" },
		{ "n=9223372036854775808", NULL },
		{ "n=-1", NULL },
		{ "n=", NULL },
		{ "n=01", NULL },
		{ "n=1x", NULL },
		{ "n=1&n=2", NULL },
		{ "n=1&from=oldest", NULL },
		{ "n=1&revision=1", NULL },
		{ "n=1&cursor=c", "2" },
		{ "m=3", "1" },
		{ "m=2", "0" },
		{ "m=1", "0" },
		{ "m=0", "0" },
		{ "n=1&m=1", NULL },
	};
	struct route_map *const map =
		map_of("\"path\":\"/a/{session}\",\"to\":\"events\",\"parameters\":{\"n\":"
		       "{\"position\":1},\"m\":{\"position\":-2}},\"fixed\":{\"from\":\"newest\"}");
	struct query query;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *const words = query_of(map, rows[i].query, &query);

		cr_assert(eq(int, words == NULL, rows[i].position != NULL), "%s", rows[i].query);
		if (words != NULL)
			continue;
		expect_value(&query, QUERY_POSITION, rows[i].position);
		expect_value(&query, QUERY_FROM, NULL);
	}
	cr_assert(eq(ptr, (void *)query_of(map, "", &query), NULL));
	expect_value(&query, QUERY_FROM, "newest");
	route_map_release(map);
}

/* --- V53 ------------------------------------------------------------------------------------- */

static void
expect_location(const char *location, const char *path, const char *expected)
{
	char members[HEAD_BYTES];
	struct route_map *map;
	char *text;

	snprintf(members, sizeof(members),
		 "\"path\":\"/t/{thread}/{}/{session}\",\"to\":\"events\",\"location\":%s",
		 location);
	map = map_of(members);
	cr_assert(map->aliases[0].has_location);
	text = route_alias_location(&map->aliases[0], text_of(path));
	cr_assert(eq(str, text, (char *)expected));
	free(text);
	route_map_release(map);
}

Test(gateway_route_map, V53_a_location_is_the_path_or_a_template)
{
	expect_location("true", "/t/a/b/c%20d", "/t/a/b/c%20d");
	expect_location("\"/x\"", "/t/a/b/c", "/x");
	expect_location("\"/p/{session}/{thread}?y={thread}\"", "/t/a/b/c%2Fd", "/p/c%2Fd/a?y=a");
}

Test(gateway_route_map, V53_the_lists_for_pages_of_other_origins_have_the_fields_of_the_route)
{
	struct route_map *const map =
		map_of("\"path\":\"/a/{session}\",\"to\":\"events\",\"fields\":{\"X-A\":\"1\","
		       "\"x-b\":\"\"},\"request_fields\":[\"X-Api-Key\",\"X-C\"]");
	const struct route_alias *const alias = &map->aliases[0];
	char bytes[HEAD_BYTES];
	struct http_head head;

	cr_assert(eq(str, (char *)alias->exposed, ALIAS_EXPOSED ", X-A, x-b"));
	cr_assert(eq(str, (char *)alias->requested, ALIAS_REQUESTED ", X-Api-Key, X-C"));
	snprintf(bytes, sizeof(bytes),
		 "OPTIONS /a/b HTTP/1.1\r\nHost: h\r\nAccess-Control-Request-Method: GET\r\n\r\n");
	head = head_of(bytes);
	cr_assert(eq(ptr, (void *)route_map_asked(map, &head), (void *)alias));
	snprintf(bytes, sizeof(bytes),
		 "OPTIONS /a/b HTTP/1.1\r\nHost: h\r\nAccess-Control-Request-Method: POST\r\n\r\n");
	head = head_of(bytes);
	cr_assert(eq(ptr, (void *)route_map_asked(map, &head), NULL));
	route_map_release(map);
}
