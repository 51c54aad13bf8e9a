/* SPDX-License-Identifier: MIT */
#include "tool/tail_take.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tool/interrupt.h"
#include "tool/log_output.h"

enum {
	REST_MS = 100,
	SIGNAL_STATUS = 128, /* plus the signal: the status that shells use */
	STATUS_MAX = 255,
};

void
tail_begin(struct tail *tail, const struct tail_request *request)
{
	*tail = (struct tail){ .request = request };
	tail_output_begin(&tail->output, request->is_json);
	tail->track.is_filtered = request->is_url && request->has_kinds;
	tail->track.has_last = request->has_cursor;
	tail->track.last = request->cursor;
}

void
tail_stop(struct tail *tail, int exit_status)
{
	if (tail->is_over)
		return;
	tail->is_over = true;
	tail->exit_status = exit_status;
}

static void
judge_hole(struct tail *tail, enum tail_judgement judgement, const struct tail_hole *hole)
{
	if (judgement != TAIL_HOLE ||
	    (tail->explains != NULL && tail->explains(tail->context, hole)))
		return;
	tail->has_fault = true;
	if (hole->first == hole->last)
		tail_output_fault(&tail->output,
				  "fault: the event %" PRIu64 " is missing, and no gap told it",
				  hole->first);
	else
		tail_output_fault(&tail->output,
				  "fault: the events %" PRIu64 " to %" PRIu64
				  " are missing, and no gap told them",
				  hole->first, hole->last);
}

void
tail_take_event(struct tail *tail, const struct reprise_cursor *cursor,
		const struct tail_event *event)
{
	const reprise_position last = tail->track.last.position;
	struct tail_hole hole;
	const enum tail_judgement judgement = tail_track_event(&tail->track, cursor, &hole);

	if (judgement == TAIL_DOUBLED) {
		tail->has_fault = true;
		tail_output_fault(&tail->output,
				  "fault: the event %" PRIu64 " comes behind the event %" PRIu64
				  ", and is not printed",
				  cursor->position, last);
		return;
	}
	judge_hole(tail, judgement, &hole);
	if (!event->has_kind || tail_wants(tail->request, event->kind))
		tail_output_event(&tail->output, event);
}

void
tail_take_gap(struct tail *tail, const struct reprise_cursor *cursor, const struct tail_gap *gap)
{
	struct tail_hole hole;
	const enum tail_judgement judgement =
		tail_track_gap(&tail->track, gap->is_exact ? gap->first : 0,
			       gap->is_exact || !gap->is_lost, cursor, &hole);

	judge_hole(tail, judgement, &hole);
	tail_output_gap(&tail->output, gap);
}

void
tail_take_place(struct tail *tail, const struct reprise_cursor *cursor)
{
	struct tail_hole hole;

	judge_hole(tail, tail_track_place(&tail->track, cursor, &hole), &hole);
}

void
tail_take_end(struct tail *tail, const struct reprise_cursor *cursor, int32_t status)
{
	tail_take_place(tail, cursor);
	tail_output_end(&tail->output, status, cursor->position);
	tail->is_ended = true;
	if (status >= 0 && status <= STATUS_MAX) {
		tail_stop(tail, status);
		return;
	}
	tail_output_note(&tail->output,
			 "%" PRId32 " is no exit status: this program ends with the status 1",
			 status);
	tail_stop(tail, EXIT_FAILURE);
}

static void
close_output(struct tail *tail)
{
	tail->is_closed = true;
	tail_stop(tail, 0);
}

bool
tail_goes_on(struct tail *tail)
{
	const bool is_flushed = log_output_flush();

	if (interrupt_happened())
		tail_stop(tail, SIGNAL_STATUS + interrupt_number());
	if (!is_flushed)
		close_output(tail);
	return !tail->is_over;
}

static bool
wait_and_look(struct tail *tail, int milliseconds)
{
	if (!log_output_wait(milliseconds))
		close_output(tail);
	return tail_goes_on(tail);
}

bool
tail_looks(struct tail *tail)
{
	return wait_and_look(tail, 0);
}

bool
tail_rests(struct tail *tail)
{
	return wait_and_look(tail, REST_MS);
}

bool
tail_cursor(const struct tail *tail, char ret_text[REPRISE_CURSOR_TEXT_BYTES_MAX])
{
	return tail->track.has_last &&
	       reprise_cursor_format(&tail->track.last, ret_text, REPRISE_CURSOR_TEXT_BYTES_MAX,
				     NULL, NULL) == REPRISE_OK;
}

int
tail_end(struct tail *tail)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (!tail->is_closed && !log_output_flush())
		tail->is_closed = true;
	if (!tail->is_closed && !tail->is_ended && tail_cursor(tail, text))
		tail_output_cursor(&tail->output, text);
	return log_output_end(tail->has_fault ? EXIT_FAILURE : tail->exit_status);
}
