/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_STORE_H
#define REPRISE_STORE_H

/*
 * reprise/store.h - the live windows of many sessions
 *
 * A store holds sessions by id. Each session has a window: a ring of the newest events, bounded by
 * count, by bytes and by age, and an incarnation that names the session's present life. A writer
 * (writer.h) appends; any number of subscriptions (subscription.h) follow. The writer and each
 * subscription hold the session. A session without any holder is idle, and stays until evicted,
 * expired or invalidated.
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
 * store. The store's thread, which notifies hosts, waits for all read sections of the process
 * before giving back the memory of sessions, and so do reprise_session_invalidate,
 * reprise_sessions_invalidate and reprise_sessions_expire_idle.
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
 * The bounds of a window. 0 is the default. A session's own options (reprise_writer_open) replace
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

	/* 1: any number of threads append through the one handle, at the same time (writer.h). */
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
	 * each window, touched or not, and the control block; invalidated windows still held
	 * count as well. A session beyond a bound takes the place of the session idle for longest.
	 * Defaults 1048576 and REPRISE_NO_LIMIT.
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
