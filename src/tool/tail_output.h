/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_OUTPUT_H
#define TOOL_TAIL_OUTPUT_H

/*
 * The output of `reprise tail`: events on standard output, and words about the
 * stream on standard error. With --json gaps and the end are on standard output, too. (rule V91)
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/base.h>

struct tail_output {
	bool is_json;
	bool is_escaped;  /* standard output is a terminal */
	bool is_coloured; /* standard error is a terminal, and NO_COLOR is not set */
};

struct tail_event {
	reprise_position position;
	uint64_t revision;
	struct reprise_bytes payload;
	uint16_t kind;
	bool has_kind;   /* the source knows the kind */
	bool has_commit; /* the source knows whether the event has the flag COMMIT */
	bool is_commit;
};

struct tail_gap {
	const char *reason, *code, *text;
	bool is_exact; /* the lost positions are known */
	bool is_lost;  /* events are lost, or may be: not a restart */
	uint64_t lost;
	reprise_position first, last; /* of the lost events */
	reprise_position position;    /* the stream goes on behind */
	reprise_position newest;
};

void tail_output_begin(struct tail_output *output, bool is_json);

void tail_output_event(const struct tail_output *output, const struct tail_event *event);
void tail_output_gap(const struct tail_output *output, const struct tail_gap *gap);
void tail_output_end(const struct tail_output *output, int32_t status, reprise_position position);

/* How to resume. */
void tail_output_cursor(const struct tail_output *output, const char *cursor);

/* Words on standard error, up to about a thousand bytes; control characters are escaped. */
void tail_output_note(const struct tail_output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void tail_output_fault(const struct tail_output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* TOOL_TAIL_OUTPUT_H */
