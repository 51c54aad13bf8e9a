/* SPDX-License-Identifier: MIT */
#ifndef TOOL_POST_H
#define TOOL_POST_H

/* The whole of `reprise post`, from the arguments to the exit status. */
int post_command(int argc, char **argv);

#endif /* TOOL_POST_H */
