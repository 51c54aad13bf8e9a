/* SPDX-License-Identifier: MIT */
#include "recorder/place.h"

#include <string.h>

#include "log/write.h"
#include "recorder/bridge.h"
#include "recorder/recorder.h"

/*
 * The place of a subscription in no life: a subscription before the session's first life, a
 * subscription whose life was declared void, and a subscription with a revision alone. Rules S08
 * and S09.
 */
struct placing {
	struct reprise_recorder *recorder;
	struct backfill *backfill;
	const struct backfill_question *question;
	struct backfill_page *page;
	struct reprise_log_key key;
};

static bool
is_of_no_life(const struct reprise_incarnation *incarnation)
{
	static const struct reprise_incarnation zero;

	return memcmp(incarnation, &zero, sizeof(zero)) == 0;
}

bool
place_is_asked(const struct backfill_question *question)
{
	/* A cursor of no life is refused, unless the subscription waits for a life (rule L49). */
	return question->place == PLACE_REVISION ||
	       (question->is_continuous && is_of_no_life(&question->incarnation));
}

static void
say_refused(struct backfill_page *page, reprise_gap_detail detail)
{
	page->tail = TAIL_REFUSED;
	page->detail = detail;
}

static void
say_placed(struct backfill_page *page, const struct reprise_incarnation *incarnation,
	   reprise_position position)
{
	page->tail = TAIL_PLACED;
	page->incarnation = *incarnation;
	page->tail_first = position;
}

/*
 * The life begins after the last position seen: the positions between are lost to the subscription.
 */
static void
say_lost(struct backfill_page *page, const struct reprise_life *life, reprise_position after)
{
	page->tail = TAIL_LIFE;
	page->incarnation = life->incarnation;
	page->detail = REPRISE_GAP_OTHER_INCARNATION;
	page->tail_first = after + 1;
	page->tail_last = life->first - 1;
}

/* There is no life yet: the subscription is served again when the log has another life. */
static void
wait_for_life(struct placing *placing, const struct reprise_log_stats *stats)
{
	placing->backfill->is_at_end = true;
	placing->backfill->seen = heal_seen(stats);
}

static bool
is_void(const struct placing *placing, const struct reprise_life *life)
{
	return recorder_knows_void(placing->recorder, placing->key.thread, life);
}

/* The first life after the last position seen, void lives left out. */
static bool
place_after(struct placing *placing)
{
	struct reprise_log *const log = placing->recorder->reading;
	const reprise_position after = placing->question->after;
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life at = { 0 }, life = { 0 };
	reprise_status status = log_life_after(log, &placing->key, after, &at, &life, &stats, NULL);

	while (status == REPRISE_OK && life.number != 0 && is_void(placing, &life))
		status = log_next_life(log, &placing->key, life.number, &life, NULL);
	if (status != REPRISE_OK)
		return false;
	if (life.number == 0) {
		wait_for_life(placing, &stats);
		return false;
	}
	switch (bridge_find(placing->recorder, placing->backfill, placing->question)) {
	case BRIDGE_UNKNOWN:
		return false;
	case BRIDGE_ABSENT:
		say_refused(placing->page, REPRISE_GAP_BEHIND_DURABLE);
		return true;
	case BRIDGE_FOUND:
		break;
	}
	/*
	 * Only void lives are passed, and no host misses a void life; but the life at the
	 * subscription's position may be good.
	 */
	if (after != 0 && at.end > after && !is_void(placing, &at))
		say_lost(placing->page, &life, after);
	else
		say_placed(placing->page, &life.incarnation, life.first - 1);
	return true;
}

/* The log has no life to stand in, and @stats are from before the question. */
static void
place_nowhere(struct placing *placing, const struct reprise_log_stats *stats)
{
	static const struct reprise_incarnation no_life;

	if (placing->question->is_continuous)
		say_placed(placing->page, &no_life, stats->head);
	else if (stats->lives == 0)
		say_refused(placing->page, REPRISE_GAP_UNKNOWN_SESSION);
	else
		say_refused(placing->page, REPRISE_GAP_INVALIDATED);
}

/*
 * Whether the life of @cursor is good, as far as is known: false if the log cannot be read. The
 * life may have been declared void before the log, not yet marked, gave the cursor. By the time the
 * recorder forgets the life, the log is marked: so the log is asked last.
 */
static bool
is_good_still(const struct placing *placing, const struct reprise_cursor *cursor)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life life = { 0 };

	if (recorder_is_void(placing->recorder, placing->key.thread, &cursor->incarnation))
		return false;
	return log_find_life(placing->recorder->reading, &placing->key, &cursor->incarnation, &life,
			     &stats, NULL) == REPRISE_OK &&
	       life.state != REPRISE_LIFE_INVALIDATED;
}

/* The place before the first event newer than the revision. */
static bool
place_by_revision(struct placing *placing)
{
	struct reprise_log *const log = placing->recorder->reading;
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life at, life;
	struct reprise_cursor cursor;
	/* Asked before the place, so that a life between the two questions is not passed over. */
	reprise_status status = log_life_after(log, &placing->key, 0, &at, &life, &stats, NULL);

	if (status == REPRISE_OK)
		status = reprise_log_current_cursor(log, &placing->key, placing->question->revision,
						    &cursor, NULL);
	/* A conflict: the key is of a conversation, and has no lives. */
	if (status == REPRISE_E_NOT_FOUND || status == REPRISE_E_CONFLICT) {
		place_nowhere(placing, &stats);
		return true;
	}
	/*
	 * A void life may be unmarked in the log so far: the mark comes soon, and then the place
	 * changes.
	 */
	if (status != REPRISE_OK || !is_good_still(placing, &cursor))
		return false;
	say_placed(placing->page, &cursor.incarnation, cursor.position);
	return true;
}

bool
place_tell(struct reprise_recorder *recorder, struct backfill *backfill,
	   const struct backfill_question *question, struct backfill_page *page)
{
	struct placing placing = { .recorder = recorder,
				   .backfill = backfill,
				   .question = question,
				   .page = page,
				   .key = { recorder->tenant, backfill->session_id } };

	return question->place == PLACE_REVISION ? place_by_revision(&placing)
						 : place_after(&placing);
}
