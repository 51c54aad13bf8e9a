/* SPDX-License-Identifier: MIT */
/*
 * The state of a durable stream, read from the log on a worker. From time to
 * time a control event has the whole state, so the last events of the stream are enough.
 */
#include <reprise/log.h>

#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

enum {
	SCAN_EVENTS = 160,
	SCAN_GROWTH = 8,
	PAGE_EVENTS = 4096,
	PAGE_BYTES = 4 << 20,
	LIVES_AT_ONCE = 64,
};

/*
 * The last position of a life that was invalidated or dropped, and had events: the stream does not
 * go on behind. Lives that end before @floor are not looked at; 0: none behind.
 */
static reprise_status
find_void(struct reprise_log *log, const struct reprise_log_key *key,
	  const struct reprise_log_stats *stats, reprise_ordinal floor, reprise_ordinal *ret_void,
	  struct reprise_error *error)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	uint64_t newest = stats->life.number;
	size_t lives_count;

	*ret_void = 0;
	while (newest > 0) {
		const uint64_t behind = newest > LIVES_AT_ONCE ? newest - LIVES_AT_ONCE : 0;
		const reprise_status status = reprise_log_lives(log, key, behind, lives,
								LIVES_AT_ONCE, &lives_count, error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = lives_count; i-- > 0;) {
			if (lives[i].state == REPRISE_LIFE_INVALIDATED &&
			    lives[i].end >= lives[i].first) {
				*ret_void = lives[i].end;
				return REPRISE_OK;
			}
			if (lives[i].first <= floor)
				return REPRISE_OK;
		}
		newest = behind;
	}
	return REPRISE_OK;
}

/* Adds the events behind @after to the state. */
static reprise_status
read_events(struct durable_loaded *loaded, struct reprise_log *log,
	    const struct reprise_log_key *key, reprise_ordinal after, struct reprise_log_page *page,
	    struct reprise_error *error)
{
	const struct reprise_log_entry *entries;
	size_t entries_count;
	reprise_status status;

	do {
		status = reprise_log_load_after(log, key, after, PAGE_EVENTS, PAGE_BYTES, page,
						error);
		if (status != REPRISE_OK)
			return status;
		entries = reprise_log_page_entries(page, &entries_count);
		for (size_t i = 0; i < entries_count; i++) {
			after = entries[i].last;
			if (entries[i].type != REPRISE_LOG_EVENT)
				continue;
			switch (durable_state_apply(&loaded->state, key->thread, after,
						    entries[i].kind, entries[i].payload.data,
						    entries[i].payload.size)) {
			case DURABLE_APPLIED:
				break;
			case DURABLE_MALFORMED:
				return REPRISE_E_CORRUPT;
			case DURABLE_NO_MEMORY:
				return REPRISE_E_NO_MEMORY;
			}
		}
	} while (entries_count != 0);
	if (after > loaded->state.through)
		loaded->state.through = after;
	return REPRISE_OK;
}

/* The whole state was archived: the events that are left go on from the state that was kept. */
static reprise_status
resume_kept(struct durable_loaded *loaded, struct reprise_gateway *gateway, struct reprise_log *log,
	    const struct reprise_log_key *key, const struct reprise_log_stats *stats,
	    struct reprise_log_page *page, struct reprise_error *error)
{
	struct durable_state kept;
	enum durable_applied applied;
	reprise_ordinal after;

	durable_state_init(&kept);
	applied = durable_read_kept(gateway, key->thread, log, page, stats->head, &kept);
	if (applied != DURABLE_APPLIED || !kept.is_created) {
		durable_state_free(&kept);
		return applied == DURABLE_NO_MEMORY ? REPRISE_E_NO_MEMORY : REPRISE_OK;
	}
	durable_state_free(&loaded->state);
	loaded->state = kept;
	after = kept.through > stats->watermark ? kept.through : stats->watermark;
	return read_events(loaded, log, key, after, page, error);
}

/* Goes back until the events hold a whole state. *ret_is_archived: a part of them is archived. */
static reprise_status
scan(struct durable_loaded *loaded, struct reprise_log *log, const struct reprise_log_key *key,
     const struct reprise_log_stats *stats, struct reprise_log_page *page, bool *ret_is_archived,
     struct reprise_error *error)
{
	reprise_ordinal after, end;
	uint64_t distance = SCAN_EVENTS;
	reprise_status status;

	*ret_is_archived = false;
	do {
		after = stats->head - stats->watermark > distance ? stats->head - distance
								  : stats->watermark;
		status = find_void(log, key, stats, after, &end, error);
		if (status != REPRISE_OK)
			return status;
		after = end > after ? end : after;
		durable_state_free(&loaded->state);
		status = read_events(loaded, log, key, after, page, error);
		distance *= SCAN_GROWTH;
	} while (status == REPRISE_OK && loaded->state.snapshot == 0 && after > stats->watermark &&
		 after != end);
	*ret_is_archived = loaded->state.snapshot == 0 && after != 0 && after != end;
	return status;
}

static reprise_status
read_state(struct durable_loaded *loaded, struct reprise_gateway *gateway, struct reprise_log *log,
	   const struct reprise_log_key *key, const struct reprise_log_stats *stats,
	   struct reprise_error *error)
{
	struct reprise_log_page *page;
	bool is_archived;
	reprise_status status = reprise_log_page_open(&page);

	if (status != REPRISE_OK)
		return status;
	status = scan(loaded, log, key, stats, page, &is_archived, error);
	if (status == REPRISE_OK && is_archived)
		status = resume_kept(loaded, gateway, log, key, stats, page, error);
	if (loaded->state.through < stats->head)
		loaded->state.through = stats->head;
	if (status == REPRISE_OK && loaded->state.is_created)
		loaded->kept = durable_kept_through(gateway, key->thread, log, page);
	reprise_log_page_close(page);
	return status;
}

/* Whether the log has nothing new. A session is dropped or invalidated without a further event. */
static reprise_status
judge_known(struct durable_loaded *loaded, struct reprise_log *log,
	    const struct reprise_log_key *key, const struct reprise_log_stats *stats,
	    struct reprise_error *error)
{
	reprise_ordinal end = 0;
	reprise_status status = REPRISE_OK;

	loaded->is_known = loaded->known != 0 && loaded->known == stats->head;
	if (loaded->is_known)
		status = find_void(log, key, stats, loaded->known, &end, error);
	loaded->is_known = loaded->is_known && end < loaded->known;
	return status;
}

reprise_status
durable_load(struct reprise_gateway *gateway, const char *session_id, struct reprise_log *log,
	     struct durable_loaded *loaded, struct reprise_error *error)
{
	const struct reprise_log_key key = { gateway->tenant, session_id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	reprise_status status = reprise_log_stats(log, &key, &stats, error);

	loaded->is_known = loaded->has_ended = false;
	loaded->kept = 0;
	durable_state_free(&loaded->state);
	if (status != REPRISE_OK)
		return status == REPRISE_E_NOT_FOUND ? REPRISE_OK : status;
	loaded->has_ended = stats.has_ended != 0 && stats.life.state != REPRISE_LIFE_INVALIDATED;
	loaded->end_status = stats.end_status;
	status = judge_known(loaded, log, &key, &stats, error);
	if (status == REPRISE_OK && !loaded->is_known)
		status = read_state(loaded, gateway, log, &key, &stats, error);
	return status;
}
