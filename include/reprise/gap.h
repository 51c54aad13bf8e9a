/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_GAP_H
#define REPRISE_GAP_H

/*
 * reprise/gap.h - what a subscription cannot hand out any more
 *
 * reprise_next answers REPRISE_NEXT_GAP before any later event. The gap says how many events are lost and which, why,
 * and where to continue.
 */

#include <reprise/base.h>
#include <reprise/cursor.h>

REPRISE_BEGIN_DECLARATIONS

typedef enum reprise_gap_reason {
	REPRISE_GAP_TRIMMED, /* lost_first .. lost_last left the window; it goes on after them */
	REPRISE_GAP_UNAVAILABLE, /* what is missed cannot be known; ENDED INVALIDATED follows */
} reprise_gap_reason;

/* Why. More may be added in later versions. */
typedef enum reprise_gap_detail {
	/* TRIMMED; of several causes that of the last lost position, or, of a replay that was overtaken to beyond its
	 * end, of the last that has left the window. */
	REPRISE_GAP_CAPACITY, /* newer events took the place */
	REPRISE_GAP_AGE,      /* older than the age limit */
	REPRISE_GAP_REQUEST,  /* trimmed by reprise_trim_to */
	/* UNAVAILABLE */
	REPRISE_GAP_AHEAD,             /* the cursor is newer than what there is */
	REPRISE_GAP_BEFORE_WINDOW,     /* the cursor is older than this window's beginning */
	REPRISE_GAP_OTHER_INCARNATION, /* the cursor is of another life of the session */
	REPRISE_GAP_INVALIDATED,       /* the window was declared void */
	REPRISE_GAP_UNKNOWN_SESSION,   /* there is no window of that id */
	REPRISE_GAP_BEHIND_DURABLE,    /* no retained COMMIT leads to the durable revision */
	/*
	 * In a store with a log. UNAVAILABLE: the host has seen what was never recorded of an earlier life; it
	 * drops what it holds after the gap's cursor, where that life ended. Those that follow are TRIMMED.
	 */
	REPRISE_GAP_DIVERGED,
	REPRISE_GAP_RESTART,   /* an empty range: what may have followed here was never recorded */
	REPRISE_GAP_OVERRUN,   /* it had left the window before it could be recorded */
	REPRISE_GAP_TOO_LARGE, /* no entry of the log can hold it */
	REPRISE_GAP_NOT_RECORDED, /* it has left the window, and nothing was recorded for too long */
	REPRISE_GAP_ARCHIVED,     /* it has left the log, too */
	REPRISE_GAP_DAMAGED,      /* the log has it, and cannot read it */
} reprise_gap_detail;

struct reprise_gap {
	reprise_gap_reason reason;
	reprise_gap_detail detail;
	uint64_t lost;               /* how many; 0 when not knowable */
	reprise_position lost_first; /* both included; 0 when not knowable */
	reprise_position lost_last;

	/*
	 * Where to continue without losing anything retained; it keeps the revision asked with. After UNAVAILABLE from
	 * reprise_resume_after it carries the durable revision: the host loads its durable state, then resumes. Without a live
	 * window its incarnation is 0: ask reprise_current_cursor once the session has a window; with a log,
	 * reprise_log_current_cursor. (rule L47)
	 */
	struct reprise_cursor cursor;

	/*
	 * A position that was newest during the call: the live window's, else the log's. With its revision (an empty
	 * window: 0), or, if that could not be had, the greatest that this subscription has seen or was asked with.
	 * Never REPRISE_REVISION_UNKNOWN. (rule L46)
	 */
	struct reprise_cursor newest;
};

REPRISE_END_DECLARATIONS
#endif /* REPRISE_GAP_H */
