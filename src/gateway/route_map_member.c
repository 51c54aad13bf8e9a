/* SPDX-License-Identifier: MIT */
/* The members of a route in the file of a route map, but those of the query. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/route_map_read.h"
#include "gateway/routes.h"

enum {
	NAME_BYTES_MAX = 64,   /* of an event, and of a response field */
	VALUE_BYTES_MAX = 512, /* of a response field, and of a template */
};

static bool
is_literal(struct http_text value, const char *literal)
{
	return value.size == strlen(literal) && memcmp(value.data, literal, value.size) == 0;
}

static bool
take_path(struct reading *reading, struct http_text value)
{
	const char *words;
	char *path;

	if (!reading_take_string(reading, value, ROUTE_MAP_BYTES_MAX, &path))
		return false;
	words = alias_take_path(reading->alias, path);
	return words == NULL || reading_refuse(reading, value.data, words);
}

static bool
take_method(struct reading *reading, struct http_text value)
{
	const struct route_calls *const calls = reading->alias->route.calls;
	const bool is_post = reading_is_word(value, "POST");

	if (!is_post && !reading_is_word(value, "GET"))
		return reading_refuse(reading, value.data, "method is GET or POST");
	if (calls == &append_calls && !is_post)
		return reading_refuse(reading, value.data, "an append is a POST");
	if (calls == &page_calls && is_post)
		return reading_refuse(reading, value.data, "a page is a GET");
	reading->alias->route.method = is_post ? HTTP_METHOD_POST : HTTP_METHOD_GET;
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	const uint16_t left = ((const struct event_name *)a)->kind;
	const uint16_t right = ((const struct event_name *)b)->kind;

	return (left > right) - (left < right);
}

static bool
take_event_name(struct reading *reading, struct http_text name, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	char digits[WORD_BYTES], *text;
	uint64_t kind;

	if (!json_read_string(name, digits, sizeof(digits)) ||
	    !query_number(digits, UINT16_MAX, &kind))
		return reading_refuse_quoted(reading, name, "is no kind: a number from 0 to 65535");
	if (alias->own_names.count == ALIAS_NAMES_MAX)
		return reading_refuse_quoted(reading, name, "is one name too many: 64 are allowed");
	for (size_t i = 0; i < alias->own_names.count; i++)
		if (alias->names_table[i].kind == kind)
			return reading_refuse_quoted(reading, name, "is there twice");
	if (!reading_take_string(reading, value, NAME_BYTES_MAX, &text))
		return false;
	if (text[0] == '\0' || utf8_text_prefix(text, strlen(text)) != strlen(text))
		return reading_refuse_quoted(reading, value, "is no name of an event");
	alias->names_table[alias->own_names.count++] = (struct event_name){ (uint16_t)kind, text };
	return true;
}

static bool
take_names(struct reading *reading, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	struct http_text name, text;
	size_t offset = 0;

	if (alias->route.calls != &stream_calls)
		return reading_refuse(reading, value.data, "names is of events");
	if (!reading_is_object(reading, value))
		return false;
	while (json_next_member(value, &offset, &name, &text))
		if (!take_event_name(reading, name, text))
			return false;
	qsort(alias->names_table, alias->own_names.count, sizeof(alias->names_table[0]),
	      compare_names);
	alias->own_names.table = alias->names_table;
	alias->names = alias->own_names.count == 0 ? NULL : &alias->own_names;
	alias->route.parameters &= ~(UINT32_C(1) << QUERY_NAMES);
	return true;
}

static bool
take_flag(struct reading *reading, struct http_text value, bool *ret_flag)
{
	*ret_flag = is_literal(value, "true");
	return *ret_flag || is_literal(value, "false") ||
	       reading_refuse_quoted(reading, value, "is not true or false");
}

static bool
take_no_content(struct reading *reading, struct http_text value, bool *ret_flag)
{
	if (reading->alias->route.calls != &stream_calls)
		return reading_refuse(reading, value.data, "unknown and ended are of events");
	*ret_flag = is_literal(value, "204");
	return *ret_flag || reading_refuse_quoted(reading, value, "is not 204");
}

static bool
take_location(struct reading *reading, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	const char *words;
	char *text;

	if (value.data[0] != '"')
		return take_flag(reading, value, &alias->has_location);
	if (!reading_take_string(reading, value, VALUE_BYTES_MAX, &text))
		return false;
	alias->has_location = true;
	words = alias_take_location(alias, text);
	return words == NULL || reading_refuse(reading, value.data, words);
}

/* Fields of the server, and fields that would change the meaning of an answer. */
static bool
is_own_field(struct http_text name)
{
	static const char *const own[] = { "allow",
					   "cache-control",
					   "connection",
					   "content-encoding",
					   "content-length",
					   "content-type",
					   "cross-origin-resource-policy",
					   "date",
					   "etag",
					   "keep-alive",
					   "location",
					   "retry-after",
					   "set-cookie",
					   "te",
					   "trailer",
					   "transfer-encoding",
					   "upgrade",
					   "vary",
					   "www-authenticate",
					   "x-accel-buffering",
					   "x-content-type-options" };
	static const char cors[] = "access-control-";

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (http_is_name(name, own[i]))
			return true;
	return name.size >= sizeof(cors) - 1 &&
	       http_is_name((struct http_text){ name.data, sizeof(cors) - 1 }, cors);
}

