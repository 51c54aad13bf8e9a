/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_LINES_H
#define GATEWAY_LINES_H

/*
 * The gateway's own log: one JSON object a line. No line has a payload, a query or a token; what
 * clients sent is cut and escaped.
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/base.h>

#include "http/text.h"

struct reprise_gateway;

struct line_request {
	const char *method, *peer;
	struct http_text path;
	int status; /* 0: the client went away before a response */
	uint64_t duration_ns;
};

/* Whether requests have lines: there is an own log, and not of failures alone. */
bool line_tells_requests(const struct reprise_gateway *gateway);
void line_request(struct reprise_gateway *gateway, const struct line_request *line);
/* @event is a word; @error may be NULL, and makes the level "error". */
void line_event(struct reprise_gateway *gateway, const char *event,
		const struct reprise_error *error);

#endif /* GATEWAY_LINES_H */
