/* SPDX-License-Identifier: MIT */
#include "conversation/state.h"

#include "base/assert.h"
#include "conversation/messages.h"
#include "conversation/steps.h"

reprise_status
state_new(struct conversation_state **ret_state)
{
	return messages_open(NULL, ret_state);
}

void
state_free(struct conversation_state *state)
{
	if (state == NULL)
		return;
	state_cancel(state);
	messages_close(state);
}

size_t
state_bytes(const struct conversation_state *state)
{
	return state->bytes;
}

static bool
prepare_for(struct conversation_state *state, const struct conversation_event *event)
{
	struct prepared *const prepared = &state->prepared;

	switch (event->type) {
	case CONVERSATION_STEP_COMPLETED:
		return steps_prepare(state, prepared->message, event->step, event->output,
				     prepared);
	case CONVERSATION_ERROR_OCCURRED:
		prepared->text = text_new(state, event->error_text);
		return prepared->text != NULL;
	case CONVERSATION_MESSAGE_RECEIVED:
	case CONVERSATION_PROCESSING_STARTED:
	case CONVERSATION_PROCESSING_FINISHED:
		break;
	}
	return true;
}

reprise_status
state_prepare(struct conversation_state *state, const struct conversation_event *event)
{
	REPRISE_ASSERT(state->prepared.message == NULL);
	struct conversation_message *message = messages_find(state, event->id);

	if (message == NULL)
		message = messages_add(state, event->id);
	if (message == NULL)
		return REPRISE_E_NO_MEMORY;
	state->prepared.message = message;
	if (prepare_for(state, event))
		return REPRISE_OK;
	state_cancel(state);
	return REPRISE_E_NO_MEMORY;
}

void
state_cancel(struct conversation_state *state)
{
	struct conversation_message *const message = state->prepared.message;

	if (message == NULL)
		return;
	steps_cancel(state, &state->prepared);
	state->prepared = (struct prepared){ 0 };
	if (!message->is_pending)
		return;
	messages_remove(state, message);
	messages_tidy(state);
}

/* Takes over what is prepared. */
static void
move(struct conversation_state *state, struct conversation_message *message, uint64_t ordinal,
     const struct conversation_event *event)
{
	switch (event->type) {
	case CONVERSATION_MESSAGE_RECEIVED:
		if (message->is_received)
			break;
		message->is_received = true;
		message->received_at_ms = event->received_at_ms;
		message->received_ordinal = ordinal;
		break;
	case CONVERSATION_PROCESSING_STARTED:
		message->is_in_progress = true;
		break;
	case CONVERSATION_STEP_COMPLETED:
		steps_put(state, message, event->step, ordinal, &state->prepared);
		break;
	case CONVERSATION_PROCESSING_FINISHED:
		message->is_finished = true;
		message->is_in_progress = false;
		steps_give_outputs(state, message);
		break;
	case CONVERSATION_ERROR_OCCURRED:
		message->is_in_progress = false;
		text_give(state, message->error);
		message->error = state->prepared.text;
		break;
	}
}

void
state_apply(struct conversation_state *state, uint64_t ordinal,
	    const struct conversation_event *event)
{
	struct conversation_message *const message = state->prepared.message;

	REPRISE_ASSERT(message != NULL);
	REPRISE_ASSERT(ordinal > state->last_ordinal);
	if (message->is_pending)
		messages_admit(state, message);
	move(state, message, ordinal, event);
	state->prepared = (struct prepared){ 0 };
	state->last_ordinal = ordinal;
	if (message_is_forgettable(state, message)) {
		messages_remove(state, message);
		messages_tidy(state);
	}
}

reprise_status
state_fold(struct conversation_state *state, uint64_t ordinal,
	   const struct conversation_event *event)
{
	const reprise_status status = state_prepare(state, event);

	if (status == REPRISE_OK)
		state_apply(state, ordinal, event);
	return status;
}

uint64_t
state_forget(struct conversation_state *state, uint64_t received_before_ms)
{
	uint64_t count = 0;

	REPRISE_ASSERT(state->prepared.message == NULL);
	state->horizon_ms = greatest(state->horizon_ms, received_before_ms);
	for (struct conversation_message *message = state->first, *next; message != NULL;
	     message = next) {
		next = message->next;
		if (!message_is_forgettable(state, message))
			continue;
		messages_remove(state, message);
		count++;
	}
	messages_tidy(state);
	return count;
}

reprise_status
state_decide(const struct conversation_state *state, struct reprise_bytes id,
	     struct reprise_decision *ret_decision)
{
	struct reprise_decision decision = { .type = REPRISE_DECISION_START };
	const struct conversation_message *message = NULL;

	if (id.size <= REPRISE_MESSAGE_ID_BYTES_MAX)
		message = messages_find(state, id);
	/* An id that is known is valid. */
	if (message == NULL && !conversation_id_is_valid(id))
		return REPRISE_E_INVALID;
	if (message != NULL && message->is_finished) {
		decision.type = REPRISE_DECISION_SKIP;
	} else if (message != NULL && message->is_received) {
		if (message->last_step == UINT32_MAX)
			return REPRISE_E_INVALID;
		decision.type = REPRISE_DECISION_RESUME_FROM;
		decision.step = message->steps_count == 0 ? 0 : message->last_step + 1;
	}
	*ret_decision = decision;
	return REPRISE_OK;
}
