/* SPDX-License-Identifier: MIT */

/*
 * A state as bytes, with the fields of fields.h:
 *
 *    "LCS1"  last ordinal u64  horizon u64  number of messages u64
 *
 * then the messages in the order of their first events, each with the fields that its flags name:
 *
 *    id  flags u8  [received_at_ms u64  received ordinal u64]  [error text]  number of steps u64
 *
 * each followed by its steps, ascending, with outputs unless the message is finished:
 *
 *    step u32  ordinal u64  [output]
 */

#include <string.h>

#include "base/utf8.h"
#include "conversation/fields.h"
#include "conversation/messages.h"
#include "conversation/state.h"
#include "conversation/steps.h"

enum {
	MAGIC_BYTES = 4,
	NAME_BYTES = 3, /* of the magic; the rest is the version */
	HEAD_BYTES = MAGIC_BYTES + 3 * FIELD_BYTES_U64,
	RECEIPT_BYTES = 2 * FIELD_BYTES_U64,
	STEP_BYTES = FIELD_BYTES_U32 + FIELD_BYTES_U64, /* without an output */

	FLAG_RECEIVED = 1,
	FLAG_IN_PROGRESS = 2,
	FLAG_FINISHED = 4,
	FLAG_ERROR = 8,
	FLAGS = 15,
};

static const char magic[] = "LCS1";

static unsigned int
flags_of(const struct conversation_message *message)
{
	return (message->is_received ? FLAG_RECEIVED : 0u) |
	       (message->is_in_progress ? FLAG_IN_PROGRESS : 0u) |
	       (message->is_finished ? FLAG_FINISHED : 0u) |
	       (message->error != NULL ? FLAG_ERROR : 0u);
}

static size_t
message_size(const struct conversation_message *message)
{
	size_t size = FIELD_BYTES_U64 + message->id_bytes + FIELD_BYTES_U8 + FIELD_BYTES_U64 +
		      (size_t)message->steps_count * STEP_BYTES;

	if (message->is_received)
		size += RECEIPT_BYTES;
	if (message->error != NULL)
		size += FIELD_BYTES_U64 + message->error->size;
	for (uint32_t i = 0; message->outputs != NULL && i < message->steps_count; i++)
		size += FIELD_BYTES_U64 + message->outputs[i]->size;
	return size;
}

size_t
state_encoded_bytes(const struct conversation_state *state)
{
	size_t size = HEAD_BYTES;

	for (const struct conversation_message *message = state->first; message != NULL;
	     message = message->next)
		size += message_size(message);
	return size;
}

static unsigned char *
encode_message(const struct conversation_message *message, unsigned char *at)
{
	at = fields_put_bytes(at, message_id(message));
	at = fields_put_u8(at, (uint8_t)flags_of(message));
	if (message->is_received) {
		at = fields_put_u64(at, message->received_at_ms);
		at = fields_put_u64(at, message->received_ordinal);
	}
	if (message->error != NULL)
		at = fields_put_bytes(at, text_of(message->error));
	at = fields_put_u64(at, message->steps_count);
	for (uint32_t i = 0; i < message->steps_count; i++) {
		at = fields_put_u32(at, message->places[i].step);
		at = fields_put_u64(at, message->places[i].ordinal);
		if (message->outputs != NULL)
			at = fields_put_bytes(at, text_of(message->outputs[i]));
	}
	return at;
}

void
state_encode(const struct conversation_state *state, unsigned char *to)
{
	unsigned char *at = fields_put(to, magic, MAGIC_BYTES);

	at = fields_put_u64(at, state->last_ordinal);
	at = fields_put_u64(at, state->horizon_ms);
	at = fields_put_u64(at, state->messages_count);
	for (const struct conversation_message *message = state->first; message != NULL;
	     message = message->next)
		at = encode_message(message, at);
}

/* A decoding: the state so far, and what ended it. */
struct decoding {
	struct fields fields;
	struct conversation_state *state;
	reprise_status status;
	const char *fault;
};

static bool
fail(struct decoding *decoding, reprise_status status, const char *fault)
{
	decoding->status = status;
	decoding->fault = fault;
	return false;
}

static bool
fail_corrupt(struct decoding *decoding, const char *fault)
{
	return fail(decoding, REPRISE_E_CORRUPT, fault);
}

static bool
is_cut_off(struct decoding *decoding)
{
	return fail_corrupt(decoding, "a state is truncated");
}

static bool
is_ordinal(const struct decoding *decoding, uint64_t ordinal)
{
	return ordinal >= 1 && ordinal <= decoding->state->last_ordinal;
}

static bool
take_step(struct decoding *decoding, struct conversation_message *message)
{
	struct reprise_bytes output = { 0 };
	uint64_t ordinal;
	uint32_t step;

	if (!fields_take_u32(&decoding->fields, &step) ||
	    !fields_take_u64(&decoding->fields, &ordinal))
		return is_cut_off(decoding);
	if (!message->is_finished && !fields_take_bytes(&decoding->fields, &output))
		return is_cut_off(decoding);
	if (message->steps_count != 0 && step <= message->last_step)
		return fail_corrupt(decoding, "a state has steps in a wrong order");
	if (!is_ordinal(decoding, ordinal))
		return fail_corrupt(decoding, "a state has an impossible ordinal");
	if (!steps_add(decoding->state, message, step, ordinal, output))
		return fail(decoding, REPRISE_E_NO_MEMORY, NULL);
	return true;
}

