/* SPDX-License-Identifier: MIT */
/*
 * The file of a route map: JSON, as README.md describes it. A file is taken whole or not at all,
 * and the error names the line: a route that is left out in silence would be a missing path.
 *
 * The members of a route are first collected and then taken in the order of enum member, since the
 * values of `fixed` depend on `to`, whatever the order in the file is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/utf8.h"
#include "gateway/file.h"
#include "gateway/route_map_read.h"

enum {
	QUOTED_BYTES_MAX = 32, /* of the file, in an error */
};

/* --- errors and texts ------------------------------------------------------------------------ */

bool
reading_refuse(struct reading *reading, const char *at, const char *words)
{
	char detail[REPRISE_ERROR_DETAIL_BYTES];
	size_t line = 1;

	for (const char *byte = reading->text.data; byte < at; byte++)
		line += *byte == '\n';
	snprintf(detail, sizeof(detail), "line %zu: %.*s", line,
		 (int)(sizeof(detail) - sizeof("line 65536: ")), words);
	reading->status = error_detailed(reading->error, REPRISE_E_INVALID, "routes_file", detail);
	return false;
}

bool
reading_refuse_quoted(struct reading *reading, struct http_text quoted, const char *words)
{
	char text[REPRISE_ERROR_DETAIL_BYTES];
	size_t size = quoted.size > QUOTED_BYTES_MAX ? QUOTED_BYTES_MAX : quoted.size;

	/* No line's end, and no half of a character. */
	size = utf8_text_prefix(quoted.data, size);
	snprintf(text, sizeof(text), "%.*s%s %s", (int)size, quoted.data,
		 size < quoted.size ? "..." : "", words);
	return reading_refuse(reading, quoted.data, text);
}

bool
reading_take_string(struct reading *reading, struct http_text value, size_t bytes_max,
		    char **ret_text)
{
	if (!json_read_string(value, reading->texts, reading->room))
		return reading_refuse_quoted(reading, value, "is no string that may be here");
	if (strlen(reading->texts) > bytes_max)
		return reading_refuse_quoted(reading, value, "is too long");
	*ret_text = reading->texts;
	reading->texts += strlen(*ret_text) + 1;
	reading->room -= strlen(*ret_text) + 1;
	return true;
}

bool
reading_is_word(struct http_text value, const char *word)
{
	char text[WORD_BYTES];

	return json_read_string(value, text, sizeof(text)) && strcmp(text, word) == 0;
}

bool
reading_is_object(struct reading *reading, struct http_text value)
{
	return value.data[0] == '{' || reading_refuse_quoted(reading, value, "is no object");
}

/* --- routes ---------------------------------------------------------------------------------- */

static enum member
find_member(struct http_text name)
{
	static const char *const members[MEMBERS_COUNT] = {
		[MEMBER_ABOUT] = "about",
		[MEMBER_PATH] = "path",
		[MEMBER_TO] = "to",
		[MEMBER_METHOD] = "method",
		[MEMBER_NAMES] = "names",
		[MEMBER_FIXED] = "fixed",
		[MEMBER_DEFAULTS] = "defaults",
		[MEMBER_PARAMETERS] = "parameters",
		[MEMBER_IGNORE_UNKNOWN] = "ignore_unknown",
		[MEMBER_UNKNOWN] = "unknown",
		[MEMBER_ENDED] = "ended",
		[MEMBER_LOCATION] = "location",
		[MEMBER_FIELDS] = "fields",
		[MEMBER_REQUEST_FIELDS] = "request_fields",
	};
	enum member member = 0;

	while (member < MEMBERS_COUNT && !reading_is_word(name, members[member]))
		member++;
	return member;
}

/* Collects the members of a route: each known, and none twice. */
static bool
collect(struct reading *reading, struct http_text route, struct http_text values[MEMBERS_COUNT])
{
	struct http_text name, value;
	size_t offset = 0;

	while (json_next_member(route, &offset, &name, &value)) {
		const enum member member = find_member(name);

		if (member == MEMBERS_COUNT)
			return reading_refuse_quoted(reading, name, "is no member of a route");
		if (values[member].data != NULL)
			return reading_refuse_quoted(reading, name, "is there twice");
		values[member] = value;
	}
	if (values[MEMBER_PATH].data == NULL || values[MEMBER_TO].data == NULL)
		return reading_refuse(reading, route.data, "a route needs path and to");
	return true;
}

