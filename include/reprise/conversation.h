/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CONVERSATION_H
#define REPRISE_CONVERSATION_H

/*
 * reprise/conversation.h - a message that is delivered twice is worked once
 *
 * A conversation is a stream of events in a DIRECT key of a log: messages that were received, steps that were completed,
 * messages that were finished. The state is what these events add up to. A runtime that died in the middle of a message
 * recovers the state from the log, and is told with which step the message goes on.
 *
 *   receive_message ──► START ─────────► step 0 ── record ──► step 1 ── record ──► … ──► record_processing_finished
 *                  ├──► RESUME_FROM n ──────────────────► step n ── record ──► … ──► record_processing_finished
 *                  └──► SKIP
 *
 * Each record_* appends one event, expecting the sequence up to which this instance knows the stream. If another instance
 * has appended meanwhile, exactly one of both wins; the other gets REPRISE_E_CONFLICT, is stale, and answers
 * REPRISE_E_STALE until it has recovered. A step whose effect was done, but whose record did not reach the log, is done
 * again after a crash: between the two stands the at-least-once window, and only the step itself can close it.
 *
 * Ids of messages are NUL-terminated, 1 to 1,024 bytes of valid UTF-8. (rules D01 to D06 of src/CONTRACT.md)
 */

#include <stdbool.h>

#include <reprise/base.h>
#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_conversation; /* opaque: one instance; see reprise_conversation_new */

enum {
	REPRISE_MESSAGE_ID_BYTES_MAX = 1024,
};

/* The decision for a message that was delivered. */
typedef enum reprise_decision_type {
	REPRISE_DECISION_START = 1,   /* it is new: work it from step 0 on */
	REPRISE_DECISION_RESUME_FROM, /* it was begun: work it from `step` on */
	REPRISE_DECISION_SKIP,        /* it was finished: do nothing */
} reprise_decision_type;

struct reprise_decision {
	reprise_decision_type type;
	uint32_t step; /* the next step; 0 for START and SKIP */
};

/* The facts of a message. */
struct reprise_message_info {
	size_t size;    /* sizeof(struct reprise_message_info), set by the caller */
	const char *id; /* borrowed until the next call that is not a query */
	uint64_t received_at_ms;
	int32_t is_received;
	int32_t is_in_progress;
	int32_t is_finished;
	int32_t has_steps; /* 1: last_step is the highest step that was completed */
	uint32_t last_step;
	int32_t has_error; /* 1: error is the text that was recorded last */
	const char *error; /* borrowed as id; "" without one */
	size_t error_bytes; /* of the text, which may have a NUL in it if another program has recorded it */
};
#define REPRISE_MESSAGE_INFO_INIT REPRISE_INIT(struct reprise_message_info)

struct reprise_conversation_options {
	size_t size; /* sizeof(struct reprise_conversation_options) */

	/*
	 * Events between two snapshots, at least. A record_* that makes them more, and more bytes than the last snapshot
	 * has, also takes a snapshot. 0: 1,024. UINT64_MAX: reprise_conversation_snapshot alone takes snapshots.
	 */
	uint64_t snapshot_events;
};
#define REPRISE_CONVERSATION_OPTIONS_INIT REPRISE_INIT(struct reprise_conversation_options)

