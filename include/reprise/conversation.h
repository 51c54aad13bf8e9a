/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CONVERSATION_H
#define REPRISE_CONVERSATION_H

/*
 * reprise/conversation.h - processes a message once, even if the message is delivered twice
 *
 * A conversation is a stream of events in a DIRECT key of a log: received messages, completed
 * steps, finished messages. The state of a conversation is the sum of these events. After a crash
 * in the middle of a message, a runtime recovers the state from the log and learns the next step of
 * the message.
 *
 *   receive_message
 *     ├──► START ─────► step 0 ── record ──► step 1 ── record ──► … ──► record_processing_finished
 *     ├──► RESUME_FROM n ──────────────► step n ── record ──► … ──► record_processing_finished
 *     └──► SKIP
 *
 * Each record_* appends one event, and expects the stream to end at the sequence known to the
 * instance. If two instances append at the same sequence, exactly one wins. The other instance gets
 * REPRISE_E_CONFLICT, is stale, and returns REPRISE_E_STALE until its recovery. If a crash comes
 * after the effect of a step but before its record reaches the log, the runtime repeats the step:
 * the processing is at-least-once in this window. Only the step itself can close the window, with
 * an idempotent effect.
 *
 * Ids of messages are NUL-terminated, 1 to 1,024 bytes of valid UTF-8. (rules D01 to D06 of
 * src/CONTRACT.md)
 */

#include <stdbool.h>

#include <reprise/base.h>
#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_conversation; /* opaque: one instance; see reprise_conversation_new */

enum {
	REPRISE_MESSAGE_ID_BYTES_MAX = 1024,
};

/* The decision about a delivered message. */
typedef enum reprise_decision_type {
	REPRISE_DECISION_START = 1,   /* a new message: process it from step 0 on */
	REPRISE_DECISION_RESUME_FROM, /* a known message: continue with `step` */
	REPRISE_DECISION_SKIP,        /* a finished message: do nothing */
} reprise_decision_type;

struct reprise_decision {
	reprise_decision_type type;
	uint32_t step; /* the next step; 0 for START and SKIP */
};

/* Facts about a message. */
struct reprise_message_info {
	size_t size;    /* sizeof(struct reprise_message_info), set by the caller */
	const char *id; /* borrowed until the next call other than a query */
	uint64_t received_at_ms;
	int32_t is_received;
	int32_t is_in_progress;
	int32_t is_finished;
	int32_t has_steps; /* 1: last_step is the highest completed step */
	uint32_t last_step;
	int32_t has_error; /* 1: error is the last recorded text */
	const char *error; /* borrowed like id; "" without an error */

	/* Size of the text. A text recorded by another program may contain a NUL. */
	size_t error_bytes;
};
#define REPRISE_MESSAGE_INFO_INIT REPRISE_INIT(struct reprise_message_info)

struct reprise_conversation_options {
	size_t size; /* sizeof(struct reprise_conversation_options) */

	/*
	 * Minimum number of events between two snapshots. A record_* takes a snapshot if more
	 * events, and more bytes than the last snapshot has, have come since the last snapshot. 0:
	 * 1,024. UINT64_MAX: only reprise_conversation_snapshot takes snapshots.
	 */
	uint64_t snapshot_events;
};
#define REPRISE_CONVERSATION_OPTIONS_INIT REPRISE_INIT(struct reprise_conversation_options)

/*
 * reprise_conversation_new - opens an instance with an empty state
 *
 * The call reads nothing; the expected sequence is 0. If the stream exists, call
 * reprise_conversation_recover next: without a recovery the first record_* returns
 * REPRISE_E_CONFLICT.
 *
 * @log               Borrowed until the instance is closed. Several instances may share a log.
 * @key               The key of the stream. Copied.
 * @options           Borrowed. NULL: the defaults.
 * @ret_conversation  Set on REPRISE_OK: owned.
 * @error             Optional.
 *
 * Threads   Any. One thread at a time for each instance.
 * Progress  Allocates.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad key, a bad size of the options
 *           REPRISE_E_FORKED     another process opened the log; nothing was opened
 *           REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM  nothing was opened
 */
