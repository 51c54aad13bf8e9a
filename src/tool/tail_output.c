/* SPDX-License-Identifier: MIT */
#include "tool/tail_output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/json_text.h"
#include "tool/log_text.h"

enum {
	WORDS_ROOM = 1024,
};

static const char plain[] = "\033[0m", dim[] = "\033[2m", yellow[] = "\033[33m", red[] = "\033[31m";

void
tail_output_begin(struct tail_output *output, bool is_json)
{
	const char *const no_colour = getenv("NO_COLOR");

	output->is_json = is_json;
	output->is_escaped = isatty(STDOUT_FILENO) != 0;
	output->is_coloured =
		isatty(STDERR_FILENO) != 0 && (no_colour == NULL || no_colour[0] == '\0');
}

/* --- words ----------------------------------------------------------------------------------- */

/* The events before the words come first. */
static void
say(const struct tail_output *output, const char *colour, const char *words)
{
	fflush(stdout);
	fputs(output->is_coloured ? colour : "", stderr);
	fputs("reprise tail: ", stderr);
	log_text_escaped(stderr, words, strlen(words), SIZE_MAX);
	fputs(output->is_coloured ? plain : "", stderr);
	fputc('\n', stderr);
}

void
tail_output_note(const struct tail_output *output, const char *format, ...)
{
	char words[WORDS_ROOM];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	say(output, dim, words);
}

void
tail_output_fault(const struct tail_output *output, const char *format, ...)
{
	char words[WORDS_ROOM];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	say(output, red, words);
}

/* --- events ---------------------------------------------------------------------------------- */

/* An end of a line within JSON is white space between two tokens. */
static void
print_data(const char *json, size_t bytes)
{
	while (bytes > 0) {
		size_t piece = 0;

		while (piece < bytes && json[piece] != '\n' && json[piece] != '\r')
			piece++;
		log_text_json_as_is(stdout, json, piece);
		if (piece < bytes) {
			putchar(' ');
			piece++;
		}
		json += piece;
		bytes -= piece;
	}
}

static void
print_payload(const struct reprise_bytes *payload)
{
	if (payload->size > 0 && json_text_is_valid(payload->data, payload->size)) {
		fputs(",\"data\":", stdout);
		print_data(payload->data, payload->size);
	} else if (log_text_is_utf8(payload->data, payload->size)) {
		fputs(",\"text\":", stdout);
		log_text_json(stdout, payload->data, payload->size);
	} else {
		fputs(",\"base64\":\"", stdout);
		log_text_base64(stdout, payload->data, payload->size);
		putchar('"');
	}
}

static void
print_object(const struct tail_event *event)
{
	fputs("{\"type\":\"event\"", stdout);
	log_text_member(stdout, "position", event->position);
	log_text_member(stdout, "revision", event->revision);
	if (event->has_kind)
		log_text_member(stdout, "kind", event->kind);
	else
		fputs(",\"kind\":null", stdout);
	if (event->has_commit)
		printf(",\"commit\":%s", event->is_commit ? "true" : "false");
	print_payload(&event->payload);
	fputs("}\n", stdout);
}

void
tail_output_event(const struct tail_output *output, const struct tail_event *event)
{
	if (output->is_json) {
		print_object(event);
		return;
	}
	if (output->is_escaped)
		log_text_escaped(stdout, event->payload.data, event->payload.size, SIZE_MAX);
	else if (event->payload.size > 0)
		fwrite(event->payload.data, 1, event->payload.size, stdout);
	putchar('\n');
}

/* --- gaps and the end ------------------------------------------------------------------------ */

static void
print_gap(const struct tail_gap *gap)
{
	fputs("{\"type\":\"gap\",\"reason\":", stdout);
	log_text_json(stdout, gap->reason, strlen(gap->reason));
	fputs(",\"code\":", stdout);
	log_text_json(stdout, gap->code, strlen(gap->code));
	fputs(",\"text\":", stdout);
	log_text_json(stdout, gap->text, strlen(gap->text));
	if (gap->is_exact) {
		log_text_member(stdout, "lost", gap->lost);
		log_text_member(stdout, "first", gap->first);
		log_text_member(stdout, "last", gap->last);
	} else {
		fputs(",\"lost\":null,\"first\":null,\"last\":null", stdout);
	}
	log_text_member(stdout, "position", gap->position);
	log_text_member(stdout, "newest", gap->newest);
	fputs(",\"healed\":false}\n", stdout);
}

void
tail_output_gap(const struct tail_output *output, const struct tail_gap *gap)
{
	char words[WORDS_ROOM];

	if (output->is_json)
		print_gap(gap);
	if (gap->is_exact && gap->lost == 1)
		snprintf(words, sizeof(words), "gap: the event %" PRIu64 " is lost: %s (%s)",
			 gap->first, gap->text, gap->code);
	else if (gap->is_exact)
		snprintf(words, sizeof(words),
			 "gap: %" PRIu64 " events are lost, positions %" PRIu64 " to %" PRIu64
			 ": %s (%s)",
			 gap->lost, gap->first, gap->last, gap->text, gap->code);
	else if (gap->is_lost)
		snprintf(words, sizeof(words),
			 "gap: an unknown number of events is lost: %s (%s); the stream goes on "
			 "behind position %" PRIu64,
			 gap->text, gap->code, gap->position);
	else
		snprintf(words, sizeof(words), "restart behind position %" PRIu64 ": %s (%s)",
			 gap->position, gap->text, gap->code);
	say(output, yellow, words);
}

void
tail_output_end(const struct tail_output *output, int32_t status, reprise_position position)
{
	if (output->is_json) {
		printf("{\"type\":\"end\",\"status\":%" PRId32, status);
		log_text_member(stdout, "position", position);
		fputs("}\n", stdout);
	}
	tail_output_note(output,
			 "the session ended with status %" PRId32 " behind position %" PRIu64,
			 status, position);
}

void
tail_output_cursor(const struct tail_output *output, const char *cursor)
{
	if (output->is_json) {
		fputs("{\"type\":\"cursor\",\"cursor\":", stdout);
		log_text_json(stdout, cursor, strlen(cursor));
		fputs("}\n", stdout);
	}
	fflush(stdout);
	fputs("reprise: resume with --cursor ", stderr);
	log_text_escaped(stderr, cursor, strlen(cursor), SIZE_MAX);
	fputc('\n', stderr);
}
