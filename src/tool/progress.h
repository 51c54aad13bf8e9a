/* SPDX-License-Identifier: MIT */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdint.h>

#include "tool/host.h"

/* The books of several hosts, and the events of their sessions. */
struct progress {
	uint64_t appended, delivered, lost, gaps, reconnects;
};

/* Adds the counts of @host so far. */
void progress_add(struct progress *progress, const struct host *host);

/* Prints one line. On a terminal the next line overwrites the line. */
void progress_print(const struct progress *progress, uint64_t begin_ns);

/* The prefix for any other line, to overwrite the progress on a terminal. */
const char *progress_over(void);

/* Prints an empty line after the last progress. */
void progress_end(void);

#endif /* TOOL_PROGRESS_H */
