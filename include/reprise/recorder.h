/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_RECORDER_H
#define REPRISE_RECORDER_H

/*
 * reprise/recorder.h - copies the events of a store's sessions to a log
 *
 * A recorder has two threads. The writing thread follows every session of a store and appends new
 * events to a log, many sessions in one transaction. The reading thread reads the log for
 * subscriptions that heal: subscriptions whose next events have left the ring. No append waits for
 * either thread. The ring of a session is the buffer in between. If the log is slow or unavailable,
 * the recorder retries with growing pauses. Events that leave the ring before they are recorded
 * become a gap entry in the log. A session opened with REPRISE_WHEN_FULL_REFUSE refuses appends
 * instead.
 *
 * Silent sessions cost nothing: the recorder does not look at a session without an append for
 * 100 ms. The first append after such a silence notifies the recorder, with at most one system
 * call. In a store with REPRISE_WAKE_DEFERRED appends do not notify the recorder, and the recorder
 * looks at every session each linger_ns or less often.
 *
 *   append ──► ring ──► recorder ──► log
 *                └─► subscription ◄───┘ heals
 *
 * A recorder with the option reads_only records nothing. Its store follows sessions of other
 * runtimes, in other processes or on other machines, by the log alone:
 *
 *   runtime: append ──► ring ──► recorder ──► log ──► recorder (reads_only) ──► subscription
 *
 * Subscriptions have the same calls and the same ways to wait as beside the runtime, and get
 * recorded events only. Such a recorder has the reading thread, and for a log in PostgreSQL a
 * thread with a connection to hear of commits. (rules S15 to S17)
 *
 * With the option retention another thread of the recorder, with a connection of its own, removes
 * entries beyond limits from the log. Recording waits for at most one transaction of the pruning.
 * (rule L58)
 *
 * A store with a recorder is a store with a log. The positions of a session continue after the
 * log's ordinals, and the log has the life of each window before the window takes an append. A life
 * ends clean once the writer is closed and all events are recorded. If a life is still open when
 * the next one begins, the life has crashed: more events may have followed the last recorded one.
 */

#include <reprise/base.h>
#include <reprise/log.h>
#include <reprise/log_upkeep.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_recorder; /* opaque; see reprise_recorder_open */

struct reprise_recorder_options {
	size_t size; /* sizeof(struct reprise_recorder_options) */

	const char *tenant; /* the tenant of all sessions of the store; copied. NULL: "default" */

	/*
	 * The durability at which an event counts as recorded, for appends that refuse and for
	 * subscriptions with is_recorded_only. Also the least durability of each commit.
	 * REPRISE_WRITTEN or REPRISE_SYNCED. 0: REPRISE_SYNCED.
	 */
	reprise_durability durability;

	/*
	 * How long new events gather before a commit. The commit comes sooner if batch_events_max
	 * events, or more than half of one window's events_max, have gathered. Default 2 ms; at
	 * most 10 s.
	 */
	uint64_t linger_ns;

	/*
	 * Limits of one transaction: events, and bytes of records (header and payload). The last
	 * record may exceed batch_bytes_max, and a transaction holds the whole of the last
	 * reprise_append_batch (contracts C23). Defaults 4,096 and 4 MiB; at most 1,048,576 and
	 * 64 MiB.
	 */
	uint64_t batch_events_max;
	uint64_t batch_bytes_max;

	/*
	 * Pauses between attempts if the log fails: doubling from retry_ns_min to retry_ns_max,
	 * with jitter. Defaults 10 ms and 2 s; at most 1 h.
	 */
	uint64_t retry_ns_min;
	uint64_t retry_ns_max;

	/*
	 * The longest wait for the log while a session is opened or invalidated, or the recorder is
	 * closed. A longer deadline of the log does not prolong this wait. Default 5 s; at most
	 * 1 h.
	 */
	uint64_t deadline_ns;

