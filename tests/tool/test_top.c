/* SPDX-License-Identifier: MIT */
/* V95: the table of `reprise top`: rates, orders, cells and pages, without a gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tool/top_cell.h"
#include "tool/top_layout.h"
#include "tool/top_lines.h"
#include "tool/top_pick.h"
#include "tool/top_table.h"

SUITE(tool_top);

#define S UINT64_C(1000000000)

static struct top_number
known(uint64_t number)
{
	return (struct top_number){ true, number };
}

static struct top_row
row_at(uint64_t taken_ns, uint64_t newest)
{
	return (struct top_row){ .taken_ns = taken_ns, .newest = newest };
}

static void
add(struct top_sample *sample, const char *id, struct top_row row)
{
	cr_assert(top_sample_add(sample, id, &row), "%s", id);
}

/* The ids of a view, with a space between. */
static const char *
ids_of(const struct top_view *view, const struct top_sample *sample)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < view->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
			 top_id(sample, &sample->rows[view->places[i]]));
	return text;
}

/* --- rates ----------------------------------------------------------------------------------- */

Test(tool_top, V95_rates_come_from_two_positions_and_their_times)
{
	struct top_sample *const before = top_sample_new();
	struct top_sample *const now = top_sample_new();

	add(before, "a", row_at(1 * S, 100));
	add(before, "c", row_at(2 * S, 7));
	add(before, "d", row_at(2 * S, 50));
	add(before, "e", row_at(2 * S, 50));
	add(now, "a", row_at(3 * S, 150));
	add(now, "b", row_at(4 * S, 1000)); /* new */
	add(now, "c", row_at(4 * S, 7));
	add(now, "d", row_at(4 * S, 3)); /* deleted and begun anew */
	add(now, "f", row_at(4 * S, 3));
	top_rate(now, before);
	cr_assert(now->rows[0].has_rate && now->rows[0].rate == 25);
	cr_assert(not(now->rows[1].has_rate));
	cr_assert(now->rows[2].has_rate && now->rows[2].rate == 0);
	cr_assert(not(now->rows[3].has_rate));
	cr_assert(not(now->rows[4].has_rate));
	cr_assert(now->summary.has_rate && now->summary.rate == 25);
	top_sample_free(before);
	top_sample_free(now);
}

Test(tool_top, V95_the_first_sample_has_no_rate)
{
	struct top_sample *const now = top_sample_new();

	add(now, "a", row_at(S, 150));
	top_rate(now, NULL);
	cr_assert(not(now->rows[0].has_rate));
	cr_assert(not(now->summary.has_rate));
	top_sample_free(now);
}

Test(tool_top, V95_a_sample_of_the_same_time_divides_by_nothing)
{
	struct top_sample *const before = top_sample_new();
	struct top_sample *const now = top_sample_new();

	add(before, "a", row_at(S, 1));
	add(now, "a", row_at(S, 150));
	top_rate(now, before);
	cr_assert(not(now->rows[0].has_rate));
	top_sample_free(before);
	top_sample_free(now);
}

Test(tool_top, V95_ids_ascend_in_a_sample)
{
	struct top_sample *const sample = top_sample_new();
	const struct top_row row = row_at(S, 1);

	add(sample, "b", row);
	cr_assert(not(top_sample_add(sample, "b", &row)));
	cr_assert(not(top_sample_add(sample, "a", &row)));
	add(sample, "c", row);
	cr_assert(eq(sz, sample->rows_count, 2));
	top_sample_free(sample);
}

/* --- orders ---------------------------------------------------------------------------------- */

static struct top_sample *
some_rows(void)
{
	struct top_sample *const sample = top_sample_new();
	struct top_row row = row_at(S, 5);

	row.behind = known(3);
	row.headroom = known(9);
	row.has_rate = true;
	row.rate = 2;
	add(sample, "a", row);
	row = row_at(S, 9);
	row.state = TOP_ENDED;
	add(sample, "b", row);
	row = row_at(S, 5);
	row.behind = known(30);
	row.headroom = known(1);
	row.has_rate = true;
	row.rate = 7;
	add(sample, "c", row);
	return sample;
}

