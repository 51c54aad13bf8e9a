/* SPDX-License-Identifier: MIT */
#include "recorder/page.h"

#include <string.h>

#include "base/numbers.h"
#include "recorder/bridge.h"
#include "recorder/known.h"
#include "recorder/newest.h"
#include "recorder/place.h"
#include "recorder/recorder.h"

/* The answers to a subscription that heals, in this order: contracts C08, C10, C22. */

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

/* How far one step has come with the page. */
enum step {
	STEP_ON,      /* the page is not finished: the next step */
	STEP_TOLD,    /* the page is finished */
	STEP_UNKNOWN, /* there is nothing to say yet, or the log cannot be read */
};

static enum step
say(struct backfill_page *page, enum backfill_tail tail, reprise_gap_detail detail)
{
	page->tail = tail;
	page->detail = detail;
	return STEP_TOLD;
}

static enum step
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

static bool
is_last(const struct telling *telling)
{
	return telling->life.number == telling->stats.lives;
}

/* Finds the life that is asked about. Without such a life, the page says so. */
static enum step
find_life(struct telling *telling)
{
	/* Before the log is read: by then it may have been marked there, and be forgotten here. */
	const bool was_void = recorder_is_void(telling->recorder, telling->key.thread,
					       &telling->question->incarnation);

	telling->stats.size = sizeof(telling->stats);
	const reprise_status status = log_find_life(telling->recorder->reading, &telling->key,
						    &telling->question->incarnation, &telling->life,
						    &telling->stats, NULL);

	if (status == REPRISE_E_NOT_FOUND)
		return say(telling->page, TAIL_REFUSED, REPRISE_GAP_UNKNOWN_SESSION);
	if (status != REPRISE_OK)
		return STEP_UNKNOWN;
	telling->page->head = telling->stats.head;
	telling->page->is_of_last_life = is_last(telling);
	if (telling->stats.has_ended &&
	    !recorder_knows_void(telling->recorder, telling->key.thread, &telling->stats.life)) {
		telling->page->ended = telling->stats.end_ordinal;
		telling->page->status = telling->stats.end_status;
	}
	if (telling->life.number == 0)
		return say(telling->page, TAIL_REFUSED,
			   telling->stats.lives != 0 ? REPRISE_GAP_OTHER_INCARNATION
						     : REPRISE_GAP_UNKNOWN_SESSION);
	if (was_void || recorder_knows_void(telling->recorder, telling->key.thread, &telling->life))
		return say(telling->page, TAIL_REFUSED, REPRISE_GAP_INVALIDATED);
	return STEP_ON;
}

/* There is nothing more in the log for now: a replay ends, a subscription waits. */
static enum step
tell_nothing_more(const struct telling *telling)
{
	telling->backfill->is_at_end = true;
	telling->backfill->seen = heal_seen(&telling->stats);
	if (telling->question->is_replay && !telling->question->is_bound)
		return say(telling->page, TAIL_OVER, REPRISE_GAP_CAPACITY);
	return STEP_UNKNOWN;
}

/* The host has seen events behind the life's end. */
static enum step
say_diverged(const struct telling *telling)
{
	telling->page->tail_last = telling->life.end;
	return say(telling->page, TAIL_REFUSED, REPRISE_GAP_DIVERGED);
}

static enum step
compare_with_known(const struct telling *telling, reprise_position recorded)
{
	switch (known_compare(telling->recorder, telling->backfill, telling->question, recorded,
			      &telling->life)) {
	case KNOWN_LESS:
		return say_diverged(telling);
	case KNOWN_SOON:
		return STEP_UNKNOWN;
	case KNOWN_WHOLE:
		break;
	}
	return STEP_ON;
}

/* Judges the cursor. The page says why a cursor is refused. */
static enum step
judge(struct telling *telling)
{
	const uint64_t position = telling->question->after;
	const struct reprise_life *const life = &telling->life;

	/* Not by position + 1, which of the last of all positions is 0. */
	if (life->first > position && life->first - position > 1)
		return say(telling->page, TAIL_REFUSED, REPRISE_GAP_BEFORE_WINDOW);
	if (position > life->end && is_last(telling) && life->state == REPRISE_LIFE_OPEN &&
	    !telling->question->is_bound)
		/* Another process may record it yet, or has died: the next life tells. */
		return tell_nothing_more(telling);
	if (position > life->end && !telling->question->is_bound)
		return say_diverged(telling);
	switch (bridge_find(telling->recorder, telling->backfill, telling->question)) {
	case BRIDGE_UNKNOWN:
		return STEP_UNKNOWN;
	case BRIDGE_ABSENT:
		return say(telling->page, TAIL_REFUSED, REPRISE_GAP_BEHIND_DURABLE);
	case BRIDGE_FOUND:
		break;
	}
	return STEP_ON;
}

