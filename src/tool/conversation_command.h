/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CONVERSATION_COMMAND_H
#define TOOL_CONVERSATION_COMMAND_H

/* `reprise conversation`: the arguments from "conversation" on. Answers the exit status. */
int conversation_command(int argc, char **argv);

extern const char conversation_usage[];

#endif /* TOOL_CONVERSATION_COMMAND_H */
