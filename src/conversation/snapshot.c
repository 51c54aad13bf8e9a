/* SPDX-License-Identifier: MIT */
#include "conversation/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include <reprise/conversation_upkeep.h>
#include <reprise/log_blob.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "conversation/horizons.h"
#include "log/archive.h"

static const char *const slot_names[SNAPSHOT_SLOTS] = { "snapshot 1", "snapshot 2" };

/*
 * The slot of the newest snapshot. The other one is the next to be written: the first of two
 * that are empty.
 */
static int
newest_of(const struct snapshots *snapshots)
{
	return snapshots->covered[0] > snapshots->covered[1] ? 0 : 1;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Whether the slot itself is at fault, and not the call. */
static bool
is_damage(reprise_status status)
{
	return status == REPRISE_E_CORRUPT || status == REPRISE_E_VERSION;
}

/* *ret_state is NULL if the slot is empty or damaged. */
static reprise_status
load_slot(const struct reprise_conversation *conversation, int slot, struct reprise_log_page *page,
	  struct snapshots *snapshots, struct conversation_state **ret_state,
	  struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_error failure = { .size = sizeof(failure) };
	struct reprise_bytes bytes = { 0 };
	const char *fault = NULL;
	reprise_status status = reprise_log_blob_get(conversation->log, &key, slot_names[slot],
						     page, &bytes, &failure);

	*ret_state = NULL;
	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	if (status != REPRISE_OK && !is_damage(status))
		return error_copy(error, &failure);
	if (status == REPRISE_OK)
		status = state_decode(bytes, ret_state, &fault);
	if (is_damage(status)) {
		snapshots->damaged++;
		return REPRISE_OK;
	}
	if (status == REPRISE_E_SYSTEM)
		return error_system(error, "getrandom", errno);
	if (status != REPRISE_OK)
		return error_plain(error, status);
	snapshots->covered[slot] = state_last_ordinal(*ret_state);
	snapshots->bytes[slot] = bytes.size;
	return REPRISE_OK;
}

reprise_status
snapshot_load(struct reprise_conversation *conversation, struct reprise_log_page *page,
	      struct snapshots *ret_snapshots, struct conversation_state **ret_state,
	      struct reprise_error *error)
{
	struct conversation_state *states[SNAPSHOT_SLOTS] = { NULL, NULL };
	struct snapshots snapshots = { 0 };
	reprise_status status = load_slot(conversation, 0, page, &snapshots, &states[0], error);

	if (status == REPRISE_OK)
		status = load_slot(conversation, 1, page, &snapshots, &states[1], error);
	const int newest = status == REPRISE_OK ? newest_of(&snapshots) : 0;

	*ret_state = NULL;
	state_free(states[1 - newest]);
	if (status != REPRISE_OK) {
		state_free(states[newest]);
		return status;
	}
	*ret_snapshots = snapshots;
	*ret_state = states[newest];
	return REPRISE_OK;
}

/* --- taking ----------------------------------------------------------------------------------- */

static reprise_status
put(struct reprise_conversation *conversation, int slot, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	const size_t size = state_encoded_bytes(conversation->state);

	if (size > REPRISE_LOG_PAYLOAD_BYTES_MAX)
		return error_detailed(error, REPRISE_E_TOO_LARGE, "snapshot", NULL);
	unsigned char *const bytes = malloc(size);

	if (bytes == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	state_encode(conversation->state, bytes);
	/* At this head alone: an instance that has fallen behind would replace a newer snapshot. */
	const reprise_status status = reprise_log_blob_put(
		conversation->log, &key, &conversation->expected, slot_names[slot],
		(struct reprise_bytes){ bytes, size }, error);

	free(bytes);
	if (status != REPRISE_OK)
		return status;
	conversation->snapshots.covered[slot] = conversation->expected;
	conversation->snapshots.bytes[slot] = size;
	return REPRISE_OK;
}

/* Whether the stream's head is the one that the instance expects. */
static reprise_status
check_head(const struct reprise_conversation *conversation, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error failure = { .size = sizeof(failure) };
	const reprise_status status = reprise_log_stats(conversation->log, &key, &stats, &failure);

	if (status != REPRISE_OK && status != REPRISE_E_NOT_FOUND)
		return error_copy(error, &failure);
	return stats.head == conversation->expected
		       ? REPRISE_OK
		       : error_conflict(error, conversation->expected, stats.head);
}

/* Nothing is put if nothing has come since the newest one. */
static reprise_status
take(struct reprise_conversation *conversation, struct reprise_error *error)
{
	struct snapshots *const snapshots = &conversation->snapshots;
	const int newest = newest_of(snapshots);
	reprise_status status = REPRISE_OK;

	conversation->events_since = conversation->bytes_since = 0;
	if (conversation->expected != 0)
		status = horizons_store(conversation, error);
	if (status == REPRISE_OK)
		status = conversation->expected == snapshots->covered[newest]
				 ? check_head(conversation, error)
				 : put(conversation, 1 - newest, error);
	if (status == REPRISE_E_CONFLICT)
		conversation->is_stale = true;
	snapshots->last = status;
	return status;
}

void
snapshot_take_if_due(struct reprise_conversation *conversation, size_t bytes)
{
	const struct snapshots *const snapshots = &conversation->snapshots;

	conversation->events_since++;
	conversation->bytes_since += bytes;
	/*
	 * More events than the size of the newest snapshot over the size of an event: more bytes
	 * than it has.
	 */
	if (conversation->events_since > conversation->snapshot_events &&
	    conversation->bytes_since > snapshots->bytes[newest_of(snapshots)])
		(void)take(conversation, NULL);
}

reprise_status
reprise_conversation_snapshot(struct reprise_conversation *conversation,
			      struct reprise_error *error)
{
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	if (conversation->is_stale)
		return error_plain(error, REPRISE_E_STALE);
	return take(conversation, error);
}

reprise_status
reprise_conversation_snapshots(const struct reprise_conversation *conversation,
			       struct reprise_conversation_snapshots *ret_snapshots)
{
	if (conversation == NULL || ret_snapshots == NULL)
		return REPRISE_E_INVALID;
	const struct snapshots *const snapshots = &conversation->snapshots;
	const int newest = newest_of(snapshots);
	const struct reprise_conversation_snapshots known = {
		.size = ret_snapshots->size,
		.newest = snapshots->covered[newest],
		.older = snapshots->covered[1 - newest],
		.newest_bytes = snapshots->bytes[newest],
		.recovered_from = snapshots->recovered_from,
		.damaged = snapshots->damaged,
		.last = snapshots->last,
	};

	return sized_write(ret_snapshots, &known, sizeof(known),
			   SIZE_MIN(reprise_conversation_snapshots))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}

/* --- archiving -------------------------------------------------------------------------------- */

/* Both slots are read again: two snapshots that can be read must cover the archived events. */
static reprise_status
archive(struct reprise_conversation *conversation, struct reprise_log_page *page,
	uint64_t *ret_archived, struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(conversation);
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error failure = { .size = sizeof(failure) };
	struct conversation_state *state = NULL;
	struct snapshots snapshots;
	/* With a damaged head no slot can be read. */
	reprise_status status = reprise_log_stats(conversation->log, &key, &stats, &failure);

	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	if (status != REPRISE_OK)
		return error_copy(error, &failure);
	status = snapshot_load(conversation, page, &snapshots, &state, error);
	state_free(state);
	if (status != REPRISE_OK)
		return status;
	const uint64_t through = least(snapshots.covered[0], snapshots.covered[1]);

	if (through == 0)
		return REPRISE_OK;
	return log_archive_covered(conversation->log, &key, through, ret_archived, error);
}

reprise_status
reprise_conversation_archive(struct reprise_conversation *conversation, uint64_t *ret_archived,
			     struct reprise_error *error)
{
	struct reprise_log_page *page = NULL;
	uint64_t archived = 0;

	UNCANCELLABLE;
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	reprise_status status = reprise_log_page_open(&page);

	if (status != REPRISE_OK)
		return error_plain(error, status);
	status = archive(conversation, page, &archived, error);
	reprise_log_page_close(page);
	if (status == REPRISE_OK && ret_archived != NULL)
		*ret_archived = archived;
	return status;
}
