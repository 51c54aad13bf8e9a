/* SPDX-License-Identifier: MIT */
/* The aliases of a route map at a request: the path, the query, and fields of the answer. */
#include "gateway/route_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	POSITION_BYTES = 24,
};

void
route_map_hold(struct route_map *map)
{
	if (map != NULL)
		map->references++;
}

void
route_map_release(struct route_map *map)
{
	if (map == NULL || --map->references > 0)
		return;
	free(map->aliases);
	free(map->texts);
	free(map);
}

const struct route_alias *
route_map_find(const struct route_map *map, const struct http_head *head, bool reads_only,
	       char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1], enum error_code *ret_code,
	       char allow[ROUTE_ALLOW_BYTES])
{
	const enum http_method method =
		head->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : head->method;
	struct http_text segment = { NULL, 0 }, session = { NULL, 0 };
	const struct route_alias *found = NULL;
	bool has_any = false;

	for (size_t i = 0; map != NULL && i < map->aliases_count; i++) {
		const struct route_alias *const alias = &map->aliases[i];

		if (!alias_has_path(alias, head->path, &segment))
			continue;
		if (!has_any)
			allow[0] = '\0';
		has_any = true;
		if (reads_only && alias->route.level > ACCESS_READ)
			continue;
		route_allow(allow, alias->route.method);
		if (alias->route.method == method) {
			found = alias;
			session = segment;
		}
	}
	if (!has_any)
		return NULL;
	route_allow(allow, HTTP_METHOD_OPTIONS);
	*ret_code = ERROR_METHOD;
	if (found == NULL || route_decode_session_id(session, session_id))
		return found;
	*ret_code = ERROR_BAD_SESSION_ID;
	return NULL;
}

const struct route_alias *
route_map_asked(const struct route_map *map, const struct http_head *head)
{
	const struct http_field *const field =
		http_head_field(head, "access-control-request-method");
	struct http_text segment;

	for (size_t i = 0; map != NULL && field != NULL && i < map->aliases_count; i++) {
		const struct route_alias *const alias = &map->aliases[i];
		const char *const method = http_method_name(alias->route.method);

		if (field->value.size == strlen(method) &&
		    memcmp(field->value.data, method, field->value.size) == 0 &&
		    alias_has_path(alias, head->path, &segment))
			return alias;
	}
	return NULL;
}

/* The front end's parameter of that name, which may have escapes; NULL: the alias has none. */
static const struct alias_parameter *
find_parameter(const struct route_alias *alias, struct http_text name)
{
	char decoded[ALIAS_PARAMETER_BYTES_MAX + 1];

	if (!query_decode(name, true, decoded, sizeof(decoded)))
		return NULL;
	for (size_t i = 0; i < alias->parameters_count; i++)
		if (strcmp(alias->parameters[i].name, decoded) == 0)
			return &alias->parameters[i];
	return NULL;
}

/* Below the position 0 there is nothing. */
static const char *
take_position(struct query *query, struct http_text value, int32_t added)
{
	char text[POSITION_BYTES];
	uint64_t number;

	if (!query_decode(value, true, text, sizeof(text)) ||
	    !query_number(text, INT64_MAX, &number))
		return "a position is a number below 2^63";
	if (added >= 0)
		number += (uint64_t)added;
	else
		number -= number < (uint64_t)-added ? number : (uint64_t)-added;
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return query_put(query, QUERY_POSITION, text);
}

static const char *
take_parameter(const struct route_alias *alias, struct query *query, struct http_text name,
	       struct http_text value)
{
	const struct alias_parameter *const parameter = find_parameter(alias, name);
	enum query_name target;

	if (parameter != NULL && parameter->use == USE_IGNORED)
		return NULL;
	if (parameter != NULL && parameter->use == USE_POSITION)
		return take_position(query, value, parameter->added);
	target = parameter != NULL ? parameter->target : query_find(name);
	if (target != QUERY_NAMES_COUNT && (alias->route.parameters & UINT32_C(1) << target) != 0)
		return query_take(query, target, value);
	return alias->ignores_unknown ? NULL : "the route does not take a parameter of the query";
}

const char *
route_alias_query(const struct route_alias *alias, struct http_text text, struct query *query)
{
	struct http_text name, value;
	const char *words = NULL;
	bool has_place;

	query->present = 0;
	query->used = 0;
	while (words == NULL && query_next(&text, &name, &value))
		words = take_parameter(alias, query, name, value);
	has_place = query_value(query, QUERY_POSITION) != NULL;
	if (words == NULL && has_place &&
	    (query_value(query, QUERY_FROM) != NULL || query_value(query, QUERY_REVISION) != NULL))
		return "a position excludes from and revision";
	/* The map's `from` is for requests that name no place. */
	has_place = has_place || query_value(query, QUERY_REVISION) != NULL;
	for (size_t i = 0; words == NULL && i < alias->values_count; i++) {
		const struct alias_value *const preset = &alias->values[i];

		if (query_value(query, preset->name) == NULL &&
		    (preset->name != QUERY_FROM || !has_place))
			words = query_put(query, preset->name, preset->text);
	}
	return words;
}

/* The segment of the path at the place of the alias's segment of that name, as sent. */
static struct http_text
find_segment(const struct route_alias *alias, struct http_text path, struct http_text name)
{
	const char *at = path.data + 1, *const end = path.data + path.size;

	for (size_t i = 0; i < alias->segments_count; i++) {
		const char *const slash = at == end ? NULL : memchr(at, '/', (size_t)(end - at));
		const struct http_text text = { at, (size_t)((slash == NULL ? end : slash) - at) };
		const struct alias_segment *const segment = &alias->segments[i];

		if (segment->kind != SEGMENT_TEXT && strlen(segment->text) == name.size &&
		    memcmp(segment->text, name.data, name.size) == 0)
			return text;
		at = slash == NULL ? end : slash + 1;
	}
	return (struct http_text){ "", 0 };
}

/* Writes the template with the path's segments; the bytes of the text. @room may be too small. */
static size_t
fill_template(const struct route_alias *alias, struct http_text path, char *text, size_t room)
{
	size_t used = 0;

	for (const char *at = alias->location; *at != '\0';) {
		struct http_text piece = { at, 1 };

		if (*at == '{') {
			const size_t size = strcspn(at, "}");

			piece = find_segment(alias, path, (struct http_text){ at + 1, size - 1 });
			at += size;
		}
		at++;
		if (text != NULL && piece.size != 0 && used + piece.size <= room)
			memcpy(text + used, piece.data, piece.size);
		used += piece.size;
	}
	return used;
}

char *
route_alias_location(const struct route_alias *alias, struct http_text path)
{
	const size_t size =
		alias->location == NULL ? path.size : fill_template(alias, path, NULL, 0);
	char *const text = malloc(size + 1);

	if (text == NULL)
		return NULL;
	if (alias->location == NULL)
		memcpy(text, path.data, size);
	else
		(void)fill_template(alias, path, text, size);
	text[size] = '\0';
	return text;
}
