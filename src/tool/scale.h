/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SCALE_H
#define TOOL_SCALE_H

#include <stddef.h>

#include "tool/arguments.h"
#include "tool/input.h"

/*
 * Runs many sessions with many hosts each on a few threads, and prints a table. Returns the exit
 * status.
 */
int scale_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options);

#endif /* TOOL_SCALE_H */
