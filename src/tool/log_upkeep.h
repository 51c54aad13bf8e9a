/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_UPKEEP_H
#define TOOL_LOG_UPKEEP_H

/*
 * The verbs of `reprise log` that change a log. Each answers whether it succeeded; a failure was
 * told on stderr.
 */

#include <reprise/log.h>

#include "tool/log_request.h"

bool log_upkeep_archive(const struct log_request *request, struct reprise_log *log);
bool log_upkeep_fork(const struct log_request *request, struct reprise_log *log);
bool log_upkeep_drop(const struct log_request *request, struct reprise_log *log);
bool log_upkeep_prune(const struct log_request *request, struct reprise_log *log);
bool log_upkeep_erase(const struct log_request *request, struct reprise_log *log);

#endif /* TOOL_LOG_UPKEEP_H */
