/* SPDX-License-Identifier: MIT */
#ifndef STORE_ROSTER_H
#define STORE_ROSTER_H

/*
 * The roster: a window of the store's own, with events for sessions that have come, ended and gone.
 * The roster exists from the first reprise_sessions_subscribe on, in no table; appends to the
 * roster are under the store's lock. An end is published by a writer without a lock, also in a
 * signal handler: the writer hands the session's bell to the relay, and the relay tells the end.
 *
 *   ring:A / follow:A   an end either sees the roster, or a list made after the subscription sees
 *                       the end
 *   ring:A / told:A     the relay sees the end for which the bell came, also if the bell was with
 *                       the relay already
 */

#include <reprise/sessions.h>

#include "store/session.h"

/* Nothing of the store is in use any more. */
void roster_close(struct reprise_store *store);

/* The session has come into the table, or leaves it. Under the store's lock. */
void roster_tell_came(struct reprise_session *session);
void roster_tell_gone(struct reprise_session *session, reprise_gone_cause cause);

/*
 * The session has ended, and the bell was rung. For the session's writer; wait-free and
 * signal-safe.
 */
void roster_pass_end(struct reprise_session *session);

/* The relay's: tells the end of an ended session, once. The bell is not with the relay any more. */
void roster_tell_end(struct reprise_session *session);

#endif /* STORE_ROSTER_H */