/* A log refuses a row with an unknown reason as damaged (rule L21). */
static reprise_gap_detail
detail_of(reprise_log_gap_reason reason)
{
	switch (reason) {
	case REPRISE_LOG_GAP_OVERRUN:
		return REPRISE_GAP_OVERRUN;
	case REPRISE_LOG_GAP_TOO_LARGE:
		return REPRISE_GAP_TOO_LARGE;
	case REPRISE_LOG_GAP_NONE:
		break;
	}
	return REPRISE_GAP_DAMAGED;
}

/* Rows of the log that become records. */
struct putting {
	struct reprise_recorder *recorder;
	struct backfill_records *records;
	struct backfill_page *page; /* where a gap that comes first is said; NULL: nowhere */
	struct wall wall;
	uint64_t after, end;   /* nothing beyond the end */
	enum backfill_put put; /* the last event's */
};

/* Up to the first gap, or the end. */
static bool
put_row(const struct log_row *row, void *context)
{
	struct putting *const putting = context;

	/* Archived since the log was asked about the life: then it is asked again. */
	if (putting->records->count == 0 && row->first != putting->after + 1)
		return false;
	if (row->first > putting->end)
		return false;
	if (row->type == REPRISE_LOG_GAP) {
		/* Alone; the next page begins with it else. */
		if (putting->records->count == 0 && putting->page != NULL)
			(void)say_gap(putting->page, row->first, least(row->last, putting->end),
				      detail_of((reprise_log_gap_reason)row->reason));
		return false;
	}
	const struct backfill_event event = {
		.position = row->first,
		.revision = row->revision,
		.stamp_ns = wall_stamp(&putting->wall, row->time_ns),
		.shape = shape_of(row->payload.size, row->kind, row->flags),
		.payload = row->payload.data,
	};
	putting->put = backfill_records_put(putting->recorder->store, putting->records, &event);
	return putting->put == PUT_DONE;
}

/*
 * The events that can be read come first; then, in a page of its own, the gap of the events that
 * cannot be read, up to the first that can. STEP_ON: the log was read.
 */
static enum step
put_rows(struct putting *putting, const struct reprise_log_key *key)
{
	struct reprise_error error = { .size = sizeof(error) };
	reprise_ordinal damaged = 0;

	putting->put = PUT_DONE;
	putting->wall = wall_measure(putting->recorder);
	const reprise_status status =
		log_rows_after(putting->recorder->reading, key, putting->after, put_row, putting,
			       &damaged, &error);

	if (putting->put == PUT_NO_MEMORY)
		return STEP_UNKNOWN;
	if (status == REPRISE_OK || putting->records->count > 0)
		return STEP_ON;
	if (damaged <= putting->after || putting->page == NULL)
		return STEP_UNKNOWN;
	return say_gap(putting->page, putting->after + 1, least(damaged, putting->end),
		       REPRISE_GAP_DAMAGED);
}

static bool
is_ahead_of(const struct ahead *ahead, const struct telling *telling)
{
	return ahead->after == telling->question->after &&
	       strcmp(ahead->thread, telling->key.thread) == 0;
}

/*
 * Takes the records that were read while nobody asked, if the question is for them: memory is
 * exchanged. Entries never change; how far they may be handed out is judged anew.
 */
static bool
take_ahead(const struct telling *telling)
{
	struct ahead *const ahead = &telling->recorder->healing.ahead;
	struct backfill_records *const records = &telling->page->records;
	const struct backfill_records before = *records;

	if (ahead->records.count == 0 || !is_ahead_of(ahead, telling))
		return false;
	*records = ahead->records;
	records->count = least(records->count, telling->life.end - records->first + 1);
	ahead->records = before;
	return true;
}

/* The page is full: if it was not the first in a row, one more will be asked for. */
static void
look_ahead(const struct telling *telling)
{
	struct ahead *const ahead = &telling->recorder->healing.ahead;
	const struct backfill_records *const records = &telling->page->records;
	const bool is_in_a_row = is_ahead_of(ahead, telling);

	ahead->records.count = 0;
	ahead->after = records->first + records->count - 1;
	memcpy(ahead->thread, telling->key.thread, strlen(telling->key.thread) + 1);
	ahead->is_due =
		is_in_a_row && telling->page->tail == TAIL_MORE && ahead->after < telling->life.end;
}

