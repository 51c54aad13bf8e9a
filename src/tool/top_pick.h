/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_PICK_H
#define TOOL_TOP_PICK_H

/* The part of the table that a terminal shows, and the selected row. Knows no terminal. */

#include <reprise/cursor.h>

#include "tool/top_table.h"

struct top_pick {
	struct top_sample *sample; /* owned; NULL: none yet */
	struct top_view view;
	size_t first, at; /* of the view: the first row shown, and the selected row */
	/* The id of the selected row, which may move; empty: the first row, whichever it is. */
	char selected[REPRISE_SESSION_ID_BYTES_MAX + 1];
};

/* Takes a newer sample over, with the rates since the last sample. */
void top_pick_take(struct top_pick *pick, struct top_sample *sample);

/* The selected row is within the @shown rows from the first. */
void top_pick_fit(struct top_pick *pick, size_t shown);

/* Fills the view anew: the sample, the order or the filter has changed. */
void top_pick_arrange(struct top_pick *pick);

void top_pick_move(struct top_pick *pick, long rows);
void top_pick_choose_column(struct top_pick *pick, int step);

/* Adds a byte to the filter, or takes the last character (of UTF-8) away. */
void top_pick_add_byte(struct top_pick *pick, char byte);
void top_pick_drop_character(struct top_pick *pick);
void top_pick_clear_filter(struct top_pick *pick);

/* The row at a place of the view. */
const struct top_row *top_pick_row(const struct top_pick *pick, size_t at);

void top_pick_free(struct top_pick *pick);

#endif /* TOOL_TOP_PICK_H */
