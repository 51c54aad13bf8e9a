/* SPDX-License-Identifier: MIT */
#include "conversation/codec.h"

#include <string.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "conversation/fields.h"

enum {
	MAGIC_BYTES = 4,
};

static const char magic[] = "LCE1";

bool
conversation_id_is_valid(struct reprise_bytes id)
{
	return id.size >= 1 && id.size <= REPRISE_MESSAGE_ID_BYTES_MAX &&
	       memchr(id.data, '\0', id.size) == NULL && utf8_is_valid(id.data, id.size);
}

static bool
type_is_known(unsigned int type)
{
	return type >= CONVERSATION_MESSAGE_RECEIVED && type <= CONVERSATION_ERROR_OCCURRED;
}

const char *
codec_event_fault(const struct conversation_event *event)
{
	if (!type_is_known(event->type))
		return "an event has an unknown tag";
	if (!conversation_id_is_valid(event->id))
		return "an event has an invalid id";
	if (event->type == CONVERSATION_ERROR_OCCURRED &&
	    !utf8_is_valid(event->error_text.data, event->error_text.size))
		return "an event has an invalid error text";
	return NULL;
}

/* The size with a last field of @bytes bytes. */
static size_t
size_with_bytes(size_t fixed, size_t bytes)
{
	fixed += FIELD_BYTES_U64;
	return bytes > SIZE_MAX - fixed ? SIZE_MAX : fixed + bytes;
}

size_t
codec_event_bytes(const struct conversation_event *event)
{
	const size_t head = MAGIC_BYTES + FIELD_BYTES_U8 + FIELD_BYTES_U64 + event->id.size;

	switch (event->type) {
	case CONVERSATION_MESSAGE_RECEIVED:
		return head + FIELD_BYTES_U64;
	case CONVERSATION_STEP_COMPLETED:
		return size_with_bytes(head + FIELD_BYTES_U32, event->output.size);
	case CONVERSATION_ERROR_OCCURRED:
		return size_with_bytes(head, event->error_text.size);
	case CONVERSATION_PROCESSING_STARTED:
	case CONVERSATION_PROCESSING_FINISHED:
		break;
	}
	return head;
}

void
codec_encode_event(const struct conversation_event *event, unsigned char *to)
{
	unsigned char *at = fields_put(to, magic, MAGIC_BYTES);

	REPRISE_ASSERT(codec_event_fault(event) == NULL);
	at = fields_put_u8(at, (uint8_t)event->type);
	at = fields_put_bytes(at, event->id);
	switch (event->type) {
	case CONVERSATION_MESSAGE_RECEIVED:
		(void)fields_put_u64(at, event->received_at_ms);
		break;
	case CONVERSATION_STEP_COMPLETED:
		(void)fields_put_bytes(fields_put_u32(at, event->step), event->output);
		break;
	case CONVERSATION_ERROR_OCCURRED:
		(void)fields_put_bytes(at, event->error_text);
		break;
	case CONVERSATION_PROCESSING_STARTED:
	case CONVERSATION_PROCESSING_FINISHED:
		break;
	}
}

/* The fields behind the id; false if they are cut off. */
static bool
take_rest(struct fields *fields, struct conversation_event *event)
{
	switch (event->type) {
	case CONVERSATION_MESSAGE_RECEIVED:
		return fields_take_u64(fields, &event->received_at_ms);
	case CONVERSATION_STEP_COMPLETED:
		return fields_take_u32(fields, &event->step) &&
		       fields_take_bytes(fields, &event->output);
	case CONVERSATION_ERROR_OCCURRED:
		return fields_take_bytes(fields, &event->error_text);
	case CONVERSATION_PROCESSING_STARTED:
	case CONVERSATION_PROCESSING_FINISHED:
		break;
	}
	return true;
}

static const char *
decode(struct fields *fields, struct conversation_event *event)
{
	char head[MAGIC_BYTES];
	uint8_t tag;

	if (!fields_take(fields, head, MAGIC_BYTES) || memcmp(head, magic, MAGIC_BYTES) != 0)
		return "an event has wrong first bytes";
	if (!fields_take_u8(fields, &tag) || !type_is_known(tag))
		return "an event has an unknown tag";
	event->type = (enum conversation_event_type)tag;
	if (!fields_take_bytes(fields, &event->id) || !take_rest(fields, event))
		return "an event is truncated";
	if (fields->left != 0)
		return "an event has bytes after its end";
	return codec_event_fault(event);
}

reprise_status
codec_decode_event(struct reprise_bytes from, struct conversation_event *ret_event,
		   const char **ret_fault)
{
	struct conversation_event event = { 0 };
	struct fields fields = fields_of(from);
	const char *const fault = decode(&fields, &event);

	if (fault != NULL) {
		*ret_fault = fault;
		return REPRISE_E_CORRUPT;
	}
	*ret_event = event;
	return REPRISE_OK;
}
