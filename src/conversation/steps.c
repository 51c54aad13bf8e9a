/* SPDX-License-Identifier: MIT */
#include "conversation/steps.h"

#include <string.h>

enum {
	STEPS_FIRST = 2, /* room for so many */
};

static size_t
text_bytes(size_t size)
{
	return sizeof(struct message_text) + size + 1;
}

struct message_text *
text_new(struct conversation_state *state, struct reprise_bytes bytes)
{
	struct message_text *const text = messages_take(state, text_bytes(bytes.size));

	if (text == NULL)
		return NULL;
	text->size = bytes.size;
	if (bytes.size != 0)
		memcpy(text->bytes, bytes.data, bytes.size);
	text->bytes[bytes.size] = '\0';
	return text;
}

void
text_give(struct conversation_state *state, struct message_text *text)
{
	if (text != NULL)
		messages_give(state, text, text_bytes(text->size));
}

uint32_t
steps_index(const struct conversation_message *message, uint32_t step)
{
	uint32_t low = 0, high = message->steps_count;

	/* Most steps are completed in their order. */
	if (message->last_step < step)
		return high;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (message->places[middle].step < step)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
steps_have(const struct conversation_message *message, uint32_t index, uint32_t step)
{
	return index < message->steps_count && message->places[index].step == step;
}

static size_t
places_bytes(size_t count)
{
	return count * sizeof(struct message_place);
}

static size_t
outputs_bytes(size_t count)
{
	return count * sizeof(struct message_text *);
}

static void
give_arrays(struct conversation_state *state, struct message_place *places,
	    struct message_text **outputs, uint32_t capacity)
{
	messages_give(state, places, places_bytes(capacity));
	messages_give(state, outputs, outputs_bytes(capacity));
}

static bool
take_arrays(struct conversation_state *state, const struct conversation_message *message,
	    uint32_t capacity, struct prepared *prepared)
{
	prepared->capacity = capacity;
	prepared->places = messages_take(state, places_bytes(capacity));
	if (prepared->places == NULL)
		return false;
	if (message->is_finished)
		return true;
	prepared->outputs = messages_take(state, outputs_bytes(capacity));
	return prepared->outputs != NULL;
}

bool
steps_prepare(struct conversation_state *state, const struct conversation_message *message,
	      uint32_t step, struct reprise_bytes output, struct prepared *prepared)
{
	const bool is_full = message->steps_count == message->steps_capacity;

	if (is_full && !steps_have(message, steps_index(message, step), step)) {
		if (message->steps_capacity > UINT32_MAX / 2)
			return false;
		const uint32_t capacity =
			message->steps_capacity == 0 ? STEPS_FIRST : 2 * message->steps_capacity;

		if (!take_arrays(state, message, capacity, prepared))
			return false;
	}
	if (message->is_finished)
		return true;
	prepared->text = text_new(state, output);
	return prepared->text != NULL;
}

/* The larger arrays take the place of the present ones. */
static void
move_in(struct conversation_state *state, struct conversation_message *message,
	const struct prepared *prepared)
{
	const uint32_t count = message->steps_count;

	if (count != 0)
		memcpy(prepared->places, message->places, places_bytes(count));
	if (count != 0 && prepared->outputs != NULL)
		memcpy(prepared->outputs, message->outputs, outputs_bytes(count));
	give_arrays(state, message->places, message->outputs, message->steps_capacity);
	message->places = prepared->places;
	message->outputs = prepared->outputs;
	message->steps_capacity = prepared->capacity;
}

/* Makes a place at @index. */
static void
insert_at(struct conversation_message *message, uint32_t index)
{
	const size_t behind = message->steps_count - index;

	memmove(message->places + index + 1, message->places + index, places_bytes(behind));
	if (message->outputs != NULL) {
		memmove(message->outputs + index + 1, message->outputs + index,
			outputs_bytes(behind));
		message->outputs[index] = NULL;
	}
	message->steps_count++;
}

void
steps_put(struct conversation_state *state, struct conversation_message *message, uint32_t step,
	  uint64_t ordinal, const struct prepared *prepared)
{
	const uint32_t index = steps_index(message, step);

	if (prepared->places != NULL)
		move_in(state, message, prepared);
	if (!steps_have(message, index, step))
		insert_at(message, index);
	message->places[index] = (struct message_place){ .ordinal = ordinal, .step = step };
	if (message->outputs != NULL) {
		text_give(state, message->outputs[index]);
		message->outputs[index] = prepared->text;
	}
	message->last_step = message->places[message->steps_count - 1].step;
}

void
steps_cancel(struct conversation_state *state, struct prepared *prepared)
{
	give_arrays(state, prepared->places, prepared->outputs, prepared->capacity);
	text_give(state, prepared->text);
}

bool
steps_open(struct conversation_state *state, struct conversation_message *message, uint32_t count)
{
	struct prepared arrays = { 0 };

	if (count == 0)
		return true;
	if (!take_arrays(state, message, count, &arrays)) {
		steps_cancel(state, &arrays);
		return false;
	}
	move_in(state, message, &arrays);
	return true;
}

bool
steps_add(struct conversation_state *state, struct conversation_message *message, uint32_t step,
	  uint64_t ordinal, struct reprise_bytes output)
{
	struct prepared prepared = { 0 };

	if (message->outputs != NULL) {
		prepared.text = text_new(state, output);
		if (prepared.text == NULL)
			return false;
	}
	steps_put(state, message, step, ordinal, &prepared);
	return true;
}

void
steps_give_outputs(struct conversation_state *state, struct conversation_message *message)
{
	if (message->outputs == NULL)
		return;
	for (uint32_t i = 0; i < message->steps_count; i++)
		text_give(state, message->outputs[i]);
	messages_give(state, message->outputs, outputs_bytes(message->steps_capacity));
	message->outputs = NULL;
}

void
steps_give(struct conversation_state *state, struct conversation_message *message)
{
	steps_give_outputs(state, message);
	messages_give(state, message->places, places_bytes(message->steps_capacity));
}
