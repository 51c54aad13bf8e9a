/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_FLOW_H
#define TOOL_RUN_FLOW_H

/*
 * The way of the bytes of a command: to standard output as they are, and as lines to the session.
 * Further bytes are read once both have taken the bytes before, so the memory is bounded, and the
 * command waits as it would wait for a slow output. (rules V83, V85, V86)
 */

#include <stdbool.h>
#include <stddef.h>

#include "tool/run_child.h"
#include "tool/run_events.h"
#include "tool/run_lines.h"
#include "tool/run_output.h"
#include "tool/run_signals.h"

enum {
	RUN_BLOCK_BYTES = 64 << 10, /* read at once: as a pipe holds */
};

struct run_flow {
	struct run_child *child; /* borrowed, and so are the next two */
	struct run_signals *signals;
	struct run_events *events;
	uint32_t patience_ms; /* for the output and the log, if a signal has ended the command */
	struct run_output output;
	struct run_lines lines;
	char *block;                     /* the bytes read last */
	const char *unwritten, *unsplit; /* parts of the block */
	size_t unwritten_bytes, unsplit_bytes;
	struct run_line line;   /* the next event */
	bool has_line;          /* the event waits for the log */
	bool is_ending;         /* the command's end was seen */
	uint64_t hurries_at_ns; /* nothing waits for the output from then on */
	size_t rest;            /* bytes that may be read since */
};

/* False: no memory. The other members are set by the caller. */
bool run_flow_open(struct run_flow *flow, const char *kind_field);
void run_flow_close(struct run_flow *flow);

/* Returns when the command has ended and the output was taken. */
void run_flow_pump(struct run_flow *flow);

#endif /* TOOL_RUN_FLOW_H */
