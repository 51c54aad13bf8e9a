/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SESSION_H
#define REPRISE_SESSION_H

/*
 * reprise/session.h - one session of a store, by id
 *
 * The calls of a host without a handle: statistics, cursors, trims, invalidation, and the append to
 * a session by id. The runtime's handle for appending is in writer.h.
 */

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/store.h>
#include <reprise/writer.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_session_create - give a session a window, unless the session has one
 *
 * For a host that comes before the writer: from here on the session has cursors, and subscriptions
 * follow the session. The session may have a window already, also an ended window or a window with
 * a writer; then nothing changes. The options of the writer's opening replace the options of this
 * call, as long as nothing was appended. (rules S10, S11)
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, copied.
 * @options     Borrowed. NULL or 0 fields: the store's. is_shared says nothing here: the writer
 *              sets is_shared.
 * @error       Optional: `what` names the bad argument, or the reached bound.
 *
 * Threads   Any.
 * Progress  For a session with a window: wait-free after the thread's first call on any store.
 *           Otherwise the call allocates and locks, and may evict. The store's first call starts
 *           its thread.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad id or option; or a store with a log, where
 *                                a life begins with a writer
 *           REPRISE_E_FULL       the store is at a bound and every session is held; `what` names
 *                                the bound
 *           REPRISE_E_FORKED     in the child of a fork
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     no random bytes or no thread available; nothing changed
 */