Test(tool_top, V95_each_column_has_an_order_and_equal_rows_are_in_the_order_of_ids)
{
	static const struct {
		enum top_column column;
		bool is_reversed;
		const char *ids;
	} cases[] = {
		{ TOP_SESSION, false, "a b c" },  { TOP_SESSION, true, "c b a" },
		{ TOP_RATE, false, "c a b" },     { TOP_RATE, true, "a c b" },
		{ TOP_NEWEST, false, "b a c" },   { TOP_NEWEST, true, "a c b" },
		{ TOP_BEHIND, false, "c a b" },   { TOP_HEADROOM, false, "c a b" },
		{ TOP_HEADROOM, true, "a c b" },  { TOP_LOST, false, "a b c" },
		{ TOP_LAG, false, "a b c" },      { TOP_HOSTS, false, "a b c" },
		{ TOP_RETAINED, false, "a b c" }, { TOP_STATE, false, "a c b" },
		{ TOP_STATE, true, "b a c" },
	};
	struct top_sample *const sample = some_rows();
	struct top_view view = { .count = 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		view.column = cases[i].column;
		view.is_reversed = cases[i].is_reversed;
		cr_assert(top_view_fill(&view, sample));
		cr_assert(eq(str, (char *)ids_of(&view, sample), (char *)cases[i].ids),
			  "the case %zu", i);
	}
	top_view_free(&view);
	top_sample_free(sample);
}

Test(tool_top, V95_a_filter_leaves_the_ids_with_its_text)
{
	struct top_sample *const sample = some_rows();
	struct top_view view = { .filter = "b" };

	cr_assert(top_view_fill(&view, sample));
	cr_assert(eq(str, (char *)ids_of(&view, sample), "b"));
	snprintf(view.filter, sizeof(view.filter), "none");
	cr_assert(top_view_fill(&view, sample));
	cr_assert(eq(sz, view.count, 0));
	top_view_free(&view);
	top_sample_free(sample);
}

Test(tool_top, V95_each_column_has_one_name)
{
	enum top_column found;

	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		cr_assert(top_column_find(top_column_name((enum top_column)i), &found));
		cr_assert(found == (enum top_column)i);
	}
	cr_assert(top_column_name(TOP_COLUMNS) == NULL);
	cr_assert(not(top_column_find("", &found)));
	cr_assert(not(top_column_find("Rate", &found)));
}

/* --- the selection --------------------------------------------------------------------------- */

Test(tool_top, V96_the_selection_stays_with_its_session)
{
	struct top_pick pick = { .view.column = TOP_SESSION };

	top_pick_move(&pick, 1); /* nothing yet */
	top_pick_take(&pick, some_rows());
	cr_assert(eq(sz, pick.at, 0));
	top_pick_move(&pick, 1);
	cr_assert(eq(str, pick.selected, "b"));
	pick.view.is_reversed = false;
	pick.view.column = TOP_BEHIND; /* c a b */
	top_pick_arrange(&pick);
	cr_assert(eq(sz, pick.at, 2));
	top_pick_move(&pick, -100);
	cr_assert(eq(str, pick.selected, "c"));
	top_pick_move(&pick, 100);
	cr_assert(eq(str, pick.selected, "b"));
	top_pick_fit(&pick, 1);
	cr_assert(eq(sz, pick.first, 2));
	top_pick_fit(&pick, 2);
	cr_assert(eq(sz, pick.first, 1));
	top_pick_fit(&pick, 10);
	cr_assert(eq(sz, pick.first, 0));
	top_pick_add_byte(&pick, 'a'); /* b is filtered out */
	cr_assert(eq(sz, pick.view.count, 1));
	cr_assert(eq(sz, pick.at, 0));
	top_pick_clear_filter(&pick);
	cr_assert(eq(sz, pick.at, 2));
	top_pick_choose_column(&pick, -1);
	cr_assert(pick.view.column == TOP_HOSTS);
	pick.view.column = TOP_SESSION;
	top_pick_choose_column(&pick, -1);
	cr_assert(pick.view.column == TOP_STATE);
	top_pick_choose_column(&pick, 1);
	cr_assert(pick.view.column == TOP_SESSION);
	top_pick_free(&pick);
}

