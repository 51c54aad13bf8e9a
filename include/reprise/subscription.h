/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_SUBSCRIPTION_H
#define REPRISE_SUBSCRIPTION_H

/*
 * reprise/subscription.h - following a session after a cursor
 *
 * A subscription hands out what is buffered after its cursor, then live events, through one and
 * the same ring: nothing is lost or doubled at the seam, because there is none. What it cannot
 * hand out any more it says, as a gap with exact bounds, before any later event:
 *
 *    from a cursor that the window accepted: delivered + filtered + lost = appended
 *
 * unless a gap with reason UNAVAILABLE says that this cannot be known.
 *
 * In a store with a log (recorder.h) it heals itself: what has left the ring is read from the log, then
 * it rejoins the ring, as often as need be, through the same reprise_next; each event says its source. Then only
 * what is in neither is a gap. A cursor of an earlier life of the session is good as far as the log holds that
 * life; where a life ended unclean, a gap TRIMMED with detail RESTART and an empty range says that something may
 * be missing that nobody can count. reprise_next never waits for the log: it answers EMPTY until that is read.
 *
 * A continuous subscription (the option is_continuous) goes on where another one ends, with the session's next life and through
 * the same reprise_next, descriptor and callback. The end of a life, what other lives had, an invalidation: each is told as a
 * gap (gap.h), and reprise_next answers EMPTY until the next life begins. With a cursor of no life at position 0, whose fields
 * are zero but for the session's id, it waits for a session that does not exist yet. It ends when the host closes it. In a
 * store with a log it reads every life that the log holds, and tells as lost what the log has lost.
 *
 * There are three doors to wait at, for the same subscription and the same reprise_next: a thread that sleeps in
 * reprise_wait, a descriptor for an event loop (reprise_subscription_fd), a callback
 * (reprise_subscription_notify). A subscription may have all three. A group (group.h) is one door for many of them.
 *
 * One thread at a time per subscription, except where a function says otherwise.
 */

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/gap.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_subscription; /* opaque; see reprise_subscribe_after */

/* What reprise_next found. All four are normal: switch over all four. */
typedef enum reprise_outcome {
	REPRISE_NEXT_EMPTY, /* nothing newer yet */
	REPRISE_NEXT_EVENT, /* an event, or several */
	REPRISE_NEXT_GAP,   /* events that will never be handed out */
	REPRISE_NEXT_ENDED, /* nothing will ever follow; said again by every later call */
} reprise_outcome;

/* Where an event was read. */
typedef enum reprise_source {
	REPRISE_SOURCE_RING,
	REPRISE_SOURCE_LOG,
} reprise_source;

struct reprise_event {
	reprise_position position;
	uint64_t revision;
	uint64_t stamp_ns; /* when it was appended, on the store's clock (reprise_stamp_set) */
	uint16_t kind;
	uint16_t flags;
	reprise_source source;
	struct reprise_bytes payload; /* borrowed until the next call on the subscription */
};

typedef enum reprise_end_cause {
	REPRISE_END_SESSION, /* the session ended, for a replay as well; `status` is the host's */
	REPRISE_END_REPLAY,  /* a replay has reached the newest position of its opening */
	REPRISE_END_INVALIDATED, /* a gap UNAVAILABLE came before; subscribe with its cursor */
	REPRISE_END_STORE,       /* the store is not usable in this process */
} reprise_end_cause;

struct reprise_end {
	reprise_end_cause cause;
	int32_t status; /* as given to reprise_session_end; 0 for other causes */
};

enum {
	REPRISE_KINDS_MAX = 64,
};

struct reprise_subscription_options {
	size_t size; /* sizeof(struct reprise_subscription_options) */

	/*
	 * Bytes copied out of the ring and validated at a time. 64 .. 16 MiB; default 16 KiB. (A
	 * larger event is copied alone: room for the largest is reserved, and touched when met.)
	 */
	uint64_t staging_bytes;

	/* Nanoseconds to look before sleeping. Default 50,000; 1: none; REPRISE_NO_LIMIT: never sleep. */
	uint64_t spin_ns;