static bool
take_route(struct reading *reading, struct http_text route)
{
	struct http_text values[MEMBERS_COUNT] = { { NULL, 0 } };
	struct route_map *const map = reading->map;
	struct route_alias *const alias = &map->aliases[map->aliases_count];
	const char *words;

	reading->alias = alias;
	alias->exposed = ALIAS_EXPOSED;
	alias->requested = ALIAS_REQUESTED;
	if (!reading_is_object(reading, route) || !collect(reading, route, values))
		return false;
	for (enum member member = 0; member < MEMBERS_COUNT; member++)
		if (values[member].data != NULL &&
		    !reading_take_member(reading, member, values[member]))
			return false;
	words = reading_judge_values(alias);
	if (words != NULL)
		return reading_refuse(reading, route.data, words);
	for (size_t i = 0; i < map->aliases_count; i++)
		if (map->aliases[i].route.method == alias->route.method &&
		    alias_overlaps(&map->aliases[i], alias))
			return reading_refuse(
				reading, values[MEMBER_PATH].data,
				"the path and the method can be those of a route before");
	map->aliases_count++;
	return true;
}

static bool
take_routes(struct reading *reading, struct http_text routes)
{
	struct http_text route;
	size_t offset = 0, count = 0;

	if (routes.data[0] != '[')
		return reading_refuse(reading, routes.data, "routes is an array");
	while (json_next_element(routes, &offset, &route))
		if (++count > ROUTE_MAP_ALIASES_MAX)
			return reading_refuse(reading, route.data, "at most 64 routes");
	reading->map->aliases = calloc(count + 1, sizeof(*reading->map->aliases));
	if (reading->map->aliases == NULL) {
		reading->status = error_plain(reading->error, REPRISE_E_NO_MEMORY);
		return false;
	}
	offset = 0;
	while (json_next_element(routes, &offset, &route))
		if (!take_route(reading, route))
			return false;
	return true;
}

static bool
take_file(struct reading *reading)
{
	struct http_text object, name, routes, more;
	size_t offset = 0;

	if (!utf8_is_valid(reading->text.data, reading->text.size))
		return reading_refuse(reading, reading->text.data, "the file is not UTF-8");
	if (!json_check(reading->text, &offset))
		return reading_refuse(reading, reading->text.data + offset,
				      "the file is not JSON here");
	object = json_trim(reading->text);
	offset = 0;
	if (!json_next_member(object, &offset, &name, &routes) ||
	    !reading_is_word(name, "routes") || json_next_member(object, &offset, &name, &more))
		return reading_refuse(reading, object.data,
				      "the file is an object with the one member routes");
	return take_routes(reading, routes);
}

reprise_status
route_map_parse(struct http_text text, struct route_map **ret_map, struct reprise_error *error)
{
	/* Each string at most twice, without its quotes; and two lists for each route. */
	const size_t room =
		2 * text.size +
		(sizeof(ALIAS_EXPOSED) + sizeof(ALIAS_REQUESTED)) * ROUTE_MAP_ALIASES_MAX + 1;
	struct reading reading = { .text = text, .room = room, .error = error };

	if (text.size > ROUTE_MAP_BYTES_MAX)
		return error_detailed(error, REPRISE_E_INVALID, "routes_file",
				      "the file has more than 64 KiB");
	reading.map = calloc(1, sizeof(*reading.map));
	if (reading.map != NULL)
		reading.map->texts = reading.texts = malloc(room);
	if (reading.texts == NULL) {
		free(reading.map);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	reading.map->references = 1;
	if (take_file(&reading)) {
		*ret_map = reading.map;
		return REPRISE_OK;
	}
	route_map_release(reading.map);
	return reading.status;
}

reprise_status
route_map_read(const char *file, struct route_map **ret_map, struct reprise_error *error)
{
	const size_t room = ROUTE_MAP_BYTES_MAX + 1;
	const char *words = NULL;
	reprise_status status;
	struct stat stat;
	size_t size = 0;
	char *bytes;
	const int fd = file_open(file, &stat, &words);

	if (fd < 0)
		return error_detailed(error, REPRISE_E_INVALID, "routes_file", words);
	bytes = malloc(room);
	if (bytes == NULL)
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else if (!file_read(fd, bytes, room, &size))
		status = error_detailed(error, REPRISE_E_INVALID, "routes_file",
					strerrordesc_np(errno));
	else
		status = route_map_parse((struct http_text){ bytes, size }, ret_map, error);
	free(bytes);
	close(fd);
	return status;
}
