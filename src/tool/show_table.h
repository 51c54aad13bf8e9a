/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SHOW_TABLE_H
#define TOOL_SHOW_TABLE_H

#include "tool/runtime.h"
#include "tool/solo.h"

/* One session with the runtime and the hosts. */
struct show {
	struct act act;
	struct runtime runtime;
	struct solo solos[HOST_WAYS];
};

/* Prints the table at the end. Returns the number of faults. */
size_t show_table_print(const struct show *shows, size_t shows_count);

#endif /* TOOL_SHOW_TABLE_H */
