/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "conversation/horizons.h"
#include "conversation/snapshot.h"

/* Events are appended here, and nowhere else (rule D05). */

/* Whether nothing was appended for certain, so that the stream's head is as it was. */
static bool
is_unchanged_after(reprise_status status)
{
	return status == REPRISE_E_INVALID || status == REPRISE_E_TOO_LARGE ||
	       status == REPRISE_E_NO_MEMORY || status == REPRISE_E_FORKED ||
	       status == REPRISE_E_TIMEOUT;
}

static reprise_status
append(const struct reprise_conversation *conversation, const struct conversation_event *event,
       size_t bytes, reprise_ordinal *ret_ordinal, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	unsigned char *const payload = malloc(bytes);

	if (payload == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	codec_encode_event(event, payload);
	const struct reprise_log_new_entry entry = { .kind = (uint16_t)event->type,
						     .payload = { payload, bytes } };
	const reprise_status status = reprise_log_append(
		conversation->log, &key, &conversation->expected, &entry, 1, ret_ordinal, error);

	free(payload);
	return status;
}

static reprise_status
record(struct reprise_conversation *conversation, const struct conversation_event *event,
       struct reprise_error *error)
{
	const char *const fault = codec_event_fault(event);
	reprise_ordinal ordinal = 0;

	if (fault != NULL)
		return error_invalid(error, fault);
	if (conversation->is_stale)
		return error_plain(error, REPRISE_E_STALE);
	const size_t bytes = codec_event_bytes(event);

	if (bytes > REPRISE_LOG_PAYLOAD_BYTES_MAX)
		return error_plain(error, REPRISE_E_TOO_LARGE);
	/*
	 * A forget is stored before an event that may rest on it. Beside a stream that does not
	 * exist yet nothing can be stored; an instance that has not recovered fails to append.
	 */
	if (conversation->expected != 0) {
		const reprise_status stored = horizons_store(conversation, error);

		if (stored != REPRISE_OK) {
			conversation->is_stale = !is_unchanged_after(stored);
			return stored;
		}
	}
	/*
	 * All memory that the state needs, since it cannot stay behind once the event is appended.
	 */
	if (state_prepare(conversation->state, event) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const reprise_status status = append(conversation, event, bytes, &ordinal, error);

	if (status != REPRISE_OK) {
		state_cancel(conversation->state);
		conversation->is_stale = !is_unchanged_after(status);
		return status;
	}
	state_apply(conversation->state, ordinal, event);
	conversation->expected = ordinal;
	/* If this fails, the next record stores them. */
	(void)horizons_store(conversation, NULL);
	snapshot_take_if_due(conversation, bytes);
	return REPRISE_OK;
}

/* NULL arguments; then the event, of a message. */
static reprise_status
record_of(struct reprise_conversation *conversation, const char *id,
	  struct conversation_event *event, struct reprise_error *error)
{
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	if (id == NULL)
		return error_invalid(error, "id");
	event->id = instance_id(id);
	return record(conversation, event, error);
}

reprise_status
reprise_conversation_record_message_received(struct reprise_conversation *conversation,
					     const char *id, uint64_t received_at_ms,
					     struct reprise_error *error)
{
	struct conversation_event event = { .type = CONVERSATION_MESSAGE_RECEIVED,
					    .received_at_ms = received_at_ms };

	return record_of(conversation, id, &event, error);
}

reprise_status
reprise_conversation_record_processing_started(struct reprise_conversation *conversation,
					       const char *id, struct reprise_error *error)
{
	struct conversation_event event = { .type = CONVERSATION_PROCESSING_STARTED };

	return record_of(conversation, id, &event, error);
}

reprise_status
reprise_conversation_record_step_completed(struct reprise_conversation *conversation,
					   const char *id, uint32_t step,
					   struct reprise_bytes output, struct reprise_error *error)
{
	struct conversation_event event = { .type = CONVERSATION_STEP_COMPLETED,
					    .step = step,
					    .output = output };

	if (output.data == NULL && output.size != 0)
		return error_invalid(error, "output");
	return record_of(conversation, id, &event, error);
}

reprise_status
reprise_conversation_record_processing_finished(struct reprise_conversation *conversation,
						const char *id, struct reprise_error *error)
{
	struct conversation_event event = { .type = CONVERSATION_PROCESSING_FINISHED };

	return record_of(conversation, id, &event, error);
}

reprise_status
reprise_conversation_record_error(struct reprise_conversation *conversation, const char *id,
				  const char *text, struct reprise_error *error)
{
	if (text == NULL)
		return error_invalid(error, "text");
	struct conversation_event event = { .type = CONVERSATION_ERROR_OCCURRED,
					    .error_text = { text, strlen(text) } };

	return record_of(conversation, id, &event, error);
}

reprise_status
reprise_conversation_receive_message(struct reprise_conversation *conversation, const char *id,
				     uint64_t received_at_ms, struct reprise_decision *ret_decision,
				     struct reprise_error *error)
{
	struct reprise_decision decision;

	if (conversation == NULL)
		return error_invalid(error, "conversation");
	if (id == NULL)
		return error_invalid(error, "id");
	if (ret_decision == NULL)
		return error_invalid(error, "ret_decision");
	const struct reprise_bytes bytes = instance_id(id);

	if (state_decide(conversation->state, bytes, &decision) != REPRISE_OK)
		return error_invalid(error,
				     conversation_id_is_valid(bytes)
					     ? "id: the last step of the message is completed"
					     : "id");
	if (decision.type == REPRISE_DECISION_START) {
		const reprise_status status = reprise_conversation_record_message_received(
			conversation, id, received_at_ms, error);

		if (status != REPRISE_OK)
			return status;
	}
	*ret_decision = decision;
	return REPRISE_OK;
}
