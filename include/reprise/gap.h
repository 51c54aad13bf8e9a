/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_GAP_H
#define REPRISE_GAP_H

/*
 * reprise/gap.h - the events lost to a subscription
 *
 * reprise_next answers REPRISE_NEXT_GAP before any later event. The gap gives the number and the
 * range of the lost events, the reason, and a cursor to continue from.
 */

#include <reprise/base.h>
#include <reprise/cursor.h>

REPRISE_BEGIN_DECLARATIONS

typedef enum reprise_gap_reason {
	REPRISE_GAP_TRIMMED, /* lost_first .. lost_last left the window; later events follow */
	/*
	 * The loss cannot be known. ENDED INVALIDATED follows; a continuous subscription goes on at
	 * `cursor`.
	 */
	REPRISE_GAP_UNAVAILABLE,
} reprise_gap_reason;

/* The cause of a gap. Later versions may add more. */
typedef enum reprise_gap_detail {
	/*
	 * TRIMMED; of several causes the cause of the last lost position. For a replay overtaken to
	 * beyond the end: the cause of the last position to leave the window.
	 */
	REPRISE_GAP_CAPACITY, /* newer events took the place */
	REPRISE_GAP_AGE,      /* older than the age limit */
	REPRISE_GAP_REQUEST,  /* trimmed by reprise_session_trim_to */
	/* UNAVAILABLE */
	REPRISE_GAP_AHEAD,         /* the cursor is newer than the newest event */
	REPRISE_GAP_BEFORE_WINDOW, /* the cursor is older than the window's beginning */
	/*
	 * The cursor is of another life of the session. TRIMMED, of a continuous subscription: the
	 * lost events were of another life.
	 */
	REPRISE_GAP_OTHER_INCARNATION,
	REPRISE_GAP_INVALIDATED,     /* the window was declared void */
	REPRISE_GAP_UNKNOWN_SESSION, /* no window has this id */
	REPRISE_GAP_BEHIND_DURABLE,  /* no retained COMMIT leads to the durable revision */
	/*
	 * In a store with a log. UNAVAILABLE: the host has seen events of an earlier life that were
	 * never recorded. The host drops everything after the gap's cursor, where the life ended.
	 */
	REPRISE_GAP_DIVERGED,
	/* In a store with a log. TRIMMED */
	REPRISE_GAP_RESTART,      /* an empty range: any events that followed were never recorded */
	REPRISE_GAP_OVERRUN,      /* the event left the window before the recording */
	REPRISE_GAP_TOO_LARGE,    /* no entry of the log can hold the event */
	REPRISE_GAP_NOT_RECORDED, /* out of the window; nothing was recorded for too long */
	REPRISE_GAP_ARCHIVED,     /* the event has left the log, too */
	REPRISE_GAP_DAMAGED,      /* the log has the event, but cannot read the entry */
	/*
	 * Of a continuous subscription. TRIMMED, an empty range: the life ended, with `end_status`,
	 * and every event of the life was handed out or told as lost. The subscription goes on with
	 * the next life.
	 */
	REPRISE_GAP_LIFE_ENDED,
} reprise_gap_detail;

struct reprise_gap {
	reprise_gap_reason reason;
	reprise_gap_detail detail;
	uint64_t lost;               /* number of events; 0 when not knowable */
	reprise_position lost_first; /* both included; 0 when not knowable */
	reprise_position lost_last;

	/*
	 * The place to continue without losing any retained event. The cursor keeps the revision of
	 * the caller's cursor. After UNAVAILABLE from reprise_resume_after the cursor carries the
	 * durable revision: the host loads the durable state, then resumes. Without a live window
	 * the incarnation is 0: reprise_resume_snapshot goes on from the durable state.
	 * (rules L47, S09)
	 */
	struct reprise_cursor cursor;

	/*
	 * A position, newest during the call: the live window's, else the log's. The revision is
	 * the position's (an empty window: 0) or, if unavailable, the greatest revision of the
	 * subscription's events and cursor. Never REPRISE_REVISION_UNKNOWN. (rule L46)
	 */
	struct reprise_cursor newest;

	int32_t end_status; /* LIFE_ENDED: as given to reprise_writer_end; else 0 */
};

REPRISE_END_DECLARATIONS
#endif /* REPRISE_GAP_H */
