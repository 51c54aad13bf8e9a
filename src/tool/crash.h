/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_H
#define TOOL_CRASH_H

/*
 * The scene of a crash: a runtime in a process of its own is killed in the middle of a stream, and started
 * again over the same log. Its hosts are outside: they keep what they were given and a cursor's text, and come
 * back with that.
 */

#include "tool/input.h"

/* Plays it, and prints what happened; answers the exit status. */
int crash_run(const struct input *input, const char *log);

#endif /* TOOL_CRASH_H */
