/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_TERMINAL_H
#define TOOL_RUN_TERMINAL_H

/*
 * The output of the command: a pipe, or a pseudo terminal that changes no byte. The descriptors are
 * close-on-exec; the end that the program reads does not block. False: errno says why.
 */

#include <stdbool.h>

bool run_terminal_open(int *ret_output, int *ret_end);
bool run_terminal_open_pipe(int *ret_output, int *ret_end);

/* From standard output. False: the size is unknown. */
bool run_terminal_copy_size(int output);

#endif /* TOOL_RUN_TERMINAL_H */
