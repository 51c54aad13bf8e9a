/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SESSION_H
#define REPRISE_SESSION_H

/*
 * reprise/session.h - the writer's side of a session
 *
 * One writer at a time appends to a session. An append never waits for anybody: it replaces the
 * oldest events even while a slow subscription copies them, and that subscription is told exactly
 * what it lost. A writer may move between threads when the host orders its calls. Threads that do
 * not, and append at once, abort the process within about a second of that; so does a call on a handle
 * that was closed, unless the session's window has gone or somebody else has opened it since.
 *
 * Shared writers. A session that is opened with is_shared has one handle for any number of threads: each may
 * call reprise_append, _appendv, _append_batch, reprise_session_end, _cursor, _wait_room and _set_overwrite at any time. Each event and
 * each batch is whole, and positions have one order. A reservation is REPRISE_E_INVALID. While no two threads append at the
 * same moment an append is wait-free, without a system call. Otherwise a thread waits until the others have
 * left, first by looking, then asleep. A thread that is stopped inside an append keeps the others out; each of them answers
 * REPRISE_E_TIMEOUT after one second, and nothing changed. So does a thread that finds no turn for a second. A
 * signal handler that interrupts an append on the same session gets REPRISE_E_BUSY. To close the handle no thread
 * may be inside a call with it. (rules W01 to W05)
 *
 * Signal handlers. The calls marked "signal-safe" may be made from a handler, on a session that no
 * interrupted call can be working on: one that handlers alone append to, or one whose appends
 * block the signal. They take no lock, allocate nothing and leave errno alone.
 */

#include <sys/uio.h>

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_session; /* opaque: the writer's handle; see reprise_session_open */

/* Event flags: bit 0 as below, bits 1-7 the library's (0 in what is appended), 8-15 the host's. */
enum {
	REPRISE_EVENT_COMMIT = 1, /* this event brings the durable state to its revision */
};

/* An event that is to be appended. */
struct reprise_new_event {
	uint64_t revision; /* the durable point it belongs to; need not grow */
	uint16_t kind;     /* the host's */
	uint16_t flags;
	struct reprise_bytes payload; /* borrowed for the call and copied; may be empty */
};

/*
 * reprise_session_open - become the writer of a session
 *
 * Creates the session's window, or joins the one that is there: after reprise_session_create, or
 * after another writer has closed. A window that has ended is replaced by a new one (a new
 * incarnation) whose positions go on above it.
 *
 * @store        Borrowed until the handle is closed.
 * @session_id   NUL-terminated, copied.
 * @options      Borrowed. NULL or 0 fields: the store's. They shape a window that this call creates, and one that
 *               is there and to which nothing was ever appended: its cursors and subscriptions stay good. A window with
 *               events keeps its bounds, as does a window in a store with a log; when_full and is_shared hold in any
 *               case. reprise_session_opened (sessions.h) tells what is in force. (rule S11)
 * @ret_session  Set on REPRISE_OK: owned, close it with reprise_session_close.
 * @error        Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates and locks. The store's first call starts its thread.
 * Ordering  Acquire: sees all that the previous writer did before it closed.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad id or option
 *           REPRISE_E_BUSY       another writer has it open; or another runtime has leased it, see lease_ns of
 *                                reprise_recorder_options
 *           REPRISE_E_FULL       the store is at its bounds and everything is held; `what` says which
 *           REPRISE_E_FORKED     in the child of a fork
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     no random bytes or no thread to be had; nothing changed
 *           REPRISE_E_IO         in a store with a log: it cannot be read and written now
 *           REPRISE_E_CONFLICT   in a store with a log: the key is another kind's, or another's life is open
 */
REPRISE_API reprise_status reprise_session_open(struct reprise_store *store, const char *session_id,
						const struct reprise_session_options *options,
						struct reprise_session **ret_session,
						struct reprise_error *error) REPRISE_MUST_USE;

/* A session that reprise_sessions_open is to open, and what came of it. */
struct reprise_session_opening {
	const char *session_id;                        /* NUL-terminated, copied */
	const struct reprise_session_options *options; /* borrowed for the call; or NULL */
	struct reprise_session *session;               /* set: owned; NULL if it was not opened */
	reprise_status status;                         /* set: as reprise_session_open answers */
	int32_t is_joined; /* set: as reprise_session_opened says of it; 0 if it was not opened */
};

/*
 * reprise_sessions_open - become the writer of many sessions
 *
 * Each is opened as by reprise_session_open, in their order. In a store with a log the lives of up to 1,024 of them
 * share a transaction, which is synced before the call returns; one call for each session would wait for a
 * transaction each.
 *
 * @store           Borrowed until the handles are closed.
 * @openings        Filled in. Sessions that were opened stay open if others were not.
 * @openings_count  Any; 0 opens nothing.
 * @error           Optional: of the first that was not opened.
 *
 * Threads   Any.
 * Progress  As reprise_session_open: in a store with a log it waits for the log, up to the recorder's deadline_ns
 *           for each 1,024 sessions.
 * Ordering  As reprise_session_open.
 * Returns   REPRISE_OK           all were opened
 *           REPRISE_E_INVALID    a NULL argument, and no opening was touched; or as below
 *           REPRISE_E_FORKED     in the child of a fork; none was opened
 *           or the status of the first that was not opened: a bad id or options, an id that stands there twice
 *           (REPRISE_E_BUSY), and whatever else reprise_session_open answers
 */
