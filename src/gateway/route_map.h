/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ROUTE_MAP_H
#define GATEWAY_ROUTE_MAP_H

/*
 * A route map names further paths of the gateway, for front ends whose addresses and habits are
 * fixed. An alias is a path that leads to a route of the table. A map is read whole, and does not
 * change: a request holds the map of its alias, so a reload leaves running streams alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>

#include "gateway/query.h"
#include "gateway/route.h"
#include "gateway/shape.h"
#include "http/http.h"

enum {
	ROUTE_MAP_BYTES_MAX = 64 << 10, /* of a file */
	ROUTE_MAP_ALIASES_MAX = 64,
	ALIAS_SEGMENTS_MAX = 16, /* of a path */
	ALIAS_VALUES_MAX = 8,    /* fixed and default parameters together */
	ALIAS_PARAMETERS_MAX = 32,
	ALIAS_PARAMETER_BYTES_MAX = 64, /* of a parameter's name, decoded */
	ALIAS_FIELDS_MAX = 8,
	ALIAS_REQUEST_FIELDS_MAX = 16,
	ALIAS_NAMES_MAX = 64,
	ALIAS_ADDED_MAX = 1000, /* to a position, either way */
};

/* The fields that a page of another origin may read of every answer, and send to every path. */
#define ALIAS_EXPOSED                                                                      \
	"Location, Retry-After, ETag, Stream-Next-Offset, Stream-Cursor, "                 \
	"Stream-Up-To-Date, Stream-Closed, Stream-TTL, Stream-Expires-At, "                \
	"Stream-Earliest-Offset, Stream-SSE-Data-Encoding, Producer-Epoch, Producer-Seq, " \
	"Producer-Expected-Seq, Producer-Received-Seq"
#define ALIAS_REQUESTED                                                                    \
	"Authorization, Content-Type, If-None-Match, Last-Event-ID, Reprise-Kind, "        \
	"Reprise-Revision, Reprise-Commit, Stream-TTL, Stream-Expires-At, Stream-Closed, " \
	"Stream-Seq, Stream-Forked-From, Stream-Fork-Offset, Stream-Fork-Sub-Offset, "     \
	"Producer-Id, Producer-Epoch, Producer-Seq"

enum alias_segment_kind {
	SEGMENT_TEXT,
	SEGMENT_ANY, /* any segment; the text is the name, or empty */
	SEGMENT_SESSION,
};

struct alias_segment {
	enum alias_segment_kind kind;
	const char *text;
};

/* A value that the target gets unless the request has another. */
struct alias_value {
	enum query_name name;
	const char *text;
};

enum alias_use {
	USE_IGNORED,
	USE_RENAMED,  /* a parameter of the target */
	USE_POSITION, /* a number; with `added` the position to begin behind */
};

/* A parameter of the front end. */
struct alias_parameter {
	const char *name;
	enum alias_use use;
	enum query_name target;
	int32_t added;
};

struct route_alias {
	struct route route; /* of the target, with the alias's method and parameters */
	struct alias_segment segments[ALIAS_SEGMENTS_MAX];
	size_t segments_count;
	struct alias_value values[ALIAS_VALUES_MAX];
	size_t values_count;
	struct alias_parameter parameters[ALIAS_PARAMETERS_MAX];
	size_t parameters_count;
	bool ignores_unknown; /* parameters */
	bool is_unknown_204;  /* no content in the place of 404 */
	bool is_ended_204;    /* no content behind the last event of a session */
	bool has_location;
	const char *location; /* the template; NULL: the request's own path */
	struct http_field_out fields[ALIAS_FIELDS_MAX];
	size_t fields_count;
	const char *exposed, *requested; /* the lists above, and the fields of the alias */
	const struct event_names *names; /* NULL: none; or the array below */
	struct event_names own_names;
	struct event_name names_table[ALIAS_NAMES_MAX];
};

struct route_map {
	uint32_t references;
	size_t aliases_count;
	struct route_alias *aliases;
	char *texts; /* all texts of the aliases */
};

/* route_map.c */

/*
 * Finds the alias of a head, as route_find finds a route. *ret_code and @allow are as there;
 * *ret_code stays if no alias has the path.
 */
const struct route_alias *route_map_find(const struct route_map *map, const struct http_head *head,
					 bool reads_only,
					 char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1],
					 enum error_code *ret_code, char allow[ROUTE_ALLOW_BYTES]);
/* The alias that a preflight asks for; NULL: none. */
const struct route_alias *route_map_asked(const struct route_map *map,
					  const struct http_head *head);
/* Parses the query of an alias into the target's. NULL, or words for the fault of the query. */
const char *route_alias_query(const struct route_alias *alias, struct http_text text,
			      struct query *query);
/* The value of Location for a path of the alias; the caller frees the text. NULL: no memory. */
char *route_alias_location(const struct route_alias *alias, struct http_text path);
/* A hold more. Both: @map may be NULL. */
void route_map_hold(struct route_map *map);
void route_map_release(struct route_map *map);

/* route_map_read.c */

/*
 * Reads a file. E_INVALID: `what` is "routes_file", and the detail has the line and the reason;
 * E_NO_MEMORY. On failure there is no map.
 */
reprise_status route_map_read(const char *file, struct route_map **ret_map,
			      struct reprise_error *error);
/* The same of a file's text. */
reprise_status route_map_parse(struct http_text text, struct route_map **ret_map,
			       struct reprise_error *error);

/* route_map_path.c */

/*
 * Cuts a pattern of a path into the alias's segments, in place: slashes become NULs. NULL, or words
 * for the fault of the pattern.
 */
const char *alias_take_path(struct route_alias *alias, char *path);
/* The same for a template of Location. The template, with names of segments, stays uncut. */
const char *alias_take_location(struct route_alias *alias, const char *location);
/* Whether some path is of both aliases. */
bool alias_overlaps(const struct route_alias *a, const struct route_alias *b);
/* Whether some path of the alias is the gateway's own. */
bool alias_is_reserved(const struct route_alias *alias);
/* Whether the alias has the path; *ret_segment is the session's segment, as sent. */
bool alias_has_path(const struct route_alias *alias, struct http_text path,
		    struct http_text *ret_segment);

#endif /* GATEWAY_ROUTE_MAP_H */
