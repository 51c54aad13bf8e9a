/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_COMMAND_H
#define TOOL_LOG_COMMAND_H

/* `reprise log`: what is in a log. The arguments after "log"; answers the exit status. */
int log_command(int argc, char **argv);

#endif /* TOOL_LOG_COMMAND_H */
