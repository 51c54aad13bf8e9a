/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/continuous.h"

struct reprise_cursor
session_newest_cursor(struct reprise_session *session, uint64_t revision_known)
{
	uint64_t position, revision;

	if (!ring_newest(&session->ring, &position, &revision))
		revision = revision_known;
	return session_cursor_at(session, position, revision);
}

/* @newest becomes the log's newest position, if the position is known. */
static void
use_newest_of_log(struct reprise_cursor *newest, const struct backfill_newest *in_log,
		  uint64_t revision_known)
{
	if (!in_log->is_known)
		return;
	newest->incarnation = in_log->incarnation;
	newest->position = in_log->position;
	newest->revision = in_log->has_revision ? in_log->revision : revision_known;
}

/*
 * The window's newest, also if the subscription is not there yet; without a window the
 * log's (rule L46).
 */
struct reprise_cursor
backfill_newest(const struct reprise_subscription *subscription)
{
	const struct reprise_cursor *const at = &subscription->at;
	struct reprise_cursor newest = *at;

	if (subscription_is_bound(subscription))
		return session_newest_cursor(subscription->session, at->revision);
	struct reprise_session *const live =
		session_find(subscription->store, at->session_id, strlen(at->session_id));

	if (live != NULL) {
		newest = session_newest_cursor(live, at->revision);
		session_unpin(live);
	} else {
		use_newest_of_log(&newest, &subscription->page->newest, at->revision);
	}
	return newest;
}

/* A cursor of no life, for a session that has no window. */
static struct reprise_cursor
no_cursor(const char id[REPRISE_SESSION_ID_BYTES_MAX + 1], uint64_t revision)
{
	struct reprise_cursor cursor = { .revision = revision };

	memcpy(cursor.session_id, id, sizeof(cursor.session_id));
	return cursor;
}

static void
take_unavailable(struct reprise_subscription *subscription, struct reprise_gap *ret_gap)
{
	const char *const id = subscription->at.session_id;
	struct backfill *const backfill = subscription->backfill;
	/* A host that comes back with the gap's cursor has loaded its durable state by then. */
	const uint64_t revision = subscription->is_judged_by_durable
					  ? subscription->durable_revision
					  : subscription->at.revision;
	/* The window of now, which need not be the one that the cursor was judged by. */
	struct reprise_session *const live = session_find(subscription->store, id, strlen(id));

	*ret_gap = (struct reprise_gap){ .reason = REPRISE_GAP_UNAVAILABLE,
					 .detail = subscription->refusal };
	if (live != NULL) {
		/* The cursor's look first, so that it is not beyond the newest. */
		ret_gap->cursor =
			session_cursor_at(live, ring_look(&live->ring).kept - 1, revision);
		ret_gap->newest = session_newest_cursor(live, subscription->at.revision);
	} else {
		ret_gap->cursor = no_cursor(id, revision);
		ret_gap->newest = ret_gap->cursor;
		if (backfill != NULL)
			use_newest_of_log(&ret_gap->newest, &backfill->newest_at_refusal,
					  subscription->at.revision);
	}
	/* A later refusal need not come from a page. */
	if (backfill != NULL)
		backfill->newest_at_refusal.is_known = false;
	if (subscription->refusal == REPRISE_GAP_DIVERGED) {
		ret_gap->cursor = subscription->at;
		ret_gap->cursor.position = subscription->diverged_end;
	}
	subscription->stage = STAGE_OVER;
	subscription->end = (struct reprise_end){ .cause = REPRISE_END_INVALIDATED };
	if (subscription->is_continuous)
		continuous_go_on(subscription, &ret_gap->cursor, live);
	if (live != NULL)
		session_unpin(live);
}

