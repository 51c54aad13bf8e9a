/* SPDX-License-Identifier: MIT */
#include "recorder/page.h"

#include <string.h>

#include "base/numbers.h"
#include "recorder/recorder.h"

/* What is told to a subscription that heals, in this order: contracts C08, C10, C22. */

enum {
	ENTRIES_MAX = 2048, /* of one load */
	LOAD_BYTES = 192 << 10,
};

/* One page in the making. */
struct telling {
	struct reprise_recorder *recorder;
	struct backfill *backfill;
	const struct backfill_question *question;
	struct backfill_page *page;
	struct reprise_log_key key;
	struct reprise_life life;
	struct reprise_log_stats stats;
};

static bool
say(struct backfill_page *page, enum backfill_tail tail, reprise_gap_detail detail)
{
	page->tail = tail;
	page->detail = detail;
	return true;
}

static bool
say_gap(struct backfill_page *page, reprise_position first, reprise_position last,
	reprise_gap_detail detail)
{
	page->tail_first = first;
	page->tail_last = last;
	return say(page, TAIL_GAP, detail);
}

void
page_say_nothing(struct backfill *backfill)
{
	(void)say(backfill_page_begin(backfill), TAIL_NOTHING, REPRISE_GAP_NOT_RECORDED);
}

/* Whether a life was declared void, and the log does not know yet. */
static bool
is_void_here(struct reprise_recorder *recorder, const char *id,
	     const struct reprise_incarnation *incarnation)
{
	pthread_mutex_lock(&recorder->lock);
	const struct recording *const recording = recorder_find(recorder, id, incarnation);
	const bool is_void = recording != NULL && recording->is_void;

	pthread_mutex_unlock(&recorder->lock);
	return is_void;
}

static bool
is_void(const struct telling *telling, const struct reprise_life *life)
{
	return life->state == REPRISE_LIFE_INVALIDATED ||
	       is_void_here(telling->recorder, telling->key.thread, &life->incarnation);
}

static bool
is_last(const struct telling *telling)
{
	return telling->life.number == telling->stats.lives;
}

/*
 * Finds the life that is asked about. False if the page is finished, with *ret_is_there, since there is no such life, or the
 * log cannot be read.
 */
static bool
find_life(struct telling *telling, bool *ret_is_there)
{
	struct reprise_log *const log = telling->recorder->reading;
	struct reprise_error error = { .size = sizeof(error) };
	reprise_gap_detail refused = REPRISE_GAP_UNKNOWN_SESSION;
	/* Before the log is read: by then it may have been marked there, and be forgotten here. */
	const bool was_void = is_void_here(telling->recorder, telling->key.thread,
					   &telling->question->incarnation);

	telling->stats.size = sizeof(telling->stats);
	const reprise_status status =
		log_find_life(log, &telling->key, &telling->question->incarnation, &telling->life,
			      &telling->stats, &error);

	*ret_is_there = true;
	if (status == REPRISE_OK) {
		telling->page->head = telling->stats.head;
		if (telling->stats.has_ended && is_last(telling)) {
			telling->page->ended = telling->stats.end_ordinal;
			telling->page->status = telling->stats.end_status;
		}
		if (telling->life.number != 0 && !was_void && !is_void(telling, &telling->life))
			return true;
		if (telling->life.number != 0)
			refused = REPRISE_GAP_INVALIDATED;
		else if (telling->stats.lives != 0)
			refused = REPRISE_GAP_OTHER_INCARNATION;
	} else if (status != REPRISE_E_NOT_FOUND) {
		*ret_is_there = false;
		return false;
	}
	(void)say(telling->page, TAIL_REFUSED, refused);
	return false;
}

