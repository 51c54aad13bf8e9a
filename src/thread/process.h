/* SPDX-License-Identifier: MIT */
#ifndef THREAD_PROCESS_H
#define THREAD_PROCESS_H

/*
 * A handle belongs to the process that opened it. All open handles are in one list. A handler of
 * pthread_atfork walks the list in the child and has each adapter give up what a child shares with
 * its parent: locks of open files, and connections.
 */

#include "thread/adapter.h"

/* Adds @store to the list. False: memory for the fork's handler could not be had. */
bool process_add(struct reprise_thread_store *store);
/* Removes @store, unless it is an ancestor's. */
void process_remove(struct reprise_thread_store *store);

/* Whether this process has opened @store. One system call. */
bool process_has_opened(const struct reprise_thread_store *store);

#endif /* THREAD_PROCESS_H */
