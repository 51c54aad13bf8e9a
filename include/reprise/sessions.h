/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SESSIONS_H
#define REPRISE_SESSIONS_H

/*
 * reprise/sessions.h - the sessions of a store: making, listing and following them
 *
 * A gateway for every session of a store follows the sessions' coming and going, and never polls:
 *
 *    reprise_sessions_subscribe(store, NULL, &changes, NULL);
 *    reprise_sessions_list(store, &list, NULL);        then takes in the sessions there
 *    reprise_next(changes, &event, &gap, NULL);        ... and the changes; after a gap, list again
 */

#include <reprise/base.h>
#include <reprise/session.h>
#include <reprise/store.h>
#include <reprise/subscription.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_session_list; /* opaque; see reprise_sessions_list */

/* The kinds of the events of reprise_sessions_subscribe. */
enum {
	REPRISE_SESSION_CAME = 1,  /* the session has a window from now on: created, or opened */
	REPRISE_SESSION_ENDED = 2, /* the writer has ended the session; the window stays */
	REPRISE_SESSION_GONE = 3,  /* the window has left the store, for `cause` */
};

/* Why a window has left the store. Later versions may add causes. */
typedef enum reprise_gone_cause {
	REPRISE_GONE_NOT,      /* the window has not left */
	REPRISE_GONE_REPLACED, /* the session had ended, and the next life begins: CAME follows */
	REPRISE_GONE_EVICTED,  /* another session needed the place */
	REPRISE_GONE_EXPIRED,  /* by reprise_sessions_expire_idle */
	REPRISE_GONE_INVALIDATED, /* by reprise_session_invalidate or reprise_sessions_invalidate */
	/* With a log: another process goes on with the session, or the log has gone back. */
	REPRISE_GONE_TAKEN_OVER,
} reprise_gone_cause;

/* The payload of these events, aligned to 8. Later versions may make the payload longer. */
struct reprise_session_change {
	struct reprise_incarnation incarnation; /* of the event's window */
	reprise_position first;                 /* the window's first position */
	reprise_position newest; /* the last position appended by then, or first - 1 */
	int32_t is_ended;        /* 1 in ENDED and in later events of the window */
	int32_t end_status;      /* the host's, when ended */
	reprise_gone_cause cause;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* NUL-terminated */
};

/*
 * reprise_sessions_list      - the sessions with a window
 * reprise_session_list_next  - the next one of a list
 * reprise_session_list_close - close a list
 *
 * A list has the sessions of one moment, in no order. The statistics of a session are of the moment
 * of handing out, or, if the window has left the store by then, of the window's last moment. Until
 * then the list keeps the window's memory, beyond the store's bounds. While a list is open the
 * store cannot be closed. (rule S12)
 *
 * @store      Borrowed until the list is closed.
 * @ret_list   Set on REPRISE_OK: owned, close with reprise_session_list_close.
 * @error      Optional: `what` names the bad argument.
 * @list       Borrowed. Closing moves the list; NULL is allowed there.
 * @ret_id     Room for the id and a closing NUL; set on REPRISE_OK.
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK, as by reprise_session_stats.
 *             May be NULL.
 *
 * Threads   sessions_list: any. next and close: any, one thread at a time.
 * Progress  sessions_list: allocates and locks, linear in the sessions. next: wait-free, except
 *           that the call gives back the memory of a session that has gone. close: linear in the
 *           sessions not handed out.
 * Ordering  Acquire: sessions known by the caller to have come are listed, and ends known by the
 *           caller are told.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  next: no session is left
 *           REPRISE_E_INVALID    a NULL argument or a bad size; the list does not move
 *           REPRISE_E_NO_MEMORY  sessions_list: nothing was listed
 *           REPRISE_E_FORKED     in the child of a fork, where closing does nothing
 */
REPRISE_API reprise_status reprise_sessions_list(struct reprise_store *store,
						 struct reprise_session_list **ret_list,
						 struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_session_list_next(
	struct reprise_session_list *list, char ret_id[REPRISE_SESSION_ID_BYTES_MAX + 1],
	struct reprise_session_stats *ret_stats) REPRISE_MUST_USE;
REPRISE_API void reprise_session_list_close(struct reprise_session_list *list);

/*
 * reprise_sessions_subscribe - follow the coming, ending and going of a store's sessions
 *
 * The subscription begins now, and works like any other: reprise_next, and every way to wait. Each
 * event is of a kind above, and the payload is a struct reprise_session_change. A host that
 * subscribes first and lists then misses nothing; a change between the two calls may be both listed
 * and told. The store keeps the newest 4,096 events of all sessions, in 1 MiB; a host that falls
 * behind gets a gap, and must list again. An end is told soon after reprise_writer_end, by the
 * store's thread, and before the going. The subscription never ends but in the child of a fork. The
 * events are not recorded, and the cursor is of no session: no other call takes the cursor. (rules
 * S13, S14)
 *
 * From the first such call on, until the store is closed, an opening and a going cost one append
 * more, and reprise_writer_end wakes the store's thread. The cost of reprise_append stays the
 * same.
 *
 * @store             Borrowed until the subscription is closed.
 * @options           Borrowed. NULL: every default. is_recorded_only must be 0.
 * @ret_subscription  Set on REPRISE_OK: owned, close with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument or option.
 *
 * Threads   Any.
 * Progress  Allocates and locks. The store's first session or such call starts its thread.
 * Ordering  Release and acquire: see above.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_NO_MEMORY  nothing was subscribed
 *           REPRISE_E_SYSTEM     no thread available; nothing was subscribed
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_sessions_subscribe(
	struct reprise_store *store, const struct reprise_subscription_options *options,
	struct reprise_subscription **ret_subscription,
	struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_sessions_expire_idle - release every session idle for longer than the age limit
 *
 * A session is idle since the last handle was closed, or since the creation; the age limit is the
 * session's own. The memory goes back to the system, and the session's cursors become unknown. The
 * store remembers the positions of some 200,000 released, evicted and invalidated windows, given 4
 * MiB of memory, so that a session opened again goes on above the old positions. (contracts A05,
 * A26, A27)
 *
 * @store      Borrowed.
 * @ret_count  The number of released sessions. May be NULL.
 *
 * Threads   Any.
 * Progress  Locks; linear in the idle sessions; waits for running look-ups.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_sessions_expire_idle(struct reprise_store *store,
							uint64_t *ret_count) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SESSIONS_H */