static bool
take_steps(struct decoding *decoding, struct conversation_message *message)
{
	uint64_t count;

	if (!fields_take_u64(&decoding->fields, &count))
		return is_cut_off(decoding);
	/* No more room is taken than the bytes could fill. */
	if (count > UINT32_MAX || count > decoding->fields.left / STEP_BYTES)
		return fail_corrupt(decoding, "a state has an impossible number of steps");
	if (!steps_open(decoding->state, message, (uint32_t)count))
		return fail(decoding, REPRISE_E_NO_MEMORY, NULL);
	for (uint64_t i = 0; i < count; i++)
		if (!take_step(decoding, message))
			return false;
	return true;
}

static bool
take_receipt(struct decoding *decoding, struct conversation_message *message)
{
	if (!fields_take_u64(&decoding->fields, &message->received_at_ms) ||
	    !fields_take_u64(&decoding->fields, &message->received_ordinal))
		return is_cut_off(decoding);
	if (!is_ordinal(decoding, message->received_ordinal))
		return fail_corrupt(decoding, "a state has an impossible ordinal");
	return true;
}

static bool
take_error(struct decoding *decoding, struct conversation_message *message)
{
	struct reprise_bytes text;

	if (!fields_take_bytes(&decoding->fields, &text))
		return is_cut_off(decoding);
	if (!utf8_is_valid(text.data, text.size))
		return fail_corrupt(decoding, "a state has an invalid error text");
	message->error = text_new(decoding->state, text);
	if (message->error == NULL)
		return fail(decoding, REPRISE_E_NO_MEMORY, NULL);
	return true;
}

/* A message without anything but its id. */
static struct conversation_message *
take_id(struct decoding *decoding)
{
	struct conversation_message *message;
	struct reprise_bytes id;

	if (!fields_take_bytes(&decoding->fields, &id)) {
		(void)is_cut_off(decoding);
		return NULL;
	}
	if (!conversation_id_is_valid(id) || messages_find(decoding->state, id) != NULL) {
		(void)fail_corrupt(decoding, "a state has an invalid id");
		return NULL;
	}
	message = messages_add(decoding->state, id);
	if (message == NULL)
		(void)fail(decoding, REPRISE_E_NO_MEMORY, NULL);
	else
		messages_admit(decoding->state, message);
	return message;
}

static bool
take_message(struct decoding *decoding)
{
	struct conversation_message *const message = take_id(decoding);
	uint8_t flags;

	if (message == NULL)
		return false;
	if (!fields_take_u8(&decoding->fields, &flags))
		return is_cut_off(decoding);
	if ((flags & ~FLAGS) != 0)
		return fail_corrupt(decoding, "a state has unknown flags");
	message->is_received = (flags & FLAG_RECEIVED) != 0;
	message->is_in_progress = (flags & FLAG_IN_PROGRESS) != 0;
	message->is_finished = (flags & FLAG_FINISHED) != 0;
	if (message->is_received && !take_receipt(decoding, message))
		return false;
	if ((flags & FLAG_ERROR) != 0 && !take_error(decoding, message))
		return false;
	if (!take_steps(decoding, message))
		return false;
	if (flags == 0 && message->steps_count == 0)
		return fail_corrupt(decoding, "a state has a message without an event");
	if (message_is_forgettable(decoding->state, message))
		return fail_corrupt(decoding, "a state has a message from before the horizon");
	return true;
}

static bool
take_state(struct decoding *decoding)
{
	struct conversation_state *const state = decoding->state;
	struct fields *const fields = &decoding->fields;
	char head[MAGIC_BYTES];
	uint64_t count;

	if (!fields_take(fields, head, MAGIC_BYTES) || memcmp(head, magic, NAME_BYTES) != 0)
		return fail_corrupt(decoding, "a state has wrong first bytes");
	if (head[NAME_BYTES] != magic[NAME_BYTES])
		return fail(decoding, REPRISE_E_VERSION, "a state has an unknown version");
	if (!fields_take_u64(fields, &state->last_ordinal) ||
	    !fields_take_u64(fields, &state->horizon_ms) || !fields_take_u64(fields, &count))
		return is_cut_off(decoding);
	/* Each message has a first event. */
	if (count > state->last_ordinal)
		return fail_corrupt(decoding, "a state has an impossible number of messages");
	for (uint64_t i = 0; i < count; i++)
		if (!take_message(decoding))
			return false;
	if (fields->left != 0)
		return fail_corrupt(decoding, "a state has bytes after its end");
	return true;
}

reprise_status
state_decode(struct reprise_bytes from, struct conversation_state **ret_state,
	     const char **ret_fault)
{
	struct decoding decoding = { .fields = fields_of(from) };
	const reprise_status status = messages_open(NULL, &decoding.state);

	if (status != REPRISE_OK)
		return status;
	if (!take_state(&decoding)) {
		state_free(decoding.state);
		if (decoding.fault != NULL)
			*ret_fault = decoding.fault;
		return decoding.status;
	}
	*ret_state = decoding.state;
	return REPRISE_OK;
}
