/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <reprise/subscription.h>

Test(names, X15_every_reason_of_a_gap_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_GAP_TRIMMED, 0, "trimmed",
		  "lost_first to lost_last left the window; later events follow" },
		{ REPRISE_GAP_UNAVAILABLE, 1, "unavailable",
		  "the number of lost events cannot be known" },
	};

	EXPECT_NAMED(reprise_gap_reason, REPRISE_GAP_REASON_TABLE, known);
}

Test(names, X15_every_detail_of_a_gap_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_GAP_CAPACITY, 0, "capacity", "newer events took the place" },
		{ REPRISE_GAP_AGE, 1, "age", "the events were older than the age limit" },
		{ REPRISE_GAP_REQUEST, 2, "request", "reprise_session_trim_to trimmed the events" },
		{ REPRISE_GAP_AHEAD, 3, "ahead", "the cursor is newer than the newest event" },
		{ REPRISE_GAP_BEFORE_WINDOW, 4, "before the window",
		  "the cursor is older than the window's beginning" },
		{ REPRISE_GAP_OTHER_INCARNATION, 5, "another incarnation",
		  "the cursor is, or the events were, of another life of the session" },
		{ REPRISE_GAP_INVALIDATED, 6, "invalidated", "the window was invalidated" },
		{ REPRISE_GAP_UNKNOWN_SESSION, 7, "unknown session",
		  "no window has the session id" },
		{ REPRISE_GAP_BEHIND_DURABLE, 8, "behind the durable state",
		  "no retained COMMIT leads to the durable revision" },
		{ REPRISE_GAP_DIVERGED, 9, "diverged",
		  "the host has seen events that the log does not have" },
		{ REPRISE_GAP_RESTART, 10, "restart",
		  "a life crashed, and any events that followed were never recorded" },
		{ REPRISE_GAP_OVERRUN, 11, "overrun",
		  "the events left the window before the recording" },
		{ REPRISE_GAP_TOO_LARGE, 12, "too large",
		  "no entry of the log can hold the event" },
		{ REPRISE_GAP_NOT_RECORDED, 13, "not recorded",
		  "the events left the window, and nothing was recorded for too long" },
		{ REPRISE_GAP_ARCHIVED, 14, "archived", "the events have left the log, too" },
		{ REPRISE_GAP_DAMAGED, 15, "damaged",
		  "the log has the events, but cannot read the entries" },
		{ REPRISE_GAP_LIFE_ENDED, 16, "life ended",
		  "the life ended, and the subscription goes on with the next life" },
	};

	EXPECT_NAMED(reprise_gap_detail, REPRISE_GAP_DETAIL_TABLE, known);
}

Test(names, X15_every_outcome_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_NEXT_EMPTY, 0, "empty", "nothing newer yet" },
		{ REPRISE_NEXT_EVENT, 1, "event", "an event, or several" },
		{ REPRISE_NEXT_GAP, 2, "gap", "some events will never be handed out" },
		{ REPRISE_NEXT_ENDED, 3, "ended",
		  "no event will ever follow; every later call says so again" },
	};

	EXPECT_NAMED(reprise_outcome, REPRISE_OUTCOME_TABLE, known);
}

Test(names, X15_every_cause_of_an_end_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_END_SESSION, 0, "session", "the session ended" },
		{ REPRISE_END_REPLAY, 1, "replay",
		  "the replay has reached the newest position of its opening" },
		{ REPRISE_END_INVALIDATED, 2, "invalidated",
		  "a gap UNAVAILABLE came before; subscribe with the gap's cursor" },
		{ REPRISE_END_STORE, 3, "store", "the store is not usable in this process" },
	};

	EXPECT_NAMED(reprise_end_cause, REPRISE_END_CAUSE_TABLE, known);
}