void
subscription_be_void(struct reprise_subscription *subscription)
{
	struct reprise_session *const session = subscription->session;

	pthread_mutex_lock(&session->store->lock);
	const bool is_behind_in_log = session->is_behind_in_log;

	pthread_mutex_unlock(&session->store->lock);
	subscription->stage = STAGE_REFUSED;
	subscription->refusal = is_behind_in_log ? REPRISE_GAP_DIVERGED : REPRISE_GAP_INVALIDATED;
	/* Not beyond the subscription: the events up to the life's end are still to be read. */
	subscription->diverged_end =
		least(load_relaxed(&session->recorded), subscription->at.position);
}

/* The end of a life, of which everything is handed out. */
static void
take_end(struct reprise_subscription *subscription, struct reprise_gap *ret_gap)
{
	struct reprise_session *const session = subscription->session;

	/* Also of a life without events. */
	if (subscription_is_bound(subscription))
		subscription->at.incarnation = session->incarnation;
	*ret_gap = (struct reprise_gap){
		.reason = REPRISE_GAP_TRIMMED,
		.detail = REPRISE_GAP_LIFE_ENDED,
		.cursor = subscription->at,
		/* Without a window the log has told it. */
		.newest = subscription_is_bound(subscription)
				  ? session_newest_cursor(session, subscription->at.revision)
				  : backfill_newest(subscription),
		.end_status = subscription->end.status,
	};
	continuous_end_life(subscription);
}

/* The cause for @last, the last lost position. */
static reprise_gap_detail
trimmed_detail(const struct reprise_subscription *subscription, const struct look *look,
	       reprise_position last)
{
	struct reprise_session *const session = subscription->session;

	if (subscription->gives_up)
		return REPRISE_GAP_NOT_RECORDED;
	if (last <= session->ring.position_before)
		return REPRISE_GAP_OTHER_INCARNATION;
	/* Newer events displaced the lost events after the look, during the copy. */
	if (subscription->stretch.count > 0 && subscription->is_overtaken)
		return REPRISE_GAP_CAPACITY;
	if (ring_was_requested(&session->ring, look, last))
		return REPRISE_GAP_REQUEST;
	if (last <= look->floor_age)
		return REPRISE_GAP_AGE;
	return REPRISE_GAP_CAPACITY;
}

static void
take_trimmed(struct reprise_subscription *subscription, struct reprise_gap *ret_gap)
{
	struct reprise_session *const session = subscription->session;
	const struct look look = subscription_look(subscription);

	/*
	 * Events that are copied already are not lost by being displaced. So the events that are
	 * kept as the gap is told are copied now: by the next call, a writer that floods would have
	 * displaced them, and there would be gap after gap.
	 */
	if (subscription->stretch.count == 0)
		subscription_read(subscription, &look);
	const uint64_t kept =
		subscription->stretch.count > 0 ? subscription->stretch.first : look.kept;
	const uint64_t first = subscription->at.position + 1;
	const uint64_t last = least(kept - 1, subscription->until);

	*ret_gap = (struct reprise_gap){
		.reason = REPRISE_GAP_TRIMMED,
		.detail = trimmed_detail(subscription, &look, last),
		.lost = last - first + 1,
		.lost_first = first,
		.lost_last = last,
		.newest = session_newest_cursor(session, subscription->at.revision),
	};
	subscription->gives_up = false;
	subscription->at.position = last;
	/* A continuous one may come from the life before. */
	subscription->at.incarnation = session->incarnation;
	ret_gap->cursor = subscription->at;
	count(&subscription->lost, ret_gap->lost);
}

void
subscription_take_gap(struct reprise_subscription *subscription, struct reprise_gap *ret_gap)
{
	if (subscription->stage == STAGE_REFUSED)
		take_unavailable(subscription, ret_gap);
	else if (subscription->stage == STAGE_LIFE_ENDED)
		take_end(subscription, ret_gap);
	else if (subscription->stage == STAGE_HEALING)
		backfill_take_gap(subscription, ret_gap);
	else
		take_trimmed(subscription, ret_gap);
	count(&subscription->gaps, 1);
}
