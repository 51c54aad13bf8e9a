/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DEMO_H
#define TOOL_DEMO_H

#include "tool/arguments.h"

/* Runs the demo and prints a table. Returns the exit status. */
int demo_run(const struct demo_options *options);

#endif /* TOOL_DEMO_H */
