/* SPDX-License-Identifier: MIT */
/*
 * The table of `reprise top` on a terminal, by ncurses, which only this file uses. One thread draws
 * and takes keys; a thread of top_fetch.h takes samples. Colour says nothing alone: the selected
 * row has the mark '>', and states are words. (rule V96)
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "tool/interrupt.h"
#include "tool/top_cell.h"
#include "tool/top_fetch.h"
#include "tool/top_layout.h"
#include "tool/top_lines.h"
#include "tool/top_pick.h"
#include "tool/top_request.h"

enum {
	LOOK_MS = 250, /* the age of the sample is drawn so often */
	ESCAPE_MS = 25,
	KEY_ESCAPE = 27,
	KEY_DELETE = 127,
	HEAD_LINES = 4,
	PAIR_ALARM = 1,
};

struct screen {
	const struct top_request *request;
	struct top_fetch fetch;
	struct top_pick pick;
	uint64_t answered_ns;
	bool is_paused, has_help, is_filtering, is_ending, wants_command, is_refused;
	char fault[TOP_FAULT_ROOM]; /* of the last sample; or empty */
};

static size_t
rows_shown(void)
{
	return LINES > HEAD_LINES ? (size_t)(LINES - HEAD_LINES) : 1;
}

static void
take_news(struct screen *screen)
{
	struct top_news news = top_fetch_take(&screen->fetch);

	if (!news.is_new)
		return;
	if (news.result != TOP_TAKEN) {
		snprintf(screen->fault, sizeof(screen->fault), "%s", news.fault);
		screen->is_refused = news.result == TOP_REFUSED;
		screen->is_ending = screen->is_ending || screen->is_refused;
		return;
	}
	screen->fault[0] = '\0';
	screen->answered_ns = news.sample->taken_ns;
	top_pick_take(&screen->pick, news.sample);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void
put_text(int line, int column, const char *text)
{
	char cell[TOP_CELL_ROOM];

	if (line >= LINES || column >= COLS)
		return;
	(void)top_cell_text(text, (size_t)(COLS - column), cell);
	mvaddstr(line, column, cell);
}

/* A number on the right of a cell of @width columns. */
static void
put_right(int line, size_t column, size_t width, const char *text)
{
	const size_t bytes = strlen(text);

	mvaddstr(line, (int)(column + (bytes < width ? width - bytes : 0)), text);
}

static void
draw_summary(const struct screen *screen)
{
	char line[TOP_LINE_ROOM];

	if (screen->pick.sample == NULL)
		return;
	top_line_summary(screen->pick.sample, line);
	put_text(1, 0, line);
}

static void
draw_title(const struct screen *screen)
{
	char line[ADDRESS_BASE_ROOM + TOP_LINE_ROOM];

	top_line_title(screen->request->address.base, screen->pick.sample, top_now_ns(), line,
		       sizeof(line));
	attron(A_BOLD);
	put_text(0, 0, line);
	if (screen->is_paused)
		addstr("  paused");
	attroff(A_BOLD);
}

/* The line for the user: no answer, the typed text, or the order. */
static void
draw_status(const struct screen *screen)
{
	const uint64_t away_s = (top_now_ns() - screen->answered_ns) / 1000000000;
	const bool is_away = screen->fault[0] != '\0';
	char line[TOP_LINE_ROOM];

	if (screen->is_filtering)
		snprintf(line, sizeof(line), "filter: %s_", screen->pick.view.filter);
	else if (is_away)
		snprintf(line, sizeof(line), "no answer for %" PRIu64 " s: %s", away_s,
			 screen->fault);
	else
		top_line_order(&screen->pick.view, line);
	if (is_away)
		attron(A_BOLD | COLOR_PAIR(PAIR_ALARM));
	put_text(2, 0, line);
	attroff(A_BOLD | COLOR_PAIR(PAIR_ALARM));
}

static void
draw_headings(const struct screen *screen, const struct top_layout *layout)
{
	size_t column = 1;

	if (LINES <= HEAD_LINES - 1)
		return;
	attron(A_REVERSE);
	mvhline(HEAD_LINES - 1, 0, ' ', COLS);
	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		const char *const heading = top_cell_heading((enum top_column)i);

		if (layout->widths[i] == 0)
			continue;
		if (i == screen->pick.view.column)
			attron(A_BOLD | A_UNDERLINE);
		if (i == TOP_SESSION || i == TOP_STATE)
			put_text(HEAD_LINES - 1, (int)column, heading);
		else
			put_right(HEAD_LINES - 1, column, layout->widths[i], heading);
		attroff(A_BOLD | A_UNDERLINE);
		column += layout->widths[i] + 1;
	}
	attroff(A_REVERSE);
}