Test(tool_top, V96_a_character_leaves_the_filter_as_a_whole)
{
	struct top_pick pick = { .view.column = TOP_SESSION };

	top_pick_drop_character(&pick);
	top_pick_add_byte(&pick, 'x');
	top_pick_add_byte(&pick, '\xc3');
	top_pick_add_byte(&pick, '\xa9');
	top_pick_drop_character(&pick);
	cr_assert(eq(str, pick.view.filter, "x"));
	for (int i = 0; i < 200; i++)
		top_pick_add_byte(&pick, 'y');
	cr_assert(eq(sz, strlen(pick.view.filter), sizeof(pick.view.filter) - 1));
	top_pick_free(&pick);
}

/* --- cells ----------------------------------------------------------------------------------- */

static void
shows(const char *text, size_t columns, const char *wanted, size_t wanted_columns)
{
	char cell[TOP_CELL_ROOM];
	const size_t used = top_cell_text(text, columns, cell);

	cr_assert(eq(str, cell, (char *)wanted), "%s in %zu", text, columns);
	cr_assert(eq(sz, used, wanted_columns), "%s in %zu", text, columns);
}

Test(tool_top, V95_a_text_cannot_command_the_terminal)
{
	top_cell_begin(true);
	shows("chat", TOP_EXACT, "chat", 4);
	shows("a\033[31mb", TOP_EXACT, "a\\u001b[31mb", 12);
	shows("a\tb\nc", TOP_EXACT, "a\\u0009b\\u000ac", 15);
	shows("a\\b", TOP_EXACT, "a\\\\b", 4);
	shows("\x7f", TOP_EXACT, "\\u007f", 6);
	shows("\xc2\x9b", TOP_EXACT, "\\u009b", 6); /* a control of eight bits */
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): that is the test */
	shows("x\xe2\x80\xaey", TOP_EXACT, "x\\u202ey", 8);      /* turns the direction */
	shows("x\xe2\x80\x8by", TOP_EXACT, "x\\u200by", 8);      /* has no width */
	shows("\xff\xc3", TOP_EXACT, "\\xff\\xc3", 8);           /* no UTF-8 */
	shows("\xed\xa0\x80", TOP_EXACT, "\\xed\\xa0\\x80", 12); /* a surrogate */
	shows("e\xcc\x81", TOP_EXACT, "e\xcc\x81", 1);
}