	/*
	 * Hand out only events of these kinds; the others move the cursor and are counted as
	 * filtered. Copied. NULL and 0: every kind; at most REPRISE_KINDS_MAX.
	 */
	const uint16_t *kinds;
	size_t kinds_count;

	/*
	 * 1, in a store with a log: hand out only what is recorded, so that the host never holds what a
	 * crash of the runtime could take back. 0: everything.
	 */
	int32_t is_recorded_only;

	/*
	 * 1: where it would end it goes on, with the session's next life (rules S01 to S08). Not for a replay. 0: it ends.
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
	uint64_t sleeps;   /* times that a wait went to sleep */
	uint64_t healed; /* of the delivered, those read from the log; the others: from the ring */
};
#define REPRISE_SUBSCRIPTION_STATS_INIT REPRISE_INIT(struct reprise_subscription_stats)

/*
 * reprise_subscribe_after - what is retained after a cursor, then live
 * reprise_replay_after    - the same, up to what is newest now, then ENDED
 * reprise_resume_after    - as subscribe, judged against the host's durable state
 *
 * Always gives a subscription: whether the cursor is still good is said by the first reprise_next, in band. resume
 * is for a host whose durable state is at @durable_revision now: a cursor with a greater revision is UNAVAILABLE
 * (ahead); one with a smaller revision is accepted only if an event flagged COMMIT with a revision of at least
 * @durable_revision is retained after it, else it is UNAVAILABLE (behind the durable state). A COMMIT of a life
 * that was invalidated does not count. (contracts A13-A18, A24, rule L42)
 *
 * A replay ends, also while it reads a log: at the position that was newest when it was opened, and earlier if the log
 * holds nothing more that it may hand out. (rules L40, L41)
 *
 * A continuous one goes on after a cursor that is refused, too: from the cursor of the gap UNAVAILABLE. The durable revision is
 * judged once. (rules S05, S06)
 *
 * @store             Borrowed until the subscription is closed.
 * @cursor            Borrowed for the call.
 * @durable_revision  The host's, read now. Not REPRISE_REVISION_UNKNOWN.
 * @options           Borrowed. NULL: every default.
 * @ret_subscription  Set on REPRISE_OK: owned, close it with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates and locks. resume: the first reprise_next is linear in what is retained.
 * Ordering  Acquire: events that the caller knows to be appended are handed out or lost.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad session id, option or durable revision, recorded_only without a log,
 *                                a replay that is continuous
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
 * For a host that has loaded its state at @durable_revision: the subscription begins just before the first event with a greater
 * revision. It is as reprise_current_cursor followed by reprise_resume_after, with nothing in between. In a store with a log
 * the log is asked (as by reprise_log_current_cursor) if there is no window, or if the place would be before the window's
 * first position. No session is created: of an unknown one the first reprise_next tells a gap UNAVAILABLE. (rule S09)
 *
 * @store             Borrowed until the subscription is closed.
 * @session_id        NUL-terminated, borrowed for the call.
 * @durable_revision  The host's, read now. Not REPRISE_REVISION_UNKNOWN.
 * @options           Borrowed. NULL: every default.
 * @ret_subscription  Set on REPRISE_OK: owned, close it with reprise_subscription_close.
 * @error             Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates and locks; at most 2 (log2(events_max) + 1) looks at records. It never waits for the log.
 * Ordering  Acquire: events that the caller knows to be appended are handed out or lost.
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
 * @subscription  Moves. NULL is allowed. Payloads borrowed from it are gone, and so is its
 *                descriptor: take it out of the event loop before.
 *
 * Threads   Owner: nobody may be waiting on it.
 * Progress  Locks. Blocks while its callback runs in another thread; from inside that callback it returns at
 *           once, and the subscription goes when the callback has returned.
 *           The call also takes the subscription out of a group.
 * Ordering  When it returns, nothing rings the descriptor or calls the callback any more.
 * Returns   Nothing.
 */
REPRISE_API void reprise_subscription_close(struct reprise_subscription *subscription);

