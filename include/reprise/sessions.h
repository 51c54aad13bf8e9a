/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SESSIONS_H
#define REPRISE_SESSIONS_H

/*
 * reprise/sessions.h - the sessions of a store: making, listing and following them
 *
 * A gateway that serves every session of a store follows their coming and going, and never polls:
 *
 *    reprise_sessions_subscribe(store, NULL, &changes, NULL);
 *    reprise_sessions_list(store, &list, NULL);        then takes in what is there
 *    reprise_next(changes, &event, &gap, NULL);        ... and what changes; after a gap it lists again
 */

#include <reprise/base.h>
#include <reprise/session.h>
#include <reprise/store.h>
#include <reprise/subscription.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_session_list; /* opaque; see reprise_sessions_list */

/* The kinds of the events that reprise_sessions_subscribe gives. */
enum {
	REPRISE_SESSION_CAME = 1,  /* it has a window from now on: it was created, or opened */
	REPRISE_SESSION_ENDED = 2, /* its writer has ended it; the window stays */
	REPRISE_SESSION_GONE = 3,  /* its window has left the store, for `cause` */
};

/* Why a window has left the store. More may be added in later versions. */
typedef enum reprise_gone_cause {
	REPRISE_GONE_NOT,         /* it has not */
	REPRISE_GONE_REPLACED,    /* it had ended, and the next life begins: CAME follows */
	REPRISE_GONE_EVICTED,     /* another session needed its place */
	REPRISE_GONE_EXPIRED,     /* by reprise_expire_idle */
	REPRISE_GONE_INVALIDATED, /* by reprise_invalidate_session, or _all */
	REPRISE_GONE_TAKEN_OVER, /* in a store with a log: another process goes on with the session */
} reprise_gone_cause;

/* The payload of those events, aligned to 8. Later versions may make it longer. */
struct reprise_session_change {
	struct reprise_incarnation incarnation; /* of the window that the event is about */
	reprise_position first;                 /* the window's first position */
	reprise_position newest;                /* the last appended by then, or first - 1 */
	int32_t is_ended;                       /* ENDED has told so, or this is it */
	int32_t end_status;                     /* the host's, when ended */
	reprise_gone_cause cause;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* NUL-terminated */
};

/*
 * reprise_session_create - see to it that a session has a window
 *
 * For a host that comes before the writer: from here on the session has cursors, and subscriptions follow it.
 * The session may have a window already, also one that has ended or has a writer; then nothing changes. The options
 * of the writer's opening replace those of this call, as long as nothing was appended. (rules S10, S11)
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

/* What an opening has found, and what is in force. */
struct reprise_session_opened {
	size_t size;       /* sizeof(struct reprise_session_opened), set by the caller */
	int32_t is_joined; /* 1: the window was there, and its life goes on */
	int32_t is_rebuilt; /* 1: and nothing was in it, so that it has got the bounds that were asked for */
	uint64_t events_max; /* as in force, as by reprise_session_stats */
	uint64_t bytes_max;
	uint64_t age_ns_max;
	int32_t is_shared; /* as asked for, or the store's */
	int32_t refuses;
};
#define REPRISE_SESSION_OPENED_INIT REPRISE_INIT(struct reprise_session_opened)

/*
 * reprise_session_opened - whether a writer has joined a window, and which bounds are in force
 *
 * @session     An open writer's handle.
 * @ret_opened  `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Writer.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_session_opened(struct reprise_session *session,
						  struct reprise_session_opened *ret_opened)
	REPRISE_MUST_USE;

/*
 * reprise_sessions_list      - which sessions have a window
 * reprise_session_list_next  - the next one of a list
 * reprise_session_list_close - give a list up
 *
 * A list has the sessions of one moment, in no order. What each holds is told as it is handed out, and of a window
 * that has left the store by then as the window was last. Until then the list keeps the window's memory, beyond the
 * store's bounds. While a list is open the store cannot be closed. (rule S12)
 *
 * @store      Borrowed until the list is closed.
 * @ret_list   Set on REPRISE_OK: owned, close it with reprise_session_list_close.
 * @error      Optional: `what` names the bad argument.
 * @list       Borrowed. Closing moves it; NULL is allowed there.
 * @ret_id     Room for the id and a closing NUL; set on REPRISE_OK.
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK, as by reprise_session_stats. May be NULL.
 *
 * Threads   sessions_list: any. The other two: one thread at a time, whichever.
 * Progress  sessions_list: allocates and locks, linear in the sessions. next: wait-free, but that it gives back the
 *           memory of a session that has gone. close: linear in the sessions that were not handed out.
 * Ordering  Acquire: sessions that the caller knows to have come are listed, and ends that it knows of are told.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  next: that was all
 *           REPRISE_E_INVALID    a NULL argument or a bad size; the list stays where it is
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
 * The subscription begins now, and is one like any other: reprise_next, its doors, reprise_wait. Each event is of a kind
 * above, and its payload is a struct reprise_session_change. A host that subscribes first and lists then misses
 * nothing; what happens between the two may be both listed and told. The store keeps the newest 4,096 events of all
 * sessions, in 1 MiB; a host that falls behind gets a gap, and lists again. An end is told soon after
 * reprise_session_end, by the store's thread, and before the going. The subscription never ends but in the child of a fork. It is not
 * recorded, and its cursor is of no session: no other call takes it. (rules S13, S14)
 *
 * From the first such call on, until the store is closed, an opening and a going cost one append more, and
 * reprise_session_end wakes the store's thread. reprise_append costs the same as ever.
 *
 * @store             Borrowed until the subscription is closed.
 * @options           Borrowed. NULL: every default. Its is_recorded_only is 0.
 * @ret_subscription  Set on REPRISE_OK: owned, close it with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument or option.
 *
 * Threads   Any.
 * Progress  Allocates and locks. The store's first session or such call starts its thread.
 * Ordering  Release and acquire: see above.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_NO_MEMORY  nothing was subscribed
 *           REPRISE_E_SYSTEM     no thread to be had; nothing was subscribed
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_sessions_subscribe(
	struct reprise_store *store, const struct reprise_subscription_options *options,
	struct reprise_subscription **ret_subscription,
	struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SESSIONS_H */