/*
 * reprise_conversation_new - an instance that knows nothing yet
 *
 * Reads nothing: the state is empty and the expected sequence is 0. For a stream that exists already,
 * reprise_conversation_recover comes next; without it the first record_* answers REPRISE_E_CONFLICT.
 *
 * @log               Borrowed until the instance is closed. Several instances may share it.
 * @key               Whose stream. Copied.
 * @options           Borrowed. NULL: the defaults.
 * @ret_conversation  Set on REPRISE_OK: owned.
 * @error             Optional.
 *
 * Threads   Any. An instance is one thread's at a time.
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
 * reprise_conversation_recover - bring an instance up to the end of its stream
 *
 * Reads the newest snapshot and every event after it, 1,024 at a time, and appends nothing. The instance is no longer
 * stale afterwards. If the call fails, the instance is as before. A damaged snapshot is passed over: the older one is read,
 * or all events (reprise_conversation_snapshots). If a forget of the instance is not stored yet, the
 * instance forgets again at the end.
 *
 * @conversation  Borrowed.
 * @error         Optional. REPRISE_E_CORRUPT: `what` names the ordinal, or "horizons"; `detail` says how it is damaged.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each page.
 * Ordering  The call sees everything that was committed before it.
 * Returns   REPRISE_OK           a stream that does not exist is an empty one
 *           REPRISE_E_CORRUPT    an event is damaged or of another kind, it is archived and no snapshot that can be
 *                                read covers it, or the stream ends before its snapshot
 *           REPRISE_E_VERSION    another version of the library has written the horizons
 *           REPRISE_E_CONFLICT   a RING key
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_TIMEOUT    the log's deadline; or others raised the horizon during each of 16 attempts
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status reprise_conversation_recover(
	struct reprise_conversation *conversation, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_clone - a second instance with a copy of the state
 *
 * Both go on from the same expected sequence: the first that records wins.
 *
 * @conversation  Borrowed. A stale instance has a stale clone.
 * @ret_clone     Set on REPRISE_OK: owned.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Allocates; linear in the state.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_conversation_clone(
	const struct reprise_conversation *conversation, struct reprise_conversation **ret_clone,
	struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_close - give an instance back
 *
 * @conversation  Moves. NULL is allowed. The stream stays.
 *
 * Threads   Owner of the instance.
 * Progress  Frees memory alone.
 * Ordering  None.
 * Returns   Nothing.
 */
REPRISE_API void reprise_conversation_close(struct reprise_conversation *conversation);

/*
 * reprise_conversation_id                - the thread of its key
 * reprise_conversation_expected_sequence - the sequence that the next event gets; also how many events came before
 * reprise_conversation_is_stale          - whether record_* answers REPRISE_E_STALE
 *
 * @conversation  Borrowed.
 *
 * Threads   Owner of the instance.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   The id, borrowed until the instance is closed; the sequence, 0 for an empty stream; whether it is stale.
 */
REPRISE_API const char *reprise_conversation_id(const struct reprise_conversation *conversation);
REPRISE_API uint64_t
reprise_conversation_expected_sequence(const struct reprise_conversation *conversation);
REPRISE_API bool reprise_conversation_is_stale(const struct reprise_conversation *conversation);

/*
 * reprise_conversation_receive_message - decide what to do with a message that was delivered
 *
 * A finished message: SKIP. A received one: RESUME_FROM the step after the highest one that was completed, or 0; a
 * message with an error that is not finished is resumed, too. For both nothing is appended, and a stale instance answers.
 * A message that is not known: its receipt is appended, then START.
 *
 * @conversation    Borrowed.
 * @id              Of the message.
 * @received_at_ms  Since 1970, in UTC; recorded with the receipt.
 * @ret_decision    Set on REPRISE_OK.
 * @error           Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Known messages: no system call and no lock. Others: as record_*.
 * Ordering  START: durable as the log was opened, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  also if the highest completed step is 2^32 - 1
 *           else as record_*
 */
