/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_EVENTS_H
#define CONVERSATION_EVENTS_H

/* Events in few words, and what tests of states share. */

#include "support.h"

#include "conversation/codec.h"
#include "conversation/state.h"

struct reprise_bytes bytes_of(const char *text);

struct conversation_event received(const char *id, uint64_t at_ms);
struct conversation_event started(const char *id);
struct conversation_event step_done(const char *id, uint32_t step, const char *output);
struct conversation_event finished(const char *id);
struct conversation_event failed(const char *id, const char *text);

struct conversation_state *new_state(void);

/* Folds with the next ordinal, which must succeed. */
void fold(struct conversation_state *state, struct conversation_event event);

/* The facts of a message that is known. */
struct message_facts facts_of(const struct conversation_state *state, const char *id);
bool is_known(const struct conversation_state *state, const char *id);

void expect_decision(const struct conversation_state *state, const char *id,
		     reprise_decision_type type, uint32_t step);

/* A step with an output in memory, or with one that is read from an ordinal. */
void expect_output(const struct conversation_state *state, const char *id, uint32_t step,
		   const char *output);
void expect_place(const struct conversation_state *state, const char *id, uint32_t step,
		  uint64_t ordinal);

/* A state as bytes, just as large as they are; to be freed. */
struct encoding {
	unsigned char *bytes;
	size_t size;
};
struct encoding encoding_of(const struct conversation_state *state);
bool encodings_are_equal(struct encoding a, struct encoding b);

/* Whether both have the same encoding. */
bool states_are_equal(const struct conversation_state *a, const struct conversation_state *b);

#endif /* CONVERSATION_EVENTS_H */
