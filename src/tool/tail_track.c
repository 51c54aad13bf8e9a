/* SPDX-License-Identifier: MIT */
#include "tool/tail_track.h"

#include <string.h>

/* A cursor of no life has seen nothing: the first event begins the life. */
static bool
has_life(const struct reprise_cursor *cursor)
{
	static const struct reprise_incarnation none;

	return memcmp(&cursor->incarnation, &none, sizeof(none)) != 0;
}

/* Judges the jump from the last place to @expected, the next position. */
static enum tail_judgement
judge(const struct tail_track *track, reprise_position expected, struct tail_hole *ret_hole)
{
	if (!track->has_last || track->is_filtered || !has_life(&track->last) ||
	    expected <= track->last.position + 1)
		return TAIL_NEXT;
	*ret_hole = (struct tail_hole){ .first = track->last.position + 1,
					.last = expected - 1,
					.before = track->last };
	return TAIL_HOLE;
}

static void
go_on(struct tail_track *track, const struct reprise_cursor *cursor)
{
	track->last = *cursor;
	track->has_last = true;
}

/*
 * Positions go on from one life to the next. So an event of another life, without a gap before, has
 * the next position, too.
 */
enum tail_judgement
tail_track_event(struct tail_track *track, const struct reprise_cursor *cursor,
		 struct tail_hole *ret_hole)
{
	if (track->has_last && has_life(&track->last) && cursor->position <= track->last.position)
		return TAIL_DOUBLED;
	const enum tail_judgement judgement = judge(track, cursor->position, ret_hole);

	go_on(track, cursor);
	return judgement;
}

enum tail_judgement
tail_track_gap(struct tail_track *track, reprise_position first, bool is_known,
	       const struct reprise_cursor *cursor, struct tail_hole *ret_hole)
{
	const reprise_position expected = first != 0 ? first : cursor->position + 1;
	const enum tail_judgement judgement =
		is_known ? judge(track, expected, ret_hole) : TAIL_NEXT;

	go_on(track, cursor);
	return judgement;
}

enum tail_judgement
tail_track_place(struct tail_track *track, const struct reprise_cursor *cursor,
		 struct tail_hole *ret_hole)
{
	/* Behind an earlier place the last event could come again unseen. */
	if (track->has_last && has_life(&track->last) && cursor->position < track->last.position)
		return TAIL_NEXT;
	const enum tail_judgement judgement = judge(track, cursor->position + 1, ret_hole);

	go_on(track, cursor);
	return judgement;
}
