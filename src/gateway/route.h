/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

/* The table of routes: which path and method, which part answers, what it needs and takes. */

#include <stdint.h>

#include "gateway/access.h"
#include "gateway/request.h"
#include "http/parse.h"

#define ROUTE_REST "*"
#define ROUTE_NAME "?"

enum {
	ROUTE_ALLOW_BYTES = 64, /* of a value of Allow, with the NUL */
};

struct route {
	enum http_method method; /* GET stands for HEAD, too */
	const char *before;      /* of the session id: "/v1/sessions/"; or the whole path */
	/*
	 * Of the session id: "/events"; NULL: the route has no id. ROUTE_REST: the id is the whole
	 * rest of the path, with its slashes. ROUTE_NAME: the rest is one segment, and no id.
	 */
	const char *after;
	enum access_level level;
	uint32_t parameters; /* bit n: the parameter n of query.h is taken */
	const struct route_calls *calls;
};

/* Routes that a gateway leaves out. */
enum {
	ROUTES_WRITING = 1,
	ROUTES_VIEWER = 2,
};

/*
 * Finds the route of a head, and decodes the session id of the path, once. On failure *ret_code is
 * NO_ROUTE, BAD_SESSION_ID or METHOD, and of METHOD ret_allow has the value of Allow. An OPTIONS
 * for a path that exists is METHOD. @without has the bits of the routes that are left out.
 */
const struct route *route_find(const struct http_head *head, unsigned int without,
			       char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1],
			       enum error_code *ret_code, char ret_allow[ROUTE_ALLOW_BYTES]);
/* The same session id and the same methods for the paths of a route map. */
bool route_decode_session_id(struct http_text segment,
			     char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]);
/* Adds a method, and HEAD beside GET, to a value of Allow, unless the method is there. */
void route_allow(char allow[ROUTE_ALLOW_BYTES], enum http_method method);
/* The first row of the table whose part is @calls. */
const struct route *route_of(const struct route_calls *calls);
/* The rows of the table by number; NULL behind the last one. */
const struct route *route_row(size_t number);
/*
 * Parses the query, and chooses between the two forms of events: the answer is @route, or the route
 * of JSON pages in its place. NULL: *ret_words say what is wrong with the query.
 */
const struct route *route_choose(const struct route *route, const struct http_head *head,
				 struct query *query, const char **ret_words);

#endif /* GATEWAY_ROUTE_H */
