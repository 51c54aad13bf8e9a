/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "conversation/horizons.h"
#include "log/handle.h"

enum {
	SNAPSHOT_EVENTS_DEFAULT = 1024,
};

struct reprise_bytes
instance_id(const char *id)
{
	return (struct reprise_bytes){ id, strnlen(id, REPRISE_MESSAGE_ID_BYTES_MAX + 1) };
}

reprise_status
instance_corrupt(struct reprise_error *error, uint64_t ordinal, const char *fault)
{
	char what[REPRISE_ERROR_WHAT_BYTES];

	snprintf(what, sizeof(what), "ordinal %" PRIu64, ordinal);
	return error_detailed(error, REPRISE_E_CORRUPT, what, fault);
}

/* With no state yet. */
static struct reprise_conversation *
take(struct reprise_log *log, const char *tenant, const char *thread)
{
	struct reprise_conversation *const conversation = calloc(1, sizeof(*conversation));

	if (conversation == NULL)
		return NULL;
	conversation->log = log;
	memcpy(conversation->tenant, tenant, strlen(tenant) + 1);
	memcpy(conversation->thread, thread, strlen(thread) + 1);
	return conversation;
}

reprise_status
reprise_conversation_new(struct reprise_log *log, const struct reprise_log_key *key,
			 const struct reprise_conversation_options *options,
			 struct reprise_conversation **ret_conversation,
			 struct reprise_error *error)
{
	const reprise_status checked = handle_check(log, key, error);
	struct reprise_conversation_options known = { .size = sizeof(known) };

	UNCANCELLABLE;
	if (checked != REPRISE_OK)
		return checked;
	if (options != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_conversation_options), options))
		return error_invalid(error, "options: size");
	if (ret_conversation == NULL)
		return error_invalid(error, "ret_conversation");
	struct reprise_conversation *const conversation = take(log, key->tenant, key->thread);

	if (conversation == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	conversation->snapshot_events =
		known.snapshot_events != 0 ? known.snapshot_events : SNAPSHOT_EVENTS_DEFAULT;
	const reprise_status status = state_new(&conversation->state);

	if (status != REPRISE_OK) {
		free(conversation);
		return status == REPRISE_E_SYSTEM ? error_system(error, "getrandom", errno)
						  : error_plain(error, status);
	}
	*ret_conversation = conversation;
	return REPRISE_OK;
}

reprise_status
reprise_conversation_clone(const struct reprise_conversation *conversation,
			   struct reprise_conversation **ret_clone, struct reprise_error *error)
{
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	if (ret_clone == NULL)
		return error_invalid(error, "ret_clone");
	struct reprise_conversation *const clone =
		take(conversation->log, conversation->tenant, conversation->thread);

	if (clone == NULL || state_copy(conversation->state, &clone->state) != REPRISE_OK) {
		free(clone);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	clone->expected = conversation->expected;
	clone->is_stale = conversation->is_stale;
	clone->horizons = conversation->horizons;
	clone->snapshots = conversation->snapshots;
	clone->snapshot_events = conversation->snapshot_events;
	clone->events_since = conversation->events_since;
	clone->bytes_since = conversation->bytes_since;
	*ret_clone = clone;
	return REPRISE_OK;
}

void
reprise_conversation_close(struct reprise_conversation *conversation)
{
	if (conversation == NULL)
		return;
	state_free(conversation->state);
	free(conversation);
}

const char *
reprise_conversation_id(const struct reprise_conversation *conversation)
{
	return conversation->thread;
}

uint64_t
reprise_conversation_expected_sequence(const struct reprise_conversation *conversation)
{
	return conversation->expected;
}

bool
reprise_conversation_is_stale(const struct reprise_conversation *conversation)
{
	return conversation->is_stale;
}

uint64_t
reprise_conversation_forget(struct reprise_conversation *conversation, uint64_t received_before_ms)
{
	if (received_before_ms > state_horizon_ms(conversation->state))
		horizons_raise(&conversation->horizons, conversation->expected, received_before_ms);
	return state_forget(conversation->state, received_before_ms);
}
