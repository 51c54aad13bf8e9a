/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_H
#define TOOL_SERVE_H

/* `reprise serve`: the arguments from "serve" on. Answers the exit status. */
int serve_command(int argc, char **argv);

#endif /* TOOL_SERVE_H */
