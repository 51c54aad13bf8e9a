/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_ONCE_H
#define REPRISE_ONCE_H

/* reprise/once.h - appends that may be repeated, and count once */

#include <reprise/base.h>
#include <reprise/writer.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_append_once - publish one event, unless an event of the same key is retained
 *
 * For a session opened with is_deduplicated. The window remembers a key as long as the key's event
 * is retained, also after the session's end and for the next writer; a log is not asked. An append
 * with a known key and the same payload answers the first append's position, and appends nothing;
 * revision, kind and flags are not compared. Events of other appends have no key.
 * (rules W06 to W09)
 *
 * @writer        An open writer's handle, shared or not.
 * @key           The host's: any 64 bits.
 * @revision, @kind, @flags, @payload  As reprise_append.
 * @ret_position  Set on REPRISE_OK: the event's, whichever append brought it. May be NULL.
 * @ret_is_new    Set on REPRISE_OK: 1 if this call appended the event, else 0. May be NULL.
 *
 * Threads   Writer.
 * Progress  As reprise_append on the same handle. The look-up takes a few steps, at most as many as
 *           retained events. Signal-safe.
 * Ordering  Release, as reprise_append.
 * Returns   REPRISE_OK
 *           REPRISE_E_CONFLICT  the key's event has another payload; nothing changed
 *           REPRISE_E_INVALID   the session was not opened with is_deduplicated; or as
 *                               reprise_append
 *           or as reprise_append on the same handle; an ended or full session refuses new keys
 *           alone
 */
REPRISE_API reprise_status reprise_append_once(struct reprise_writer *writer, uint64_t key,
					       uint64_t revision, uint16_t kind, uint16_t flags,
					       struct reprise_bytes payload,
					       reprise_position *ret_position,
					       int32_t *ret_is_new) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_ONCE_H */
