/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_H
#define TOOL_CRASH_H

/*
 * The crash of the demo: a runtime in a process of its own is killed in the middle of a stream, and
 * started again over the same log. The hosts are in another process. They keep their events and the
 * text of a cursor, and come back with the cursor.
 */

#include "tool/input.h"

/* Plays the crash and prints a report. Returns the exit status. */
int crash_run(const struct input *input, const char *log);

#endif /* TOOL_CRASH_H */
