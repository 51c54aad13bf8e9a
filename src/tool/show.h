/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SHOW_H
#define TOOL_SHOW_H

#include <stddef.h>

#include "tool/arguments.h"
#include "tool/input.h"

/*
 * Runs a session an input, with a host of each way and a thread for each, and prints what happened;
 * answers the exit status.
 */
int show_run(const struct input *inputs, size_t inputs_count, const struct demo_options *options);

#endif /* TOOL_SHOW_H */
