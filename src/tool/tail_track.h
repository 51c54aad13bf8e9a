/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_TRACK_H
#define TOOL_TAIL_TRACK_H

/*
 * Compares each position of a stream with the position before: an event that comes twice, and a
 * hole that no gap has told, are faults of the stream. (rule V90)
 */

#include <stdbool.h>

#include <reprise/cursor.h>

struct tail_track {
	struct reprise_cursor last; /* the last event, or where the stream began or goes on */
	bool has_last;
	bool is_filtered; /* by the gateway: holes are no fault */
};

enum tail_judgement {
	TAIL_NEXT,    /* no fault */
	TAIL_DOUBLED, /* the position was there before */
	TAIL_HOLE,    /* positions are missing */
};

/* The missing positions, and the cursor before them. */
struct tail_hole {
	reprise_position first, last;
	struct reprise_cursor before;
};

/* An event. A doubled event changes nothing. @ret_hole is set with TAIL_HOLE. */
enum tail_judgement tail_track_event(struct tail_track *track, const struct reprise_cursor *cursor,
				     struct tail_hole *ret_hole);

/*
 * A gap with its own first position, or 0 if the gap has none, and with the cursor behind the gap.
 * @is_known says whether the number of the lost events is known.
 */
enum tail_judgement tail_track_gap(struct tail_track *track, reprise_position first, bool is_known,
				   const struct reprise_cursor *cursor, struct tail_hole *ret_hole);

/* A place that a stream tells without an event: everything up to the place was sent. */
enum tail_judgement tail_track_place(struct tail_track *track, const struct reprise_cursor *cursor,
				     struct tail_hole *ret_hole);

#endif /* TOOL_TAIL_TRACK_H */
