/* SPDX-License-Identifier: MIT */
#ifndef TOOL_POST_BATCH_H
#define TOOL_POST_BATCH_H

/* Lines that one request can append: of one kind, and all of them JSON, or a single other line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POST_LINES_MAX = 512,
	POST_BATCH_BYTES_MAX = 256 << 10, /* unless a single line has more */
};

/* One line in the body of the batch. */
struct post_piece {
	size_t offset, bytes;
	uint64_t number; /* of the line in the input */
};

struct post_batch {
	char *body; /* the lines, with LF between two */
	size_t bytes, room;
	struct post_piece pieces[POST_LINES_MAX];
	size_t count;
	uint16_t kind;
	bool is_json;
	uint64_t since_ms; /* when the first line came */
};

enum post_added {
	POST_ADDED,
	POST_DOES_NOT_FIT, /* the batch is to be sent first */
	POST_NO_MEMORY,
};

/* Adds a line. A line always fits into an empty batch. */
enum post_added post_batch_add(struct post_batch *batch, const char *line, size_t line_bytes,
			       uint64_t number, uint16_t kind, bool is_json);

/* Drops all lines but the last @count. */
void post_batch_keep(struct post_batch *batch, size_t count);
void post_batch_close(struct post_batch *batch);

#endif /* TOOL_POST_BATCH_H */