REPRISE_API reprise_status reprise_session_create(struct reprise_store *store,
						  const char *session_id,
						  const struct reprise_session_options *options,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_session_append - publish one event in a session named by id
 *
 * For hosts without handles. If the session has a shared writer (is_shared), the shared writer
 * appends the event. If the session has no writer, or does not exist, the call opens the session
 * for this event and closes the session again. In a store with a log such an opening is a
 * transaction, so a host should keep a shared writer open there.
 *
 * @store         An open store.
 * @session_id    NUL-terminated.
 * @revision, @kind, @flags, @payload, @ret_position  As reprise_append.
 *
 * Threads   Any, any number at once.
 * Progress  With a shared writer as reprise_append, after a wait-free look-up. Otherwise as
 *           reprise_writer_open and reprise_writer_close.
 * Ordering  Release, as reprise_append.
 * Returns   every status of reprise_append on a shared writer and of reprise_writer_open, with
 *           REPRISE_E_BUSY     the session has a writer, but not a shared writer
 *           REPRISE_E_CLOSED   the session has ended
 *           REPRISE_E_TIMEOUT  other threads kept this thread out for 1 s, or, without a shared
 *                              writer in a store with a log, for 30 s; nothing changed
 */
REPRISE_API reprise_status reprise_session_append(struct reprise_store *store,
						  const char *session_id, uint64_t revision,
						  uint16_t kind, uint16_t flags,
						  struct reprise_bytes payload,
						  reprise_position *ret_position) REPRISE_MUST_USE;

struct reprise_session_stats {
	size_t size; /* sizeof(struct reprise_session_stats), set by the caller */
	struct reprise_incarnation incarnation;
	reprise_position first;    /* the window's first position, retained or not */
	reprise_position oldest;   /* the oldest retained position, or newest + 1 */
	reprise_position newest;   /* the last appended position, or first - 1 */
	uint64_t retained;         /* newest - oldest + 1 */
	uint64_t events_max;       /* as in force */
	uint64_t bytes_max;        /* as in force, rounded */
	uint64_t age_ns_max;       /* as in force */
	uint64_t subscriptions;    /* open on this window */
	uint64_t wakes;            /* system calls made by any thread to wake a sleeper */
	int32_t ended;             /* 1 after reprise_writer_end */
	int32_t end_status;        /* the host's, when ended */
	int32_t has_writer;        /* 1 while a writer's handle is open */
	int32_t refuses;           /* 1: appends do not displace unrecorded events */
	reprise_position recorded; /* in a store with a log: all events up to here are recorded */
};
#define REPRISE_SESSION_STATS_INIT REPRISE_INIT(struct reprise_session_stats)

/*
 * reprise_session_stats - counts of one window
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, borrowed.
 * @ret_stats   `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Wait-free after the thread's first call on any store, which may allocate and lock.
 * Ordering  Acquire for oldest and newest: newest + 1 >= oldest.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no window of the id
 *           REPRISE_E_INVALID    a NULL argument, a bad size or id
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status
reprise_session_stats(struct reprise_store *store, const char *session_id,
		      struct reprise_session_stats *ret_stats) REPRISE_MUST_USE;

/*
 * reprise_session_current_cursor - the cursor before the first event newer than a revision
 *
 * For a host that has just read the durable state at @revision. The cursor stands just before the
 * first retained event with a greater revision, else at the newest position. If an event with a
 * greater revision has already left the window, the cursor stands before the window's first
 * position, so that an ordinary gap tells the host. An unknown session stays unknown:
 * reprise_session_create makes a window before the writer comes.
 * (contracts A13, A22, S10)
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, borrowed.
 * @revision    Carried by the cursor. REPRISE_REVISION_UNKNOWN: the cursor stands at the newest
 *              position, and carries the greatest revision of the events up to there (rule L25).
 * @ret_cursor  Set on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Wait-free (after the thread's first call on any store); at most 2
 *           (log2(events_max) + 1) looks at records.
 * Ordering  Acquire: events known by the caller to be appended are judged.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad id
 *           REPRISE_E_NOT_FOUND  no window of the id; in a store with a log:
 *                                reprise_log_current_cursor
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_session_current_cursor(
	struct reprise_store *store, const char *session_id, uint64_t revision,
	struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

/*
 * reprise_session_earliest_cursor - the cursor before every retained event
 *
 * The cursor of reprise_session_earliest_cursor stands just before the oldest retained event, or at
 * the newest position when no event is retained. REPRISE_REVISION_UNKNOWN is replaced as by
 * reprise_session_current_cursor. (contracts A23)
 *
 * Threads   Any.
 * Progress  Wait-free (after the thread's first call on any store).
 * Ordering  Acquire: events known by the caller to be appended are counted.
 * Returns   As reprise_session_current_cursor.
 */
REPRISE_API reprise_status reprise_session_earliest_cursor(
	struct reprise_store *store, const char *session_id, uint64_t revision,
	struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

/*
 * reprise_session_trim    - apply the age limit now
 * reprise_session_trim_to - drop every event at or below a position
 *
 * Neither call forgets the newest position or ends a subscription: a subscription still below gets
 * a gap.
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, borrowed. Unknown: nothing to do.
 * @position    Clamped to the newest position.
 *
 * Threads   Any.
 * Progress  Lock-free (after the thread's first call on any store).
 * Ordering  Release: a later look by a subscription no longer hands these events out.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad id
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_session_trim(struct reprise_store *store,
						const char *session_id) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_session_trim_to(struct reprise_store *store,
						   const char *session_id,
						   reprise_position position) REPRISE_MUST_USE;

/*
 * reprise_session_invalidate  - declare a session's window invalid
 * reprise_sessions_invalidate - declare every window invalid
 *
 * For a host whose streamed events are no longer true. No event of the window is handed out any
 * more. The window's subscriptions get a gap UNAVAILABLE (invalidated) and, unless continuous,
 * ENDED INVALIDATED. The window's cursors are never valid again, and the writer gets
 * REPRISE_E_CLOSED. The session may be opened again at once, as a new life with positions that go
 * on above the old life's. (contracts A09, A20)
 *
 * In a store with a log (recorder.h) the call waits until the log knows on disk that the life is
 * invalidated: on REPRISE_OK no process ever heals a cursor of the life, whatever happens to this
 * process. The recorder's option invalidates_async leaves out the wait. (rule L45)
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, borrowed. Unknown: nothing to do.
 *
 * Threads   Any.
 * Progress  Locks; linear in the sessions (all), and waits for running look-ups. For a session with
 *           sleeping subscriptions two system calls at most. With a log: then blocks for one
 *           transaction, at most for the recorder's deadline_ns.
 * Ordering  A later reprise_next, reprise_append or request for a cursor sees the invalidated
 *           window. An append at the same time may answer REPRISE_OK: the event is counted nowhere.
 * Returns   REPRISE_OK
 *           REPRISE_E_TIMEOUT  with a log: the window is invalidated in this process, but the log
 *                              could not be told within deadline_ns. The recorder goes on
 *                              trying; if the process dies before the recorder succeeds, other
 *                              processes heal the life's cursors.
 *           REPRISE_E_INVALID  a NULL argument or a bad id
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_session_invalidate(struct reprise_store *store,
						      const char *session_id) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_sessions_invalidate(struct reprise_store *store)
	REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SESSION_H */
