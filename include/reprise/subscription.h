/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SUBSCRIPTION_H
#define REPRISE_SUBSCRIPTION_H

/*
 * reprise/subscription.h - following a session after a cursor
 *
 * A subscription hands out the retained events after a cursor, then live events, from the same
 * ring, so no event is lost or doubled at a seam. A gap with exact bounds reports lost events
 * before any later event:
 *
 *    after a cursor accepted by the window: delivered + filtered + lost = appended
 *
 * unless a gap with reason UNAVAILABLE says that the loss is unknown.
 *
 * In a store with a log (recorder.h) a subscription heals: the same reprise_next gives events that
 * have left the ring from the log, then returns to the ring, as often as needed. Each event names
 * the source. Only events missing from both ring and log become a gap. A cursor of an earlier life
 * of the session is good as far as the log holds the life. Where a life ended unclean, a gap
 * TRIMMED with detail RESTART and an empty range says that an unknown number of events may be
 * missing. reprise_next never waits for the log: the answer is EMPTY until the log is read.
 *
 * A continuous subscription (option is_continuous) goes on with the session's next life, through
 * the same reprise_next, descriptor and callback, until the host closes the subscription. A gap
 * tells the end of a life, the events of other lives and an invalidation (gap.h). A cursor of no
 * life at position 0 (every field zero but the id) waits for the session to be created. In a store
 * with a log a continuous subscription reads every life in the log.
 *
 * A host may wait in three ways, also together: a thread asleep in reprise_wait, a descriptor for
 * an event loop (reprise_subscription_fd), a callback (reprise_subscription_notify). A group
 * (group.h) is one place to wait for many subscriptions.
 *
 * A single thread at a time uses a subscription, except where a function says otherwise.
 */

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/gap.h>
#include <reprise/outcome.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_subscription; /* opaque; see reprise_subscribe_after */

/* Where an event was read. */
typedef enum reprise_source {
	REPRISE_SOURCE_RING,
	REPRISE_SOURCE_LOG,
} reprise_source;

struct reprise_event {
	reprise_position position;
	uint64_t revision;
	uint64_t stamp_ns; /* time of the append, on the store's clock (reprise_stamp_set) */
	uint16_t kind;
	uint16_t flags;
	reprise_source source;
	struct reprise_bytes payload; /* borrowed until the next call on the subscription */
};

enum {
	REPRISE_KINDS_MAX = 64,
};

struct reprise_subscription_options {
	size_t size; /* sizeof(struct reprise_subscription_options) */

	/*
	 * Bytes copied out of the ring and validated at a time. 64 .. 16 MiB; default 16 KiB. (A
	 * larger event is copied alone: room for the largest is reserved, and touched when needed.)
	 */
	uint64_t staging_bytes;

	/* Nanoseconds to look before sleep. Default 50,000; 1: none; REPRISE_NO_LIMIT: no sleep. */
	uint64_t spin_ns;

	/*
	 * Hand out only events of these kinds; all other events move the cursor and count as
	 * filtered. Copied. NULL and 0: every kind; at most REPRISE_KINDS_MAX.
	 */
	const uint16_t *kinds;
	size_t kinds_count;

	/* 1, with a log: only recorded events, which no crash of the runtime takes back. 0: all. */
	int32_t is_recorded_only;

	/*
	 * 1: the subscription goes on with the session's next life (rules S01 to S08). Not for a
	 * replay. 0: the subscription ends with the life.
	 */
	int32_t is_continuous;
};
#define REPRISE_SUBSCRIPTION_OPTIONS_INIT REPRISE_INIT(struct reprise_subscription_options)

