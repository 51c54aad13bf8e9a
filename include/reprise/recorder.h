/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_RECORDER_H
#define REPRISE_RECORDER_H

/*
 * reprise/recorder.h - what is appended goes to a log, off the hot path
 *
 * A recorder has two threads. One follows every session of a store and writes what is appended to a log, many
 * sessions in one transaction; the other reads the log for subscriptions that heal. No append waits
 * for either: a session's ring is the buffer between them. If the log is slow or away, the recorder tries again,
 * ever more rarely; what has left the ring by then stands in the log as a gap entry (or appends are
 * refused, where the session was opened so).
 *
 *   append ──► ring ──► recorder ──► log
 *                └─► subscription ◄───┘ heals
 *
 * From reprise_recorder_open on, the store is a store with a log: a session's positions go on where
 * the log's ordinals end, and each window's life is written down before its first append. A life ends clean when
 * its writer has gone and all of it is recorded. One that is found open by the next life has crashed: what
 * followed its last recorded event is not known.
 */

#include <reprise/base.h>
#include <reprise/log.h>
#include <reprise/store.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reprise_recorder; /* opaque; see reprise_recorder_open */

/* How far an event has come. Each includes the one before. */
typedef enum reprise_durability {
	REPRISE_ENQUEUED, /* copied out of the ring: newer events do not displace it any more */
	REPRISE_WRITTEN,  /* committed: survives this process */
	REPRISE_SYNCED,   /* on disk: survives the machine */
} reprise_durability;

struct reprise_recorder_options {
	size_t size; /* sizeof(struct reprise_recorder_options) */

	const char *tenant; /* of all sessions of the store; copied. NULL: "default" */

	/*
	 * What "recorded" means here: what recorded_through, refusal and recorded_only go by, and how
	 * each batch is committed. REPRISE_WRITTEN or REPRISE_SYNCED; 0: synced.
	 */
	reprise_durability durability;

	/*
	 * Events gather for so long, then they are committed, many at a time; or sooner, when there are
	 * batch_events_max, or half of what a window holds. Default 2 ms; at most 10 s.
	 */
	uint64_t linger_ns;

	/* What one transaction has at most: events, and bytes of payload. Defaults 4,096 and 4 MiB. */
	uint64_t batch_events_max;
	uint64_t batch_bytes_max;

	/* Between two attempts, when the log fails: from the first to the last, jittered. 10 ms, 2 s. */
	uint64_t retry_ns_min;
	uint64_t retry_ns_max;

	/* How long opening a session and closing the recorder wait for the log. Default 5 s. */
	uint64_t deadline_ns;

	/* How long a subscription waits for what is in neither ring nor log. Default 5 s. */
	uint64_t heal_wait_ns;
};

struct reprise_recorder_stats {
	size_t size;         /* sizeof(struct reprise_recorder_stats), set by the caller */
	uint64_t sessions;   /* that have something to record, or a writer */
	uint64_t recorded;   /* events in the log */
	uint64_t lost;       /* events in gap entries */
	uint64_t gaps;       /* gap entries */
	uint64_t batches;    /* transactions */
	uint64_t failures;   /* of them, that were tried again */
	uint64_t fenced;     /* sessions that another process has taken over */
	uint64_t lag;        /* events appended and not recorded */
	uint64_t lag_ns;     /* how long the oldest that is being recorded has waited; 0: none is */
	uint64_t pages;      /* read for subscriptions that heal */
	reprise_status last; /* what the last transaction answered */
	int32_t reserved;    /* 0 */
};

/*
 * reprise_recorder_open - record the sessions of a store
 *
 * @store         Borrowed until the recorder is closed. It has no sessions yet.
 * @log           Borrowed until the recorder is closed. The recorder makes connections of its own.
 * @options       Borrowed. NULL: every default.
 * @ret_recorder  Set on REPRISE_OK: owned.
 * @error         Optional.
 *
 * Threads   Setup.
 * Progress  Blocks: opens connections, starts threads.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_BUSY       the store has a session, or a recorder
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_SYSTEM     no thread to be had; nothing was opened
 *           REPRISE_E_FORKED     in the child of a fork
 *           or what the log answers to another connection
 */
REPRISE_API reprise_status reprise_recorder_open(struct reprise_store *store,
						 struct reprise_log *log,
						 const struct reprise_recorder_options *options,
						 struct reprise_recorder **ret_recorder,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_recorder_close - record what there is, then stop
 *
 * @recorder  Moves, unless it is busy. NULL is allowed.
 *
 * Threads   Setup: no other call on the recorder or the store may be running.
 * Progress  Blocks until all is recorded, or the log fails for deadline_ns.
 * Ordering  None.
 * Returns   REPRISE_OK          all is recorded, and every life has ended clean
 *           REPRISE_E_BUSY      writers or subscriptions are open; nothing was closed
 *           REPRISE_E_TIMEOUT   closed, but not all could be recorded: those lives are open in the log
 *           REPRISE_E_FORKED    in the child of a fork; nothing was closed
 */
REPRISE_API reprise_status reprise_recorder_close(struct reprise_recorder *recorder)
	REPRISE_MUST_USE;

/*
 * reprise_recorder_flush - wait until what was appended before is recorded
 *
 * @recorder    Borrowed.
 * @session_id  NUL-terminated, borrowed. NULL: every session.
 * @durability  How far it is to come.
 * @timeout_ns  At most this long; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  Acquire: events that the caller knows to be appended.
 * Returns   REPRISE_OK           what was lost to the recorder is in the log as a gap entry
 *           REPRISE_E_TIMEOUT    not within @timeout_ns
 *           REPRISE_E_CLOSED     another process has taken the session over, or one of all: what was left of
 *                                it will not come
 *           REPRISE_E_NOT_FOUND  no window of that id
 *           REPRISE_E_INVALID    a NULL recorder, a bad id or durability
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_recorder_flush(struct reprise_recorder *recorder,
						  const char *session_id,
						  reprise_durability durability,
						  uint64_t timeout_ns) REPRISE_MUST_USE;

/*
 * reprise_recorded_through - up to which position a session is recorded
 *
 * @recorder      Borrowed.
 * @session_id    NUL-terminated, borrowed.
 * @durability    How far it is to have come.
 * @ret_position  Set on REPRISE_OK: everything up to it has, or is in a gap entry that has.
 *
 * Threads   Any.
 * Progress  Locks briefly.
 * Ordering  Acquire: what is so is in the log.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no window of that id
 *           REPRISE_E_INVALID    a NULL argument, a bad id or durability
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_recorded_through(
	struct reprise_recorder *recorder, const char *session_id, reprise_durability durability,
	reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_recorder_stats - how it goes
 *
 * @recorder   Borrowed.
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Locks; linear in the sessions.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_recorder_stats(struct reprise_recorder *recorder,
						  struct reprise_recorder_stats *ret_stats)
	REPRISE_MUST_USE;

/*
 * reprise_recorder_backoff - how long to wait before an attempt, as the recorder does
 *
 * A pure function: from retry_ns_min doubling to retry_ns_max, less up to a half of that, by what @clock_ns has
 * in its low bits.
 *
 * @attempt     1 is the first that follows a failure.
 * @clock_ns    Any.
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   Nanoseconds: of the bound for this attempt, more than a half and no more than all.
 */
REPRISE_API uint64_t reprise_recorder_backoff(uint64_t attempt, uint64_t clock_ns,
					      uint64_t retry_ns_min, uint64_t retry_ns_max);

#ifdef __cplusplus
}
#endif
#endif /* REPRISE_RECORDER_H */