	/*
	 * How long a subscription waits for events that are neither in the ring nor in the log.
	 * After this time the subscription gets a gap. Default 5 s.
	 */
	uint64_t heal_wait_ns;

	/*
	 * 0: reprise_session_invalidate and reprise_sessions_invalidate return once the log has
	 * synced that the lives are invalidated. 1: the calls return at once. If the process then
	 * dies before the log has the mark, the lives count as crashed, and their cursors heal
	 * from the log.
	 */
	int32_t invalidates_async;

	/*
	 * Opening a session leased by another runtime. 0: the call waits, at most for deadline_ns,
	 * until the other runtime closes the session or the lease ends. 1: the call returns
	 * REPRISE_E_BUSY at once.
	 */
	int32_t refuses_leased;

	/*
	 * 0: another runtime may take over each session at any time; this runtime finds out at its
	 * next commit. Otherwise the recorder leases each session with a writer in the log for this
	 * time, 100 ms to 1 h, on the log's clock. The recorder renews the lease with each commit
	 * of the session, and three times within lease_ns if the session is silent. No other
	 * runtime opens the session until its writer is closed and all events are recorded, or
	 * until the lease has ended because this process was stopped, was killed, or could not
	 * reach the log.
	 */
	uint64_t lease_ns;

	/*
	 * 1: the recorder only reads. The store has no session of its own: reprise_writer_open
	 * returns REPRISE_E_INVALID, and subscriptions follow the sessions of other runtimes. The
	 * log may be opened read-only. The options of recording are without effect. 0: the recorder
	 * records.
	 */
	int32_t reads_only;

	/*
	 * The time between two looks for commits of other runtimes, while a subscription waits for
	 * such a commit. Without such a subscription the recorder does not look. 1 ms to 10 s;
	 * default 15 ms. With reads_only, a log in PostgreSQL announces commits to the recorder,
	 * and the recorder looks every watch_ns or every second, whichever is longer.
	 */
	uint64_t watch_ns;

	/*
	 * The limits within which the recorder keeps the keys of the tenant (reprise_log_prune);
	 * copied. NULL: the recorder prunes nothing. The keys of other runtimes are pruned, too. A
	 * recorder with reads_only refuses a retention.
	 */
	const struct reprise_log_retention *retention;

	/*
	 * The time between the end of a round of pruning and the next round. The first round begins
	 * with the recorder. 10 ms to 24 h; default 60 s. After a failure of the log the next round
	 * begins after the pauses of retry_ns_min and retry_ns_max, if these are shorter. Only with
	 * a retention.
	 */
	uint64_t prune_interval_ns;
};
#define REPRISE_RECORDER_OPTIONS_INIT REPRISE_INIT(struct reprise_recorder_options)

struct reprise_recorder_stats {
	size_t size;       /* sizeof(struct reprise_recorder_stats), set by the caller */
	uint64_t sessions; /* with events to record, or with a writer */
	uint64_t recorded; /* events written to the log */
	uint64_t lost;     /* events in gap entries */
	uint64_t gaps;     /* gap entries */
	uint64_t batches;  /* committed batches */
	uint64_t failures; /* failed transactions, and refusals of single sessions */
	uint64_t fenced;   /* sessions taken over by another process, or lost by a restored log */
	uint64_t lag;      /* events appended and not yet committed */
	uint64_t lag_ns;   /* age of the first event in the current batch; 0: no batch */
	uint64_t pages;    /* pages read from the log for subscriptions */

	/*
	 * Status of the last transaction. If the log refused a session: the status of the refusal.
	 * With reads_only: status of the last look for commits, and `failures` counts failed looks.
	 */
	reprise_status last;

	/*
	 * The last failure of a transaction or of a session, kept after the recorder has overcome
	 * the failure. REPRISE_OK: none.
	 */
	reprise_status failure;

	/* In the words of the database or of the library. */
	char failure_text[REPRISE_ERROR_DETAIL_BYTES];