/* Whether a COMMIT leads from the cursor to the host's durable state; false if that cannot be known now. */
static bool
find_bridge(const struct telling *telling, bool *ret_has)
{
	const struct backfill_question *const question = telling->question;
	struct reprise_error error = { .size = sizeof(error) };

	*ret_has = true;
	if (!question->is_judged_by_durable || question->revision >= question->durable_revision)
		return true;
	return reprise_log_has_commit(telling->recorder->reading, &telling->key, question->after,
				      question->durable_revision, ret_has, &error) == REPRISE_OK;
}

/* Whether the cursor is good; else as find_life. */
static bool
judge(struct telling *telling, bool *ret_is_there)
{
	const uint64_t position = telling->question->after;
	const struct reprise_life *const life = &telling->life;
	bool has_bridge;

	*ret_is_there = true;
	if (position + 1 < life->first)
		return !say(telling->page, TAIL_REFUSED, REPRISE_GAP_BEFORE_WINDOW);
	if (position > life->end && is_last(telling) && life->state == REPRISE_LIFE_OPEN &&
	    !telling->question->is_bound) {
		/* It may be recorded yet, by another process; or that has died. The next life tells. */
		*ret_is_there = false;
		return false;
	}
	if (position > life->end && !telling->question->is_bound) {
		telling->page->tail_last = life->end;
		return !say(telling->page, TAIL_REFUSED, REPRISE_GAP_DIVERGED);
	}
	if (!find_bridge(telling, &has_bridge)) {
		*ret_is_there = false;
		return false;
	}
	if (!has_bridge)
		return !say(telling->page, TAIL_REFUSED, REPRISE_GAP_BEHIND_DURABLE);
	return true;
}

static reprise_gap_detail
detail_of(reprise_log_gap_reason reason)
{
	return reason == REPRISE_LOG_GAP_TOO_LARGE ? REPRISE_GAP_TOO_LARGE : REPRISE_GAP_OVERRUN;
}

/* Puts events into the page, up to the first gap or the life's end. False without memory. */
static bool
put_entries(struct telling *telling, const struct reprise_log_entry *entries, size_t entries_count)
{
	struct backfill_page *const page = telling->page;
	const uint64_t epoch = telling->recorder->epoch_ns;
	bool has_memory = true;

	for (size_t i = 0; i < entries_count; i++) {
		const struct reprise_log_entry *const entry = &entries[i];

		if (entry->first > telling->life.end)
			break;
		if (entry->type == REPRISE_LOG_GAP) {
			/* Alone; the next page begins with it else. */
			if (page->count == 0)
				(void)say_gap(page, entry->first,
					      least(entry->last, telling->life.end),
					      detail_of(entry->reason));
			break;
		}
		const struct backfill_event event = {
			.position = entry->first,
			.revision = entry->revision,
			.stamp_ns = entry->time_ns > epoch ? entry->time_ns - epoch : 0,
			.shape = shape_of(entry->payload.size, entry->kind, entry->flags),
			.payload = entry->payload.data,
		};
		if (!backfill_page_put(telling->backfill, page, &event, &has_memory))
			break;
	}
	return has_memory;
}

/* Loads what follows @after into the thread's page; false if the log cannot be read. */
static bool
load_after(struct reprise_recorder *recorder, const struct reprise_log_key *key, uint64_t after)
{
	struct reprise_error error = { .size = sizeof(error) };

	recorder->healing.ahead.is_read = false;
	return reprise_log_load_after(recorder->reading, key, after, ENTRIES_MAX, LOAD_BYTES,
				      recorder->healing.page, &error) == REPRISE_OK;
}

/*
 * Whether the thread's page holds what is asked for. Entries never change: whether they may be handed out still is
 * judged anew for each page.
 */
static bool
is_read_ahead(const struct telling *telling)
{
	const struct ahead *const ahead = &telling->recorder->healing.ahead;

	return ahead->is_read && ahead->after == telling->question->after &&
	       strcmp(ahead->thread, telling->key.thread) == 0;
}