static bool
take_field(struct reading *reading, struct http_text name, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	struct http_text text;
	char *field, *content;

	if (alias->fields_count == ALIAS_FIELDS_MAX)
		return reading_refuse_quoted(reading, name, "is one field too many: 8 are allowed");
	if (!reading_take_string(reading, name, NAME_BYTES_MAX, &field))
		return false;
	text = (struct http_text){ field, strlen(field) };
	if (!http_are_all(text, HTTP_CLASS_TOKEN))
		return reading_refuse_quoted(reading, name, "is no name of a field");
	if (is_own_field(text))
		return reading_refuse_quoted(reading, name, "is a field of the gateway's own");
	for (size_t i = 0; i < alias->fields_count; i++)
		if (strcasecmp(alias->fields[i].name, field) == 0)
			return reading_refuse_quoted(reading, name, "is there twice");
	if (!reading_take_string(reading, value, VALUE_BYTES_MAX, &content))
		return false;
	text = (struct http_text){ content, strlen(content) };
	if (text.size != 0 && !http_are_all(text, HTTP_CLASS_VALUE))
		return reading_refuse_quoted(reading, value, "is no value of a field");
	alias->fields[alias->fields_count++] = (struct http_field_out){ field, content };
	return true;
}

/* Begins a list of fields behind the texts of the map, or adds a name to the list. */
static void
add_to_list(struct reading *reading, const char **list, const char *name)
{
	const bool is_first = *list == NULL;
	const int size = snprintf(reading->texts, reading->room, is_first ? "%s" : ", %s", name);

	if (is_first)
		*list = reading->texts;
	reading->texts += size;
	reading->room -= (size_t)size;
}

/* Ends the list: the next text begins behind the NUL. */
static void
end_list(struct reading *reading)
{
	reading->texts++;
	reading->room--;
}

static bool
take_fields(struct reading *reading, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	struct http_text name, content;
	size_t offset = 0;

	if (!reading_is_object(reading, value))
		return false;
	while (json_next_member(value, &offset, &name, &content))
		if (!take_field(reading, name, content))
			return false;
	alias->exposed = NULL;
	add_to_list(reading, &alias->exposed, ALIAS_EXPOSED);
	for (size_t i = 0; i < alias->fields_count; i++)
		add_to_list(reading, &alias->exposed, alias->fields[i].name);
	end_list(reading);
	return true;
}

static bool
take_request_field(struct reading *reading, struct http_text value, const char **name)
{
	char *text;

	if (!reading_take_string(reading, value, NAME_BYTES_MAX, &text))
		return false;
	*name = text;
	return http_are_all((struct http_text){ text, strlen(text) }, HTTP_CLASS_TOKEN) ||
	       reading_refuse_quoted(reading, value, "is no name of a field");
}

static bool
take_request_fields(struct reading *reading, struct http_text value)
{
	struct route_alias *const alias = reading->alias;
	const char *names[ALIAS_REQUEST_FIELDS_MAX];
	size_t offset = 0, count = 0;
	struct http_text name;

	if (value.data[0] != '[')
		return reading_refuse(reading, value.data, "request_fields is an array");
	while (json_next_element(value, &offset, &name)) {
		if (count == ALIAS_REQUEST_FIELDS_MAX)
			return reading_refuse(reading, name.data, "at most 16 request_fields");
		if (!take_request_field(reading, name, &names[count++]))
			return false;
	}
	alias->requested = NULL;
	add_to_list(reading, &alias->requested, ALIAS_REQUESTED);
	for (size_t i = 0; i < count; i++)
		add_to_list(reading, &alias->requested, names[i]);
	end_list(reading);
	return true;
}

static bool
take_about(struct reading *reading, struct http_text value)
{
	return value.data[0] == '"' || reading_refuse(reading, value.data, "about is a string");
}

bool
reading_take_member(struct reading *reading, enum member member, struct http_text value)
{
	struct route_alias *const alias = reading->alias;

	switch (member) {
	case MEMBER_ABOUT:
		return take_about(reading, value);
	case MEMBER_PATH:
		return take_path(reading, value);
	case MEMBER_TO:
		return reading_take_target(reading, value);
	case MEMBER_METHOD:
		return take_method(reading, value);
	case MEMBER_NAMES:
		return take_names(reading, value);
	case MEMBER_FIXED:
		return reading_take_values(reading, value, true);
	case MEMBER_DEFAULTS:
		return reading_take_values(reading, value, false);
	case MEMBER_PARAMETERS:
		return reading_take_parameters(reading, value);
	case MEMBER_IGNORE_UNKNOWN:
		return take_flag(reading, value, &alias->ignores_unknown);
	case MEMBER_UNKNOWN:
		return take_no_content(reading, value, &alias->is_unknown_204);
	case MEMBER_ENDED:
		return take_no_content(reading, value, &alias->is_ended_204);
	case MEMBER_LOCATION:
		return take_location(reading, value);
	case MEMBER_FIELDS:
		return take_fields(reading, value);
	case MEMBER_REQUEST_FIELDS:
		return take_request_fields(reading, value);
	case MEMBERS_COUNT:
		break;
	}
	return false;
}
