/* SPDX-License-Identifier: MIT */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdint.h>

#include "tool/host.h"

/* The books of several hosts, and the events of their sessions. */
struct progress {
	uint64_t appended, delivered, lost, gaps, reconnects;
};

/* Adds what @host has so far. */
void progress_add(struct progress *progress, const struct host *host);

/* One line; on a terminal it stays, for the next line to be printed over it. */
void progress_print(const struct progress *progress, uint64_t begin_ns);

/* What any other line begins with, to be printed over it. */
const char *progress_over(void);

/* After the last one: an empty line, for something else to follow. */
void progress_end(void);

#endif /* TOOL_PROGRESS_H */
