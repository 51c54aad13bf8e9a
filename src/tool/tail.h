/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_H
#define TOOL_TAIL_H

/* The whole of `reprise tail`, from the arguments to the exit status. */
int tail_command(int argc, char **argv);

#endif /* TOOL_TAIL_H */
