/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_CELL_H
#define TOOL_TOP_CELL_H

/* The texts of the cells of `reprise top`. */

#include "tool/top_table.h"

enum {
	TOP_CELL_ROOM = 1100, /* an id in which each byte is an escape, or 128 wide characters */
	TOP_EXACT = 0,        /* as a width: no limit, and no short forms of numbers */
};

/*
 * Prepares the locale: UTF-8 is shown as characters where the locale or @wants_utf8 allows.
 */
void top_cell_begin(bool wants_utf8);

/*
 * Writes text of unknown origin so that no terminal obeys the text: control characters and bytes
 * that are not UTF-8 become escapes. A text of more than @columns columns ends with "..." there.
 * Returns the columns in use. @columns may be TOP_EXACT.
 */
size_t top_cell_text(const char *text, size_t columns, char ret_text[TOP_CELL_ROOM]);

/* The cell of a row but for the session's id, in at most @columns columns or TOP_EXACT. */
void top_cell(const struct top_row *row, enum top_column column, size_t columns,
	      char ret_text[TOP_CELL_ROOM]);

/* "-" if unknown, 12345, 12.3k, 4.56M: the number in at most @columns columns or TOP_EXACT. */
void top_cell_number(struct top_number number, size_t columns, char ret_text[TOP_CELL_ROOM]);
void top_cell_rate(bool is_known, double rate, size_t columns, char ret_text[TOP_CELL_ROOM]);

/* The heading of a column, such as "EVENTS/S". */
const char *top_cell_heading(enum top_column column);

#endif /* TOOL_TOP_CELL_H */