struct reprise_subscription_stats {
	size_t size;        /* sizeof(struct reprise_subscription_stats), set by the caller */
	uint64_t delivered; /* events handed out */
	uint64_t delivered_bytes;
	uint64_t filtered; /* events left out by the filter of kinds */
	uint64_t lost;     /* events in gaps of reason TRIMMED */
	uint64_t gaps;     /* gaps of either reason */
	uint64_t sleeps;   /* times a wait went to sleep */
	uint64_t healed;   /* delivered events read from the log; the rest came from the ring */
};
#define REPRISE_SUBSCRIPTION_STATS_INIT REPRISE_INIT(struct reprise_subscription_stats)

/*
 * reprise_subscribe_after - the retained events after a cursor, then live events
 * reprise_replay_after    - the same, up to the event newest now, then ENDED
 * reprise_resume_after    - as subscribe, judged against the host's durable state
 *
 * The call always gives a subscription: the first reprise_next says, in band, whether the cursor is
 * still good. resume is for a host whose durable state is at @durable_revision now. A cursor with a
 * greater revision is UNAVAILABLE (ahead). A cursor with a smaller revision is accepted only if an
 * event flagged COMMIT with a revision of at least @durable_revision is retained after the cursor;
 * otherwise the cursor is UNAVAILABLE (behind the durable state). A COMMIT of an invalidated life
 * does not count. (contracts A13-A18, A24, rule L42)
 *
 * A replay ends, also while reading a log, at the newest position of the opening, and earlier if
 * the log holds no further event to hand out. (rules L40, L41) A continuous subscription goes on
 * after a refused cursor, too: from the cursor of the gap UNAVAILABLE. The durable revision is
 * judged once. (rules S05, S06)
 *
 * @store             Borrowed until the subscription is closed.
 * @cursor            Borrowed for the call.
 * @durable_revision  The host's, read now. Not REPRISE_REVISION_UNKNOWN.
 * @options           Borrowed. NULL: every default.
 * @ret_subscription  Set on REPRISE_OK: owned, close with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates and locks. resume: the first reprise_next is linear in the retained events.
 * Ordering  Acquire: events known by the caller to be appended are handed out or lost.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad session id, option or durable revision,
 *                                recorded_only without a log, a continuous replay
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status
reprise_subscribe_after(struct reprise_store *store, const struct reprise_cursor *cursor,
			const struct reprise_subscription_options *options,
			struct reprise_subscription **ret_subscription,
			struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_replay_after(struct reprise_store *store,
						const struct reprise_cursor *cursor,
						const struct reprise_subscription_options *options,
						struct reprise_subscription **ret_subscription,
						struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_resume_after(struct reprise_store *store,
						const struct reprise_cursor *cursor,
						uint64_t durable_revision,
						const struct reprise_subscription_options *options,
						struct reprise_subscription **ret_subscription,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_resume_snapshot - from the host's durable state on, without a cursor
 *
 * For a host with a state loaded at @durable_revision: the subscription begins just before the
 * first event with a greater revision. The call is reprise_session_current_cursor followed by
 * reprise_resume_after, with nothing in between. In a store with a log the log is asked (as by
 * reprise_log_current_cursor) if the session has no window, or if the place would be before the
 * window's first position. The call creates no session: for an unknown session the first
 * reprise_next tells a gap UNAVAILABLE. (rule S09)
 *
 * A continuous subscription to a session without a window (say after an invalidation) stands at a
 * cursor of no life at position 0. The first event or gap tells where the next life begins.
 *
 * @store             Borrowed until the subscription is closed.
 * @session_id        NUL-terminated, borrowed for the call.
 * @durable_revision  The host's, read now. Not REPRISE_REVISION_UNKNOWN.
 * @options           Borrowed. NULL: every default.
 * @ret_subscription  Set on REPRISE_OK: owned, close with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates, locks; at most 2 (log2(events_max) + 1) looks at records. No wait for the
 *           log.
 * Ordering  Acquire: events known by the caller to be appended are handed out or lost.
 * Returns   As reprise_resume_after.
 */
