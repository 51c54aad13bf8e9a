/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ROUTE_MAP_READ_H
#define GATEWAY_ROUTE_MAP_READ_H

/* The file of a route map while it is read, for the files route_map_*.c alone. */

#include "gateway/json.h"
#include "gateway/route_map.h"

enum {
	WORD_BYTES = 40, /* of a word that has few values, decoded */
};

/* In the order in which the members of a route are taken. */
enum member {
	MEMBER_ABOUT,
	MEMBER_PATH,
	MEMBER_TO,
	MEMBER_METHOD,
	MEMBER_NAMES,
	MEMBER_FIXED,
	MEMBER_DEFAULTS,
	MEMBER_PARAMETERS,
	MEMBER_IGNORE_UNKNOWN,
	MEMBER_UNKNOWN,
	MEMBER_ENDED,
	MEMBER_LOCATION,
	MEMBER_FIELDS,
	MEMBER_REQUEST_FIELDS,
	MEMBERS_COUNT,
};

/* A file while it is read. */
struct reading {
	struct http_text text;
	struct route_map *map;
	struct route_alias *alias; /* of the route that is being read */
	char *texts;               /* the rest of the map's room for texts */
	size_t room;
	struct reprise_error *error;
	reprise_status status;
};

/* route_map_read.c. Each answers false if the file is refused. */

/* Refuses the file; @at is a place in the text. Always false. */
bool reading_refuse(struct reading *reading, const char *at, const char *words);
/* The same, with a piece of the file in front of the words. */
bool reading_refuse_quoted(struct reading *reading, struct http_text quoted, const char *words);
/* A string into the map's room for texts; the room is larger than all strings of the file. */
bool reading_take_string(struct reading *reading, struct http_text value, size_t bytes_max,
			 char **ret_text);
bool reading_is_object(struct reading *reading, struct http_text value);
/* Whether a value is the string @word. */
bool reading_is_word(struct http_text value, const char *word);

/* route_map_member.c */

bool reading_take_member(struct reading *reading, enum member member, struct http_text value);

/* route_map_query.c */

bool reading_take_target(struct reading *reading, struct http_text value);
/* The members `fixed` and `defaults`. */
bool reading_take_values(struct reading *reading, struct http_text value, bool is_fixed);
bool reading_take_parameters(struct reading *reading, struct http_text value);
/* NULL, or words for a bad value of the target. */
const char *reading_judge_values(const struct route_alias *alias);

#endif /* GATEWAY_ROUTE_MAP_READ_H */
