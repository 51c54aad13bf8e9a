/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_OUTPUT_H
#define TOOL_LOG_OUTPUT_H

/* Where it is printed to: there for as long as somebody takes it. */

#include <stdbool.h>

/* From here on a pipe that is closed ends nothing by itself. */
void log_output_begin(void);

/* False: nobody takes it any more, or it cannot be written. */
bool log_output_flush(void);

/* Sleeps; false if nobody takes it any more. */
bool log_output_wait(int milliseconds);

/* The exit status of what was printed: a pipe that is closed is no fault, a full disk is; said on stderr. */
int log_output_end(int status);

#endif /* TOOL_LOG_OUTPUT_H */
