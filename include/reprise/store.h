/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_STORE_H
#define REPRISE_STORE_H

/*
 * reprise/store.h - the live windows of many sessions
 *
 * A store holds sessions by id. Each session has a window: a ring of the newest events, bounded by
 * count, by bytes and by age, and an incarnation that names the session's present life. A writer
 * (session.h) appends; any number of subscriptions (subscription.h) follow. The writer and each
 * subscription hold the session. A session without any holder is idle, and stays until evicted,
 * expired or declared void.
 *
 *            floor   oldest                        newest
 *              |       |                              |
 *    1 2 .. 38 39 40 [41][42][43] .. [103][104][105][106]
 *      ^                            retained = above oldest - 1 and above the floor
 *      a subscription here gets the gap 3..40, then event 41
 *
 * A store belongs to the process that opened it. In the child of a fork every call that returns a
 * status answers REPRISE_E_FORKED, reprise_next answers ENDED with REPRISE_END_STORE, and closing
 * closes the descriptors of subscriptions and does nothing else. Borrowed payloads and reservations
 * are not there. The child may open new stores: for such stores, the library registers liburcu-bp's
 * handlers with pthread_atfork, and the program must not register the handlers again. A process may
 * hold several copies of the library, shared and static: copies are safe together, also at a fork,
 * and each copy has separate stores and handles. A used library stays mapped after dlclose.
 * (rules X01 to X03)
 *
 * A thread's first call on any store registers the thread with liburcu. liburcu takes a page for
 * the first thread, and more pages for more threads at a time, and ends the process if the system
 * refuses a page.
 *
 * A host with liburcu-bp read sections must not wait inside a read section for any action of the
 * store. The store's thread, which rings and calls back, waits for all read sections of the process
 * before giving back the memory of sessions, and so do reprise_invalidate_session,
 * reprise_invalidate_all and reprise_expire_idle.
 *
 * An event leaves the window when a newer event needs the place (capacity), when the event is older
 * than the age limit (age), or when a call trims the event (request).
 */

#include <reprise/base.h>
#include <reprise/cursor.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_store; /* opaque; see reprise_store_open */

/* See reprise_session_options. */
typedef enum reprise_when_full {
	REPRISE_WHEN_FULL_DEFAULT,   /* the store's; of a store: overwrite */
	REPRISE_WHEN_FULL_OVERWRITE, /* displace unrecorded events: the log will have a gap entry */
	REPRISE_WHEN_FULL_REFUSE,    /* answer REPRISE_E_FULL, and change nothing */
} reprise_when_full;

/*
 * The bounds of a window. 0 is the default. A session's own options (reprise_session_open) replace
 * the store's where they are not 0.
 */
struct reprise_session_options {
	size_t size; /* sizeof(struct reprise_session_options) */

	/*
	 * Events retained at most: exact. 1 or more; default 2048; REPRISE_NO_LIMIT: bytes alone.
	 */
	uint64_t events_max;

	/*
	 * Bytes retained at most, counting per event a header of 40 bytes, the payload rounded up
	 * to 8, and the unused rest at the arena's end. 256 .. 2 GiB; default 1 MiB; rounded up to
	 * a power of two, as the statistics say. The largest payload is 40 bytes less.
	 */
	uint64_t bytes_max;

	/*
	 * Age in nanoseconds beyond which an event is no longer handed out. 1 or more; default
	 * 120 s; REPRISE_NO_LIMIT. Judged with one tick (10 ms) of slack and applied lazily, by a
	 * call that subscribes, replays, asks for a cursor or trims.
	 */
	uint64_t age_ns_max;

	/* In a store with a log: the answer of an append that would displace unrecorded events. */
	reprise_when_full when_full;

	/* 1: any number of threads append through the one handle, at the same time (session.h). */
	int32_t is_shared;

	/*
	 * 1: the window remembers the keys of reprise_append_once (once.h), in 32 to 64 bytes for
	 * each of events_max.
	 */
	int32_t is_deduplicated;
	int32_t reserved; /* 0 */
};
#define REPRISE_SESSION_OPTIONS_INIT REPRISE_INIT(struct reprise_session_options)

/* The waker of sleeping threads when an event is appended. */
typedef enum reprise_wake {
	/*
	 * The append itself wakes the first thread in reprise_wait, and the store's thread if there
	 * are further sleepers; the store's thread wakes the rest: one system call if a thread
	 * sleeps, two at most. A recorder is a further sleeper while the session is silent.
	 */
	REPRISE_WAKE_RELAY,

	/* The store's thread looks every deferred_tick_ns: an append makes no system call, ever. */
	REPRISE_WAKE_DEFERRED,
} reprise_wake;

