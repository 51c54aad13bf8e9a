/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_COMMAND_H
#define TOOL_THREAD_COMMAND_H

/* `reprise thread`: the arguments from "thread" on. Answers the exit status. */
int thread_command(int argc, char **argv);

extern const char thread_usage[];

#endif /* TOOL_THREAD_COMMAND_H */
