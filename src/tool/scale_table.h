/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SCALE_TABLE_H
#define TOOL_SCALE_TABLE_H

#include "tool/crowd.h"
#include "tool/runtime.h"

/*
 * Prints the table at the end: a row for each way, summed over the sessions. Returns the number of
 * faults in the counts of single hosts. @members has the hosts session by session.
 */
size_t scale_table_print(const struct act *acts, size_t acts_count, const struct member *members,
			 size_t hosts_a_session);

#endif /* TOOL_SCALE_TABLE_H */
