/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_STEPS_H
#define CONVERSATION_STEPS_H

/*
 * The completed steps of a message, ascending, and the texts that a state keeps. The room alone
 * knows this header.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conversation/messages.h"

/* A copy; NULL if there is no memory. text_give takes NULL. */
struct message_text *text_new(struct conversation_state *state, struct reprise_bytes bytes);
void text_give(struct conversation_state *state, struct message_text *text);

/* The index of the first step that is not below @step; steps_count if there is none. */
uint32_t steps_index(const struct conversation_message *message, uint32_t step);

/* Whether the message has that step, at the index that steps_index answers. */
bool steps_have(const struct conversation_message *message, uint32_t index, uint32_t step);

/*
 * steps_prepare  Takes the memory that steps_put will need into @prepared: room for one more step,
 *                a copy of the output. False if there is no memory.
 * steps_put      Inserts a step or overwrites it; takes over what is prepared.
 * steps_cancel   Gives the prepared memory back, but for the message.
 */
bool steps_prepare(struct conversation_state *state, const struct conversation_message *message,
		   uint32_t step, struct reprise_bytes output, struct prepared *prepared);
void steps_put(struct conversation_state *state, struct conversation_message *message,
	       uint32_t step, uint64_t ordinal, const struct prepared *prepared);
void steps_cancel(struct conversation_state *state, struct prepared *prepared);

/*
 * All steps of a message that has none, and is finished already if it is to be:
 *
 * steps_open  Room for @count steps. False if there is no memory.
 * steps_add   The next one; the room is there, and @step is above the last. @output is not looked
 *             at if the message is finished. False if there is no memory.
 */
bool steps_open(struct conversation_state *state, struct conversation_message *message,
		uint32_t count);
bool steps_add(struct conversation_state *state, struct conversation_message *message,
	       uint32_t step, uint64_t ordinal, struct reprise_bytes output);

/* steps_give: all of them. steps_give_outputs: the outputs alone, for good. */
void steps_give(struct conversation_state *state, struct conversation_message *message);
void steps_give_outputs(struct conversation_state *state, struct conversation_message *message);

#endif /* CONVERSATION_STEPS_H */
