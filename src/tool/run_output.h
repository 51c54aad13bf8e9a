/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_OUTPUT_H
#define TOOL_RUN_OUTPUT_H

/*
 * The standard output of `reprise run`. A write never waits where the system allows to ask first,
 * so that signals go on to the command while a terminal is stopped. (rule V83)
 */

#include <stdbool.h>
#include <stddef.h>

struct run_output {
	int fd;      /* to poll and to write; -1: closed */
	bool is_own; /* a separate open file description without blocking */
	int fault;   /* the errno of the first failed write; 0: none */
};

/* Makes sure that the descriptors 0 to 2 are open, so that no other file gets these numbers. */
bool run_output_hold_numbers(void);

void run_output_open(struct run_output *output);

/* Writes as many bytes as the output takes now. Returns the number. A failure closes the output. */
size_t run_output_write(struct run_output *output, const char *bytes, size_t count);

/* Nothing more will come: the other end of a pipe sees the end now. */
void run_output_close(struct run_output *output);

#endif /* TOOL_RUN_OUTPUT_H */