/* The page is full: if it was not the first in a row, one more will be asked for. */
static void
look_ahead(const struct telling *telling)
{
	struct ahead *const ahead = &telling->recorder->healing.ahead;
	const struct backfill_page *const page = telling->page;
	const bool is_in_a_row = ahead->after == telling->question->after &&
				 strcmp(ahead->thread, telling->key.thread) == 0;

	ahead->is_read = false;
	ahead->after = page->first + page->count - 1;
	memcpy(ahead->thread, telling->key.thread, strlen(telling->key.thread) + 1);
	ahead->is_due = is_in_a_row && page->tail == TAIL_MORE && ahead->after < telling->life.end;
}

void
page_read_ahead(struct reprise_recorder *recorder)
{
	struct ahead *const ahead = &recorder->healing.ahead;
	const struct reprise_log_key key = { recorder->tenant, ahead->thread };
	size_t entries_count = 0;

	ahead->is_due = false;
	if (!load_after(recorder, &key, ahead->after))
		return;
	(void)reprise_log_page_entries(recorder->healing.page, &entries_count);
	ahead->is_read = entries_count > 0;
}

/* There is more of this life in the log. */
static bool
tell_events(struct telling *telling)
{
	struct reprise_recorder *const recorder = telling->recorder;
	const uint64_t after = telling->question->after;
	size_t entries_count;

	recorder->healing.ahead.is_due = false;
	if (telling->stats.watermark > after)
		return say_gap(telling->page, after + 1,
			       least(telling->stats.watermark, telling->life.end),
			       REPRISE_GAP_ARCHIVED);
	if (!is_read_ahead(telling) && !load_after(recorder, &telling->key, after))
		return false;
	const struct reprise_log_entry *const entries =
		reprise_log_page_entries(recorder->healing.page, &entries_count);

	if (!put_entries(telling, entries, entries_count))
		return false;
	if (telling->page->count > 0)
		look_ahead(telling);
	return telling->page->count > 0 || telling->page->tail != TAIL_MORE;
}

/*
 * This life is behind, and there are others: to the next one that is not void. What a void one had is lost; it is passed
 * only if something follows, so that nobody ends up in it.
 */
static bool
tell_next_life(struct telling *telling)
{
	struct backfill_page *const page = telling->page;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_life next = telling->life;
	bool is_void_passed = false;

	for (;;) {
		if (log_next_life(telling->recorder->reading, &telling->key, next.number, &next,
				  &error) != REPRISE_OK ||
		    next.number == 0)
			return false;
		if (!is_void(telling, &next))
			break;
		is_void_passed = true;
		if (next.end >= next.first) {
			page->tail_first = page->tail_first != 0 ? page->tail_first : next.first;
			page->tail_last = next.end;
		}
	}
	page->incarnation = next.incarnation;
	page->is_clean = telling->life.state == REPRISE_LIFE_CLEAN && !is_void_passed;
	return say(page, TAIL_LIFE, is_void_passed ? REPRISE_GAP_INVALIDATED : REPRISE_GAP_RESTART);
}

/* Everything of this life is behind. */
static bool
tell_end(struct telling *telling)
{
	if (!is_last(telling))
		return tell_next_life(telling);
	if (telling->page->ended != telling->question->after)
		return false;
	return say(telling->page, TAIL_ENDED, REPRISE_GAP_CAPACITY);
}

bool
page_load(struct reprise_recorder *recorder, struct backfill *backfill,
	  const struct backfill_question *question)
{
	struct telling telling = { .recorder = recorder,
				   .backfill = backfill,
				   .question = question,
				   .page = backfill_page_begin(backfill),
				   .key = { recorder->tenant, backfill->session_id } };
	bool is_there, is_bound = false;

	if (!find_life(&telling, &is_there))
		return is_there;
	if (question->is_judged && !judge(&telling, &is_there))
		return is_there;
	if (!question->is_bound &&
	    !backfill_bind(backfill, telling.page, &question->incarnation, &is_bound))
		return false;
	if (is_bound)
		return true;
	return question->after < telling.life.end ? tell_events(&telling) : tell_end(&telling);
}
