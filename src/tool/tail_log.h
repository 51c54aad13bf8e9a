/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_LOG_H
#define TOOL_TAIL_LOG_H

#include "tool/tail_arguments.h"

/*
 * Follows a session in a log. Finds the session first, if the arguments do not name one. Returns
 * the exit status. (rule V91)
 */
int tail_log(struct tail_request *request);

#endif /* TOOL_TAIL_LOG_H */
