/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_BLOCK_H
#define TOOL_TAIL_BLOCK_H

/* The blocks of a gateway's event stream, as `reprise tail` asks for them. */

#include <stdbool.h>
#include <stdint.h>

#include "tool/sse_parse.h"
#include "tool/tail_take.h"

enum {
	TAIL_EVENT_BYTES_MAX = 64 << 20,
	/* The same in base64. */
	TAIL_DATA_BYTES_MAX = TAIL_EVENT_BYTES_MAX / 3 * 4 + 8,
};

/* The facts of the blocks hello and bye. */
struct tail_told {
	bool has_hello;
	bool has_bye;
	uint32_t heartbeat_ms;
};

/* Takes a block. False: the stream is to stop, since the run is over or the block is broken. */
bool tail_block_take(struct tail *tail, struct tail_told *told, const struct sse_block *block);

#endif /* TOOL_TAIL_BLOCK_H */