REPRISE_API reprise_status reprise_conversation_receive_message(
	struct reprise_conversation *conversation, const char *id, uint64_t received_at_ms,
	struct reprise_decision *ret_decision, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_conversation_record_message_received    - a message was received
 * reprise_conversation_record_processing_started  - its processing has begun
 * reprise_conversation_record_step_completed      - a step of it is done, with its output
 * reprise_conversation_record_processing_finished - it is done
 * reprise_conversation_record_error               - its processing has failed
 *
 * Each appends one event and moves the state. No order is forced upon the calls; the same event twice changes nothing but
 * the sequence. An error leaves a message unfinished.
 *
 * @conversation    Borrowed.
 * @id              Of the message.
 * @received_at_ms  Since 1970, in UTC.
 * @step            From 0. A step that is recorded again has the later output.
 * @output          Copied. May be empty.
 * @text            Valid UTF-8, NUL-terminated. May be empty.
 * @error           Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline; up to twice that if a snapshot is due (snapshot_events), and for the first
 *           event of a stream or after a forget. A step costs a move of the message's higher steps.
 * Ordering  Durable as the log was opened, when the call returns.
 * Returns   REPRISE_OK           the expected sequence is one more
 *           REPRISE_E_CONFLICT   another instance has appended, or the key is RING; nothing was appended. From then on the
 *                                instance is stale
 *           REPRISE_E_STALE      the instance has to recover first; nothing was appended
 *           REPRISE_E_INVALID    a NULL argument, a bad id or text, a log that was opened to be read; nothing was appended
 *           REPRISE_E_TOO_LARGE  the event is larger than an entry may be; nothing was appended
 *           REPRISE_E_NO_MEMORY  nothing was appended
 *           REPRISE_E_FORKED     another process opened the log; nothing was appended
 *           REPRISE_E_TIMEOUT    others held the log for longer than its deadline; nothing was appended
 *           REPRISE_E_IO, REPRISE_E_CORRUPT  the outcome may not be known: the state is unchanged, and the instance is
 *                                stale
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
 * reprise_conversation_forget - drop the finished messages that were received before a time
 *
 * Their memory is given back. A message that was received before that time is forgotten as soon as it is finished, also
 * after the instance has recovered. A forgotten message that is delivered again is a new one.
 *
 * The next record_* or snapshot stores at which place of the stream the instance has forgotten, before its event is
 * appended. So an instance that recovers decides as this one. (rule D03)
 *
 * @conversation        Borrowed.
 * @received_before_ms  Since 1970, in UTC.
 *
 * Threads   Owner of the instance.
 * Progress  Linear in the number of messages.
 * Ordering  None: nothing is stored yet. An instance that recovers before the next event knows the messages again.
 * Returns   How many were dropped.
 */
REPRISE_API uint64_t reprise_conversation_forget(struct reprise_conversation *conversation,
						 uint64_t received_before_ms);

/*
 * reprise_conversation_find - the facts of a message
 *
 * @conversation  Borrowed.
 * @id            Of the message.
 * @ret_info      `size` set by the caller; the rest set on REPRISE_OK.
 *
 * Threads   Owner of the instance.
 * Progress  No system call and no lock.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no event names it
 *           REPRISE_E_INVALID    a NULL argument, a bad id or size
 */
REPRISE_API reprise_status
reprise_conversation_find(const struct reprise_conversation *conversation, const char *id,
			  struct reprise_message_info *ret_info) REPRISE_MUST_USE;

/* Called with each message, in the order of their first events. False: no more. The info is borrowed for the call. */
typedef bool (*reprise_message_visit)(const struct reprise_message_info *info, void *context);

/* Called with each completed step, ascending. False: no more. */
typedef bool (*reprise_step_visit)(uint32_t step, void *context);

/*
 * reprise_conversation_each      - every message that is known
 * reprise_conversation_each_step - the completed steps of a message
 *
 * @conversation  Borrowed. The visitor may call queries.
 * @id            Of the message. Unknown: there are none.
 * @visit         Called with each.
 * @context       Passed to it.
 *
 * Threads   Owner of the instance.
 * Progress  Linear in what is visited.
 * Ordering  None.
 * Returns   Nothing.
 */
REPRISE_API void reprise_conversation_each(const struct reprise_conversation *conversation,
					   reprise_message_visit visit, void *context);
REPRISE_API void reprise_conversation_each_step(const struct reprise_conversation *conversation,
						const char *id, reprise_step_visit visit,
						void *context);

/*
 * reprise_conversation_step_output - the output of a step
 *
 * The output is in memory until its message is finished; then it is read from the log.
 *
 * @conversation  Borrowed.
 * @id            Of the message.
 * @step          That was completed.
 * @page          Room for the entry that is read from the log; then it is emptied first.
 * @ret_output    Set on REPRISE_OK: borrowed until the page is used again, or the next call that is not a query.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, if the message is finished.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no such message or step
 *           REPRISE_E_EXPIRED    the event is archived
 *           REPRISE_E_INVALID    a NULL argument, a bad id
 *           REPRISE_E_CORRUPT    the event is damaged or lost, or another one stands there
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_conversation_step_output(
	const struct reprise_conversation *conversation, const char *id, uint32_t step,
	struct reprise_log_page *page, struct reprise_bytes *ret_output,
	struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CONVERSATION_H */