	/*
	 * Stuck sessions: the log refuses their events, but takes events of other sessions. The
	 * recorder retries stuck sessions with growing pauses. `stuck` counts these sessions. The
	 * other fields describe the session stuck for the longest time: how long, its id, the
	 * reason in words, and the status.
	 */
	uint64_t stuck;
	uint64_t stuck_ns;
	char stuck_session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	char stuck_text[REPRISE_ERROR_DETAIL_BYTES];
	reprise_status stuck_status;

	/*
	 * Retention. A round goes through the keys of the tenant once. `prune_last` is the status
	 * of the last round; `prune_failure` and `prune_text` are of the last round that failed,
	 * in the words of `failure_text`. Of a round with a damaged key the other keys are pruned.
	 */
	reprise_status prune_last;
	reprise_status prune_failure; /* REPRISE_OK: none */
	uint64_t prunes;              /* rounds that have ended */
	uint64_t prune_failures;      /* rounds that have failed */
	uint64_t pruned;              /* newly archived ordinals, gaps counted in full */
	uint64_t pruned_rows;         /* deleted rows, as in struct reprise_log_pruned */
	char prune_text[REPRISE_ERROR_DETAIL_BYTES];
};
#define REPRISE_RECORDER_STATS_INIT REPRISE_INIT(struct reprise_recorder_stats)

/*
 * reprise_recorder_open - starts to record the sessions of a store
 *
 * The call begins a transaction and rolls it back, to find a read-only or unwritable log now and
 * not when the first session is opened. With reads_only the call writes nothing.
 *
 * @store         Borrowed until the recorder is closed. The store must not have a session yet.
 * @log           Borrowed until the recorder is closed. The recorder opens connections of its own.
 * @options       Borrowed. NULL: all defaults.
 * @ret_recorder  Set on REPRISE_OK: owned.
 * @error         Optional.
 *
 * Threads   Setup.
 * Progress  Blocks: opens connections, starts threads.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option, or a log opened read-only
 *           REPRISE_E_BUSY       the store has a session, or already has a recorder
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_SYSTEM     a thread could not be started; nothing was opened
 *           REPRISE_E_FORKED     in the child of a fork
 *           or a status of the log, from opening a connection or beginning a transaction
 */
