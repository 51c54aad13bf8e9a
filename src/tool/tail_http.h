/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_HTTP_H
#define TOOL_TAIL_HTTP_H

#include "tool/tail_arguments.h"

/*
 * Follows a session of a gateway. Finds the session first, if the address does not name one.
 * Returns the exit status. (rule V90)
 */
int tail_http(struct tail_request *request);

#endif /* TOOL_TAIL_HTTP_H */