REPRISE_API reprise_status
reprise_conversation_new(struct reprise_log *log, const struct reprise_log_key *key,
			 const struct reprise_conversation_options *options,
			 struct reprise_conversation **ret_conversation,
			 struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_recover - brings an instance up to the end of its stream
 *
 * The call reads the newest snapshot and every later event, 1,024 at a time, and appends nothing. A
 * recovered instance is no longer stale. If the call fails, the instance stays as it was. The call
 * skips a damaged snapshot, and reads the older snapshot or all events instead
 * (reprise_conversation_snapshots). If the instance has not stored its horizon yet
 * (reprise_conversation_forget), the instance applies the horizon again at the end.
 *
 * @conversation  Borrowed.
 * @error         Optional. REPRISE_E_CORRUPT: `what` names the ordinal, or "horizons"; `detail`
 *                describes the damage.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each page.
 * Ordering  The call sees every commit that precedes the call.
 * Returns   REPRISE_OK          also for a stream that does not exist: the state is empty
 *           REPRISE_E_CORRUPT   an event is damaged or of another kind; or an event is archived and
 *                               no readable snapshot covers the event; or the stream ends before
 *                               its snapshot
 *           REPRISE_E_VERSION   another version of the library wrote the horizons
 *           REPRISE_E_CONFLICT  a RING key
 *           REPRISE_E_INVALID   a NULL argument
 *           REPRISE_E_TIMEOUT   the log's deadline; or other instances raised the horizon during
 *                               each of 16 attempts
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status reprise_conversation_recover(
	struct reprise_conversation *conversation, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_clone - copies an instance with its state
 *
 * Both instances have the same expected sequence: the first one to record wins.
 *
 * @conversation  Borrowed. The clone of a stale instance is stale.
 * @ret_clone     Set on REPRISE_OK: owned.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Allocates; linear in the size of the state.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_conversation_clone(
	const struct reprise_conversation *conversation, struct reprise_conversation **ret_clone,
	struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_close - frees an instance
 *
 * @conversation  Moves. NULL is allowed. The stream stays.
 *
 * Threads   Owner of the instance.
 * Progress  Frees memory; no system call on the log.
 * Ordering  None.
 * Returns   Nothing.
 */
REPRISE_API void reprise_conversation_close(struct reprise_conversation *conversation);

/*
 * reprise_conversation_id                - returns the thread of the key
 * reprise_conversation_expected_sequence - returns the sequence of the next event
 * reprise_conversation_is_stale          - tests whether record_* returns REPRISE_E_STALE
 *
 * @conversation  Borrowed.
 *
 * Threads   Owner of the instance.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   The id, borrowed until the instance is closed; the sequence, equal to the number of
 *           events before; true if stale.
 */
REPRISE_API const char *reprise_conversation_id(const struct reprise_conversation *conversation);
REPRISE_API uint64_t
reprise_conversation_expected_sequence(const struct reprise_conversation *conversation);
REPRISE_API bool reprise_conversation_is_stale(const struct reprise_conversation *conversation);

/*
 * reprise_conversation_receive_message - decides about a delivered message
 *
 * A finished message: SKIP. A received message, also one with an error: RESUME_FROM the step after
 * the highest completed step, or from 0. These two decisions append nothing, and are available from
 * a stale instance. Any other message: the call appends the receipt, and the decision is START.
 *
 * @conversation    Borrowed.
 * @id              The message's id.
 * @received_at_ms  Since 1970, in UTC; recorded with the receipt.
 * @ret_decision    Set on REPRISE_OK.
 * @error           Optional.
 *
 * Threads   Owner of the instance.
 * Progress  SKIP and RESUME_FROM: no system call and no lock. START: as record_*.
 * Ordering  START: on return the receipt is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  as record_*; also if the highest completed step is 2^32 - 1
 *           and the other statuses of record_*
 */
REPRISE_API reprise_status reprise_conversation_receive_message(
	struct reprise_conversation *conversation, const char *id, uint64_t received_at_ms,
	struct reprise_decision *ret_decision, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_record_message_received    - records the receipt of a message
 * reprise_conversation_record_processing_started  - records the start of its processing
 * reprise_conversation_record_step_completed      - records a completed step, with an output
 * reprise_conversation_record_processing_finished - records the end of its processing
 * reprise_conversation_record_error               - records a failure of its processing
 *
 * Each call appends one event and updates the state. The calls may come in any order. A repeated
 * event changes only the sequence. A message with an error stays unfinished.
 *
 * @conversation    Borrowed.
 * @id              The message's id.
 * @received_at_ms  Since 1970, in UTC.
 * @step            0 or greater. If a step is recorded again, the later output counts.
 * @output          Copied. May be empty.
 * @text            Valid UTF-8, NUL-terminated. May be empty.
 * @error           Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each transaction: one for the event, one for a
 *           snapshot if due (snapshot_events), one for the horizon with the first event of a stream
 *           or after a forget. A step also moves the message's higher steps in memory.
 * Ordering  On return the event is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK           the expected sequence is one higher
 *           REPRISE_E_CONFLICT   another instance has appended, or the key is a RING key; nothing
 *                                was appended, and the instance is stale
 *           REPRISE_E_STALE      the instance must recover first; nothing was appended
 *           REPRISE_E_INVALID    a NULL argument, a bad id or text, or a log opened read-only;
 *                                nothing was appended
 *           REPRISE_E_TOO_LARGE  the event exceeds the size of an entry; nothing was appended
 *           REPRISE_E_NO_MEMORY  nothing was appended
 *           REPRISE_E_FORKED     another process opened the log; nothing was appended
 *           REPRISE_E_TIMEOUT    other connections held the log beyond its deadline; nothing was
 *                                appended
 *           REPRISE_E_IO, REPRISE_E_CORRUPT  the outcome may be unknown: the state is unchanged,
 *                                            and the instance is stale
 */
REPRISE_API reprise_status reprise_conversation_record_message_received(
	struct reprise_conversation *conversation, const char *id, uint64_t received_at_ms,
	struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_conversation_record_processing_started(
	struct reprise_conversation *conversation, const char *id,
	struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_conversation_record_step_completed(
	struct reprise_conversation *conversation, const char *id, uint32_t step,
	struct reprise_bytes output, struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_conversation_record_processing_finished(
	struct reprise_conversation *conversation, const char *id,
	struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status
reprise_conversation_record_error(struct reprise_conversation *conversation, const char *id,
				  const char *text, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_forget - raises the horizon: forgets finished messages
 *
 * The call forgets the finished messages received before a time, and frees their memory. Every
 * other message received before this time is forgotten as soon as the message is finished, also
 * after a recovery of the instance. If a forgotten message is delivered again, the instance treats
 * the message as new.
 *
 * The next record_* or snapshot first stores the horizon with its place in the stream. Every
 * instance that recovers then decides like this instance. (rule D03)
 *
 * @conversation        Borrowed.
 * @received_before_ms  Since 1970, in UTC.
 *
 * Threads   Owner of the instance.
 * Progress  Linear in the number of messages.
 * Ordering  None: the call stores nothing. An instance that recovers before the next event still
 *           knows the messages.
 * Returns   The number of forgotten messages.
 */
REPRISE_API uint64_t reprise_conversation_forget(struct reprise_conversation *conversation,
						 uint64_t received_before_ms);

/*
 * reprise_conversation_find - returns facts about a message
 *
 * @conversation  Borrowed.
 * @id            The message's id.
 * @ret_info      The caller sets `size`; the call sets the rest on REPRISE_OK.
 *
 * Threads   Owner of the instance.
 * Progress  No system call and no lock.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no event names the message
 *           REPRISE_E_INVALID    a NULL argument, a bad id or size
 */
REPRISE_API reprise_status
reprise_conversation_find(const struct reprise_conversation *conversation, const char *id,
			  struct reprise_message_info *ret_info) REPRISE_MUST_USE;

/* A visitor of messages. The info is borrowed for the call. false ends the visit. */
typedef bool (*reprise_message_visit)(const struct reprise_message_info *info, void *context);

/* A visitor of completed steps. false ends the visit. */
typedef bool (*reprise_step_visit)(uint32_t step, void *context);

/*
 * reprise_conversation_each      - visits every known message, in the order of the first events
 * reprise_conversation_each_step - visits the completed steps of a message, ascending
 *
 * @conversation  Borrowed. The visitor may call queries.
 * @id            The message's id. An unknown message has no steps.
 * @visit         Called once for each message or step.
 * @context       Passed to @visit.
 *
 * Threads   Owner of the instance.
 * Progress  Linear in the number of visits.
 * Ordering  None.
 * Returns   Nothing.
 */
REPRISE_API void reprise_conversation_each(const struct reprise_conversation *conversation,
					   reprise_message_visit visit, void *context);
REPRISE_API void reprise_conversation_each_step(const struct reprise_conversation *conversation,
						const char *id, reprise_step_visit visit,
						void *context);

/*
 * reprise_conversation_step_output - returns the output of a step
 *
 * Outputs are in memory until the message is finished. After that the call reads the log.
 *
 * @conversation  Borrowed.
 * @id            The message's id.
 * @step          A completed step.
 * @page          Memory for the entry. The call empties the page before a read of the log.
 * @ret_output    Set on REPRISE_OK: borrowed until the page is used again, or until the next call
 *                other than a query.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks if the message is finished.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no such message or step
 *           REPRISE_E_EXPIRED    the event is archived
 *           REPRISE_E_INVALID    a NULL argument, a bad id
 *           REPRISE_E_CORRUPT    the event is damaged or missing, or the entry is another event
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_conversation_step_output(
	const struct reprise_conversation *conversation, const char *id, uint32_t step,
	struct reprise_log_page *page, struct reprise_bytes *ret_output,
	struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CONVERSATION_H */
