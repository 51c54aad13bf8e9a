/* SPDX-License-Identifier: MIT */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

/*
 * The library's threads. They do not inherit what the thread that starts them has set for itself:
 * its scheduling (SCHED_FIFO), its processors, its signal mask, the stack's size by RLIMIT_STACK.
 * They block all signals, are of SCHED_OTHER, may run wherever the process could when the library
 * was loaded, and have 2 MiB of stack.
 */

#include <pthread.h>

/* Starts a thread with that name, of at most 15 bytes. 0 or an errno. */
int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument),
		 void *argument);

#endif /* BASE_THREAD_H */
