/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include <errno.h>

#include "base/error.h"
#include "conversation/instance.h"

/* The state is built anew beside the old one, which stays if anything fails (rule D06). */

enum {
	PAGE_ENTRIES = 1024,
};

struct recovering {
	struct reprise_conversation *conversation;
	struct conversation_state *state;
	struct reprise_log_page *page;
	uint64_t last; /* the ordinal up to which the state has folded */
};

static reprise_status
fold_entry(struct recovering *recovering, const struct reprise_log_entry *entry,
	   struct reprise_error *error)
{
	const uint64_t ordinal = recovering->last + 1;
	struct conversation_event event;
	const char *fault = NULL;

	if (entry->first != ordinal)
		return instance_corrupt(error, ordinal, "the event is not in the log");
	if (entry->type != REPRISE_LOG_EVENT)
		return instance_corrupt(error, ordinal, "a gap");
	if (codec_decode_event(entry->payload, &event, &fault) != REPRISE_OK)
		return instance_corrupt(error, ordinal, fault);
	if (state_fold(recovering->state, ordinal, &event) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	recovering->last = ordinal;
	return REPRISE_OK;
}

/* Sets *ret_is_over if there is nothing more. */
static reprise_status
fold_page(struct recovering *recovering, bool *ret_is_over, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(recovering->conversation);
	size_t count = 0;
	reprise_status status =
		reprise_log_load_after(recovering->conversation->log, &key, recovering->last,
				       PAGE_ENTRIES, 0, recovering->page, error);

	if (status != REPRISE_OK)
		return status;
	const struct reprise_log_entry *const entries =
		reprise_log_page_entries(recovering->page, &count);

	for (size_t i = 0; i < count && status == REPRISE_OK; i++)
		status = fold_entry(recovering, &entries[i], error);
	*ret_is_over = count == 0;
	return status;
}

/* A stream that does not exist yet is an empty one. */
static reprise_status
check_kind(const struct reprise_conversation *conversation, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error failure = { .size = sizeof(failure) };
	const reprise_status status = reprise_log_stats(conversation->log, &key, &stats, &failure);

	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	if (status != REPRISE_OK)
		return error_copy(error, &failure);
	if (stats.kind == REPRISE_LOG_RING)
		return error_conflict_detailed(error, conversation->expected, stats.head,
					       "the key is a session's");
	return REPRISE_OK;
}

static reprise_status
fold_stream(struct recovering *recovering, struct reprise_error *error)
{
	reprise_status status = check_kind(recovering->conversation, error);

	for (bool is_over = false; status == REPRISE_OK && !is_over;)
		status = fold_page(recovering, &is_over, error);
	return status;
}

static reprise_status
recover(struct reprise_conversation *conversation, struct reprise_error *error)
{
	struct recovering recovering = { .conversation = conversation };
	reprise_status status = state_new(&recovering.state);

	if (status == REPRISE_E_SYSTEM)
		return error_system(error, "getrandom", errno);
	if (status != REPRISE_OK)
		return error_plain(error, status);
	/* Forgotten messages stay forgotten. */
	(void)state_forget(recovering.state, state_horizon_ms(conversation->state));
	status = reprise_log_page_open(&recovering.page);
	if (status != REPRISE_OK)
		(void)error_plain(error, status);
	else
		status = fold_stream(&recovering, error);
	reprise_log_page_close(recovering.page);
	if (status != REPRISE_OK) {
		state_free(recovering.state);
		return status;
	}
	state_free(conversation->state);
	conversation->state = recovering.state;
	conversation->expected = recovering.last;
	conversation->is_stale = false;
	return REPRISE_OK;
}

reprise_status
reprise_conversation_recover(struct reprise_conversation *conversation, struct reprise_error *error)
{
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	return recover(conversation, error);
}
