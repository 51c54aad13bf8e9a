/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_STATE_H
#define CONVERSATION_STATE_H

/*
 * The state of a conversation, which its events add up to (rules D03 and D04), without I/O.
 *
 * A state is one thread's at a time; calls that take it as const may run at once with each other.
 * The calls trust their caller: an event has no fault (codec_event_fault), and each ordinal is
 * above the ordinals before it. Else an assertion fails.
 *
 * Outputs of steps are in memory until their message is finished. Of a finished message the state
 * has the ordinals of the entries that they can be read from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/conversation.h>

#include "conversation/codec.h"

struct conversation_state;   /* opaque */
struct conversation_message; /* opaque: one message of a state */

/*
 * state_new   an empty state. REPRISE_OK, REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM (no random bytes;
 *             errno is set)
 * state_copy  a deep copy of @state, without what is prepared. REPRISE_OK, REPRISE_E_NO_MEMORY
 * state_free  gives all memory back, also what is prepared. @state may be NULL
 */
reprise_status state_new(struct conversation_state **ret_state) REPRISE_MUST_USE;
reprise_status state_copy(const struct conversation_state *state,
			  struct conversation_state **ret_copy) REPRISE_MUST_USE;
void state_free(struct conversation_state *state);

/*
 * The bytes that the state has asked the allocator for: linear in what it knows, not in how
 * it came about.
 */
size_t state_bytes(const struct conversation_state *state);

/*
 * Two phases, so that an event can be appended to a log in between:
 *
 *    state_prepare ── append ──► state_apply      if it was appended
 *                           └──► state_cancel     if it was not
 *
 * state_prepare  Takes all memory that the event needs; copies what is borrowed of it. To every
 *                query the state is as before. REPRISE_OK, REPRISE_E_NO_MEMORY (nothing is
 *                prepared). At most one event is prepared.
 * state_apply    Moves the state. Cannot fail. @event is the one that was prepared; its id, output
 *                and error text are not looked at. @ordinal is the entry's in the log, above every
 *                ordinal before it.
 * state_cancel   Gives the prepared memory back; nothing if nothing is prepared. The table of
 *                messages stays as large as it has grown.
 * state_fold     Prepares and applies. REPRISE_OK, REPRISE_E_NO_MEMORY (the state is as before)
 */
reprise_status state_prepare(struct conversation_state *state,
			     const struct conversation_event *event) REPRISE_MUST_USE;
void state_apply(struct conversation_state *state, uint64_t ordinal,
		 const struct conversation_event *event);
void state_cancel(struct conversation_state *state);
reprise_status state_fold(struct conversation_state *state, uint64_t ordinal,
			  const struct conversation_event *event) REPRISE_MUST_USE;

/*
 * Raises the horizon to @received_before_ms, and forgets the finished messages that were received
 * before it; a message that was never received counts as received at 0. The horizon stays: a
 * message that was received before it is forgotten as soon as it is finished. It is part of copies
 * and of the encoding, and never sinks. A forgotten id is a new one. Nothing may be prepared.
 * Answers how many messages were forgotten.
 *
 * A stream that is folded with another horizon at some place may end in another state: a forgotten
 * message that is received again is a new one only where it was forgotten (horizons.h).
 */
uint64_t state_forget(struct conversation_state *state, uint64_t received_before_ms);

/*
 * The decision for a message that was delivered (rule D04). A message of which other events came,
 * but no MessageReceived, starts.
 *
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a bad id, or its highest completed step is 2^32 - 1 and it
 *                              is not finished
 */
reprise_status state_decide(const struct conversation_state *state, struct reprise_bytes id,
			    struct reprise_decision *ret_decision) REPRISE_MUST_USE;

/*
 * Queries. Pointers and bytes are borrowed until the next call that takes the state as not const.
 * Bytes of ids and error texts are followed by a NUL.
 */

size_t state_messages_count(const struct conversation_state *state);
uint64_t state_last_ordinal(
	const struct conversation_state *state); /* of what was applied; 0: nothing */
uint64_t state_horizon_ms(
	const struct conversation_state *state); /* 0: nothing was ever forgotten */

/* NULL: not known. */
const struct conversation_message *state_find(const struct conversation_state *state,
					      struct reprise_bytes id);

/* The messages in the order of their first events; NULL: no more. */
const struct conversation_message *state_first_message(const struct conversation_state *state);
const struct conversation_message *state_next_message(const struct conversation_message *message);

struct message_facts {
	struct reprise_bytes id;
	bool is_received;
	bool is_in_progress;
	bool is_finished;
	bool has_error;
	uint64_t received_at_ms; /* if is_received: as the first MessageReceived says */
	/* With is_received: the ordinal of the receipt. Ordinals ascend in the order of receipt. */
	uint64_t received_ordinal;
	uint64_t steps_count;            /* of completed ones */
	uint32_t last_step;              /* the highest, if steps_count is not 0 */
	struct reprise_bytes error_text; /* the last one, if has_error */
};

struct message_facts message_facts(const struct conversation_message *message);

struct conversation_step {
	uint32_t step;
	bool has_output;             /* it is in memory: the message is not finished */
	uint64_t ordinal;            /* of the last event that completed the step */
	struct reprise_bytes output; /* if has_output */
};

/*
 * message_step_at    The @index-th of the completed steps, which ascend; from 0. False: there are
 *                    not so many.
 * message_find_step  False: it was not completed.
 */
bool message_step_at(const struct conversation_message *message, uint64_t index,
		     struct conversation_step *ret_step);
bool message_find_step(const struct conversation_message *message, uint32_t step,
		       struct conversation_step *ret_step);

/*
 * The state as bytes, for snapshots: one encoding for each state. A prepared event is no part of
 * it. The storage adds a checksum. The layout stands in state_bytes.c.
 *
 * state_encoded_bytes  the size; linear in the state
 * state_encode         writes so many bytes
 * state_decode         REPRISE_OK         @ret_state is owned, and encodes to the same bytes
 *                      REPRISE_E_VERSION  the state of another version of the library
 *                      REPRISE_E_CORRUPT  no state is encoded so
 *                      REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM
 *                      @ret_fault is set with E_VERSION and E_CORRUPT: what is wrong, in words
 */
size_t state_encoded_bytes(const struct conversation_state *state);
void state_encode(const struct conversation_state *state, unsigned char *to);
reprise_status state_decode(struct reprise_bytes from, struct conversation_state **ret_state,
			    const char **ret_fault) REPRISE_MUST_USE;

#endif /* CONVERSATION_STATE_H */
