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

/*
 * The extent of a loss: X(constant, value, name, sentence). After UNAVAILABLE the next answer is
 * ENDED INVALIDATED; a continuous subscription goes on at `cursor`.
 */
#define REPRISE_GAP_REASON_TABLE(X)                                       \
	X(REPRISE_GAP_TRIMMED, 0, "trimmed",                              \
	  "lost_first to lost_last left the window; later events follow") \
	X(REPRISE_GAP_UNAVAILABLE, 1, "unavailable", "the number of lost events cannot be known")

typedef enum reprise_gap_reason {
	REPRISE_GAP_REASON_TABLE(REPRISE_ENUMERATOR)
} reprise_gap_reason;

/*
 * The cause of a gap: X(constant, value, reason, name, sentence). The reason is TRIMMED,
 * UNAVAILABLE, or EITHER. Later versions may add causes.
 *
 * Of several causes a gap has the cause of the last lost position. A replay overtaken to beyond the
 * end has the cause of the last position to leave the window.
 *
 * OTHER_INCARNATION  TRIMMED, of a continuous subscription: the lost events were of another life.
 * DIVERGED           In a store with a log. The host drops everything after the gap's cursor, where
 *                    the life ended in the log: later events were never recorded, or the log has
 *                    lost them (a restored backup).
 * RESTART            In a store with a log. The range is empty.
 * LIFE_ENDED         Of a continuous subscription. The range is empty. The life ended with
 *                    `end_status`, and every event of the life was handed out or told as lost. The
 *                    subscription goes on with the next life.
 */
#define REPRISE_GAP_DETAIL_TABLE(X)                                                                \
	X(REPRISE_GAP_CAPACITY, 0, TRIMMED, "capacity", "newer events took the place")             \
	X(REPRISE_GAP_AGE, 1, TRIMMED, "age", "the events were older than the age limit")          \
	X(REPRISE_GAP_REQUEST, 2, TRIMMED, "request",                                              \
	  "reprise_session_trim_to trimmed the events")                                            \
	X(REPRISE_GAP_AHEAD, 3, UNAVAILABLE, "ahead", "the cursor is newer than the newest event") \
	X(REPRISE_GAP_BEFORE_WINDOW, 4, UNAVAILABLE, "before the window",                          \
	  "the cursor is older than the window's beginning")                                       \
	X(REPRISE_GAP_OTHER_INCARNATION, 5, EITHER, "another incarnation",                         \
	  "the cursor is, or the events were, of another life of the session")                     \
	X(REPRISE_GAP_INVALIDATED, 6, EITHER, "invalidated", "the window was invalidated")         \
	X(REPRISE_GAP_UNKNOWN_SESSION, 7, UNAVAILABLE, "unknown session",                          \
	  "no window has the session id")                                                          \
	X(REPRISE_GAP_BEHIND_DURABLE, 8, UNAVAILABLE, "behind the durable state",                  \
	  "no retained COMMIT leads to the durable revision")                                      \
	X(REPRISE_GAP_DIVERGED, 9, UNAVAILABLE, "diverged",                                        \
	  "the host has seen events that the log does not have")                                   \
	X(REPRISE_GAP_RESTART, 10, TRIMMED, "restart",                                             \
	  "a life crashed, and any events that followed were never recorded")                      \
	X(REPRISE_GAP_OVERRUN, 11, TRIMMED, "overrun",                                             \
	  "the events left the window before the recording")                                       \
	X(REPRISE_GAP_TOO_LARGE, 12, TRIMMED, "too large",                                         \
	  "no entry of the log can hold the event")                                                \
	X(REPRISE_GAP_NOT_RECORDED, 13, TRIMMED, "not recorded",                                   \
	  "the events left the window, and nothing was recorded for too long")                     \
	X(REPRISE_GAP_ARCHIVED, 14, TRIMMED, "archived", "the events have left the log, too")      \
	X(REPRISE_GAP_DAMAGED, 15, TRIMMED, "damaged",                                             \
	  "the log has the events, but cannot read the entries")                                   \
	X(REPRISE_GAP_LIFE_ENDED, 16, TRIMMED, "life ended",                                       \
	  "the life ended, and the subscription goes on with the next life")

typedef enum reprise_gap_detail {
	REPRISE_GAP_DETAIL_TABLE(REPRISE_ENUMERATOR)
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

/*
 * reprise_gap_reason_name - returns a short name, such as "trimmed"
 * reprise_gap_reason_text - returns a sentence for people
 * reprise_gap_detail_name - returns a short name, such as "too large"
 * reprise_gap_detail_text - returns a sentence for people
 *
 * @reason, @detail  Any value.
 *
 * Threads   Any, also in a signal handler.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string, as in the tables above. For an unknown value: "unknown". (rule X15)
 */
REPRISE_API const char *reprise_gap_reason_name(reprise_gap_reason reason);
REPRISE_API const char *reprise_gap_reason_text(reprise_gap_reason reason);
REPRISE_API const char *reprise_gap_detail_name(reprise_gap_detail detail);
REPRISE_API const char *reprise_gap_detail_text(reprise_gap_detail detail);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_GAP_H */
