/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SESSIONS_H
#define REPRISE_SESSIONS_H

/* reprise/sessions.h - the sessions of a store: to have a window made for one without writing to it */

#include <reprise/base.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_session_create - see to it that a session has a window
 *
 * For a host that comes before the writer: from here on the session has cursors, and subscriptions follow it.
 * The session may have a window already, also one that has ended or has a writer; then nothing changes. (rule S10)
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, copied.
 * @options     Borrowed. NULL or 0 fields: the store's. is_shared says nothing here: it is the writer's.
 * @error       Optional: `what` names the bad argument, or the bound that is reached.
 *
 * Threads   Any.
 * Progress  A session that has a window: wait-free after the thread's first call on any store. Else it allocates and
 *           locks, and may evict. The store's first call starts its thread.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad id or option; or a store with a log, where a life begins with
 *                                its writer
 *           REPRISE_E_FULL       the store is at its bounds and everything is held; `what` says which
 *           REPRISE_E_FORKED     in the child of a fork
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     no random bytes or no thread to be had; nothing changed
 */
REPRISE_API reprise_status reprise_session_create(struct reprise_store *store,
						  const char *session_id,
						  const struct reprise_session_options *options,
						  struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SESSIONS_H */