/*
 * reprise_next - the next event, or why there is none
 *
 * @subscription  Moves on EVENT and on GAP; not NULL (asserted).
 * @ret_event     Set on EVENT; its payload is borrowed until the next call. Not NULL (asserted).
 * @ret_gap       Set on GAP. Not NULL (asserted): a gap must not be swallowed.
 * @ret_end       Set on ENDED. May be NULL.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Wait-free, no allocation, no system call. An event overtaken while it was copied is a gap, never a
 *           retry. (The first call of a resume: linear in what is retained. EMPTY of a subscription with a
 *           descriptor or a callback: locks briefly, and makes system calls if it has been rung since the last one.
 *           A gap UNAVAILABLE, or read from a log: looks the session up, for which the thread's first call on any
 *           store may allocate and lock. While it heals: locks briefly, and makes system calls, to ask for a page;
 *           it never waits for the log. A continuous subscription that leaves a life, or enters one: looks the session
 *           up, locks, and allocates what it copies into. Without memory it answers EMPTY, holds the window, and tries again
 *           in later calls; a wait does so every 10 ms, and the doors are rung as often.)
 * Ordering  Acquire: what the writer did before it appended the event is seen.
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
 * It hands out what was copied in one stretch, so fewer events than there is room for do not mean
 * that there are no more: EMPTY does. Otherwise as reprise_next.
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
 * reprise_wait - sleep until reprise_next has something to say
 *
 * Looks for a while (spin_ns), then sleeps. May read ahead: payloads handed out before are gone.
 *
 * @timeout_ns  At most this long; 0 only looks; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Any number at once, each with its own subscription.
 * Progress  Blocks. No wake-up is lost: what reprise_next would say ends the wait, however the two race.
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
 * The wait that is running, else the next one, answers REPRISE_E_INTERRUPTED, once, even if there are events.
 *
 * Threads   Any, also while the owner waits. The subscription must not be closed meanwhile.
 * Progress  Locks briefly; two system calls at most.
 * Ordering  Release: the interrupted wait sees what was done before.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_subscription_interrupt(struct reprise_subscription *subscription)
	REPRISE_MUST_USE;

/*
 * reprise_subscription_fd - a descriptor that is readable when reprise_next has something to say
 *
 * For poll, epoll and the loops on top of them; level-triggered, and readable from the start if there is
 * something. Call reprise_next until it answers EMPTY: that makes the descriptor unreadable again. It
 * may be readable for nothing. The library owns it: nobody else may read, write or close it.
 *
 * @ret_fd  Set on REPRISE_OK; the same in every call, valid until the subscription is closed.
 * @error   Optional: `what` and `os_error` of the refused call.
 *
 * Threads   Owner. The descriptor may be polled by any.
 * Progress  System calls; locks. May read ahead: payloads handed out before are gone.
 * Ordering  As reprise_next.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_SYSTEM   no descriptor to be had; nothing changed
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_subscription_fd(struct reprise_subscription *subscription,
						   int *ret_fd,
						   struct reprise_error *error) REPRISE_MUST_USE;

/*
 * Called on the store's thread, which keeps the clock and wakes everybody else in between: be brief. It may
 * call everything but reprise_wait, reprise_group_wait and reprise_store_close, which answer REPRISE_E_INVALID there; also
 * reprise_subscription_close, of its own subscription too. One callback of a store runs at a time.
 */
typedef void (*reprise_callback)(struct reprise_subscription *subscription, void *context);

/*
 * reprise_subscription_notify - be called when reprise_next has something to say
 *
 * Once, soon, if there is something now; and once more after each EMPTY that reprise_next has answered, when
 * there is something again. So call reprise_next until it answers EMPTY, in the callback or in a thread
 * that it tells to, or be called no more. It may be called for nothing.
 *
 * @callback  NULL: none any more. It takes the place of the one before.
 * @context   Passed to it.
 * @error     Optional: `what` and `os_error` of the refused call.
 *
 * Threads   Owner. A callback that calls reprise_next is the owner from here on.
 * Progress  Locks. Blocks while the callback before runs in another thread. May read ahead: payloads
 *           handed out before are gone.
 * Ordering  The callback sees what was done before it was set, and reprise_next in it what was appended.
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
 * It stands after the last event handed out (or filtered, or the gap's end), with the greatest
 * revision so far: who comes back with it sees every event exactly once, or a gap.
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
 * reprise_subscription_stats - what it has handed out so far
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
