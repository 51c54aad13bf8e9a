/* SPDX-License-Identifier: MIT */

/* The rules: the outcomes for a cursor of a history, from the first to the last. */

#include "history.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((format(printf, 2, 3)))
print(struct telling_text *text, const char *format, ...)
{
	const size_t room = sizeof(text->bytes) - text->used;
	va_list arguments;

	va_start(arguments, format);
	const int bytes = vsnprintf(text->bytes + text->used, room, format, arguments);

	va_end(arguments);
	if (bytes < 0 || (size_t)bytes >= room)
		abort();
	text->used += (size_t)bytes;
}

void
text_event(struct telling_text *text, uint64_t position, uint64_t revision)
{
	print(text, "event %" PRIu64 " revision %" PRIu64 "\n", position, revision);
}

/* The number of a life; 0: none. */
static size_t
number_of(const struct history *history, const struct reprise_incarnation *incarnation)
{
	for (size_t i = 0; i < history->lives_count; i++)
		if (memcmp(&history->lives[i].incarnation, incarnation, sizeof(*incarnation)) == 0)
			return i + 1;
	return 0;
}

void
text_gap(struct telling_text *text, const struct history *history, const struct reprise_gap *gap)
{
	print(text,
	      "gap %s detail %d lost %" PRIu64 " %" PRIu64 "..%" PRIu64 " cursor %zu/%" PRIu64
	      "/%" PRIu64 " newest %zu/%" PRIu64 "/%" PRIu64 "\n",
	      gap->reason == REPRISE_GAP_TRIMMED ? "trimmed" : "unavailable", (int)gap->detail,
	      gap->lost, gap->lost_first, gap->lost_last,
	      number_of(history, &gap->cursor.incarnation), gap->cursor.position,
	      gap->cursor.revision, number_of(history, &gap->newest.incarnation),
	      gap->newest.position, gap->newest.revision);
}

void
text_end(struct telling_text *text, reprise_end_cause cause, int32_t status)
{
	print(text, "ended %d %d\n", (int)cause, (int)status);
}

bool
text_waits(const struct telling_text *text)
{
	return strstr(text->bytes, "ended") == NULL;
}

const char *
text_after(const char *text, size_t lines)
{
	for (; lines > 0 && *text != '\0'; lines--) {
		const char *const end = strchr(text, '\n');

		text = end != NULL ? end + 1 : text + strlen(text);
	}
	return text;
}