void
page_read_ahead(struct reprise_recorder *recorder)
{
	struct ahead *const ahead = &recorder->healing.ahead;
	const struct reprise_log_key key = { recorder->tenant, ahead->thread };
	struct putting putting = { .recorder = recorder,
				   .records = &ahead->records,
				   .after = ahead->after,
				   .end = UINT64_MAX };

	ahead->is_due = false;
	ahead->records.bytes_used = ahead->records.count = 0;
	if (put_rows(&putting, &key) == STEP_UNKNOWN)
		ahead->records.count = 0;
}

/* There is more of this life in the log. */
static enum step
tell_events(struct telling *telling)
{
	const uint64_t after = telling->question->after;
	struct backfill_page *const page = telling->page;
	struct putting putting = { .recorder = telling->recorder,
				   .records = &page->records,
				   .page = page,
				   .after = after,
				   .end = telling->life.end };

	telling->recorder->healing.ahead.is_due = false;
	if (telling->stats.watermark > after)
		return say_gap(page, after + 1, least(telling->stats.watermark, telling->life.end),
			       REPRISE_GAP_ARCHIVED);
	if (!take_ahead(telling) && put_rows(&putting, &telling->key) == STEP_UNKNOWN)
		return STEP_UNKNOWN;
	if (page->records.count > 0)
		look_ahead(telling);
	/*
	 * The last events come with the session's end (rule A29). The log had the end before the
	 * events were read. A window knows the end without the page.
	 */
	if (page->records.count > 0 && !telling->question->is_bound && is_last(telling) &&
	    !telling->question->is_end_told &&
	    page->records.first + page->records.count - 1 == page->ended)
		return say(page, TAIL_ENDED, REPRISE_GAP_CAPACITY);
	return page->records.count > 0 || page->tail != TAIL_MORE ? STEP_TOLD : STEP_UNKNOWN;
}

/*
 * This life is behind, and there are others: to the next one that is not void. The events of a void
 * life are lost; a void life is passed only if another one follows, so that no subscription ends up
 * in it.
 */
static enum step
tell_next_life(struct telling *telling)
{
	struct backfill_page *const page = telling->page;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_life next = telling->life;
	bool is_void_passed = false;

	for (;;) {
		if (log_next_life(telling->recorder->reading, &telling->key, next.number, &next,
				  &error) != REPRISE_OK)
			return STEP_UNKNOWN;
		if (next.number == 0)
			return tell_nothing_more(telling);
		if (!recorder_knows_void(telling->recorder, telling->key.thread, &next))
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
static enum step
tell_end(struct telling *telling)
{
	if (!is_last(telling))
		return tell_next_life(telling);
	if (telling->page->ended != telling->question->after || telling->question->is_end_told)
		return tell_nothing_more(telling);
	return say(telling->page, TAIL_ENDED, REPRISE_GAP_CAPACITY);
}

/*
 * A window that has ended has nothing more. A window whose life is not the last has lost the
 * session to another runtime: events appended to the window since are never recorded.
 */
static enum step
bind_window(const struct telling *telling)
{
	const struct backfill_question *const question = telling->question;

	if (question->is_bound || question->is_end_told || !is_last(telling))
		return STEP_ON;
	switch (backfill_bind(telling->backfill, telling->page, &question->incarnation)) {
	case BOUND_TO_WINDOW:
		return STEP_TOLD;
	case BOUND_NO_MEMORY:
		return STEP_UNKNOWN;
	case BOUND_TO_NONE:
		break;
	}
	return STEP_ON;
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

	backfill->is_at_end = false;
	if (place_is_asked(question)) {
		const bool is_placed = place_tell(recorder, backfill, question, telling.page);

		newest_tell(recorder, &telling.key, question, telling.page);
		return is_placed;
	}
	const reprise_position recorded = known_before(recorder, backfill, question);
	enum step step = find_life(&telling);

	if (step == STEP_ON)
		step = compare_with_known(&telling, recorded);
	/* Also of a life that was left at its window's end: it may not be recorded as a whole. */
	if (step == STEP_ON && (question->is_judged || question->is_end_told))
		step = judge(&telling);
	if (step == STEP_ON)
		step = bind_window(&telling);
	if (step == STEP_ON)
		step = question->after < telling.life.end ? tell_events(&telling)
							  : tell_end(&telling);
	newest_tell(recorder, &telling.key, question, telling.page);
	return step == STEP_TOLD;
}
