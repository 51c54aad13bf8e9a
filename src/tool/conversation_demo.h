/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CONVERSATION_DEMO_H
#define TOOL_CONVERSATION_DEMO_H

#include "tool/arguments.h"

/* `reprise demo --worker`. Prints a table. Returns the exit status. */
int conversation_demo_run(const struct demo_options *options);

#endif /* TOOL_CONVERSATION_DEMO_H */
