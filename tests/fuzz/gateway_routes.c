/* SPDX-License-Identifier: MIT */

/*
 * Route maps (rules V50 to V53). The input is a file, a NUL, a path, a NUL and a query. A file that
 * is taken has no path of the gateway's own, no two routes for one request, and nothing that could
 * break a response or a block; a query leaves each fixed value in force.
 */

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "gateway/json.h"
#include "gateway/route_map.h"
#include "gateway/routes.h"

/* The table alone is looked at: no part answers. */
const struct route_calls stream_calls, page_calls, sessions_calls, cursor_calls, append_calls,
	end_calls, invalidate_calls, delete_calls, health_calls, ready_calls, metrics_calls,
	viewer_calls, session_calls, durable_read_calls, durable_create_calls, durable_append_calls,
	durable_remove_calls;

/* Cuts the text up to a NUL off. */
static struct http_text
cut(struct http_text *rest)
{
	const char *const nul = rest->size == 0 ? NULL : memchr(rest->data, '\0', rest->size);
	const size_t size = nul == NULL ? rest->size : (size_t)(nul - rest->data);
	const struct http_text text = { rest->data, size };

	rest->data += size + (nul != NULL);
	rest->size -= size + (nul != NULL);
	return text;
}

/* Whether a head can have the text: as http_parse_head judges. */
static bool
is_sent(struct http_text text, enum http_class class)
{
	for (size_t i = 0; i < text.size; i++) {
		const bool is_escape = text.data[i] == '%' && text.size - i > 2 &&
				       http_is(text.data[i + 1], HTTP_CLASS_HEX) &&
				       http_is(text.data[i + 2], HTTP_CLASS_HEX);

		if (!http_is(text.data[i], class) && !is_escape)
			return false;
	}
	return true;
}

static bool
is_value(const char *text)
{
	return text[0] == '\0' ||
	       http_are_all((struct http_text){ text, strlen(text) }, HTTP_CLASS_VALUE);
}

static void
judge_alias(const struct route_alias *alias)
{
	size_t sessions = 0;

	for (size_t i = 0; i < alias->segments_count; i++)
		sessions += alias->segments[i].kind == SEGMENT_SESSION;
	MUST(sessions == 1);
	MUST(!alias_is_reserved(alias));
	MUST(alias->route.level == route_of(alias->route.calls)->level);
	MUST(is_value(alias->exposed));
	MUST(is_value(alias->requested));
	for (size_t i = 0; i < alias->fields_count; i++) {
		const char *const name = alias->fields[i].name;

		MUST(http_are_all((struct http_text){ name, strlen(name) }, HTTP_CLASS_TOKEN));
		MUST(is_value(alias->fields[i].value));
	}
	for (size_t i = 0; i < alias->own_names.count; i++) {
		const char *const name = alias->names_table[i].name;

		MUST(name[0] != '\0' && utf8_text_prefix(name, strlen(name)) == strlen(name));
		MUST(i == 0 || alias->names_table[i - 1].kind < alias->names_table[i].kind);
	}
}

static void
judge_query(const struct route_alias *alias, struct http_text text)
{
	static struct query query;

	if (route_alias_query(alias, text, &query) != NULL)
		return;
	for (size_t i = 0; i < alias->values_count; i++) {
		const enum query_name name = alias->values[i].name;
		const char *const value = query_value(&query, name);
		const bool is_fixed = (alias->route.parameters & UINT32_C(1) << name) == 0;

		if (is_fixed && name != QUERY_FROM)
			MUST(value != NULL && strcmp(value, alias->values[i].text) == 0);
	}
}

static void
judge_location(const struct route_alias *alias, struct http_text path)
{
	char *text;

	if (!alias->has_location)
		return;
	text = route_alias_location(alias, path);
	MUST(text != NULL);
	MUST(is_value(text) && text[0] == '/' && text[1] != '/');
	free(text);
}

static void
judge_request(const struct route_map *map, struct http_text path, struct http_text query)
{
	static const enum http_method methods[] = { HTTP_METHOD_GET, HTTP_METHOD_POST };
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1], allow[ROUTE_ALLOW_BYTES];
	struct http_head head = { .path = path, .query = query };
	struct http_text segment;

	for (size_t m = 0; m < sizeof(methods) / sizeof(*methods); m++) {
		enum error_code code = ERROR_NO_ROUTE;
		const struct route_alias *found;
		size_t count = 0;

		head.method = methods[m];
		for (size_t i = 0; i < map->aliases_count; i++)
			count += map->aliases[i].route.method == methods[m] &&
				 alias_has_path(&map->aliases[i], path, &segment);
		MUST(count <= 1);
		found = route_map_find(map, &head, false, session_id, &code, allow);
		MUST(found == NULL || count == 1);
		if (found == NULL)
			continue;
		MUST(session_id[0] != '\0');
		judge_query(found, query);
		judge_location(found, path);
		MUST(route_find(&head, false, session_id, &code, allow) == NULL);
		MUST(code == ERROR_NO_ROUTE);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	struct http_text rest = { (const char *)bytes, bytes_count };
	const struct http_text file = cut(&rest), path = cut(&rest), query = cut(&rest);
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct route_map *map = NULL;
	const reprise_status status = route_map_parse(file, &map, &error);

	MUST(status == REPRISE_OK || status == REPRISE_E_INVALID);
	if (status != REPRISE_OK) {
		MUST(strncmp(error.detail, "line ", 5) == 0);
		MUST(utf8_is_valid(error.detail, strlen(error.detail)));
		return 0;
	}
	MUST(json_is_valid(file));
	for (size_t i = 0; i < map->aliases_count; i++)
		judge_alias(&map->aliases[i]);
	if (path.size != 0 && path.data[0] == '/' && is_sent(path, HTTP_CLASS_PATH) &&
	    is_sent(query, HTTP_CLASS_QUERY))
		judge_request(map, path, query);
	route_map_release(map);
	return 0;
}
