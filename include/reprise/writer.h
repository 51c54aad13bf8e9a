/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_WRITER_H
#define REPRISE_WRITER_H

/*
 * reprise/writer.h - the writer of a session
 *
 * A single writer at a time appends to a session. An append never waits: new events replace the
 * oldest events even while a slow subscription copies the oldest, and a gap tells the subscription
 * the exact loss. A writer may move between threads if the host orders the calls. Two threads that
 * append at once without such an order abort the process within about a second. A call on a closed
 * handle aborts the process too, unless the session's window has gone or another writer has opened
 * the session since.
 *
 * Shared writers. A session opened with is_shared has one handle for any number of threads: each
 * thread may call reprise_append, _appendv, _append_batch, _append_end, reprise_writer_end,
 * _cursor, _wait_room and _set_overwrite at any time. Each event and each batch is whole, and
 * positions have one order. A reservation is REPRISE_E_INVALID. While no two threads append at the
 * same moment an append is wait-free, without a system call. Otherwise a thread waits until the
 * other threads have left, first by looking, then asleep. A thread stopped inside an append keeps
 * all other threads out: their calls answer REPRISE_E_TIMEOUT after one second, and nothing
 * changed. A thread without a turn for a second gets the same answer. A signal handler that
 * interrupts an append on the same session gets REPRISE_E_BUSY. During reprise_writer_close no
 * thread may be inside a call with the handle. (rules W01 to W05)
 *
 * Signal handlers. A handler may make the calls marked "signal-safe" on a session that no
 * interrupted call can be working on: a session that handlers alone append to, or a session whose
 * appends block the signal. Signal-safe calls take no lock, allocate nothing and leave errno alone.
 */

#include <sys/uio.h>

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_writer; /* opaque; see reprise_writer_open */

/* Event flags: bit 0 as below, bits 1-7 the library's (0 in an append), 8-15 the host's. */
enum {
	REPRISE_EVENT_COMMIT = 1, /* this event brings the durable state to its revision */
};

/* An event to append. */
struct reprise_new_event {
	uint64_t revision; /* the durable point of the event; need not grow */
	uint16_t kind;     /* the host's */
	uint16_t flags;
	struct reprise_bytes payload; /* borrowed for the call and copied; may be empty */
};

/*
 * reprise_writer_open - become the writer of a session
 *
 * The call creates the session's window, or joins an existing window: after reprise_session_create,
 * or after another writer has closed. A new window (a new incarnation) replaces an ended window;
 * the positions of the new window go on above the old.
 *
 * @store        Borrowed until the handle is closed.
 * @session_id   NUL-terminated, copied.
 * @options      Borrowed. NULL or 0 fields: the store's. The options shape a window created by this
 *               call, and an existing window without any append so far: cursors and subscriptions
 *               of the window stay good. A window with events keeps the old bounds; when_full and
 *               is_shared hold in any case.
 *               reprise_writer_opened tells the bounds in force. (rule S11)
 * @ret_writer  Set on REPRISE_OK: owned, close with reprise_writer_close.
 * @error        Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates and locks. The store's first call starts its thread.
 * Ordering  Acquire: the caller sees everything the previous writer did before closing.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad id or option
 *           REPRISE_E_BUSY       another writer has opened the session; or another runtime has
 *                                leased the session, see lease_ns of reprise_recorder_options
 *           REPRISE_E_FULL       the store is at a bound and every session is held; `what` names
 *                                the bound
 *           REPRISE_E_FORKED     in the child of a fork
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     no random bytes or no thread available; nothing changed
 *           REPRISE_E_IO         in a store with a log: the log cannot be read and written now
 *           REPRISE_E_CONFLICT   in a store with a log: the key is of another kind, or another
 *                                runtime's life is open
 */
