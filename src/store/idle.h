/* SPDX-License-Identifier: MIT */
#ifndef STORE_IDLE_H
#define STORE_IDLE_H

/*
 * Sessions that nobody holds, and how they go: evicted when another needs their place, expired, or
 * declared void with those that are held. All of it under the store's lock.
 */

#include "store/session.h"

/* A new session has come into the table, with no handle. */
void idle_come(struct reprise_session *session);

/* A handle comes; a handle goes. The caller that lets go still has a reference. */
void idle_hold(struct reprise_session *session);
void idle_let_go(struct reprise_session *session);

/*
 * The same for a thread that has a reference, and for one that gives it up; false if it has left
 * the table.
 */
bool session_hold(struct reprise_session *session);
void session_let_go(struct reprise_session *session);

/*
 * Whether a session of @bytes can come in, in the place of @before if that is not NULL, and
 * the bound that says no.
 */
const char *idle_refusal(const struct reprise_store *store, uint64_t bytes,
			 const struct reprise_session *before);

/* Evicts until it can. */
void idle_make_room(struct reprise_store *store, uint64_t bytes, bool is_another);

/* @session is being replaced in the table by its next life. */
void idle_be_replaced(struct reprise_session *session);

/*
 * A window of @bytes comes into the table in the place of @before, and has its handles from here
 * on: whether it can, and that it does. Evicts others if it must.
 */
bool idle_has_room_for_heir(const struct reprise_session *before, uint64_t bytes);
void idle_inherit(struct reprise_session *heir, struct reprise_session *before);

/* Takes @session out of the table, for @cause. The caller gives up the table's reference. */
void idle_leave(struct reprise_session *session, reprise_gone_cause cause);

/*
 * Gives up the table's references to a list of those that have left it; answers how many they were.
 */
uint64_t idle_unpin_gone(struct reprise_session *gone);

#endif /* STORE_IDLE_H */
