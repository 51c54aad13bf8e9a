/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUNTIME_H
#define TOOL_RUNTIME_H

/* A runtime of the demo: a thread that appends to its sessions in turn, and ends them. */

#include <pthread.h>
#include <stdbool.h>

#include "tool/stage.h"

/* One session, as its runtime has it. */
struct act {
	struct stage stage;
	struct reprise_writer *writer; /* NULL: not open */
	bool is_refused;               /* an append was */
};

struct runtime {
	struct act *acts; /* borrowed; all of one rate */
	size_t acts_count;
	pthread_t thread;
};

/* Opens those of its sessions that are not open. False if there is no thread to be had. */
bool runtime_start(struct runtime *runtime);
void runtime_join(struct runtime *runtime);

#endif /* TOOL_RUNTIME_H */
