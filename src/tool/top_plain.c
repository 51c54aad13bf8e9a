/* SPDX-License-Identifier: MIT */
/* The samples of `reprise top` as lines: for people, and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/interrupt.h"
#include "tool/log_output.h"
#include "tool/log_text.h"
#include "tool/top_cell.h"
#include "tool/top_lines.h"
#include "tool/top_request.h"

enum {
	ID_COLUMNS_LEAST = 12,
	ID_COLUMNS_MOST = 48, /* longer ids are not cut, but push the numbers aside */
	STEP_MS = 100,
	TIME_ROOM = 32,
};

static void
write_time(char ret_text[TIME_ROOM])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	log_text_time(ret_text, TIME_ROOM,
		      (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, 'T', 3);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
print_summary(const struct top_request *request, const struct top_sample *sample)
{
	char text[TOP_CELL_ROOM], line[TOP_LINE_ROOM], time[TIME_ROOM];

	write_time(time);
	top_cell_text(request->address.base, TOP_EXACT, text);
	printf("%s  %sZ  taken in %" PRIu64 " ms\n", text, time,
	       (sample->taken_ns - sample->begun_ns) / 1000000);
	top_line_summary(sample, line);
	puts(line);
}

/* The width of a column of numbers: the heading's, or the longest number's. */
static int
width_of(enum top_column column)
{
	const int heading = (int)strlen(top_cell_heading(column));

	return heading > 10 ? heading : 10;
}

static size_t
id_columns(const struct top_view *view, const struct top_sample *sample)
{
	char text[TOP_CELL_ROOM];
	size_t most = ID_COLUMNS_LEAST;

	for (size_t i = 0; i < view->count && most < ID_COLUMNS_MOST; i++) {
		const struct top_row *const row = &sample->rows[view->places[i]];
		const size_t columns = top_cell_text(top_id(sample, row), TOP_EXACT, text);

		if (columns > most)
			most = columns < ID_COLUMNS_MOST ? columns : ID_COLUMNS_MOST;
	}
	return most;
}

static void
print_row(const struct top_sample *sample, const struct top_row *row, size_t columns)
{
	char text[TOP_CELL_ROOM];
	const size_t used = top_cell_text(top_id(sample, row), TOP_EXACT, text);

	printf("%s%*s", text, used < columns ? (int)(columns - used) : 0, "");
	for (int column = TOP_SESSION + 1; column < TOP_COLUMNS; column++) {
		top_cell(row, (enum top_column)column, TOP_EXACT, text);
		if (column == TOP_STATE)
			printf("  %s\n", text);
		else
			printf("  %*s", width_of((enum top_column)column), text);
	}
}

static void
print_block(const struct top_request *request, const struct top_view *view,
	    const struct top_sample *sample)
{
	const size_t columns = id_columns(view, sample);

	print_summary(request, sample);
	printf("%-*s", (int)columns, top_cell_heading(TOP_SESSION));
	for (int column = TOP_SESSION + 1; column < TOP_STATE; column++)
		printf("  %*s", width_of((enum top_column)column),
		       top_cell_heading((enum top_column)column));
	printf("  %s\n", top_cell_heading(TOP_STATE));
	for (size_t i = 0; i < view->count; i++)
		print_row(sample, &sample->rows[view->places[i]], columns);
	if (!request->is_once)
		putchar('\n');
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void
print_member(const char *name, struct top_number number)
{
	if (number.is_known)
		log_text_member(stdout, name, number.number);
	else
		printf(",\"%s\":null", name);
}

static void
print_rate(const char *name, bool is_known, double rate)
{
	if (is_known)
		printf(",\"%s\":%.3f", name, rate);
	else
		printf(",\"%s\":null", name);
}

static void
print_gateway(const struct top_request *request, const struct top_sample *sample)
{
	const struct top_summary *const summary = &sample->summary;
	char time[TIME_ROOM];

	write_time(time);
	printf("{\"type\":\"gateway\",\"time\":\"%sZ\",\"address\":", time);
	log_text_json(stdout, request->address.base, strlen(request->address.base));
	log_text_member(stdout, "sessions", sample->rows_count);
	printf(",\"has_more\":%s", sample->is_cut ? "true" : "false");
	log_text_member(stdout, "taken_ms", (sample->taken_ns - sample->begun_ns) / 1000000);
	print_rate("rate", summary->has_rate, summary->rate);
	print_rate("append_rate", summary->has_append_rate, summary->append_rate);
	print_member("connections", summary->connections);
	print_member("streams", summary->streams);
	print_member("lost", summary->lost);
	print_member("unrecorded", summary->lag);
	print_member("log_failures", summary->log_failures);
	print_member("stuck", summary->stuck);
	puts("}");
}

static void
print_session(const struct top_sample *sample, const struct top_row *row)
{
	static const char *const states[] = {
		[TOP_LIVE] = "live", [TOP_ENDED] = "ended", [TOP_LOG_ONLY] = "log_only"
	};
	const char *const id = top_id(sample, row);

	fputs("{\"type\":\"session\",\"id\":", stdout);
	log_text_json(stdout, id, strlen(id));
	print_rate("rate", row->has_rate, row->rate);
	log_text_member(stdout, "newest", row->newest);
	print_member("retained", row->retained);
	print_member("hosts", row->hosts);
	print_member("behind", row->behind);
	print_member("headroom", row->headroom);
	print_member("lost", row->lost);
	print_member("unrecorded", row->lag);
	printf(",\"state\":\"%s\"", states[row->state]);
	if (row->state == TOP_ENDED)
		printf(",\"status\":%" PRId32, row->end_status);
	puts("}");
}

/* --- samples --------------------------------------------------------------------------------- */

/* A closed pipe ends the wait, and so does a signal. False: the program is to end. */
static bool
rest(uint64_t ms)
{
	const uint64_t until_ns = top_now_ns() + ms * 1000000;
	uint64_t now_ns;

	while ((now_ns = top_now_ns()) < until_ns && !interrupt_happened()) {
		const uint64_t left_ms = (until_ns - now_ns) / 1000000 + 1;

		if (!log_output_wait(left_ms < STEP_MS ? (int)left_ms : STEP_MS))
			return false;
	}
	return !interrupt_happened();
}

static bool
print_sample(const struct top_request *request, struct top_view *view,
	     const struct top_sample *sample)
{
	if (!top_view_fill(view, sample)) {
		fputs("reprise top: no memory\n", stderr);
		return false;
	}
	if (!request->is_json) {
		print_block(request, view, sample);
		return log_output_flush();
	}
	print_gateway(request, sample);
	for (size_t i = 0; i < view->count; i++)
		print_session(sample, &sample->rows[view->places[i]]);
	return log_output_flush();
}

/* The state of the lines. */
struct lines {
	const struct top_request *request;
	struct top_source *source;
	struct top_view view;
	struct top_sample *before;
	bool is_away; /* the gateway has not answered the last time */
	int exit_status;
};

/* False: the program is to end. */
static bool
take_fault(struct lines *lines, enum top_result result, const char *fault)
{
	if (result == TOP_STOPPED)
		return false;
	if (!lines->is_away || result == TOP_REFUSED) {
		fputs("reprise top: ", stderr);
		log_text_escaped(stderr, fault, strlen(fault), SIZE_MAX);
		fputc('\n', stderr);
	}
	lines->is_away = true;
	if (result == TOP_NO_ANSWER && !lines->request->is_once)
		return true;
	lines->exit_status = EXIT_FAILURE;
	return false;
}

/* Takes a sample, and prints it behind an earlier one. False: the program is to end. */
static bool
take_sample(struct lines *lines)
{
	struct top_sample *sample = NULL;
	char fault[TOP_FAULT_ROOM];
	const enum top_result result = top_take(lines->source, &sample, fault);

	if (result != TOP_TAKEN)
		return take_fault(lines, result, fault);
	if (lines->is_away)
		fputs("reprise top: the gateway answers again\n", stderr);
	lines->is_away = false;
	const bool has_before = lines->before != NULL;

	top_rate(sample, lines->before);
	top_sample_free(lines->before);
	lines->before = sample;
	if (!has_before)
		return true;
	return print_sample(lines->request, &lines->view, sample) && !lines->request->is_once;
}

int
top_plain(const struct top_request *request, struct top_source *source)
{
	struct lines lines = { .request = request,
			       .source = source,
			       .view = { .column = request->column } };
	bool goes_on = true;

	while (goes_on) {
		const uint64_t begun_ns = top_now_ns();

		goes_on = take_sample(&lines);
		const uint64_t took_ms = (top_now_ns() - begun_ns) / 1000000;

		const enum top_result result = lines.is_away ? TOP_NO_ANSWER : TOP_TAKEN;

		goes_on = goes_on && rest(top_rest_ms(request->interval_ms, took_ms, result));
	}
	top_sample_free(lines.before);
	top_view_free(&lines.view);
	return lines.exit_status;
}
