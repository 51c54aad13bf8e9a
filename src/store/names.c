/* SPDX-License-Identifier: MIT */
#include <reprise/subscription.h>

#include "base/names.h"

/* The table of details has the reason as one more column. */
#define DETAILS_NAMED(X) REPRISE_GAP_DETAIL_TABLE(X##_OF_DETAIL)
#define NAMES_CASE_NAME_OF_DETAIL(constant, value, reason, name, sentence) \
	NAMES_CASE_NAME(constant, value, name, sentence)
#define NAMES_CASE_TEXT_OF_DETAIL(constant, value, reason, name, sentence) \
	NAMES_CASE_TEXT(constant, value, name, sentence)

NAMES_DEFINE(reprise_gap_reason, REPRISE_GAP_REASON_TABLE)
NAMES_DEFINE(reprise_gap_detail, DETAILS_NAMED)
NAMES_DEFINE(reprise_outcome, REPRISE_OUTCOME_TABLE)
NAMES_DEFINE(reprise_end_cause, REPRISE_END_CAUSE_TABLE)
