/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_H
#define TOOL_TOP_H

/* `reprise top`: the arguments from "top" on. Answers the exit status. (rules V95, V96) */
int top_command(int argc, char **argv);

extern const char top_usage[];

#endif /* TOOL_TOP_H */
