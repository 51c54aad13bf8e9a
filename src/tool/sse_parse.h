/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SSE_PARSE_H
#define TOOL_SSE_PARSE_H

/*
 * The parser of Server-Sent Events, as the HTML standard has the format. The bytes may come in any
 * pieces. A block that a cut has left half is dropped, and its id with the block. (rule V89)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The texts are borrowed for the call. */
struct sse_block {
	const char *name; /* "message" if the block has no name */
	const char *data; /* the lines, with LF between two */
	size_t data_bytes;
	const char *id; /* the id of this block, or of the last block with an id; or empty */
};

struct sse_calls {
	bool (*block)(void *context, const struct sse_block *block); /* false: stop */
	void (*retry)(void *context, uint64_t ms);
	void *context;
};

enum sse_parse_outcome {
	SSE_PARSE_MORE,    /* all bytes are taken */
	SSE_PARSE_STOPPED, /* by the call `block` */
	SSE_PARSE_TOO_LONG,
	SSE_PARSE_NO_MEMORY,
};

struct sse_parse; /* opaque */

/* @data_bytes_max is the limit of the data of one block. NULL: no memory. */
struct sse_parse *sse_parse_open(size_t data_bytes_max);

/* A connection begins: half a block of the connection before is dropped. */
void sse_parse_begin(struct sse_parse *parse);

/* After another outcome than MORE only sse_parse_begin and sse_parse_close may be called. */
enum sse_parse_outcome sse_parse_feed(struct sse_parse *parse, const struct sse_calls *calls,
				      const char *bytes, size_t bytes_count);

void sse_parse_close(struct sse_parse *parse); /* NULL is allowed */

#endif /* TOOL_SSE_PARSE_H */
