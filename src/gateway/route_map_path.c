/* SPDX-License-Identifier: MIT */
/*
 * Patterns of paths. A pattern is matched segment by segment with a path as sent, without decoding,
 * as the table's routes are (V20). Two patterns of one method never have a path in common, so the
 * order of a file says nothing.
 */
#include <string.h>

#include "gateway/route_map.h"

/* Below these paths everything is the gateway's own, beside the rows of the table. */
static const char *const reserved[] = { "/v1/sessions/", "/v1/stream/" };

/* Cuts the next segment of a path off: the slash, and the bytes up to the next slash. */
static bool
cut_segment(struct http_text *path, struct http_text *ret_segment)
{
	const char *slash;

	if (path->size == 0)
		return false;
	*ret_segment = (struct http_text){ path->data + 1, path->size - 1 };
	slash = ret_segment->size == 0 ? NULL : memchr(ret_segment->data, '/', ret_segment->size);
	if (slash != NULL)
		ret_segment->size = (size_t)(slash - ret_segment->data);
	path->data += ret_segment->size + 1;
	path->size -= ret_segment->size + 1;
	return true;
}

static bool
is_text(struct http_text text, const char *whole)
{
	return text.size == strlen(whole) && memcmp(text.data, whole, text.size) == 0;
}

static bool
takes(const struct alias_segment *segment, struct http_text text)
{
	return segment->kind == SEGMENT_TEXT ? is_text(text, segment->text) : text.size != 0;
}

bool
alias_has_path(const struct route_alias *alias, struct http_text path,
	       struct http_text *ret_segment)
{
	struct http_text segment;
	size_t count = 0;

	while (cut_segment(&path, &segment)) {
		if (count == alias->segments_count || !takes(&alias->segments[count], segment))
			return false;
		if (alias->segments[count++].kind == SEGMENT_SESSION)
			*ret_segment = segment;
	}
	return count == alias->segments_count;
}

bool
alias_overlaps(const struct route_alias *a, const struct route_alias *b)
{
	if (a->segments_count != b->segments_count)
		return false;
	for (size_t i = 0; i < a->segments_count; i++) {
		const struct alias_segment *const left = &a->segments[i], *const right =
										  &b->segments[i];
		const bool is_apart =
			left->kind == SEGMENT_TEXT
				? !takes(right,
					 (struct http_text){ left->text, strlen(left->text) })
				: right->kind == SEGMENT_TEXT && right->text[0] == '\0';

		if (is_apart)
			return false;
	}
	return true;
}

/* Whether the alias has the path @text, or with a slash at the end of @text, a path below. */
static bool
reaches(const struct route_alias *alias, const char *text)
{
	struct http_text path = { text, strlen(text) }, segment;
	const bool is_prefix = path.size > 1 && text[path.size - 1] == '/';
	size_t count = 0;

	path.size -= is_prefix;
	while (cut_segment(&path, &segment))
		if (count == alias->segments_count || !takes(&alias->segments[count++], segment))
			return false;
	return is_prefix || count == alias->segments_count;
}

bool
alias_is_reserved(const struct route_alias *alias)
{
	const struct route *row;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (reaches(alias, reserved[i]))
			return true;
	for (size_t i = 0; (row = route_row(i)) != NULL; i++)
		if (reaches(alias, row->before))
			return true;
	return false;
}

/* A name of a segment: letters, digits and underscores; none is a name, too. */
static bool
is_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != '_' && !http_is(text[i], HTTP_CLASS_DIGIT) &&
		    !((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z'))
			return false;
	return true;
}

static const struct alias_segment *
find_named(const struct route_alias *alias, const char *name, size_t size)
{
	const struct http_text text = { name, size };

	for (size_t i = 0; i < alias->segments_count; i++)
		if (alias->segments[i].kind != SEGMENT_TEXT &&
		    is_text(text, alias->segments[i].text))
			return &alias->segments[i];
	return NULL;
}

/* A segment that begins with a brace. */
static const char *
take_named(struct route_alias *alias, char *text, size_t size)
{
	struct alias_segment *const segment = &alias->segments[alias->segments_count];

	if (size < 2 || text[size - 1] != '}' || !is_name(text + 1, size - 2))
		return "a segment in braces is {session}, {} or a {name} of letters, digits and _";
	text[size - 1] = '\0';
	text++;
	if (text[0] != '\0' && find_named(alias, text, strlen(text)) != NULL)
		return "two segments of the path have the same name";
	segment->kind = strcmp(text, "session") == 0 ? SEGMENT_SESSION : SEGMENT_ANY;
	segment->text = text;
	alias->segments_count++;
	return NULL;
}

static const char *
take_segment(struct route_alias *alias, char *text, bool is_last)
{
	const size_t size = strlen(text);

	if (alias->segments_count == ALIAS_SEGMENTS_MAX)
		return "a path has at most 16 segments";
	if (text[0] == '{')
		return take_named(alias, text, size);
	if (size == 0 && !is_last)
		return "an empty segment can be the last one alone";
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return "clients take the segments . and .. away";
	if (size != 0 && !http_are_all((struct http_text){ text, size }, HTTP_CLASS_PATH))
		return "a segment has a byte that no path has, or an escape";
	alias->segments[alias->segments_count++] = (struct alias_segment){ SEGMENT_TEXT, text };
	return NULL;
}

const char *
alias_take_path(struct route_alias *alias, char *path)
{
	const char *words = NULL;
	char *text = path;

	if (path[0] != '/')
		return "a path begins with a slash";
	while (words == NULL && text != NULL) {
		char *const slash = strchr(++text, '/');

		if (slash != NULL)
			*slash = '\0';
		words = take_segment(alias, text, slash == NULL);
		text = slash;
	}
	if (words != NULL)
		return words;
	if (find_named(alias, "session", strlen("session")) == NULL)
		return "the path has no segment {session}";
	if (alias_is_reserved(alias))
		return "the path can be a path of the gateway's own";
	return NULL;
}

const char *
alias_take_location(struct route_alias *alias, const char *location)
{
	const char *at = location;

	if (at[0] != '/' || at[1] == '/')
		return "a location begins with one slash";
	while (*at != '\0') {
		const size_t size = *at == '{' ? strcspn(at, "}") : 0;

		if (*at == '{' &&
		    (at[size] != '}' || find_named(alias, at + 1, size - 1) == NULL || size == 1))
			return "a location has names of the path's segments in braces";
		if (*at != '{' && !http_is(*at, HTTP_CLASS_PATH) &&
		    !http_is(*at, HTTP_CLASS_QUERY) && *at != '%' && *at != '?')
			return "a location has a byte that no address has";
		at += size + 1;
	}
	alias->location = location;
	return NULL;
}
