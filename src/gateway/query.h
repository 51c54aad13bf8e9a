/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_QUERY_H
#define GATEWAY_QUERY_H

/*
 * Paths and queries. An escape is decoded once. A parameter that is unknown to the route, comes
 * twice, or is malformed is refused: nothing is guessed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/cursor.h>

#include "http/text.h"

enum {
	QUERY_VALUE_BYTES_MAX = 600, /* decoded; a cursor has at most 511 */
};

/*
 * Every parameter of every route, in one table: X(name, text). No route takes `position` by that
 * name: a route map leads a parameter of a front end there.
 */
/* clang-format off */
#define QUERY_TABLE(X) \
	X(FROM, "from") \
	X(KINDS, "kinds") \
	X(FRAME, "frame") \
	X(DONE, "done") \
	X(RECORDED, "recorded") \
	X(LAST_EVENT_ID, "lastEventId") \
	X(LAST_EVENT_ID_SNAKE, "last_event_id") \
	X(CURSOR, "cursor") \
	X(REVISION, "revision") \
	X(NAMES, "names") \
	X(LIMIT, "limit") \
	X(WAIT, "wait") \
	X(END, "end") \
	X(AFTER, "after") \
	X(AT, "at") \
	X(FORMAT, "format") \
	X(POSITION, "position") \
	X(OFFSET, "offset") \
	X(LIVE, "live")
/* clang-format on */

enum query_name {
#define QUERY_ENUM(name, text) QUERY_##name,
	QUERY_TABLE(QUERY_ENUM)
#undef QUERY_ENUM
	QUERY_NAMES_COUNT,
};

/* Of the parameters that a route takes: any other parameter is passed over. */
#define QUERY_OTHERS (UINT32_C(1) << 31)

struct query {
	/* Bit n: the parameter n is there. */
	uint32_t present;
	/* Offset of each value in `bytes`, NUL-terminated. */
	uint16_t offsets[QUERY_NAMES_COUNT];
	uint16_t used;
	char bytes[2048];
};

/*
 * Decodes percent escapes of one path segment or query value. False: a bad escape, a NUL, or more
 * than @room - 1 bytes. The text ends with a NUL. @plus: '+' is a space.
 */
bool query_decode(struct http_text text, bool plus, char *decoded, size_t room);

/*
 * Parses a query; @allowed has bit n for each parameter that the route takes, and maybe
 * QUERY_OTHERS. NULL on success, else words that name the wrong parameter.
 */
const char *query_parse(struct query *query, struct http_text text, uint32_t allowed);

/* The steps of query_parse, for a route whose parameters have other names. */

/* Cuts the next parameter off @rest, as sent. False: there is none. */
bool query_next(struct http_text *rest, struct http_text *ret_name, struct http_text *ret_value);
/* QUERY_NAMES_COUNT: no parameter has that name. */
enum query_name query_find(struct http_text name);
/* Takes a value, as sent, or as it is. NULL on success, else words. */
const char *query_take(struct query *query, enum query_name name, struct http_text value);
const char *query_put(struct query *query, enum query_name name, const char *value);

/* The value, or NULL if the parameter is not there. */
const char *query_value(const struct query *query, enum query_name name);
/* A decimal number without sign or leading zeros, up to @max. False: the value is another. */
bool query_number(const char *value, uint64_t max, uint64_t *ret_number);
/* A parameter that is "1", or is "0" or not there. False: the value is another. */
bool query_flag(const struct query *query, enum query_name name, bool *ret_flag);

#endif /* GATEWAY_QUERY_H */