static void
draw_row(const struct screen *screen, const struct top_layout *layout, size_t at, int line)
{
	const struct top_row *const row = top_pick_row(&screen->pick, at);
	const bool is_selected = at == screen->pick.at;
	char text[TOP_CELL_ROOM];
	size_t column = 1;

	if (is_selected)
		attron(A_REVERSE);
	mvhline(line, 0, ' ', COLS);
	mvaddch(line, 0, is_selected ? '>' : ' ');
	for (size_t i = 0; i < TOP_COLUMNS; i++) {
		const size_t width = layout->widths[i];
		const bool is_alarm = i == TOP_LOST && row->lost.number > 0;

		if (width == 0)
			continue;
		if (i == TOP_SESSION)
			(void)top_cell_text(top_id(screen->pick.sample, row), width, text);
		else
			top_cell(row, (enum top_column)i, width, text);
		if (is_alarm)
			attron(A_BOLD | COLOR_PAIR(PAIR_ALARM));
		if (i == TOP_SESSION || i == TOP_STATE)
			mvaddstr(line, (int)column, text);
		else
			put_right(line, column, width, text);
		if (is_alarm)
			attroff(A_BOLD | COLOR_PAIR(PAIR_ALARM));
		column += width + 1;
	}
	attroff(A_REVERSE);
}

static void
draw(struct screen *screen)
{
	struct top_layout layout;

	erase();
	top_layout((size_t)COLS, screen->pick.view.column, &layout);
	top_pick_fit(&screen->pick, rows_shown());
	draw_title(screen);
	draw_summary(screen);
	draw_status(screen);
	draw_headings(screen, &layout);
	for (size_t i = 0; screen->has_help && i < TOP_LINE_HELP; i++)
		put_text(HEAD_LINES + (int)i, 0, top_line_help[i]);
	for (size_t i = 0; !screen->has_help && LINES > HEAD_LINES && i < rows_shown() &&
			   screen->pick.first + i < screen->pick.view.count;
	     i++)
		draw_row(screen, &layout, screen->pick.first + i, HEAD_LINES + (int)i);
	refresh();
}

/* --- keys ------------------------------------------------------------------------------------ */

/* A key of the filter's text. A character of UTF-8 comes as several bytes. */
static void
take_filter_key(struct screen *screen, int key)
{
	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		screen->is_filtering = false;
	else if (key == KEY_BACKSPACE || key == KEY_DELETE || key == '\b')
		top_pick_drop_character(&screen->pick);
	else if (key >= ' ' && key <= 0xff)
		top_pick_add_byte(&screen->pick, (char)key);
	else if (key == KEY_ESCAPE) {
		screen->is_filtering = false;
		top_pick_clear_filter(&screen->pick);
	}
}

/* By how many rows the key moves the selection. */
static long
rows_of(const struct screen *screen, int key)
{
	switch (key) {
	case KEY_UP:
		return -1;
	case KEY_DOWN:
		return 1;
	case KEY_PPAGE:
		return -(long)rows_shown();
	case KEY_NPAGE:
		return (long)rows_shown();
	case KEY_HOME:
		return -(long)screen->pick.view.count;
	case KEY_END:
		return (long)screen->pick.view.count;
	default:
		return 0;
	}
}