REPRISE_API reprise_status reprise_sessions_open(struct reprise_store *store,
						 struct reprise_session_opening *openings,
						 size_t openings_count,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_session_close - stop being the writer
 *
 * The window stays. Subscriptions wait for the next writer, unless the session was ended. A
 * reservation that is open is aborted.
 *
 * @session  Moves. NULL is allowed.
 *
 * Threads   Writer.
 * Progress  May lock.
 * Ordering  Release: the next writer sees all that was done before.
 * Returns   Nothing. A handle that is closed twice aborts the process.
 */
REPRISE_API void reprise_session_close(struct reprise_session *session);

/*
 * reprise_session_end - no event will follow
 *
 * The end is state, not an event: no flood can displace it. Every subscription, those of later
 * too, gets what is retained (or a gap) and then ENDED with @end_status; a continuous one a gap LIFE_ENDED.
 *
 * @session     Stays open; close it.
 * @end_status  The host's own.
 *
 * Threads   Writer.
 * Progress  Wait-free; system calls as reprise_append. Signal-safe.
 * Ordering  Release: who sees the end sees every event before it.
 * Returns   REPRISE_OK
 *           REPRISE_E_CLOSED   it has ended before; the first status stands. Or the window is void
 *           REPRISE_E_BUSY     a reservation is open
 *           REPRISE_E_FORKED   in the child of a fork
 *           REPRISE_E_INVALID  a NULL argument
 */
REPRISE_API reprise_status reprise_session_end(struct reprise_session *session,
					       int32_t end_status) REPRISE_MUST_USE;

/*
 * reprise_append - publish one event as the session's next position
 *
 * @session       An open writer's handle.
 * @revision      The durable point the event belongs to.
 * @kind, @flags  The host's kind; REPRISE_EVENT_COMMIT and the host's bits 8-15.
 * @payload       Borrowed for the call and copied. May be empty.
 * @ret_position  Set on REPRISE_OK. May be NULL.
 *
 * Threads   Writer.
 * Progress  Wait-free: no lock, no allocation, bounded by the bytes written; one system call if a
 *           subscription sleeps, two if some sleep in reprise_wait and others elsewhere, one after a wait
 *           that has timed out; else none, and none ever in a store that defers. Signal-safe.
 * Ordering  Release: who sees this position sees all the writer did before.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a flag of the library's, or REPRISE_REVISION_UNKNOWN as revision
 *           REPRISE_E_TOO_LARGE  the window can never hold it; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or its window is void
 *           REPRISE_E_FULL       it would displace what is not recorded (reprise_session_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_append(struct reprise_session *session, uint64_t revision,
					  uint16_t kind, uint16_t flags,
					  struct reprise_bytes payload,
					  reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_appendv - the same, with the payload gathered from parts
 *
 * @parts        Borrowed for the call; the payload is their bytes in order. A part may be empty.
 * @parts_count  How many; 0 for an empty payload. At most 1024.
 *
 * Otherwise as reprise_append.
 *
 * Threads   Writer.
 * Progress  Wait-free, as reprise_append. Signal-safe.
 * Ordering  Release, as reprise_append.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, too many parts, a flag of the library's, or
 *                                REPRISE_REVISION_UNKNOWN as revision
 *           REPRISE_E_TOO_LARGE  the window can never hold it; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or its window is void
 *           REPRISE_E_FULL       it would displace what is not recorded (reprise_session_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_appendv(struct reprise_session *session, uint64_t revision,
					   uint16_t kind, uint16_t flags, const struct iovec *parts,
					   size_t parts_count,
					   reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_append_batch - publish several events, all visible at once
 *
 * They take contiguous positions in order, and no subscription ever sees the newest position
 * inside the batch. (contracts A06)
 *
 * @events        Borrowed for the call and copied.
 * @events_count  At least 1.
 * @ret_first     The first one's position, set on REPRISE_OK. May be NULL.
 *
 * Threads   Writer.
 * Progress  Wait-free: bounded by the bytes written; system calls as reprise_append. Signal-safe.
 * Ordering  Release: who sees any position of it sees all of it, and what the writer did before.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, an empty batch, a flag of the library's, or
 *                                REPRISE_REVISION_UNKNOWN as revision
 *           REPRISE_E_TOO_LARGE  the window can never hold it all at once; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or its window is void
 *           REPRISE_E_FULL       it would displace what is not recorded (reprise_session_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_append_batch(struct reprise_session *session,
						const struct reprise_new_event *events,
						size_t events_count,
						reprise_position *ret_first) REPRISE_MUST_USE;

/*
 * reprise_append_to - publish one event in a session that is named by its id
 *
 * For hosts that keep no handles. If the session has a shared writer (is_shared), the event is appended through it.
 * If the session has no writer, or does not exist, it is opened for this event and closed again: in a store with a log
 * that is a transaction, so that a host keeps a shared writer open there.
 *
 * @store         An open store.
 * @session_id    NUL-terminated.
 * @revision, @kind, @flags, @payload, @ret_position  As reprise_append.
 *
 * Threads   Any, any number at once.
 * Progress  With a shared writer as its reprise_append, after a wait-free look-up. Else as reprise_session_open and
 *           reprise_session_close.
 * Ordering  Release, as reprise_append.
 * Returns   those of reprise_append on a shared writer, and of reprise_session_open, with
 *           REPRISE_E_BUSY     the session has a writer that is not shared
 *           REPRISE_E_CLOSED   the session has ended
 *           REPRISE_E_TIMEOUT  others kept this thread out for a second, or, without a shared writer in a
 *                              store with a log, for 30; nothing changed
 */
REPRISE_API reprise_status reprise_append_to(struct reprise_store *store, const char *session_id,
					     uint64_t revision, uint16_t kind, uint16_t flags,
					     struct reprise_bytes payload,
					     reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_reserve - room in the window for an event that is written in place
 * reprise_publish - make what was written there the session's next event
 * reprise_abort   - give it up
 *
 * Saves the copy. reprise_reserve displaces for @payload_bytes_max at once, and what it has displaced stays
 * lost whatever follows; the rest that reprise_publish does not use is given back. Until one of the other
 * two is called, appends, another reservation and the end answer REPRISE_E_BUSY; reprise_session_close
 * aborts.
 *
 * @payload_bytes_max      What may be written. May be 0.
 * @ret_payload            Set on REPRISE_OK: aligned to 8, the writer's until publish, abort or close. What
 *                         is there before it is written is undefined.
 * @payload_bytes          What was written, from the beginning; at most what was reserved.
 * @revision, @kind, @flags, @ret_position  As reprise_append.
 *
 * Threads   Writer. Whoever has reserved also writes and publishes: the room was made in its name.
 * Progress  Wait-free, no allocation; reprise_publish makes system calls as reprise_append.
 *           Signal-safe.
 * Ordering  reprise_publish: release, as reprise_append. The others: none.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a flag of the library's, REPRISE_REVISION_UNKNOWN as revision,
 *                                nothing reserved, or
 *                                more published than was reserved: the reservation stays open
 *           REPRISE_E_TOO_LARGE  the window can never hold it; nothing changed
 *           REPRISE_E_FULL       reserve: it would displace what is not recorded
 *           REPRISE_E_BUSY       reserve: a reservation is open
 *           REPRISE_E_CLOSED     reserve, publish: the session has ended, or its window is void
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_reserve(struct reprise_session *session,
					   size_t payload_bytes_max,
					   void **ret_payload) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_publish(struct reprise_session *session, uint64_t revision,
					   uint16_t kind, uint16_t flags, size_t payload_bytes,
					   reprise_position *ret_position) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_abort(struct reprise_session *session) REPRISE_MUST_USE;

/*
 * reprise_session_wait_room     - sleep until what was refused last has room
 * reprise_session_set_overwrite - refuse no more
 *
 * In a session opened with REPRISE_WHEN_FULL_REFUSE, in a store with a log, an append, a batch and a reservation
 * answer REPRISE_E_FULL, and change nothing, when they would displace what is not recorded yet at the
 * level that the recorder was opened with. Recording makes room. If the log stays away, the host may
 * choose to lose what is old: from then on the session overwrites. (contracts C21)
 *
 * @session     An open writer's handle.
 * @timeout_ns  At most this long; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Writer.
 * Progress  wait_room: blocks. set_overwrite: wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK         the append that was refused last would not be now; or nothing was refused
 *           REPRISE_E_TIMEOUT  not within @timeout_ns
 *           REPRISE_E_CLOSED   the window is void, or the recorder closing
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_session_wait_room(struct reprise_session *session,
						     uint64_t timeout_ns) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_session_set_overwrite(struct reprise_session *session)
	REPRISE_MUST_USE;

/*
 * reprise_session_cursor - the cursor of an event that this writer appended
 *
 * Its revision is the greatest of all events up to @position, as a subscription that has read so
 * far would carry it.
 *
 * @session     An open writer's handle.
 * @position    A retained position, or the one before the window's first.
 * @ret_cursor  Set on REPRISE_OK.
 *
 * Threads   Writer.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no longer in the window, or before its beginning
 *           REPRISE_E_CLOSED     the window is void
 *           REPRISE_E_INVALID    a NULL argument, or a position not yet appended
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status
reprise_session_cursor(struct reprise_session *session, reprise_position position,
		       struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SESSION_H */
