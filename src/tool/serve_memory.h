/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_MEMORY_H
#define TOOL_SERVE_MEMORY_H

/*
 * Memory that a crowd of clients leaves behind goes back to the system. glibc gives back what lies
 * at the end of its heap; a few small blocks between freed ones keep the rest. A thread looks once
 * a second, and has glibc give back the pages in between after much was freed.
 */

#include <pthread.h>
#include <stdbool.h>

struct serve_memory {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_closing; /* under the lock */
	bool has_thread;
	pthread_t thread;
};

/* Without a thread the program serves all the same. */
void serve_memory_open(struct serve_memory *memory);
void serve_memory_close(struct serve_memory *memory);

#endif /* TOOL_SERVE_MEMORY_H */
