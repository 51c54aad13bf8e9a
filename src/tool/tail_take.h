/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_TAKE_H
#define TOOL_TAIL_TAKE_H

/*
 * One run of `reprise tail`, from a gateway or from a log: the checks of the positions, the
 * output, and the exit status. (rules V90, V91)
 */

#include <stdbool.h>

#include <reprise/gap.h>

#include "tool/tail_arguments.h"
#include "tool/tail_output.h"
#include "tool/tail_track.h"

struct tail {
	const struct tail_request *request;
	struct tail_output output;
	struct tail_track track;
	bool is_over;
	bool is_ended;  /* the session has ended */
	bool is_closed; /* standard output takes no more */
	bool has_fault; /* an event was missing or came twice */
	int exit_status;
	/* Whether the hole is no fault, since the source knows of events that are left out. */
	bool (*explains)(void *context, const struct tail_hole *hole); /* or NULL */
	void *context;
};

void tail_begin(struct tail *tail, const struct tail_request *request);

void tail_take_event(struct tail *tail, const struct reprise_cursor *cursor,
		     const struct tail_event *event);
void tail_take_gap(struct tail *tail, const struct reprise_cursor *cursor,
		   const struct tail_gap *gap);
/* Every event up to the place was sent. */
void tail_take_place(struct tail *tail, const struct reprise_cursor *cursor);
void tail_take_end(struct tail *tail, const struct reprise_cursor *cursor, int32_t status);

/* The run is over, with this exit status. */
void tail_stop(struct tail *tail, int exit_status);

/* Writes the output. False: the run is over, also by a signal or a closed pipe. */
bool tail_goes_on(struct tail *tail);

/* The same, and looks whether a pipe is closed that nothing was written to. */
bool tail_looks(struct tail *tail);

/* Waits for at most 100 ms. False: as tail_looks. */
bool tail_rests(struct tail *tail);

/* The text of the place to resume. False: there is none. */
bool tail_cursor(const struct tail *tail, char ret_text[REPRISE_CURSOR_TEXT_BYTES_MAX]);

/* Says how to resume, and returns the exit status. */
int tail_end(struct tail *tail);

#endif /* TOOL_TAIL_TAKE_H */
