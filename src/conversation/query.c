/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "conversation/instance.h"

static struct reprise_message_info
info_of(const struct conversation_message *message)
{
	const struct message_facts facts = message_facts(message);

	/* Ids and texts have a NUL behind them. */
	return (struct reprise_message_info){
		.size = sizeof(struct reprise_message_info),
		.id = facts.id.data,
		.received_at_ms = facts.received_at_ms,
		.is_received = facts.is_received,
		.is_in_progress = facts.is_in_progress,
		.is_finished = facts.is_finished,
		.has_steps = facts.steps_count != 0,
		.last_step = facts.steps_count != 0 ? facts.last_step : 0,
		.has_error = facts.has_error,
		.error = facts.has_error ? facts.error_text.data : "",
		.error_bytes = facts.has_error ? facts.error_text.size : 0,
	};
}

reprise_status
reprise_conversation_find(const struct reprise_conversation *conversation, const char *id,
			  struct reprise_message_info *ret_info)
{
	if (conversation == NULL || id == NULL || ret_info == NULL ||
	    !conversation_id_is_valid(instance_id(id)))
		return REPRISE_E_INVALID;
	const struct conversation_message *const message =
		state_find(conversation->state, instance_id(id));

	if (message == NULL)
		return REPRISE_E_NOT_FOUND;
	const struct reprise_message_info info = info_of(message);

	return sized_write(ret_info, &info, sizeof(info), SIZE_MIN(reprise_message_info))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}

void
reprise_conversation_each(const struct reprise_conversation *conversation,
			  reprise_message_visit visit, void *context)
{
	const struct conversation_message *message = state_first_message(conversation->state);
	bool goes_on = true;

	UNCANCELLABLE;
	for (; message != NULL && goes_on; message = state_next_message(message)) {
		const struct reprise_message_info info = info_of(message);

		goes_on = visit(&info, context);
	}
}

void
reprise_conversation_each_step(const struct reprise_conversation *conversation, const char *id,
			       reprise_step_visit visit, void *context)
{
	const struct conversation_message *const message =
		conversation_id_is_valid(instance_id(id))
			? state_find(conversation->state, instance_id(id))
			: NULL;
	struct conversation_step step;

	UNCANCELLABLE;
	if (message == NULL)
		return;
	for (uint64_t i = 0; message_step_at(message, i, &step); i++)
		if (!visit(step.step, context))
			return;
}

/* The log does not have the event any more: whether it is archived. */
static reprise_status
tell_missing(const struct reprise_conversation *conversation, uint64_t ordinal,
	     struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error failure = { .size = sizeof(failure) };
	const reprise_status status = reprise_log_stats(conversation->log, &key, &stats, &failure);

	if (status != REPRISE_OK && status != REPRISE_E_NOT_FOUND)
		return error_copy(error, &failure);
	return stats.watermark >= ordinal
		       ? error_plain(error, REPRISE_E_EXPIRED)
		       : instance_corrupt(error, ordinal, "the event is not in the log");
}

/* The event that completed the step, from the log. */
static reprise_status
read_output(const struct reprise_conversation *conversation, struct reprise_bytes id,
	    const struct conversation_step *step, struct reprise_log_page *page,
	    struct reprise_bytes *ret_output, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct conversation_event event;
	const char *fault = NULL;
	size_t count = 0;
	const reprise_status status = reprise_log_load_after(conversation->log, &key,
							     step->ordinal - 1, 1, 0, page, error);

	if (status != REPRISE_OK)
		return status;
	const struct reprise_log_entry *const entry = reprise_log_page_entries(page, &count);

	if (count == 0 || entry->first != step->ordinal)
		return tell_missing(conversation, step->ordinal, error);
	if (codec_decode_event(entry->payload, &event, &fault) != REPRISE_OK)
		return instance_corrupt(error, step->ordinal, fault);
	if (event.type != CONVERSATION_STEP_COMPLETED || event.step != step->step ||
	    event.id.size != id.size || memcmp(event.id.data, id.data, id.size) != 0)
		return instance_corrupt(error, step->ordinal, "another event has this ordinal");
	*ret_output = event.output;
	return REPRISE_OK;
}

reprise_status
reprise_conversation_step_output(const struct reprise_conversation *conversation, const char *id,
				 uint32_t number, struct reprise_log_page *page,
				 struct reprise_bytes *ret_output, struct reprise_error *error)
{
	struct conversation_step step;

	if (conversation == NULL)
		return error_invalid(error, "conversation");
	if (id == NULL || !conversation_id_is_valid(instance_id(id)))
		return error_invalid(error, "id");
	if (page == NULL)
		return error_invalid(error, "page");
	if (ret_output == NULL)
		return error_invalid(error, "ret_output");
	const struct conversation_message *const message =
		state_find(conversation->state, instance_id(id));

	if (message == NULL || !message_find_step(message, number, &step))
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (!step.has_output)
		return read_output(conversation, instance_id(id), &step, page, ret_output, error);
	*ret_output = step.output;
	return REPRISE_OK;
}
