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
 * Silent sessions cost nothing: the recorder does not look at a session in which nothing was appended for 100 ms. The first
 * append after such a silence notifies the recorder, with one system call at most. In a store with
 * REPRISE_WAKE_DEFERRED appends notify nobody, and the recorder looks at every session each linger_ns or more rarely.
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

REPRISE_BEGIN_DECLARATIONS

struct reprise_recorder; /* opaque; see reprise_recorder_open */

/* How far an event has come. Each includes the one before. */
typedef enum reprise_durability {
	REPRISE_ENQUEUED, /* copied out of the ring: newer events do not displace it any more, unless the
			   * log refuses the session for a while (rule F36) */
	REPRISE_WRITTEN, /* committed: survives this process */
	REPRISE_SYNCED,  /* on disk: survives the machine */
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

	/*
	 * How long opening or invalidating a session and closing the recorder wait for the log, whatever deadline the
	 * log has. Default 5 s.
	 */
	uint64_t deadline_ns;

	/* How long a subscription waits for what is in neither ring nor log. Default 5 s. */
	uint64_t heal_wait_ns;

	/*
	 * 0: reprise_invalidate_session and reprise_invalidate_all answer when the log knows on disk that the lives are void.
	 * 1: the calls answer at once. If the process then dies before the log is told, the lives count as crashed, and
	 * their cursors are healed from the log.
	 */
	int32_t invalidates_async;

	/*
	 * Opening a session that another runtime has leased, with 0: waits, for deadline_ns at most, until that runtime
	 * closes the session or the lease ends; with 1: answers REPRISE_E_BUSY at once.
	 */
	int32_t refuses_leased;

	/*
	 * 0: another runtime may take each session over at any time, and this one finds that out at its next commit.
	 * Else each session with a writer is leased in the log for so long, 100 ms to 1 h, on the log's clock. The
	 * recorder renews the lease with each commit of the session, and three times within its length if the session is
	 * silent. No runtime opens the session until its writer has closed it and all is recorded, or until the
	 * lease has ended because this process was stopped, was killed, or could not reach the log.
	 */
	uint64_t lease_ns;
};
#define REPRISE_RECORDER_OPTIONS_INIT REPRISE_INIT(struct reprise_recorder_options)

struct reprise_recorder_stats {
	size_t size;       /* sizeof(struct reprise_recorder_stats), set by the caller */
	uint64_t sessions; /* that have something to record, or a writer */
	uint64_t recorded; /* events in the log */
	uint64_t lost;     /* events in gap entries */
	uint64_t gaps;     /* gap entries */
	uint64_t batches;  /* transactions */
	uint64_t failures; /* of them, that were tried again */
	uint64_t fenced;   /* sessions that another process has taken over */
	uint64_t lag;      /* events appended and not recorded */
	uint64_t lag_ns;   /* how long the oldest that is being recorded has waited; 0: none is */
	uint64_t pages;    /* that subscriptions asked for, and the log was read for */
	reprise_status
		last; /* what the last transaction, or the session that it was for, answered */

	/* The last failure of a transaction or of one session: it stays after it was overcome. REPRISE_OK: none. */
	reprise_status failure;
	char failure_text
		[REPRISE_ERROR_DETAIL_BYTES]; /* in the database's words, or the library's */

	/*
	 * Sessions that are stuck: the log refuses what is theirs, while it takes what is the others'. They are
	 * tried again, ever more rarely. How many; and of the one that has been stuck for longest its id, for how
	 * long, and why.
	 */
	uint64_t stuck;
	uint64_t stuck_ns;
	char stuck_session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	char stuck_text[REPRISE_ERROR_DETAIL_BYTES];
	reprise_status stuck_status;
};
#define REPRISE_RECORDER_STATS_INIT REPRISE_INIT(struct reprise_recorder_stats)

/*
 * reprise_recorder_open - record the sessions of a store
 *
 * Begins a transaction and rolls it back, so that a log which cannot be written is refused here and not by the first
 * session.
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
 *           REPRISE_E_INVALID    a NULL argument, a bad option, or a log that was opened read-only
 *           REPRISE_E_BUSY       the store has a session, or a recorder
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_SYSTEM     no thread to be had; nothing was opened
 *           REPRISE_E_FORKED     in the child of a fork
 *           or what the log answers to another connection, or to the beginning of a transaction
 */
REPRISE_API reprise_status reprise_recorder_open(struct reprise_store *store,
						 struct reprise_log *log,
						 const struct reprise_recorder_options *options,
						 struct reprise_recorder **ret_recorder,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_recorder_close            - record what there is, then stop
 * reprise_recorder_close_with_stats - the same, and the last statistics
 *
 * A session that the log refuses is tried once more; then only the others are waited for. The statistics name it.
 *
 * @recorder   Moves, unless it is busy. NULL is allowed.
 * @ret_stats  `size` set by the caller. Set unless the size is bad or the process is a child; NULL is allowed.
 *
 * Threads   Setup: no other call on the recorder or the store may be running.
 * Progress  Blocks until all is recorded but what the log refuses to single sessions, at most for deadline_ns; then
 *           it interrupts what waits for the log.
 * Ordering  None.
 * Returns   REPRISE_OK          all is recorded, and every life has ended clean
 *           REPRISE_E_BUSY      writers or subscriptions are open; nothing was closed
 *           REPRISE_E_TIMEOUT   closed, but not all could be recorded, or another connection holds a session in
 *                               the log: those lives are open in the log
 *           REPRISE_E_INVALID   a bad size of the statistics; nothing was closed
 *           REPRISE_E_FORKED    in the child of a fork: its connections' descriptors are closed, and no more
 *           REPRISE_E_CORRUPT   closed, and all is recorded but what the log refuses to a session whose entries are
 *                               damaged: that life is open in the log
 *           or what else the log answers to a session alone: closed in the same way
 */
REPRISE_API reprise_status reprise_recorder_close(struct reprise_recorder *recorder)
	REPRISE_MUST_USE;
REPRISE_API reprise_status
reprise_recorder_close_with_stats(struct reprise_recorder *recorder,
				  struct reprise_recorder_stats *ret_stats) REPRISE_MUST_USE;

/*
 * reprise_recorder_flush - wait until the events appended before the call are recorded
 *
 * @recorder    Borrowed.
 * @session_id  NUL-terminated, borrowed. NULL: every session.
 * @durability  How far the events are to come. With REPRISE_SYNCED the recorder commits to the disk until the call
 *              returns, whatever durability it has by its options.
 * @timeout_ns  At most this long; REPRISE_NO_LIMIT waits for ever.
 *
 * Events that are appended after the call began do not delay it. A flush of every session does not wait for a session
 * that the log refuses: it waits for the others, then reports the refusal. A flush of one refused session
 * has the recorder try the session once more, at once, and reports what the log answers.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  Acquire: events that the caller knows to be appended.
 * Returns   REPRISE_OK           the events are recorded; events that the recorder lost are in the log as a gap entry
 *           REPRISE_E_TIMEOUT    not within @timeout_ns; or, of all, another connection holds a session in the log
 *           REPRISE_E_CLOSED     another process has taken the session over, or one of all: the rest of that
 *                                session's events will not be recorded
 *           REPRISE_E_CORRUPT    the log refuses the session, or one of all, because its entries are damaged
 *           or what else the log answers to that session alone
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

REPRISE_END_DECLARATIONS
#endif /* REPRISE_RECORDER_H */
