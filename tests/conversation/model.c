/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#define SAME(condition)                    \
	do {                               \
		if (!(condition))          \
			return #condition; \
	} while (0)

static bool
is_same(struct reprise_bytes a, struct reprise_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static size_t
index_of(const struct model *model, struct reprise_bytes id)
{
	size_t i = 0;

	while (i < model->messages_count && !is_same(model->messages[i].id, id))
		i++;
	return i;
}

static void
remove_at(struct model *model, size_t index)
{
	for (size_t i = index; i + 1 < model->messages_count; i++)
		model->messages[i] = model->messages[i + 1];
	model->messages_count--;
}

static bool
is_past(const struct model *model, const struct model_message *message)
{
	const uint64_t at = message->is_received ? message->received_at_ms : 0;

	return message->is_finished && at < model->horizon_ms;
}

void
model_clear(struct model *model)
{
	model->messages_count = 0;
	model->horizon_ms = model->last_ordinal = 0;
}

static void
put_step(struct model_message *message, uint64_t ordinal, const struct conversation_event *event)
{
	size_t i = 0;

	while (i < message->steps_count && message->steps[i].step != event->step)
		i++;
	if (i == MODEL_EVENTS_MAX)
		abort();
	message->steps[i] = (struct model_step){ event->step, ordinal, event->output };
	if (i == message->steps_count)
		message->steps_count++;
}

void
model_apply(struct model *model, uint64_t ordinal, const struct conversation_event *event)
{
	const size_t i = index_of(model, event->id);
	struct model_message *const message = &model->messages[i];

	if (i == MODEL_EVENTS_MAX)
		abort();
	if (i == model->messages_count) {
		memset(message, 0, sizeof(*message));
		message->id = event->id;
		model->messages_count++;
	}
	model->last_ordinal = ordinal;
	if (event->type == CONVERSATION_MESSAGE_RECEIVED && !message->is_received) {
		message->is_received = true;
		message->received_at_ms = event->received_at_ms;
		message->received_ordinal = ordinal;
	}
	if (event->type == CONVERSATION_PROCESSING_STARTED)
		message->is_in_progress = true;
	if (event->type == CONVERSATION_STEP_COMPLETED)
		put_step(message, ordinal, event);
	if (event->type == CONVERSATION_PROCESSING_FINISHED) {
		message->is_finished = true;
		message->is_in_progress = false;
	}
	if (event->type == CONVERSATION_ERROR_OCCURRED) {
		message->has_error = true;
		message->error = event->error_text;
		message->is_in_progress = false;
	}
	if (is_past(model, message))
		remove_at(model, i);
}

uint64_t
model_forget(struct model *model, uint64_t received_before_ms)
{
	uint64_t count = 0;

	if (received_before_ms > model->horizon_ms)
		model->horizon_ms = received_before_ms;
	for (size_t i = 0; i < model->messages_count;)
		if (is_past(model, &model->messages[i])) {
			remove_at(model, i);
			count++;
		} else {
			i++;
		}
	return count;
}

static const char *
difference_of_steps(const struct model_message *message, const struct conversation_message *actual)
{
	const struct message_facts facts = message_facts(actual);
	struct conversation_step step = { 0 };
	uint32_t previous = 0;

	SAME(facts.steps_count == message->steps_count);
	for (uint64_t i = 0; i < facts.steps_count; i++) {
		SAME(message_step_at(actual, i, &step));
		SAME(i == 0 || step.step > previous);
		previous = step.step;
	}
	SAME(!message_step_at(actual, facts.steps_count, &step));
	SAME(facts.steps_count == 0 || facts.last_step == previous);
	for (size_t i = 0; i < message->steps_count; i++) {
		const struct model_step *const expected = &message->steps[i];

		SAME(message_find_step(actual, expected->step, &step));
		SAME(step.step == expected->step);
		SAME(step.ordinal == expected->ordinal);
		SAME(step.has_output == !message->is_finished);
		SAME(message->is_finished || is_same(step.output, expected->output));
	}
	return NULL;
}

static const char *
difference_of_message(const struct model_message *message,
		      const struct conversation_message *actual)
{
	const struct message_facts facts = message_facts(actual);

	SAME(is_same(facts.id, message->id));
	SAME(facts.is_received == message->is_received);
	SAME(facts.is_in_progress == message->is_in_progress);
	SAME(facts.is_finished == message->is_finished);
	SAME(facts.has_error == message->has_error);
	SAME(facts.received_at_ms == message->received_at_ms);
	SAME(facts.received_ordinal == message->received_ordinal);
	SAME(is_same(facts.error_text, message->error));
	return difference_of_steps(message, actual);
}

/* The step after the highest one, which may be 2^32. */
static uint64_t
next_step(const struct model_message *message)
{
	uint64_t next = 0;

	for (size_t i = 0; i < message->steps_count; i++)
		if (message->steps[i].step + UINT64_C(1) > next)
			next = message->steps[i].step + UINT64_C(1);
	return next;
}

const char *
model_difference_of(const struct model *model, const struct conversation_state *state,
		    struct reprise_bytes id)
{
	const size_t index = index_of(model, id);
	const bool is_known = index < model->messages_count;
	const struct model_message *const message = is_known ? &model->messages[index] : NULL;
	struct reprise_decision decision = { 0 };
	const reprise_status status = state_decide(state, id, &decision);

	SAME((state_find(state, id) != NULL) == is_known);
	if (is_known && !message->is_finished && message->is_received) {
		const uint64_t next = next_step(message);

		SAME(status == (next > UINT32_MAX ? REPRISE_E_INVALID : REPRISE_OK));
		SAME(status != REPRISE_OK || decision.type == REPRISE_DECISION_RESUME_FROM);
		SAME(status != REPRISE_OK || decision.step == next);
		return NULL;
	}
	SAME(status == REPRISE_OK);
	SAME(decision.type ==
	     (is_known && message->is_finished ? REPRISE_DECISION_SKIP : REPRISE_DECISION_START));
	SAME(decision.step == 0);
	return NULL;
}

const char *
model_difference(const struct model *model, const struct conversation_state *state)
{
	const struct conversation_message *message = state_first_message(state);

	SAME(state_last_ordinal(state) == model->last_ordinal);
	SAME(state_horizon_ms(state) == model->horizon_ms);
	SAME(state_messages_count(state) == model->messages_count);
	for (size_t i = 0; i < model->messages_count; i++) {
		SAME(message != NULL);
		const char *difference = difference_of_message(&model->messages[i], message);

		if (difference == NULL)
			difference = model_difference_of(model, state, model->messages[i].id);
		if (difference != NULL)
			return difference;
		SAME(state_find(state, model->messages[i].id) == message);
		message = state_next_message(message);
	}
	SAME(message == NULL);
	return NULL;
}
