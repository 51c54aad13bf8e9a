/* SPDX-License-Identifier: MIT */
#include <reprise/conversation.h>

#include <errno.h>

#include "base/cancel.h"
#include "base/error.h"
#include "conversation/horizons.h"
#include "conversation/snapshot.h"

/* The state is built anew beside the old one, which stays if anything fails (rule D06). */

enum {
	PAGE_ENTRIES = 1024,
	/* Another instance may archive the entries about to be read, or raise the horizon. */
	ATTEMPTS = 16,
};

struct recovering {
	struct reprise_conversation *conversation;
	struct conversation_state *state;
	struct reprise_log_page *page;
	struct snapshots snapshots;
	struct horizons horizons;
	size_t next_horizon; /* the first place that is not reached yet */
	bool has_changed;    /* the horizons have, while events were read */
	uint64_t head;       /* of the stream, before the first event was read */
	uint64_t last;       /* the ordinal up to which the state has folded */
	uint64_t bytes;      /* of the events that were folded */
};

static reprise_status
missing(const struct recovering *recovering, uint64_t ordinal, struct reprise_error *error)
{
	return instance_corrupt(error, ordinal,
				recovering->snapshots.damaged != 0
					? "the event is not in the log, and a snapshot is damaged"
					: "the event is not in the log");
}

static reprise_status
fold_entry(struct recovering *recovering, const struct reprise_log_entry *entry,
	   struct reprise_error *error)
{
	const uint64_t ordinal = recovering->last + 1;
	struct conversation_event event;
	const char *fault = NULL;

	if (entry->first != ordinal)
		return missing(recovering, ordinal, error);
	if (entry->type != REPRISE_LOG_EVENT)
		return instance_corrupt(error, ordinal, "a gap has the place of an event");
	if (codec_decode_event(entry->payload, &event, &fault) != REPRISE_OK)
		return instance_corrupt(error, ordinal, fault);
	if (entry->kind != event.type)
		return instance_corrupt(error, ordinal,
					"the event has another kind than the log says");
	if (state_fold(recovering->state, ordinal, &event) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	horizons_apply(&recovering->horizons, ordinal, &recovering->next_horizon,
		       recovering->state);
	recovering->last = ordinal;
	recovering->bytes += entry->payload.size;
	return REPRISE_OK;
}

static reprise_status
load(const struct recovering *recovering, uint64_t after, uint64_t limit,
     struct reprise_error *error)
{
	const struct reprise_log_key key = instance_key(recovering->conversation);

	return reprise_log_load_after(recovering->conversation->log, &key, after, limit, 0,
				      recovering->page, error);
}

/* A page holds a damaged row: which ordinal it has. @failure is the log's. */
static reprise_status
find_damage(const struct recovering *recovering, struct reprise_error *failure,
	    struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;
	uint64_t after = recovering->last;
	size_t count = 1;

	for (; status == REPRISE_OK && count != 0; after++) {
		status = load(recovering, after, 1, failure);
		(void)reprise_log_page_entries(recovering->page, &count);
	}
	if (status != REPRISE_E_CORRUPT)
		return error_copy(error, failure);
	return instance_corrupt(error, after, failure->what);
}

/* Sets *ret_is_over if there is nothing more. */
static reprise_status
fold_page(struct recovering *recovering, bool *ret_is_over, struct reprise_error *error)
{
	struct reprise_error failure = { .size = sizeof(failure) };
	size_t count = 0;
	reprise_status status = load(recovering, recovering->last, PAGE_ENTRIES, &failure);

	if (status == REPRISE_E_CORRUPT)
		return find_damage(recovering, &failure, error);
	if (status != REPRISE_OK)
		return error_copy(error, &failure);
	const struct reprise_log_entry *const entries =
		reprise_log_page_entries(recovering->page, &count);

	for (size_t i = 0; i < count && status == REPRISE_OK; i++)
		status = fold_entry(recovering, &entries[i], error);
	*ret_is_over = count == 0 || recovering->last >= recovering->head;
	return status;
}

/*
 * Whether the stream can be one of a conversation. A stream that does not exist yet is
 * an empty one.
 */
static reprise_status
check_stream(struct recovering *recovering, struct reprise_error *error)
{
	const struct reprise_conversation *const conversation = recovering->conversation;
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
					       "the key belongs to a session");
	if (stats.head < recovering->last)
		return instance_corrupt(error, stats.head + 1, "the log ends before the snapshot");
	recovering->head = stats.head;
	return REPRISE_OK;
}