struct reprise_store_options {
	size_t size; /* sizeof(struct reprise_store_options) */

	/* The bounds of sessions without own options. Borrowed for the call; may be NULL. */
	const struct reprise_session_options *session;

	/* Copied; the context is borrowed until the store is closed. NULL: the library's own. */
	const struct reprise_allocator *allocator;

	/*
	 * Sessions in the table at most, and bytes counted for sessions: the memory reserved for
	 * each window, touched or not, and the control block; void windows still held count as
	 * well. A session beyond a bound takes the place of the session idle for longest. Defaults
	 * 1048576 and REPRISE_NO_LIMIT.
	 */
	uint64_t sessions_max;
	uint64_t bytes_max;

	reprise_wake wake;
	uint64_t deferred_tick_ns; /* 10,000 .. 3,600 s; default 200,000 */
};
#define REPRISE_STORE_OPTIONS_INIT REPRISE_INIT(struct reprise_store_options)

struct reprise_store_stats {
	size_t size;            /* sizeof(struct reprise_store_stats), set by the caller */
	uint64_t sessions;      /* windows in the table */
	uint64_t writers;       /* writer's handles open */
	uint64_t subscriptions; /* subscriptions open */
	uint64_t arena_bytes;   /* configured: reserved for windows, mostly untouched */
	uint64_t staging_bytes; /* configured: reserved for subscriptions, mostly untouched */
	uint64_t control_bytes; /* of sessions, subscriptions and the like */
	uint64_t asymmetric;    /* 1: sleepers pay the barrier (membarrier); 0: appends do */
	uint64_t sessions_idle; /* idle sessions in the table */
	uint64_t sessions_max;  /* as in force */
	uint64_t bytes;         /* bytes counted against bytes_max */
	uint64_t bytes_max;     /* as in force */
};
#define REPRISE_STORE_STATS_INIT REPRISE_INIT(struct reprise_store_stats)

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
	int32_t ended;             /* 1 after reprise_session_end */
	int32_t end_status;        /* the host's, when ended */
	int32_t has_writer;        /* 1 while a writer's handle is open */
	int32_t refuses;           /* 1: appends do not displace unrecorded events */
	reprise_position recorded; /* in a store with a log: all events up to here are recorded */
};
#define REPRISE_SESSION_STATS_INIT REPRISE_INIT(struct reprise_session_stats)

/*
 * reprise_store_open - an empty store
 *
 * @options    Borrowed. NULL: every default.
 * @ret_store  Set on REPRISE_OK: owned, close with reprise_store_close.
 * @error      Optional: `what` names the bad option, `os_error` the refused call.
 *
 * Threads   Setup.
 * Progress  Allocates; system calls (random bytes, membarrier).
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or an option out of its range
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_SYSTEM     no random bytes, or no page that a fork wipes; nothing was opened
 */