size_t
text_lines(const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* One cursor on its way. */
struct walk {
	const struct history *history;
	const struct history_cursor *asked;
	struct telling_text *text;
	size_t life; /* the number of the cursor's, from 1 on */
	struct reprise_cursor at;
};

static const struct history_life *
life_of(const struct walk *walk)
{
	return &walk->history->lives[walk->life - 1];
}

static bool
is_last(const struct walk *walk)
{
	return walk->life == walk->history->lives_count;
}

/* The life whose window the store has, or NULL. */
static const struct history_life *
window_of(const struct history *history)
{
	const struct history_life *const last = &history->lives[history->lives_count - 1];

	return last->is_window ? last : NULL;
}

static const struct history_row *
row_at(const struct history *history, uint64_t position)
{
	for (size_t i = 0; i < history->rows_count; i++)
		if (history->rows[i].first <= position && position <= history->rows[i].last)
			return &history->rows[i];
	return NULL;
}

/*
 * A valid cursor of the newest position: the window's; else that of the last life that is not void.
 */
static struct reprise_cursor
newest_of(const struct walk *walk)
{
	const struct history *const history = walk->history;
	const struct history_life *const window = window_of(history);
	const struct history_life *life = &history->lives[history->lives_count - 1];
	struct reprise_cursor newest = walk->at;

	while (life->state == REPRISE_LIFE_INVALIDATED)
		life--;
	newest.incarnation = life->incarnation;
	newest.position = life->end;
	if (window != NULL && life->end < life->first) {
		newest.revision = 0;
		return newest;
	}
	const struct history_row *const row = row_at(history, life->end);

	if (row != NULL && !row->is_gap && (window != NULL || life->end > history->watermark))
		newest.revision = row->revision;
	return newest;
}

static void
refuse(struct walk *walk, reprise_gap_detail detail)
{
	const struct history_life *const window = window_of(walk->history);
	const struct history_cursor *const asked = walk->asked;
	struct reprise_gap gap = { .reason = REPRISE_GAP_UNAVAILABLE, .detail = detail };

	/* Without a window AHEAD is judged without a look at the log. */
	if (window != NULL || detail != REPRISE_GAP_AHEAD)
		gap.newest = newest_of(walk);
	if (window != NULL) {
		gap.cursor = walk->at;
		gap.cursor.incarnation = window->incarnation;
		gap.cursor.position = window->first - 1;
	} else {
		gap.cursor.revision = walk->at.revision;
	}
	if (asked->use == USE_RESUME)
		gap.cursor.revision = asked->durable_revision;
	if (window == NULL && detail == REPRISE_GAP_AHEAD)
		gap.newest.revision = gap.cursor.revision;
	if (detail == REPRISE_GAP_DIVERGED) {
		gap.cursor = walk->at;
		gap.cursor.position = life_of(walk)->end;
	}
	text_gap(walk->text, walk->history, &gap);
	text_end(walk->text, REPRISE_END_INVALIDATED, 0);
}

/* A COMMIT that is still to be handed out leads to the host's durable revision. */
static bool
has_bridge(const struct walk *walk)
{
	const struct history *const history = walk->history;
	const struct history_life *const window = window_of(history);
	size_t life = 0;

	for (size_t i = 0; i < history->rows_count; i++) {
		const struct history_row *const row = &history->rows[i];

		while (history->lives[life].end < row->last)
			life++;
		const bool is_in_window = &history->lives[life] == window;

		if (row->is_commit && row->revision >= walk->asked->durable_revision &&
		    row->first > walk->at.position &&
		    (is_in_window || row->first > history->watermark) &&
		    history->lives[life].state != REPRISE_LIFE_INVALIDATED)
			return true;
	}
	return false;
}

/* Whether the cursor is good; else what it is told. */
static bool
judge(struct walk *walk)
{
	const struct history_cursor *const asked = walk->asked;
	const bool is_judged = asked->use == USE_RESUME;
	const uint64_t position = walk->at.position;

	if (is_judged && walk->at.revision > asked->durable_revision)
		return refuse(walk, REPRISE_GAP_AHEAD), false;
	if (walk->life == 0)
		return refuse(walk, REPRISE_GAP_OTHER_INCARNATION), false;
	const struct history_life *const life = life_of(walk);

	if (life->state == REPRISE_LIFE_INVALIDATED)
		return refuse(walk, REPRISE_GAP_INVALIDATED), false;
	if (position > life->end && life->is_window)
		return refuse(walk, REPRISE_GAP_AHEAD), false;
	if (position + 1 < life->first)
		return refuse(walk, REPRISE_GAP_BEFORE_WINDOW), false;
	if (position > life->end && life->state == REPRISE_LIFE_OPEN && is_last(walk)) {
		/* It may be recorded yet. */
		if (asked->use == USE_REPLAY)
			text_end(walk->text, REPRISE_END_REPLAY, 0);
		return false;
	}
	if (position > life->end)
		return refuse(walk, REPRISE_GAP_DIVERGED), false;
	if (is_judged && walk->at.revision < asked->durable_revision && !has_bridge(walk))
		return refuse(walk, REPRISE_GAP_BEHIND_DURABLE), false;
	return true;
}

static void
lose(struct walk *walk, reprise_gap_detail detail, uint64_t first, uint64_t last)
{
	struct reprise_gap gap = { .reason = REPRISE_GAP_TRIMMED, .detail = detail };

	if (first != 0) {
		gap.lost = last - first + 1;
		gap.lost_first = first;
		gap.lost_last = last;
		walk->at.position = last;
	}
	gap.cursor = walk->at;
	gap.newest = newest_of(walk);
	text_gap(walk->text, walk->history, &gap);
}

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

/* The next event or gap of the life that the cursor is in; there is one. */
static void
step(struct walk *walk)
{
	const struct history *const history = walk->history;
	const struct history_life *const life = life_of(walk);
	const uint64_t first = walk->at.position + 1;
	const struct history_row *const row = row_at(history, first);

	if (history->watermark >= first && !life->is_window) {
		lose(walk, REPRISE_GAP_ARCHIVED, first,
		     history->watermark < life->end ? history->watermark : life->end);
	} else if (row->is_gap) {
		lose(walk, detail_of(row->reason), first, row->last);
	} else {
		text_event(walk->text, first, row->revision);
		walk->at.position = first;
		if (row->revision > walk->at.revision)
			walk->at.revision = row->revision;
	}
}

/* To the next life that is not void. False if there is none. */
static bool
cross(struct walk *walk)
{
	const struct history *const history = walk->history;
	uint64_t first = 0, last = 0;
	size_t next = walk->life + 1;

	for (; next <= history->lives_count; next++) {
		const struct history_life *const life = &history->lives[next - 1];

		if (life->state != REPRISE_LIFE_INVALIDATED)
			break;
		if (life->end >= life->first) {
			first = first != 0 ? first : life->first;
			last = life->end;
		}
	}
	if (next > history->lives_count)
		return false;
	const bool is_clean = life_of(walk)->state == REPRISE_LIFE_CLEAN;
	const bool has_void = next != walk->life + 1;

	walk->life = next;
	walk->at.incarnation = life_of(walk)->incarnation;
	if (has_void || !is_clean)
		lose(walk, has_void ? REPRISE_GAP_INVALIDATED : REPRISE_GAP_RESTART, first, last);
	return true;
}

/* Whether the session's end is what comes last, beyond all that is still to be said. */
static bool
has_end(const struct walk *walk)
{
	const struct history *const history = walk->history;

	return history->has_ended &&
	       history->lives[history->lives_count - 1].state != REPRISE_LIFE_INVALIDATED;
}

void
history_expect(const struct history *history, const struct history_cursor *asked,
	       struct telling_text *text)
{
	struct walk walk = { .history = history,
			     .asked = asked,
			     .text = text,
			     .life = number_of(history, &asked->cursor.incarnation),
			     .at = asked->cursor };
	const bool is_replay = asked->use == USE_REPLAY;

	if (!judge(&walk))
		return;
	for (;;) {
		if (walk.at.position < life_of(&walk)->end) {
			step(&walk);
			continue;
		}
		if (is_last(&walk) && has_end(&walk)) {
			text_end(text, REPRISE_END_SESSION, history->end_status);
			return;
		}
		/* A replay goes beyond what was newest only to be told of the end. */
		if ((is_replay && walk.at.position >= history->head && !has_end(&walk)) ||
		    !cross(&walk))
			break;
	}
	if (is_replay)
		text_end(text, REPRISE_END_REPLAY, 0);
}