REPRISE_API reprise_status reprise_resume_snapshot(
	struct reprise_store *store, const char *session_id, uint64_t durable_revision,
	const struct reprise_subscription_options *options,
	struct reprise_subscription **ret_subscription,
	struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_subscription_close - stop following
 *
 * @subscription  Moves. NULL is allowed. Borrowed payloads are gone, and so is the descriptor: take
 *                the descriptor out of the event loop before.
 *
 * Threads   Owner: no thread may be waiting on the subscription.
 * Progress  Locks; takes the subscription out of a group. Blocks while the callback runs in another
 *           thread; inside the callback returns at once, and the subscription goes after the
 *           callback.
 * Ordering  After the return nothing makes the descriptor readable or calls the callback any more.
 * Returns   Nothing.
 */
REPRISE_API void reprise_subscription_close(struct reprise_subscription *subscription);

/*
 * reprise_next - the next event, a gap, the end, or EMPTY
 *
 * @subscription  Moves on EVENT and on GAP; not NULL (asserted).
 * @ret_event     Set on EVENT; the payload is borrowed until the next call. Not NULL (asserted).
 * @ret_gap       Set on GAP. Not NULL (asserted): a gap must not be swallowed.
 * @ret_end       Set on ENDED. May be NULL.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Wait-free, no allocation, no system call. An event overtaken during the copy is a gap,
 *           never a retry. (The first call of a resume: linear in the retained events. EMPTY of a
 *           subscription with a descriptor or a callback: locks briefly, and makes system calls if
 *           the host was notified since the last EMPTY. A gap UNAVAILABLE, or read from a log:
 *           looks the session up, and the thread's first call on any store may allocate and lock. A
 *           healing subscription: locks briefly, and makes system calls, to ask for a page, but
 *           never waits for the log. A continuous subscription leaving or entering a life: looks
 *           the session up, locks, and allocates staging memory. Without memory the call answers
 *           EMPTY, the subscription holds the window, and later calls try again; a wait tries every
 *           10 ms, and the host is notified as often.)
 * Ordering  Acquire: the caller sees everything the writer did before the append.
 * Returns   reprise_outcome.
 */
REPRISE_API reprise_outcome reprise_next(struct reprise_subscription *subscription,
					 struct reprise_event *ret_event,
					 struct reprise_gap *ret_gap,
					 struct reprise_end *ret_end) REPRISE_MUST_USE;

/*
 * reprise_next_batch - the same, several events at a time
 *
 * @ret_events         Room for @events_count_max events. Not NULL (asserted).
 * @events_count_max   At least 1 (asserted).
 * @ret_events_count   Set on EVENT: how many, at least 1. Not NULL (asserted).
 *
 * The call hands out events copied together. Fewer events than @events_count_max do not
 * mean that no more follow: only EMPTY does. Otherwise as reprise_next.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Wait-free, as reprise_next.
 * Ordering  Acquire, as reprise_next.
 * Returns   reprise_outcome.
 */
REPRISE_API reprise_outcome reprise_next_batch(struct reprise_subscription *subscription,
					       struct reprise_event *ret_events,
					       size_t events_count_max, size_t *ret_events_count,
					       struct reprise_gap *ret_gap,
					       struct reprise_end *ret_end) REPRISE_MUST_USE;

/*
 * reprise_wait - sleep until reprise_next would not answer EMPTY
 *
 * Looks for a while (spin_ns), then sleeps. May read ahead: payloads handed out before are gone.
 *
 * @timeout_ns  At most this long; 0 only looks; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Blocks. No wake-up is lost: an event, gap or end ends the wait, however the two race.
 * Ordering  As reprise_next.
 * Returns   REPRISE_OK             reprise_next will not answer EMPTY
 *           REPRISE_E_TIMEOUT      nothing within @timeout_ns
 *           REPRISE_E_INTERRUPTED  reprise_subscription_interrupt was called
 *           REPRISE_E_INVALID      a NULL argument, or called from inside a callback
 *           REPRISE_E_FORKED       in the child of a fork
 */
REPRISE_API reprise_status reprise_wait(struct reprise_subscription *subscription,
					uint64_t timeout_ns) REPRISE_MUST_USE;

/*
 * reprise_subscription_interrupt - end a wait from another thread
 *
 * The running wait, else the next, answers REPRISE_E_INTERRUPTED once, even if an event is there.
 *
 * Threads   Any, also while the owner waits. The subscription must not be closed meanwhile.
 * Progress  Locks briefly; two system calls at most.
 * Ordering  Release: the interrupted wait sees all earlier writes of the caller.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_subscription_interrupt(struct reprise_subscription *subscription)
	REPRISE_MUST_USE;

/*
 * reprise_subscription_fd - a descriptor, readable when reprise_next would not answer EMPTY
 *
 * For poll, epoll and event loops over either; level-triggered, and readable from the start if an
 * event, gap or end is there. Call reprise_next until the answer is EMPTY: EMPTY makes the
 * descriptor unreadable again. The descriptor may be readable for nothing. The library owns the
 * descriptor: the host must not read, write or close the descriptor.
 *
 * @ret_fd  Set on REPRISE_OK; the same in every call, valid until the subscription is closed.
 * @error   Optional: `what` and `os_error` of the refused call.
 *
 * Threads   Owner. The descriptor may be polled by any.
 * Progress  System calls; locks. May read ahead: payloads handed out before are gone.
 * Ordering  As reprise_next.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_SYSTEM   no descriptor available; nothing changed
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_subscription_fd(struct reprise_subscription *subscription,
						   int *ret_fd,
						   struct reprise_error *error) REPRISE_MUST_USE;

/*
 * Called on the store's thread, which keeps the clock and wakes all sleepers: be brief. A callback
 * may call every function but reprise_wait, reprise_group_wait and reprise_store_close
 * (REPRISE_E_INVALID); also reprise_subscription_close, even of the same subscription. A store runs
 * a single callback at a time.
 */
typedef void (*reprise_callback)(struct reprise_subscription *subscription, void *context);

/*
 * reprise_subscription_notify - be called when reprise_next would not answer EMPTY
 *
 * The first call comes soon, if an event, gap or end is there now. After each EMPTY of reprise_next
 * a single call comes when the next is there. So call reprise_next until the answer is EMPTY, in
 * the callback or in a thread told by the callback: without an EMPTY no further call comes. The
 * callback may be called for nothing.
 *
 * @callback  NULL: no callback any more. Takes the place of the previous callback.
 * @context   Passed to the callback.
 * @error     Optional: `what` and `os_error` of the refused call.
 *
 * Threads   Owner. A callback that calls reprise_next is the owner from here on.
 * Progress  Locks. Blocks while the previous callback runs in another thread. May read ahead:
 *           payloads handed out before are gone.
 * Ordering  The callback sees all earlier writes of the caller, and reprise_next in the callback
 *           sees all appended events.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_SYSTEM   the store's thread could not be started; nothing changed
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status
reprise_subscription_notify(struct reprise_subscription *subscription, reprise_callback callback,
			    void *context, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_subscription_cursor - the cursor to come back with
 *
 * The cursor stands after the last event handed out (or filtered, or the gap's end), with the
 * greatest revision so far. A subscription opened with the cursor gives every later event exactly
 * once, or a gap.
 *
 * @ret_cursor  Set on REPRISE_OK.
 *
 * Threads   Owner.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status
reprise_subscription_cursor(const struct reprise_subscription *subscription,
			    struct reprise_cursor *ret_cursor) REPRISE_MUST_USE;

/*
 * reprise_subscription_stats - counts of a subscription (lag.h has the distance to the newest)
 *
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Any, while the subscription is open.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status
reprise_subscription_stats(const struct reprise_subscription *subscription,
			   struct reprise_subscription_stats *ret_stats) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_SUBSCRIPTION_H */
