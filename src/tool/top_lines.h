/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_LINES_H
#define TOOL_TOP_LINES_H

/* The lines above the table, of lines and of a terminal alike. */

#include "tool/top_table.h"

enum {
	TOP_LINE_ROOM = 512,
	TOP_LINE_HELP = 13,
};

/* The keys and the columns, for the help of a terminal. */
extern const char *const top_line_help[TOP_LINE_HELP];

/* The address and the age of the sample, which may be NULL. */
void top_line_title(const char *address, const struct top_sample *sample, uint64_t now_ns,
		    char *ret_line, size_t room);

/* The sessions and rates of the gateway, and the numbers of /metrics if the token permits them. */
void top_line_summary(const struct top_sample *sample, char ret_line[TOP_LINE_ROOM]);

/* The order of the rows, and the filter. */
void top_line_order(const struct top_view *view, char ret_line[TOP_LINE_ROOM]);

#endif /* TOOL_TOP_LINES_H */
