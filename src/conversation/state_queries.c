/* SPDX-License-Identifier: MIT */
#include "conversation/messages.h"
#include "conversation/state.h"
#include "conversation/steps.h"

size_t
state_messages_count(const struct conversation_state *state)
{
	return state->messages_count;
}

uint64_t
state_last_ordinal(const struct conversation_state *state)
{
	return state->last_ordinal;
}

uint64_t
state_horizon_ms(const struct conversation_state *state)
{
	return state->horizon_ms;
}

const struct conversation_message *
state_find(const struct conversation_state *state, struct reprise_bytes id)
{
	const struct conversation_message *message = NULL;

	if (id.size <= REPRISE_MESSAGE_ID_BYTES_MAX)
		message = messages_find(state, id);
	return message == NULL || message->is_pending ? NULL : message;
}

const struct conversation_message *
state_first_message(const struct conversation_state *state)
{
	return state->first;
}

const struct conversation_message *
state_next_message(const struct conversation_message *message)
{
	return message->next;
}

struct message_facts
message_facts(const struct conversation_message *message)
{
	struct message_facts facts = {
		.id = message_id(message),
		.is_received = message->is_received,
		.is_in_progress = message->is_in_progress,
		.is_finished = message->is_finished,
		.has_error = message->error != NULL,
		.received_at_ms = message->received_at_ms,
		.received_ordinal = message->received_ordinal,
		.steps_count = message->steps_count,
		.last_step = message->last_step,
	};

	if (message->error != NULL)
		facts.error_text = text_of(message->error);
	return facts;
}

bool
message_step_at(const struct conversation_message *message, uint64_t index,
		struct conversation_step *ret_step)
{
	if (index >= message->steps_count)
		return false;
	*ret_step = (struct conversation_step){
		.step = message->places[index].step,
		.ordinal = message->places[index].ordinal,
		.has_output = message->outputs != NULL,
	};
	if (message->outputs != NULL)
		ret_step->output = text_of(message->outputs[index]);
	return true;
}

bool
message_find_step(const struct conversation_message *message, uint32_t step,
		  struct conversation_step *ret_step)
{
	const uint32_t index = steps_index(message, step);

	return steps_have(message, index, step) && message_step_at(message, index, ret_step);
}
