/* SPDX-License-Identifier: MIT */
#ifndef TOOL_ADDRESS_H
#define TOOL_ADDRESS_H

/*
 * The address of a gateway, or of a session of a gateway. Each of these forms is accepted, with
 * http or https, and with a prefix of the path where a proxy adds a prefix: (rule V88)
 *
 *   http://host:8470                        the gateway
 *   http://host:8470/v1/sessions            the same
 *   http://host:8470/v1/sessions/ID         a session; ID has escapes, such as %2F
 *   http://host:8470/v1/sessions/ID/events  the same
 *   http://host:8470/#/s/ID?cursor=C        the same: the address that the viewer shows
 */

#include <stdbool.h>
#include <stddef.h>

#include <reprise/cursor.h>

enum {
	ADDRESS_BASE_ROOM = 2048,
	/* The base, the path and an id in which each byte is an escape, and a query. */
	ADDRESS_URL_ROOM = ADDRESS_BASE_ROOM + 2048,
};

struct address {
	char base[ADDRESS_BASE_ROOM]; /* of the gateway, without a slash at the end */
	char session[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* or empty */
	char cursor[REPRISE_CURSOR_TEXT_BYTES_MAX];     /* of the viewer's address; or empty */
	bool is_from_newest;                            /* of the viewer's address */
};

/* Whether the text begins as an address of this kind does. */
bool address_is_url(const char *text);

/* Returns NULL, or the fault of the text in words. */
const char *address_parse(const char *text, struct address *ret_address);

/* Writes a text with escapes, three bytes for a byte at most. The rest is cut if the room ends. */
void address_escape(const char *text, char *ret_text, size_t room);

/*
 * Writes the URL of the sessions of the gateway, followed by @rest, such as "?limit=2".
 */
void address_of_sessions(const struct address *address, const char *rest,
			 char ret_url[ADDRESS_URL_ROOM]);

/*
 * Writes the URL of the session, followed by @rest, such as "/events?from=newest".
 */
void address_of_session(const struct address *address, const char *rest,
			char ret_url[ADDRESS_URL_ROOM]);

#endif /* TOOL_ADDRESS_H */
