/* SPDX-License-Identifier: MIT */
#include "tool/top_pick.h"

#include <stdio.h>
#include <string.h>

const struct top_row *
top_pick_row(const struct top_pick *pick, size_t at)
{
	return &pick->sample->rows[pick->view.places[at]];
}

void
top_pick_fit(struct top_pick *pick, size_t shown)
{
	const size_t count = pick->view.count;

	if (pick->at >= count)
		pick->at = count > 0 ? count - 1 : 0;
	if (pick->at < pick->first)
		pick->first = pick->at;
	if (pick->at >= pick->first + shown)
		pick->first = pick->at - shown + 1;
	if (pick->first + shown > count)
		pick->first = count > shown ? count - shown : 0;
}

void
top_pick_arrange(struct top_pick *pick)
{
	if (pick->sample == NULL || !top_view_fill(&pick->view, pick->sample))
		return;
	if (pick->at >= pick->view.count)
		pick->at = pick->view.count > 0 ? pick->view.count - 1 : 0;
	for (size_t i = 0; i < pick->view.count && pick->selected[0] != '\0'; i++) {
		if (strcmp(top_id(pick->sample, top_pick_row(pick, i)), pick->selected) != 0)
			continue;
		pick->at = i;
		return;
	}
}

void
top_pick_take(struct top_pick *pick, struct top_sample *sample)
{
	top_rate(sample, pick->sample);
	top_sample_free(pick->sample);
	pick->sample = sample;
	top_pick_arrange(pick);
}

void
top_pick_move(struct top_pick *pick, long rows)
{
	const long count = (long)pick->view.count;
	const long at = (long)pick->at + rows;

	if (count == 0 || rows == 0)
		return;
	pick->at = at < 0 ? 0 : (size_t)(at >= count ? count - 1 : at);
	snprintf(pick->selected, sizeof(pick->selected), "%s",
		 top_id(pick->sample, top_pick_row(pick, pick->at)));
}

void
top_pick_choose_column(struct top_pick *pick, int step)
{
	pick->view.column =
		(enum top_column)(((int)pick->view.column + step + TOP_COLUMNS) % TOP_COLUMNS);
	pick->view.is_reversed = false;
	top_pick_arrange(pick);
}

void
top_pick_add_byte(struct top_pick *pick, char byte)
{
	char *const filter = pick->view.filter;
	const size_t used = strlen(filter);

	if (used + 1 < sizeof(pick->view.filter)) {
		filter[used] = byte;
		filter[used + 1] = '\0';
	}
	top_pick_arrange(pick);
}

void
top_pick_drop_character(struct top_pick *pick)
{
	char *const filter = pick->view.filter;
	size_t used = strlen(filter);

	while (used > 0 && ((unsigned char)filter[used - 1] & 0xc0) == 0x80)
		used--;
	filter[used > 0 ? used - 1 : 0] = '\0';
	top_pick_arrange(pick);
}

void
top_pick_clear_filter(struct top_pick *pick)
{
	pick->view.filter[0] = '\0';
	top_pick_arrange(pick);
}

void
top_pick_free(struct top_pick *pick)
{
	top_sample_free(pick->sample);
	top_view_free(&pick->view);
}
