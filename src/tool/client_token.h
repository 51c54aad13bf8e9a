/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CLIENT_TOKEN_H
#define TOOL_CLIENT_TOKEN_H

/* The bearer token of the HTTP client: from a file, or from the environment. */

#include <stdbool.h>

enum {
	CLIENT_TOKEN_ROOM = 1025, /* with the NUL */
};

/*
 * The first token of @file, or the value of REPRISE_TOKEN if @file is NULL; an empty text without a
 * token. False: stderr has the reason, behind @command. (rule V88)
 */
bool client_token_read(const char *command, const char *file, char ret_token[CLIENT_TOKEN_ROOM]);

#endif /* TOOL_CLIENT_TOKEN_H */
