/* SPDX-License-Identifier: MIT */
#ifndef TOOL_POST_INPUT_H
#define TOOL_POST_INPUT_H

/* The lines of standard input, with a limit to the wait for each. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POST_LINE_BYTES_MAX = 64 << 20,
};

struct post_input {
	char *bytes;
	size_t begin, end; /* the bytes that no line has taken yet */
	size_t scanned;    /* no LF before */
	size_t room;
	uint64_t line; /* the number of the line that was handed out last */
	bool is_over;  /* nothing more can be read */
};

enum post_found {
	POST_LINE,
	POST_NOTHING, /* the wait is over */
	POST_END,
	POST_INTERRUPTED,
	POST_TOO_LONG,
	POST_FAILED, /* errno says why */
};

/* A line without its LF, valid until the next call. */
struct post_line {
	const char *bytes;
	size_t bytes_count;
	uint64_t number;
};

/* Waits until @until_ms at most, by the clock of post_now_ms. UINT64_MAX: without a limit. */
enum post_found post_input_next(struct post_input *input, uint64_t until_ms,
				struct post_line *ret_line);
void post_input_close(struct post_input *input);

uint64_t post_now_ms(void);

#endif /* TOOL_POST_INPUT_H */
