/* SPDX-License-Identifier: MIT */
#include <reprise/log.h>

#include "base/names.h"

NAMES_DEFINE(reprise_log_gap_reason, REPRISE_LOG_GAP_REASON_TABLE)
NAMES_DEFINE(reprise_life_state, REPRISE_LIFE_STATE_TABLE)
