/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_LINES_H
#define TOOL_RUN_LINES_H

/*
 * Cuts the output of a command into events: a line without its LF is an event, and so is a last
 * line without LF. A line beyond a bound becomes several events: all pieces but the last have the
 * kind RUN_KIND_CUT, and the pieces together are the line. (rule V85)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RUN_LINE_BYTES_MAX = 1 << 20,
};

struct run_lines {
	const char *kind_field; /* borrowed; NULL: the kind of a line is 0 */
	size_t piece_bytes_max; /* may be set before the first byte, up to RUN_LINE_BYTES_MAX */
	char *held;             /* the beginning of a line */
	size_t held_bytes;
	bool is_spent; /* the held bytes are those of the event returned last */
	bool is_cut;   /* a piece of this line was an event */
};

/* A piece of the output, valid until the next call. */
struct run_line {
	const char *bytes;
	size_t count;
	uint16_t kind;
};

/* False: no memory. */
bool run_lines_open(struct run_lines *lines, const char *kind_field);
void run_lines_close(struct run_lines *lines);

/* The next event of @count bytes at @bytes, which move on. False: all bytes are taken. */
bool run_lines_next(struct run_lines *lines, const char **bytes, size_t *count,
		    struct run_line *ret_line);

/* The last line without LF. False: there is none. */
bool run_lines_end(struct run_lines *lines, struct run_line *ret_line);

#endif /* TOOL_RUN_LINES_H */