REPRISE_API reprise_status reprise_store_open(const struct reprise_store_options *options,
					      struct reprise_store **ret_store,
					      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_store_close - close a store with nothing open on it
 *
 * @store  Moves. NULL is allowed.
 *
 * Threads   Setup: no other call on the store may be running.
 * Progress  Blocks until the store's thread has stopped and reclaimed memory is back.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_BUSY     writers, subscriptions, groups, lists or a recorder are open;
 *                              nothing was closed
 *           REPRISE_E_INVALID  called from inside a callback; nothing was closed
 *           REPRISE_E_FORKED   in the child of a fork; nothing was closed
 */
REPRISE_API reprise_status reprise_store_close(struct reprise_store *store) REPRISE_MUST_USE;

/*
 * reprise_store_stats - counts of a store
 *
 * @store      Borrowed.
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Locks briefly.
 * Ordering  None: each count alone is right at some moment of the call.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_store_stats(
	struct reprise_store *store, struct reprise_store_stats *ret_stats) REPRISE_MUST_USE;

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
 * reprise_current_cursor - the cursor before the first event newer than a revision
 *
 * For a host that has just read the durable state at @revision. The cursor stands just before the
 * first retained event with a greater revision, else at the newest position. If an event with a
 * greater revision has already left the window, the cursor stands before the window's first
 * position, so that an ordinary gap tells the host. An unknown session stays unknown:
 * reprise_session_create (sessions.h) makes a window before the writer comes.
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
REPRISE_API reprise_status
reprise_current_cursor(struct reprise_store *store, const char *session_id, uint64_t revision,
		       struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

/*
 * reprise_earliest_cursor - the cursor before every retained event
 *
 * The cursor of reprise_earliest_cursor stands just before the oldest retained event, or at the
 * newest position when no event is retained. REPRISE_REVISION_UNKNOWN is replaced as by
 * reprise_current_cursor. (contracts A23)
 *
 * Threads   Any.
 * Progress  Wait-free (after the thread's first call on any store).
 * Ordering  Acquire: events known by the caller to be appended are counted.
 * Returns   As reprise_current_cursor.
 */
REPRISE_API reprise_status
reprise_earliest_cursor(struct reprise_store *store, const char *session_id, uint64_t revision,
			struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

/*
 * reprise_trim_session - apply the age limit now
 * reprise_trim_to      - drop every event at or below a position
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
REPRISE_API reprise_status reprise_trim_session(struct reprise_store *store,
						const char *session_id) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_trim_to(struct reprise_store *store, const char *session_id,
					   reprise_position position) REPRISE_MUST_USE;

/*
 * reprise_invalidate_session - declare a session's window void
 * reprise_invalidate_all     - declare every window void
 *
 * For a host whose streamed events are no longer true. No event of the window is handed out any
 * more. The window's subscriptions get a gap UNAVAILABLE (invalidated) and, unless continuous,
 * ENDED INVALIDATED. The window's cursors are never valid again, and the writer gets
 * REPRISE_E_CLOSED. The session may be opened again at once, as a new life with positions that go
 * on above the old life's. (contracts A09, A20)
 *
 * In a store with a log (recorder.h) the call waits until the log knows on disk that the life is
 * void: on REPRISE_OK no process ever heals a cursor of the life, whatever happens to this process.
 * The recorder's option invalidates_async leaves out the wait. (rule L45)
 *
 * @store       Borrowed.
 * @session_id  NUL-terminated, borrowed. Unknown: nothing to do.
 *
 * Threads   Any.
 * Progress  Locks; linear in the sessions (all), and waits for running look-ups. For a session with
 *           sleeping subscriptions two system calls at most. With a log: then blocks for one
 *           transaction, at most for the recorder's deadline_ns.
 * Ordering  A later reprise_next, reprise_append or request for a cursor sees the void window. An
 *           append at the same time may answer REPRISE_OK: the event is counted nowhere.
 * Returns   REPRISE_OK
 *           REPRISE_E_TIMEOUT  with a log: the window is void in this process, but the log could
 *                              not be told within deadline_ns. The recorder goes on trying; if the
 *                              process dies before the recorder succeeds, other processes heal the
 *                              life's cursors.
 *           REPRISE_E_INVALID  a NULL argument or a bad id
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_invalidate_session(struct reprise_store *store,
						      const char *session_id) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_invalidate_all(struct reprise_store *store) REPRISE_MUST_USE;

/*
 * reprise_expire_idle - release every session idle for longer than the age limit
 *
 * A session is idle since the last handle was closed, or since the creation; the age limit is the
 * session's own. The memory goes back to the system, and the session's cursors become unknown. The
 * store remembers the positions of some 200,000 released, evicted and void windows, given 4 MiB of
 * memory, so that a session opened again goes on above the old positions. (contracts A05, A26, A27)
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
REPRISE_API reprise_status reprise_expire_idle(struct reprise_store *store,
					       uint64_t *ret_count) REPRISE_MUST_USE;

/*
 * reprise_stamp_set - keep the store's clock by hand from now on
 *
 * Appends stamp events with the store's stamp word; the store's thread keeps the word near
 * CLOCK_MONOTONIC (10 ms). From the first call on the word is the caller's: appends stamp the
 * caller's value, and age is judged against the value. For tests, and for hosts with a separate
 * clock. Stamps of one session never decrease, whatever the caller sets.
 *
 * A stamp is a time in nanoseconds on a clock of the caller's, which may begin anywhere:
 * CLOCK_MONOTONIC, UTC since 1970, and a simulated clock are all good. In a log an event's time is
 * UTC: the time of the recording, less the age of the event's stamp against the stamp set last. So
 * a caller that sets the stamp every 10 ms gets times in the log right within 10 ms and the
 * recorder's linger. The stamp of an event healed from the log is computed back from the time in
 * the log, and equals the stamp in the ring, unless the wall clock or the caller's clock was
 * stepped since.
 *
 * @store     Borrowed.
 * @stamp_ns  Below 2^63.
 *
 * Threads   Any.
 * Progress  May lock briefly.
 * Ordering  Appends after the call stamp this value or a later value.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a stamp of 2^63 or more
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_stamp_set(struct reprise_store *store,
					     uint64_t stamp_ns) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_STORE_H */