Test(tool_top, V95_a_text_is_cut_by_columns)
{
	top_cell_begin(true);
	shows("abcdef", 6, "abcdef", 6);
	shows("abcdefg", 6, "abc...", 6);
	shows("abcdef", 3, "...", 3);
	shows("abcdef", 2, "..", 2);
	shows("\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 6, "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 6);
	shows("\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 5, "\xe4\xbd\xa0...", 5);
	shows("\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 4, "...", 3);
	shows("\033\033\033", 8, "...", 3);
}

Test(tool_top, V95_the_longest_ids_fit)
{
	char id[129], cell[TOP_CELL_ROOM];

	top_cell_begin(true);
	memset(id, 1, sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	cr_assert(eq(sz, top_cell_text(id, TOP_EXACT, cell), 768));
	memset(id, 0xff, sizeof(id) - 1);
	cr_assert(eq(sz, top_cell_text(id, TOP_EXACT, cell), 512));
}

Test(tool_top, V95_numbers_get_shorter_rather_than_wider)
{
	static const struct {
		uint64_t number;
		size_t columns;
		const char *text;
	} cases[] = {
		{ 0, 5, "0" },
		{ 99999, 5, "99999" },
		{ 100000, 5, "100k" },
		{ 123456, 6, "123456" },
		{ 1234567, 6, "1.23M" },
		{ 12345678, 6, "12.3M" },
		{ 1234567, 0, "1234567" },
		{ UINT64_MAX, 5, "18.4E" },
		{ UINT64_MAX, 0, "18446744073709551615" },
		{ 123456, 3, ">>>" },
	};
	char cell[TOP_CELL_ROOM];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		top_cell_number(known(cases[i].number), cases[i].columns, cell);

		cr_assert(eq(str, cell, (char *)cases[i].text), "the case %zu", i);
	}
	top_cell_number((struct top_number){ false, 7 }, 5, cell);
	cr_assert(eq(str, cell, "-"));
	top_cell_rate(true, 1234.56, TOP_EXACT, cell);
	cr_assert(eq(str, cell, "1234.6"));
	top_cell_rate(true, 123456789.0, 8, cell);
	cr_assert(eq(str, cell, "123M"));
	top_cell_rate(false, 5, 8, cell);
	cr_assert(eq(str, cell, "-"));
	for (size_t columns = 4; columns < 12; columns++)
		for (uint64_t number = 1; number < UINT64_MAX / 10; number *= 10) {
			top_cell_number(known(number - 1), columns, cell);
			cr_assert(strlen(cell) <= columns, "%s in %zu", cell, columns);
			top_cell_rate(true, (double)number - 0.01, columns, cell);
			cr_assert(strlen(cell) <= columns, "%s in %zu", cell, columns);
		}
}

Test(tool_top, V95_states_are_words)
{
	struct top_row row = row_at(S, 5);
	char cell[TOP_CELL_ROOM];

	top_cell(&row, TOP_STATE, 9, cell);
	cr_assert(eq(str, cell, "live"));
	row.state = TOP_LOG_ONLY;
	top_cell(&row, TOP_STATE, 9, cell);
	cr_assert(eq(str, cell, "log only"));
	row.state = TOP_ENDED;
	row.end_status = 255;
	top_cell(&row, TOP_STATE, 9, cell);
	cr_assert(eq(str, cell, "ended 255"));
	row.end_status = INT32_MIN;
	top_cell(&row, TOP_STATE, TOP_EXACT, cell);
	cr_assert(eq(str, cell, "ended -2147483648"));
	top_cell(&row, TOP_STATE, 9, cell);
	cr_assert(eq(str, cell, "ended ..."));
	top_cell(&row, TOP_NEWEST, 9, cell);
	cr_assert(eq(str, cell, "5"));
}

Test(tool_top, V96_a_narrow_terminal_has_fewer_columns_but_that_of_the_order)
{
	struct top_layout layout;
	size_t before = TOP_COLUMNS + 1;

	for (size_t columns = 200; columns-- > 0;) {
		size_t count = 0, width = 1;

		top_layout(columns, TOP_RETAINED, &layout);
		for (size_t i = 0; i < TOP_COLUMNS; i++) {
			count += layout.widths[i] != 0;
			width += layout.widths[i] + (i > 0 && layout.widths[i] != 0);
		}
		cr_assert(count <= before, "%zu columns", columns);
		cr_assert(layout.widths[TOP_RETAINED] != 0 && layout.widths[TOP_SESSION] != 0);
		cr_assert(columns < 20 || width == columns, "%zu columns: %zu", columns, width);
		before = count;
	}
	cr_assert(eq(sz, before, 2));
	top_layout(100, TOP_RATE, &layout);
	for (size_t i = 0; i < TOP_COLUMNS; i++)
		cr_assert(layout.widths[i] != 0);
}

Test(tool_top, V95_the_summary_says_what_is_known)
{
	struct top_sample *const sample = some_rows();
	char line[TOP_LINE_ROOM];

	top_line_summary(sample, line);
	cr_assert(eq(str, line,
		     "sessions 3  events/s -  (no metrics: the token is not of the level admin)"));
	sample->is_cut = true;
	sample->summary = (struct top_summary){ .has_metrics = true,
						.has_rate = true,
						.rate = 1.25,
						.streams = known(4),
						.log_failures = known(2) };
	top_line_summary(sample, line);
	cr_assert(eq(str, line,
		     "sessions above 3  events/s 1.2  connections -  streams 4  lost -"
		     "  unrecorded -  log failures 2"));
	top_sample_free(sample);
}
