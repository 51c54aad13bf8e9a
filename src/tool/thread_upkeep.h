/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_UPKEEP_H
#define TOOL_THREAD_UPKEEP_H

#include "tool/log_request.h"

struct reprise_thread_store;

/*
 * `reprise thread recover` and `reprise thread dead`, on an open store. False: a delta was lost or
 * became a dead letter, or REPRISE_OK is not in *ret_status.
 */
bool thread_upkeep_run(const struct log_request *request, struct reprise_thread_store *store,
		       reprise_status *ret_status, struct reprise_error *error);

#endif /* TOOL_THREAD_UPKEEP_H */
