/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_PLACE_H
#define TOOL_THREAD_PLACE_H

/*
 * Where thread documents are: in a SQLite file or in a PostgreSQL database, as far as the program
 * was built with them.
 */

#include <reprise/base.h>

#include "tool/log_place.h"

struct reprise_thread_store;

/* Why such a place cannot be opened by this program; or NULL. */
const char *thread_place_fault(const struct log_place *place);

/* Nothing is created but with LOG_ACCESS_CREATE. @horizon_ms is the store's; 0: the default. */
reprise_status thread_place_open(const struct log_place *place, enum log_access access,
				 uint64_t horizon_ms, struct reprise_thread_store **ret_store,
				 struct reprise_error *error);

#endif /* TOOL_THREAD_PLACE_H */
