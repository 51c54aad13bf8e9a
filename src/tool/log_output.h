/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_OUTPUT_H
#define TOOL_LOG_OUTPUT_H

/* Standard output, which may be a pipe. The other end of the pipe may close early. */

#include <stdbool.h>

/* A closed pipe no longer ends the process. */
void log_output_begin(void);

/* False: the pipe is closed, or the output cannot be written. */
bool log_output_flush(void);

/* Sleeps. False: the pipe is closed. */
bool log_output_wait(int milliseconds);

/*
 * Returns the exit status. A closed pipe is no fault. A full disk is a fault, which goes to stderr.
 */
int log_output_end(int status);

#endif /* TOOL_LOG_OUTPUT_H */
