/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_ENTRIES_H
#define TOOL_LOG_ENTRIES_H

/*
 * Prints the entries of one thread, a page at a time. False: the log failed, and stderr has the
 * reason.
 */

#include "tool/log_request.h"

bool log_entries_cat(const struct log_request *request, struct reprise_log *log);
bool log_entries_tail(const struct log_request *request, struct reprise_log *log);

#endif /* TOOL_LOG_ENTRIES_H */