REPRISE_API reprise_status reprise_writer_open(struct reprise_store *store, const char *session_id,
					       const struct reprise_session_options *options,
					       struct reprise_writer **ret_writer,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* A session to open by reprise_writers_open, and the result. */
struct reprise_writer_opening {
	const char *session_id;                        /* NUL-terminated, copied */
	const struct reprise_session_options *options; /* borrowed for the call; or NULL */
	struct reprise_writer *writer;                 /* set: owned; NULL if not opened */
	reprise_status status;                         /* set: as reprise_writer_open answers */
	int32_t is_joined; /* set: as by reprise_writer_opened; 0 if not opened */
};

/*
 * reprise_writers_open - become the writer of many sessions
 *
 * The call opens each session as by reprise_writer_open, in order. In a store with a log the lives
 * of up to 1,024 sessions share a transaction, synced before the call returns; one call for each
 * session would wait for a transaction each.
 *
 * @store           Borrowed until the handles are closed.
 * @openings        Filled in. Opened sessions stay open if other openings fail.
 * @openings_count  Any; 0 opens nothing.
 * @error           Optional: of the first failed opening.
 *
 * Threads   Any.
 * Progress  As reprise_writer_open: in a store with a log the call waits for the log, up to the
 *           recorder's deadline_ns for each 1,024 sessions.
 * Ordering  As reprise_writer_open.
 * Returns   REPRISE_OK           all sessions were opened
 *           REPRISE_E_INVALID    a NULL argument, and no opening was touched; or as below
 *           REPRISE_E_FORKED     in the child of a fork; none was opened
 *           or the status of the first failed opening: a bad id or options, an id given twice
 *           (REPRISE_E_BUSY), and any other answer of reprise_writer_open
 */
REPRISE_API reprise_status reprise_writers_open(struct reprise_store *store,
						struct reprise_writer_opening *openings,
						size_t openings_count,
						struct reprise_error *error) REPRISE_MUST_USE;

/* The result of an opening, and the options in force. */
struct reprise_writer_opened {
	size_t size;         /* sizeof(struct reprise_writer_opened), set by the caller */
	int32_t is_joined;   /* 1: the window was there, and the life goes on */
	int32_t is_rebuilt;  /* 1: joined while empty, and given the bounds asked for */
	uint64_t events_max; /* as in force, as by reprise_session_stats */
	uint64_t bytes_max;
	uint64_t age_ns_max;
	int32_t is_shared; /* as asked for, or the store's */
	int32_t refuses;
	int32_t is_deduplicated; /* as in force: the window's */
	int32_t reserved;        /* 0 */
};
#define REPRISE_WRITER_OPENED_INIT REPRISE_INIT(struct reprise_writer_opened)

/*
 * reprise_writer_opened - whether a writer has joined a window, and which bounds are in force
 *
 * @writer      An open writer's handle.
 * @ret_opened  `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Writer.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_writer_opened(
	struct reprise_writer *writer, struct reprise_writer_opened *ret_opened) REPRISE_MUST_USE;

/*
 * reprise_writer_close - stop being the writer
 *
 * The window stays. Subscriptions wait for the next writer, unless the session was ended. An open
 * reservation is aborted.
 *
 * @writer  Moves. NULL is allowed.
 *
 * Threads   Writer.
 * Progress  May lock.
 * Ordering  Release: the next writer sees everything done before.
 * Returns   Nothing. A second close of the same handle aborts the process.
 */
REPRISE_API void reprise_writer_close(struct reprise_writer *writer);

/*
 * reprise_writer_end - no event will follow
 *
 * The end is state, not an event: no flood of events can displace the end. Every subscription, even
 * a later subscription, gets the retained events (or a gap) and then ENDED with @end_status; a
 * continuous subscription gets a gap LIFE_ENDED instead.
 *
 * @writer      Stays open, to be closed by reprise_writer_close.
 * @end_status  The host's own.
 *
 * Threads   Writer.
 * Progress  Wait-free; system calls as reprise_append. Signal-safe.
 * Ordering  Release: a thread that sees the end sees every event before the end.
 * Returns   REPRISE_OK
 *           REPRISE_E_CLOSED   the session has ended before; the first status stands. Or the
 *                              window is invalidated
 *           REPRISE_E_BUSY     a reservation is open
 *           REPRISE_E_FORKED   in the child of a fork
 *           REPRISE_E_INVALID  a NULL argument
 */
REPRISE_API reprise_status reprise_writer_end(struct reprise_writer *writer,
					      int32_t end_status) REPRISE_MUST_USE;

/*
 * reprise_append - publish one event as the session's next position
 *
 * @writer        An open writer's handle.
 * @revision      The durable point of the event.
 * @kind, @flags  The host's kind; REPRISE_EVENT_COMMIT and the host's bits 8-15.
 * @payload       Borrowed for the call and copied. May be empty.
 * @ret_position  Set on REPRISE_OK. May be NULL.
 *
 * Threads   Writer.
 * Progress  Wait-free: no lock, no allocation, bounded by the bytes written; one system call if a
 *           subscription sleeps, two if some subscriptions sleep in reprise_wait and some
 *           elsewhere, one after a timed-out wait; otherwise none, and none ever in a store with
 *           REPRISE_WAKE_DEFERRED. Signal-safe.
 * Ordering  Release: a thread that sees the position sees everything the writer did before.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a flag of the library's, or
 *                                REPRISE_REVISION_UNKNOWN as revision
 *           REPRISE_E_TOO_LARGE  the window can never hold the event; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or the window is invalidated
 *           REPRISE_E_FULL       unrecorded events would be displaced (reprise_writer_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_append(struct reprise_writer *writer, uint64_t revision,
					  uint16_t kind, uint16_t flags,
					  struct reprise_bytes payload,
					  reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_appendv - reprise_append with the payload gathered from parts
 *
 * @parts        Borrowed for the call; the payload is the bytes of all parts in order. A part may
 *               be empty.
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
 *           REPRISE_E_TOO_LARGE  the window can never hold the event; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or the window is invalidated
 *           REPRISE_E_FULL       unrecorded events would be displaced (reprise_writer_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_appendv(struct reprise_writer *writer, uint64_t revision,
					   uint16_t kind, uint16_t flags, const struct iovec *parts,
					   size_t parts_count,
					   reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_append_batch - publish several events, all visible at once
 *
 * The events take contiguous positions in order, and no subscription ever sees the newest position
 * inside the batch. (contracts A06)
 *
 * A log has all events of the batch or none: the recorder writes the batch in one transaction. In a
 * store with a log a batch of two or more events has at most 1,048,576 events,
 * REPRISE_LOG_PAYLOAD_BYTES_MAX bytes in each payload, and REPRISE_LOG_APPEND_BYTES_MAX bytes in
 * all payloads together. (contracts C23)
 *
 * @events        Borrowed for the call and copied.
 * @events_count  At least 1.
 * @ret_first     The first event's position, set on REPRISE_OK. May be NULL.
 *
 * Threads   Writer.
 * Progress  Wait-free: bounded by the bytes written; system calls as reprise_append. Signal-safe.
 * Ordering  Release: a thread that sees any position of the batch sees the whole batch, and
 *           everything the writer did before.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, an empty batch, a flag of the library's, or
 *                                REPRISE_REVISION_UNKNOWN as revision
 *           REPRISE_E_TOO_LARGE  the window can never hold the whole batch, or no transaction of
 *                                the log can; nothing changed
 *           REPRISE_E_CLOSED     the session has ended, or the window is invalidated
 *           REPRISE_E_FULL       unrecorded events would be displaced (reprise_writer_wait_room)
 *           REPRISE_E_BUSY       a reservation is open
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_append_batch(struct reprise_writer *writer,
						const struct reprise_new_event *events,
						size_t events_count,
						reprise_position *ret_first) REPRISE_MUST_USE;

/*
 * reprise_append_end - publish the last events and the session's end as one
 *
 * As reprise_append_batch and reprise_writer_end in one step: no subscription sees the last event
 * without the end behind the event, and a log has the batch and the end in one transaction, or
 * neither. The bounds of a batch in a store with a log hold for a single event too. (rule A29)
 *
 * @events        Borrowed for the call and copied.
 * @events_count  At least 1.
 * @end_status    The host's own.
 * @ret_first     The first event's position, set on REPRISE_OK. May be NULL.
 *
 * Threads   Writer.
 * Progress  Wait-free: bounded by the bytes written; system calls as reprise_append. Signal-safe.
 * Ordering  Release, as reprise_append_batch and reprise_writer_end.
 * Returns   REPRISE_OK
 *           REPRISE_E_CLOSED  the session has ended before, or the window is invalidated
 *           or as reprise_append_batch; nothing changed, and the session has not ended
 */
REPRISE_API reprise_status reprise_append_end(struct reprise_writer *writer,
					      const struct reprise_new_event *events,
					      size_t events_count, int32_t end_status,
					      reprise_position *ret_first) REPRISE_MUST_USE;

/*
 * reprise_reserve - room in the window for an event written in place
 * reprise_publish - make the written bytes the session's next event
 * reprise_abort   - give the reservation up
 *
 * A reservation saves the copy of the payload. reprise_reserve displaces events for
 * @payload_bytes_max at once, and the displaced events stay lost even after an abort.
 * reprise_publish gives the unused rest back. Until reprise_publish or reprise_abort, an append,
 * another reservation and the end answer REPRISE_E_BUSY; reprise_writer_close aborts the
 * reservation.
 *
 * @payload_bytes_max      The most bytes the writer may write. May be 0.
 * @ret_payload            Set on REPRISE_OK: aligned to 8, the writer's until publish, abort or
 *                         close. The initial content is undefined.
 * @payload_bytes          The bytes written, from the beginning; at most @payload_bytes_max.
 * @revision, @kind, @flags, @ret_position  As reprise_append.
 *
 * Threads   Writer. The writer with the reservation also writes and publishes the event.
 * Progress  Wait-free, no allocation; reprise_publish makes system calls as reprise_append.
 *           Signal-safe.
 * Ordering  reprise_publish: release, as reprise_append. reprise_reserve and reprise_abort: none.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a flag of the library's, REPRISE_REVISION_UNKNOWN
 *                                as revision, nothing reserved, or more published than reserved:
 *                                the reservation stays open
 *           REPRISE_E_TOO_LARGE  the window can never hold the event; nothing changed
 *           REPRISE_E_FULL       reserve: unrecorded events would be displaced
 *           REPRISE_E_BUSY       reserve: a reservation is open
 *           REPRISE_E_CLOSED     reserve, publish: the session has ended, or is invalidated
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_reserve(struct reprise_writer *writer, size_t payload_bytes_max,
					   void **ret_payload) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_publish(struct reprise_writer *writer, uint64_t revision,
					   uint16_t kind, uint16_t flags, size_t payload_bytes,
					   reprise_position *ret_position) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_abort(struct reprise_writer *writer) REPRISE_MUST_USE;

/*
 * reprise_writer_wait_room     - sleep until the last refused append has room
 * reprise_writer_set_overwrite - refuse no more
 *
 * In a session opened with REPRISE_WHEN_FULL_REFUSE, in a store with a log, an append, a batch and
 * a reservation answer REPRISE_E_FULL, and change nothing, instead of displacing events not yet
 * recorded at the recorder's level. Recording makes room. If the log stays away, the host may
 * choose to lose old events: after reprise_writer_set_overwrite the session overwrites.
 * (contracts C21)
 *
 * @writer      An open writer's handle.
 * @timeout_ns  At most this long; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Writer.
 * Progress  wait_room: blocks. set_overwrite: wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK         the last refused append would succeed now; or no append was refused
 *           REPRISE_E_TIMEOUT  not within @timeout_ns
 *           REPRISE_E_CLOSED   the window is invalidated, or the recorder is closing
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_writer_wait_room(struct reprise_writer *writer,
						    uint64_t timeout_ns) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_writer_set_overwrite(struct reprise_writer *writer)
	REPRISE_MUST_USE;

/*
 * reprise_writer_cursor - the cursor of an event appended by this writer
 *
 * The cursor carries the greatest revision of all events up to @position, like the cursor of a
 * subscription that has read so far.
 *
 * @writer      An open writer's handle.
 * @position    A retained position, or the one before the window's first.
 * @ret_cursor  Set on REPRISE_OK.
 *
 * Threads   Writer.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the position is no longer in the window, or is before the window's
 *                                beginning
 *           REPRISE_E_CLOSED     the window is invalidated
 *           REPRISE_E_INVALID    a NULL argument, or a position not yet appended
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status
reprise_writer_cursor(struct reprise_writer *writer, reprise_position position,
		      struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_WRITER_H */
