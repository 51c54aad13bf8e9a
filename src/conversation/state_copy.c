/* SPDX-License-Identifier: MIT */
#include "conversation/messages.h"
#include "conversation/state.h"
#include "conversation/steps.h"

static bool
copy_steps(struct conversation_state *copy, struct conversation_message *message,
	   const struct conversation_message *from)
{
	if (!steps_open(copy, message, from->steps_count))
		return false;
	for (uint32_t i = 0; i < from->steps_count; i++) {
		const struct message_place *const place = &from->places[i];
		struct reprise_bytes output = { 0 };

		if (from->outputs != NULL)
			output = text_of(from->outputs[i]);
		if (!steps_add(copy, message, place->step, place->ordinal, output))
			return false;
	}
	return true;
}

static bool
copy_message(struct conversation_state *copy, const struct conversation_message *from)
{
	struct conversation_message *const message = messages_add(copy, message_id(from));

	if (message == NULL)
		return false;
	messages_admit(copy, message);
	message->is_received = from->is_received;
	message->is_in_progress = from->is_in_progress;
	message->is_finished = from->is_finished;
	message->received_at_ms = from->received_at_ms;
	message->received_ordinal = from->received_ordinal;
	if (from->error != NULL) {
		message->error = text_new(copy, text_of(from->error));
		if (message->error == NULL)
			return false;
	}
	return copy_steps(copy, message, from);
}

reprise_status
state_copy(const struct conversation_state *state, struct conversation_state **ret_copy)
{
	struct conversation_state *copy = NULL;
	const reprise_status status = messages_open(state, &copy);

	if (status != REPRISE_OK)
		return status;
	copy->horizon_ms = state->horizon_ms;
	copy->last_ordinal = state->last_ordinal;
	for (const struct conversation_message *from = state->first; from != NULL;
	     from = from->next)
		if (!copy_message(copy, from)) {
			state_free(copy);
			return REPRISE_E_NO_MEMORY;
		}
	*ret_copy = copy;
	return REPRISE_OK;
}
