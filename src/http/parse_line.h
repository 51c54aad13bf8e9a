/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PARSE_LINE_H
#define HTTP_PARSE_LINE_H

/* The request line, and the hosts that it and the field Host name. */

#include "http/parse.h"

/*
 * Fills method, minor, path and query of *head; and host, if the target names one. @line is without
 * its end, and has no control characters but tabs.
 */
enum http_refusal http_parse_line(struct http_text line, struct http_head *head);

/*
 * A host, or a host, a colon and a port of 1 to 65535. Without a name of a user, and without
 * escapes.
 */
bool http_is_authority(struct http_text text);
/* The same letters in either case. */
bool http_are_same_hosts(struct http_text a, struct http_text b);

#endif /* HTTP_PARSE_LINE_H */