REPRISE_API reprise_status reprise_recorder_open(struct reprise_store *store,
						 struct reprise_log *log,
						 const struct reprise_recorder_options *options,
						 struct reprise_recorder **ret_recorder,
						 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_recorder_close            - records the remaining events, then stops
 * reprise_recorder_close_with_stats - the same, and returns the last statistics
 *
 * The recorder tries each stuck session once more, and waits only for the other sessions. The
 * statistics name a session that stays stuck.
 *
 * @recorder   Moves, except on REPRISE_E_BUSY and REPRISE_E_INVALID. NULL is allowed.
 * @ret_stats  The caller sets `size`. The call sets the rest, except on REPRISE_E_INVALID and
 *             REPRISE_E_FORKED. May be NULL.
 *
 * Threads   Setup: no other call on the recorder or the store may be running.
 * Progress  Blocks until all events are recorded, except events of stuck sessions, but at most for
 *           deadline_ns. After that time the call interrupts every wait for the log.
 * Ordering  None.
 * Returns   REPRISE_OK         all events are recorded, and every life has ended clean
 *           REPRISE_E_BUSY     a writer or a subscription is open; nothing was closed
 *           REPRISE_E_TIMEOUT  closed, but some events could not be recorded, or another connection
 *                              has locked a session in the log: the lives of these sessions stay
 *                              open in the log
 *           REPRISE_E_INVALID  a bad size of the statistics; nothing was closed
 *           REPRISE_E_FORKED   in the child of a fork: the call has only closed the descriptors of
 *                              the recorder's connections
 *           REPRISE_E_CORRUPT  closed, and all other events are recorded, but the log refuses a
 *                              session with damaged entries: the life of this session stays open in
 *                              the log
 *           or another status with which the log refuses a session: closed in the same way
 */
REPRISE_API reprise_status reprise_recorder_close(struct reprise_recorder *recorder)
	REPRISE_MUST_USE;
REPRISE_API reprise_status
reprise_recorder_close_with_stats(struct reprise_recorder *recorder,
				  struct reprise_recorder_stats *ret_stats) REPRISE_MUST_USE;

/*
 * reprise_recorder_flush - waits until the events appended before the call are recorded
 *
 * @recorder    Borrowed.
 * @session_id  NUL-terminated, borrowed. NULL: every session.
 * @durability  The durability to wait for. With REPRISE_SYNCED the recorder syncs its commits until
 *              the call returns, even if its options say REPRISE_WRITTEN.
 * @timeout_ns  The longest wait. REPRISE_NO_LIMIT: no limit.
 *
 * A recorder that only reads has nothing to record: a flush of every session returns REPRISE_OK.
 * Events appended after the call began do not delay the call. A flush of every session does not
 * wait for stuck sessions: the call waits for the other sessions, and then returns the refusal. In
 * a flush of one stuck session the recorder retries the session at once, and the call returns the
 * answer of the log.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  Acquire: the flush covers every event whose append the caller knows about.
 * Returns   REPRISE_OK           the events are recorded. Events lost by the recorder are in the
 *                                log as a gap entry
 *           REPRISE_E_TIMEOUT    @timeout_ns has passed; or, in a flush of every session, another
 *                                connection has locked a session in the log
 *           REPRISE_E_CLOSED     another process has taken over the session, or one of the
 *                                sessions; the rest of its events will not be recorded
 *           REPRISE_E_CORRUPT    the log refuses the session, or one of the sessions, because of
 *                                damaged entries
 *           or another status with which the log refuses the session
 *           REPRISE_E_NOT_FOUND  no window has this id
 *           REPRISE_E_INVALID    a NULL recorder, a bad id or durability
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_recorder_flush(struct reprise_recorder *recorder,
						  const char *session_id,
						  reprise_durability durability,
						  uint64_t timeout_ns) REPRISE_MUST_USE;

/*
 * reprise_recorder_recorded_through - returns the position up to which a session is recorded
 *
 * @recorder      Borrowed.
 * @session_id    NUL-terminated, borrowed.
 * @durability    The durability to ask for.
 * @ret_position  Set on REPRISE_OK. Every event up to this position has reached @durability, or is
 *                in a gap entry that has.
 *
 * Threads   Any.
 * Progress  Locks briefly.
 * Ordering  Acquire: the log has these events when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no window has this id
 *           REPRISE_E_INVALID    a NULL argument, a bad id or durability
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_recorder_recorded_through(
	struct reprise_recorder *recorder, const char *session_id, reprise_durability durability,
	reprise_position *ret_position) REPRISE_MUST_USE;

/*
 * reprise_recorder_stats - returns counters and the state of a recorder
 *
 * @recorder   Borrowed.
 * @ret_stats  The caller sets `size`; the call sets the rest on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Locks; linear in the number of sessions.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_recorder_stats(struct reprise_recorder *recorder,
						  struct reprise_recorder_stats *ret_stats)
	REPRISE_MUST_USE;

/*
 * reprise_recorder_backoff - returns the recorder's pause before an attempt
 *
 * A pure function. The bound doubles with each attempt, from retry_ns_min to retry_ns_max. The
 * pause is the bound less a pseudo-random part derived from @clock_ns.
 *
 * @attempt     1: the first attempt after a failure.
 * @clock_ns    Any number.
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   Nanoseconds: more than half of the bound, and at most the bound.
 */
REPRISE_API uint64_t reprise_recorder_backoff(uint64_t attempt, uint64_t clock_ns,
					      uint64_t retry_ns_min, uint64_t retry_ns_max);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_RECORDER_H */