/* The state of a snapshot has the horizons up to there. */
static reprise_status
begin_horizons(struct recovering *recovering, struct reprise_error *error)
{
	const reprise_status status = horizons_load(recovering->conversation, recovering->page,
						    &recovering->horizons, error);

	if (status != REPRISE_OK)
		return status;
	recovering->next_horizon =
		horizons_begin(&recovering->horizons, recovering->last, recovering->state);
	return REPRISE_OK;
}

/* The state to begin with: the newest snapshot's, or an empty one. */
static reprise_status
load_state(struct recovering *recovering, struct reprise_error *error)
{
	struct reprise_conversation *const conversation = recovering->conversation;
	reprise_status status = snapshot_load(conversation, recovering->page,
					      &recovering->snapshots, &recovering->state, error);

	if (status != REPRISE_OK)
		return status;
	if (recovering->state == NULL) {
		status = state_new(&recovering->state);
		if (status == REPRISE_E_SYSTEM)
			return error_system(error, "getrandom", errno);
		if (status != REPRISE_OK)
			return error_plain(error, status);
	}
	recovering->last = recovering->snapshots.recovered_from =
		state_last_ordinal(recovering->state);
	return begin_horizons(recovering, error);
}

/* Whether an event that was read may rest on a horizon that was raised meanwhile. */
static reprise_status
check_horizons(struct recovering *recovering, struct reprise_error *error)
{
	struct horizons again;
	const reprise_status status =
		horizons_load(recovering->conversation, recovering->page, &again, error);

	if (status != REPRISE_OK)
		return status;
	recovering->has_changed = !horizons_are_equal(&again, &recovering->horizons);
	return recovering->has_changed ? error_detailed(error, REPRISE_E_TIMEOUT, "horizons",
							"other instances raised the horizon during "
							"each attempt; try again")
				       : REPRISE_OK;
}

static reprise_status
recover_once(struct recovering *recovering, struct reprise_error *error)
{
	reprise_status status = load_state(recovering, error);

	if (status == REPRISE_OK)
		status = check_stream(recovering, error);
	for (bool is_over = recovering->last >= recovering->head; status == REPRISE_OK && !is_over;)
		status = fold_page(recovering, &is_over, error);
	if (status == REPRISE_OK && recovering->last < recovering->head)
		status = missing(recovering, recovering->last + 1, error);
	if (status == REPRISE_OK)
		status = check_horizons(recovering, error);
	if (status != REPRISE_OK) {
		state_free(recovering->state);
		recovering->state = NULL;
	}
	return status;
}

/*
 * Whether events are archived that come after where the recovery began: a newer snapshot may cover
 * them by now.
 */
static bool
has_fallen_behind(const struct recovering *recovering)
{
	const struct reprise_log_key key = instance_key(recovering->conversation);
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	return reprise_log_stats(recovering->conversation->log, &key, &stats, NULL) == REPRISE_OK &&
	       stats.watermark > recovering->snapshots.recovered_from;
}

/* A forget that the instance has not stored yet moves to the end of the stream. */
static void
keep_horizon(struct recovering *recovering, uint64_t ms)
{
	if (ms <= state_horizon_ms(recovering->state))
		return;
	horizons_raise(&recovering->horizons, recovering->last, ms);
	(void)state_forget(recovering->state, ms);
}

static reprise_status
recover(struct reprise_conversation *conversation, struct reprise_log_page *page,
	struct reprise_error *error)
{
	struct reprise_error failure = { .size = sizeof(failure) };
	struct recovering recovering;
	reprise_status status = REPRISE_E_CORRUPT;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		recovering = (struct recovering){ .conversation = conversation, .page = page };
		status = recover_once(&recovering, &failure);
		if (!recovering.has_changed &&
		    (status != REPRISE_E_CORRUPT || !has_fallen_behind(&recovering)))
			break;
	}
	if (status != REPRISE_OK)
		return error_copy(error, &failure);
	keep_horizon(&recovering, state_horizon_ms(conversation->state));
	state_free(conversation->state);
	conversation->state = recovering.state;
	conversation->horizons = recovering.horizons;
	recovering.snapshots.last = conversation->snapshots.last;
	conversation->snapshots = recovering.snapshots;
	conversation->events_since = recovering.last - recovering.snapshots.recovered_from;
	conversation->bytes_since = recovering.bytes;
	conversation->expected = recovering.last;
	conversation->is_stale = false;
	return REPRISE_OK;
}

reprise_status
reprise_conversation_recover(struct reprise_conversation *conversation, struct reprise_error *error)
{
	struct reprise_log_page *page = NULL;

	UNCANCELLABLE;
	if (conversation == NULL)
		return error_invalid(error, "conversation");
	reprise_status status = reprise_log_page_open(&page);

	if (status != REPRISE_OK)
		return error_plain(error, status);
	status = recover(conversation, page, error);
	reprise_log_page_close(page);
	return status;
}
