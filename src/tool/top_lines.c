/* SPDX-License-Identifier: MIT */
#include "tool/top_lines.h"

#include <stdio.h>
#include <string.h>

#include "tool/top_cell.h"

const char *const top_line_help[TOP_LINE_HELP] = {
	"",
	" q                ends",
	" up, down, page   move the selection; Home and End, too",
	" s  <  >          the next column of the order; the one before, the one behind",
	" r                reverses the order",
	" /                only ids with a text; Enter keeps the text, Escape clears it",
	" p                pauses: no sample is taken",
	" Enter            ends, and prints the command that follows the session",
	"",
	" BEHIND    events that the host furthest behind has not got",
	" HEADROOM  events that may still come before that host loses one",
	"",
	" any key leaves this help",
};

void
top_line_title(const char *address, const struct top_sample *sample, uint64_t now_ns,
	       char *ret_line, size_t room)
{
	if (sample == NULL)
		snprintf(ret_line, room, "reprise top  %s  waiting for the first answer", address);
	else
		snprintf(ret_line, room, "reprise top  %s  sample %.1f s old", address,
			 (double)(now_ns - sample->taken_ns) / 1e9);
}

static void
append_text(char *line, const char *name, const char *text)
{
	const size_t used = strlen(line);

	snprintf(line + used, TOP_LINE_ROOM - used, "%s%s%s%.64s", used > 0 ? "  " : "", name,
		 text[0] != '\0' ? " " : "", text);
}

static void
append_number(char *line, const char *name, struct top_number number)
{
	char text[TOP_CELL_ROOM];

	top_cell_number(number, TOP_EXACT, text);
	append_text(line, name, text);
}

void
top_line_summary(const struct top_sample *sample, char ret_line[TOP_LINE_ROOM])
{
	const struct top_summary *const summary = &sample->summary;
	const struct top_number sessions = { true, sample->rows_count };
	char text[TOP_CELL_ROOM];

	ret_line[0] = '\0';
	append_number(ret_line, sample->is_cut ? "sessions above" : "sessions", sessions);
	top_cell_rate(summary->has_rate, summary->rate, TOP_EXACT, text);
	append_text(ret_line, "events/s", text);
	if (!summary->has_metrics) {
		append_text(ret_line, "(no metrics:", "the token is not of the level admin)");
		return;
	}
	append_number(ret_line, "connections", summary->connections);
	append_number(ret_line, "streams", summary->streams);
	append_number(ret_line, "lost", summary->lost);
	append_number(ret_line, "unrecorded", summary->lag);
	append_number(ret_line, "log failures", summary->log_failures);
}

void
top_line_order(const struct top_view *view, char ret_line[TOP_LINE_ROOM])
{
	ret_line[0] = '\0';
	append_text(ret_line, "sorted by", top_column_name(view->column));
	if (view->is_reversed)
		append_text(ret_line, "reversed", "");
	if (view->filter[0] != '\0')
		append_text(ret_line, "only ids with", view->filter);
	append_text(ret_line, "?", "help");
}
