/* SPDX-License-Identifier: MIT */
#ifndef STORE_ROSTER_H
#define STORE_ROSTER_H

/*
 * The roster: a window of the store's own, whose events say which sessions have come, ended and gone. It is there
 * from the first reprise_sessions_subscribe on, in no table, and is appended to under the store's lock. An end is
 * published by a writer that takes no lock, also in a signal handler: it hands the session's bell to the relay, and the
 * relay tells the end.
 *
 *   ring:A / follow:A   an end either sees the roster, or is seen by whoever lists the sessions after it has subscribed
 *   ring:A / told:A     the relay sees the end for which it was given the bell, also if it had the bell already
 */

#include <reprise/sessions.h>

#include "store/session.h"

/* Nobody has anything of the store any more. */
void roster_close(struct reprise_store *store);

/* The session has come into the table, or leaves it. Under the store's lock. */
void roster_tell_came(struct reprise_session *session);
void roster_tell_gone(struct reprise_session *session, reprise_gone_cause cause);

/* The session has ended, and its bell was rung. Its writer's; wait-free and signal-safe. */
void roster_pass_end(struct reprise_session *session);

/* The relay's: tells that the session has ended, if it has, once. The bell is not with the relay any more. */
void roster_tell_end(struct reprise_session *session);

#endif /* STORE_ROSTER_H */
