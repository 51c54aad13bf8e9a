/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_H
#define TOOL_RUN_H

/* `reprise run`: the arguments from "run" on. Answers the exit status. */
int run_command(int argc, char **argv);

#endif /* TOOL_RUN_H */