static void
take_key(struct screen *screen, int key)
{
	switch (key) {
	case 'q':
		screen->is_ending = true;
		break;
	case 's':
	case '>':
		top_pick_choose_column(&screen->pick, 1);
		break;
	case '<':
		top_pick_choose_column(&screen->pick, -1);
		break;
	case 'r':
		screen->pick.view.is_reversed = !screen->pick.view.is_reversed;
		top_pick_arrange(&screen->pick);
		break;
	case '/':
		screen->is_filtering = true;
		break;
	case 'p':
		screen->is_paused = !screen->is_paused;
		top_fetch_pause(&screen->fetch, screen->is_paused);
		break;
	case '?':
		screen->has_help = true;
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		screen->wants_command = screen->is_ending = screen->pick.view.count > 0;
		break;
	default:
		top_pick_move(&screen->pick, rows_of(screen, key));
		break;
	}
}

static void
take_keys(struct screen *screen)
{
	int key;

	while ((key = getch()) != ERR && !screen->is_ending) {
		if (key == KEY_RESIZE)
			continue; /* the next drawing has the new size */
		if (screen->has_help)
			screen->has_help = false;
		else if (screen->is_filtering)
			take_filter_key(screen, key);
		else
			take_key(screen, key);
	}
}

/* --- the run --------------------------------------------------------------------------------- */

static void
run(struct screen *screen)
{
	struct pollfd sources[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				    { .fd = screen->fetch.wake_fd, .events = POLLIN } };

	while (!screen->is_ending && !interrupt_happened()) {
		draw(screen);
		if (poll(sources, 2, LOOK_MS) < 0 && errno != EINTR)
			break;
		if ((sources[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
			break; /* the terminal is gone */
		take_keys(screen);
		take_news(screen);
	}
}

static void
set_up_terminal(void)
{
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (has_colors() && getenv("NO_COLOR") == NULL) {
		start_color();
		use_default_colors();
		init_pair(PAIR_ALARM, COLOR_RED, -1);
	}
}

/* Behind the end of the screen. */
static int
say_end(const struct screen *screen)
{
	struct address address = screen->request->address;
	char url[ADDRESS_URL_ROOM], text[TOP_CELL_ROOM];

	if (screen->is_refused) {
		(void)top_cell_text(screen->fault, TOP_EXACT, text);
		fprintf(stderr, "reprise top: %s\n", text);
		return EXIT_FAILURE;
	}
	if (!screen->wants_command)
		return 0;
	const struct top_row *const row = top_pick_row(&screen->pick, screen->pick.at);

	snprintf(address.session, sizeof(address.session), "%s", top_id(screen->pick.sample, row));
	address_of_session(&address, "", url);
	printf("reprise tail '%s'\n", url);
	return 0;
}

enum top_shown
top_screen(const struct top_request *request, struct top_source *source, int *ret_exit_status)
{
	struct screen screen = { .request = request,
				 .pick.view.column = request->column,
				 .answered_ns = top_now_ns() };
	SCREEN *const terminal = newterm(NULL, stdout, stdin);

	if (terminal == NULL)
		return TOP_NOT_SHOWN;
	set_up_terminal();
	const bool is_begun = top_fetch_begin(&screen.fetch, source, request->interval_ms);

	interrupt_admit();
	if (is_begun) {
		run(&screen);
		top_fetch_end(&screen.fetch);
	}
	endwin();
	delscreen(terminal);
	if (!is_begun)
		snprintf(screen.fault, sizeof(screen.fault), "cannot start a thread");
	screen.is_refused = screen.is_refused || !is_begun;
	*ret_exit_status = say_end(&screen);
	top_pick_free(&screen.pick);
	return TOP_SHOWN;
}
