/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <reprise/log.h>

Test(log_names, X15_every_reason_of_the_log_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_LOG_GAP_NONE, 0, "none", "the entry is not a gap" },
		{ REPRISE_LOG_GAP_OVERRUN, 1, "overrun",
		  "newer events overwrote the events before the recording" },
		{ REPRISE_LOG_GAP_TOO_LARGE, 2, "too large", "no entry can hold the event" },
	};

	EXPECT_NAMED(reprise_log_gap_reason, REPRISE_LOG_GAP_REASON_TABLE, known);
}

Test(log_names, X15_every_state_of_a_life_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_LIFE_OPEN, 1, "open", "the life takes events" },
		{ REPRISE_LIFE_CLEAN, 2, "clean",
		  "every append is in the log, as an event or in a gap" },
		{ REPRISE_LIFE_CRASHED, 3, "crashed",
		  "the next life began while this life was still open" },
		{ REPRISE_LIFE_INVALIDATED, 4, "invalidated",
		  "no subscription gets the events of this life again" },
	};

	EXPECT_NAMED(reprise_life_state, REPRISE_LIFE_STATE_TABLE, known);
}
