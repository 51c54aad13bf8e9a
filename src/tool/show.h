/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SHOW_H
#define TOOL_SHOW_H

#include <stddef.h>

#include "tool/arguments.h"
#include "tool/input.h"

/*
 * Runs one session per input, with six hosts on a thread each, and prints a table. Returns the exit
 * status.
 */
int show_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options);

#endif /* TOOL_SHOW_H */
