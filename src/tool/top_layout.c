/* SPDX-License-Identifier: MIT */
#include "tool/top_layout.h"

enum {
	SESSION_LEAST = 12,
	MARK = 1, /* before each row: the selected row has '>' there */
};

static const size_t widths[TOP_COLUMNS] = {
	[TOP_RATE] = 8,     [TOP_NEWEST] = 7, [TOP_RETAINED] = 8, [TOP_HOSTS] = 5, [TOP_BEHIND] = 6,
	[TOP_HEADROOM] = 8, [TOP_LOST] = 5,   [TOP_LAG] = 10,     [TOP_STATE] = 9,
};

/* Behind these only the session is left. */
static const enum top_column leaving[] = {
	TOP_RETAINED, TOP_LAG,    TOP_NEWEST, TOP_HOSTS, TOP_HEADROOM,
	TOP_LOST,     TOP_BEHIND, TOP_STATE,  TOP_RATE,
};

/* The columns of the terminal that the numbers take, with a space before each. */
static size_t
taken_by(const struct top_layout *layout)
{
	size_t taken = MARK;

	for (size_t i = TOP_SESSION + 1; i < TOP_COLUMNS; i++)
		taken += layout->widths[i] != 0 ? layout->widths[i] + 1 : 0;
	return taken;
}

void
top_layout(size_t columns, enum top_column order, struct top_layout *ret_layout)
{
	for (size_t i = 0; i < TOP_COLUMNS; i++)
		ret_layout->widths[i] = widths[i];
	for (size_t i = 0; i < sizeof(leaving) / sizeof(leaving[0]) &&
			   taken_by(ret_layout) + SESSION_LEAST > columns;
	     i++)
		ret_layout->widths[leaving[i]] = leaving[i] == order ? widths[order] : 0;
	const size_t taken = taken_by(ret_layout);

	ret_layout->widths[TOP_SESSION] = columns > taken ? columns - taken : 1;
}
