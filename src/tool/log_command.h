/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_COMMAND_H
#define TOOL_LOG_COMMAND_H

/* `reprise log`, with the arguments from "log" on. Returns the exit status. */
int log_command(int argc, char **argv);

#endif /* TOOL_LOG_COMMAND_H */
