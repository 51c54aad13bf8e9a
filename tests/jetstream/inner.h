/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_INNER_H
#define JETSTREAM_INNER_H

/*
 * The inner store as a test double: the store's own adapter, but for transactions that fail, wait
 * or do something else.
 */

#include <stdbool.h>

#include "thread/adapter.h"

/* From now on the calls on the store come by here; one kind of adapter in a process. */
void inner_watch(struct reprise_thread_store *store);

/* So many of the next commits fail and change nothing; -1: all. */
void inner_fail_commits(int count);
/* The next looks (loads) likewise. */
void inner_fail_looks(int count);

/*
 * Called by the thread that commits, before and after each commit; NULL: nothing is. The function
 * may take its time, kill somebody, or write through another handle.
 */
void inner_before_commit(void (*call)(void *context), void *context);
void inner_after_commit(void (*call)(void *context), void *context);

/* The same after each look has ended: other handles may write. */
void inner_after_look(void (*call)(void *context), void *context);

/* How many commits there were. */
unsigned int inner_commits(void);

#endif /* JETSTREAM_INNER_H */
