/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_LAYOUT_H
#define TOOL_TOP_LAYOUT_H

/* The columns of the table on a terminal of some width. */

#include "tool/top_table.h"

struct top_layout {
	size_t widths[TOP_COLUMNS]; /* 0: the column is left out */
};

/*
 * The session gets the room that is left. In a narrow terminal columns are left out, the least
 * urgent first, until the session has 12 columns. The column @order of the order stays.
 */
void top_layout(size_t columns, enum top_column order, struct top_layout *ret_layout);

#endif /* TOOL_TOP_LAYOUT_H */
