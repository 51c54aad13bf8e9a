/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUNTIME_H
#define TOOL_RUNTIME_H

/* A runtime of the demo: a thread that appends to its sessions in turn, and ends the sessions. */

#include <pthread.h>
#include <stdbool.h>

#include "tool/stage.h"

/* The runtime's side of one session. */
struct act {
	struct stage stage;
	struct reprise_writer *writer; /* NULL: not open */
	bool is_refused;               /* the library refused an append */
};

struct runtime {
	struct act *acts; /* borrowed; every session has the same rate */
	size_t acts_count;
	pthread_t thread;
};

/* Starts the thread, which opens the sessions without a writer. False: no thread was created. */
bool runtime_start(struct runtime *runtime);
void runtime_join(struct runtime *runtime);

#endif /* TOOL_RUNTIME_H */
