/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CURSOR_H
#define REPRISE_CURSOR_H

/*
 * reprise/cursor.h - a host's place in a session, as a value and as text
 *
 * A cursor means "after this event, in this life of this session". A cursor is a plain value: hosts
 * may copy and store the struct and compare the fields. The text of a cursor fits unchanged into an
 * HTTP header (SSE's Last-Event-ID), a URL or JSON:
 *
 *   rp1.<incarnation>.<revision>.<position>.<check>.<session id>
 *
 *   incarnation  32 lower-case hex digits     check       8 lower-case hex digits: CRC-32C of
 *   revision     decimal, no leading zeros                the text without ".<check>"
 *   position     decimal, no leading zeros    session id  bytes outside [A-Za-z0-9-] as ~XX
 *
 * The text consists of the characters [A-Za-z0-9._~-]. Each cursor has exactly one text, and each
 * valid text stands for exactly one cursor. Hosts treat the text as opaque: the order of texts has
 * no meaning. (contracts A01-A04)
 */

#include <reprise/base.h>

REPRISE_BEGIN_DECLARATIONS

enum {
	REPRISE_CURSOR_TEXT_BYTES_MAX = 512, /* with the closing NUL */
};

/*
 * Stands for "no revision". Appends refuse this value, no entry of a log has it, and no cursor from
 * the library carries it. (rules L25, L48)
 */
#define REPRISE_REVISION_UNKNOWN UINT64_MAX

/*
 * Identifies one life of a session's window. Each new window gets random bytes. All zero: no
 * window.
 */
struct reprise_incarnation {
	unsigned char bytes[16];
};

struct reprise_cursor {
	struct reprise_incarnation incarnation;
	uint64_t revision;         /* the durable revision reached, as given to appends */
	reprise_position position; /* the last event seen; 0: none */
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* NUL-terminated, see below */
};

/*
 * A session id is 1 to 128 bytes of valid UTF-8 without control characters (below U+0020, and
 * U+007F to U+009F). The library does not interpret the id.
 */

/*
 * reprise_cursor_parse - converts a text to a cursor
 *
 * @text        Borrowed. A closing NUL is not needed.
 * @text_bytes  Size of the text in bytes, without a NUL.
 * @ret_cursor  Set on REPRISE_OK.
 * @error       Optional. `byte` is the offset of the first wrong byte.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_MALFORMED_CURSOR  the text is not a text that reprise_cursor_format can write
 *           REPRISE_E_INVALID           a NULL argument
 */
REPRISE_API reprise_status reprise_cursor_parse(const char *text, size_t text_bytes,
						struct reprise_cursor *ret_cursor,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_cursor_format - writes the text of a cursor
 *
 * @cursor          Borrowed.
 * @ret_text        Buffer for the text and a closing NUL.
 * @text_bytes_max  Size of the buffer. REPRISE_CURSOR_TEXT_BYTES_MAX is always enough.
 * @ret_text_bytes  Set on REPRISE_OK to the size of the text without the NUL. May be NULL.
 * @error           Optional.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_TOO_LARGE  the buffer is too small; nothing was written
 *           REPRISE_E_INVALID    a NULL argument, or the cursor's session id is invalid
 */
REPRISE_API reprise_status reprise_cursor_format(const struct reprise_cursor *cursor,
						 char *ret_text, size_t text_bytes_max,
						 size_t *ret_text_bytes,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_cursor_check_session - checks whether a cursor belongs to a session
 *
 * @cursor      Borrowed.
 * @session_id  NUL-terminated.
 * @error       Optional. On REPRISE_E_WRONG_SESSION the struct has both ids.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_WRONG_SESSION  the cursor belongs to another session
 *           REPRISE_E_INVALID        a NULL argument, or an invalid session id
 */
REPRISE_API reprise_status
reprise_cursor_check_session(const struct reprise_cursor *cursor, const char *session_id,
			     struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CURSOR_H */
