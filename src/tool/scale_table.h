/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SCALE_TABLE_H
#define TOOL_SCALE_TABLE_H

#include "tool/crowd.h"
#include "tool/runtime.h"

/*
 * The closing table: a row a way, summed over the sessions. Every host's books are checked for
 * themselves; answers how many faults there are. @members: session by session.
 */
size_t scale_table_print(const struct act *acts, size_t acts_count, const struct member *members,
			 size_t hosts_a_session);

#endif /* TOOL_SCALE_TABLE_H */
