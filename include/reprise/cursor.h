/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CURSOR_H
#define REPRISE_CURSOR_H

/*
 * reprise/cursor.h - where a host stands in a session, as a value and as text
 *
 * A cursor means "after this event of this life of this session". It is a plain value: copy it,
 * keep it, compare its fields. Its text goes into an HTTP header (SSE's Last-Event-ID), a URL or
 * JSON as it is:
 *
 *   rp1.<incarnation>.<revision>.<position>.<check>.<session id>
 *
 *   incarnation  32 lower-case hex digits     check       8 lower-case hex digits: CRC-32C of
 *   revision     decimal, no leading zeros                the text without ".<check>"
 *   position     decimal, no leading zeros    session id  bytes outside [A-Za-z0-9-] as ~XX
 *
 * Only [A-Za-z0-9._~-] occur. One cursor has exactly one text and the reverse. Hosts treat the
 * text as opaque; no order of texts is promised. (contracts A01-A04)
 */

#include <reprise/base.h>

REPRISE_BEGIN_DECLARATIONS

enum {
	REPRISE_CURSOR_TEXT_BYTES_MAX = 512, /* with the closing NUL */
};

/* No revision: no append takes it, no entry of a log has it, and no cursor of the library carries it. (rules L25, L48) */
#define REPRISE_REVISION_UNKNOWN UINT64_MAX

/* One life of a session's window: random, new at every creation. All zero: no live window. */
struct reprise_incarnation {
	unsigned char bytes[16];
};

struct reprise_cursor {
	struct reprise_incarnation incarnation;
	uint64_t revision;         /* the durable point reached, as appends gave it */
	reprise_position position; /* the event that was seen last; 0 for none */
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* NUL-terminated, see below */
};

/*
 * A session id is 1 to 128 bytes of valid UTF-8 without control characters (below U+0020, and
 * U+007F to U+009F). The library never looks inside it.
 */

/*
 * reprise_cursor_parse - the cursor that a text stands for
 *
 * @text        Borrowed; need not end in NUL.
 * @text_bytes  Its size in bytes, without a NUL.
 * @ret_cursor  Set on REPRISE_OK.
 * @error       Optional: `byte` is the first byte that is wrong.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_MALFORMED_CURSOR  anything that format does not write
 *           REPRISE_E_INVALID           a NULL argument
 */
REPRISE_API reprise_status reprise_cursor_parse(const char *text, size_t text_bytes,
						struct reprise_cursor *ret_cursor,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_cursor_format - the one text of a cursor
 *
 * @cursor          Borrowed.
 * @ret_text        Room for the text and a closing NUL.
 * @text_bytes_max  The room's size; REPRISE_CURSOR_TEXT_BYTES_MAX is always enough.
 * @ret_text_bytes  Set on REPRISE_OK to the size without the NUL. May be NULL.
 * @error           Optional.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_TOO_LARGE  the room is too small; nothing was written
 *           REPRISE_E_INVALID    a NULL argument, or the cursor's session id is none
 */
REPRISE_API reprise_status reprise_cursor_format(const struct reprise_cursor *cursor,
						 char *ret_text, size_t text_bytes_max,
						 size_t *ret_text_bytes,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_cursor_for_session - check that a cursor belongs to a session
 *
 * @cursor      Borrowed.
 * @session_id  NUL-terminated.
 * @error       Optional: both ids on REPRISE_E_WRONG_SESSION.
 *
 * Threads   Any.
 * Progress  Wait-free; reads no store.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_WRONG_SESSION  it belongs to another session
 *           REPRISE_E_INVALID        a NULL argument, or an id that is none
 */
REPRISE_API reprise_status reprise_cursor_for_session(const struct reprise_cursor *cursor,
						      const char *session_id,
						      struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CURSOR_H */
