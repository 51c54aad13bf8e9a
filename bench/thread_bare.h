/* SPDX-License-Identifier: MIT */
#ifndef BENCH_THREAD_BARE_H
#define BENCH_THREAD_BARE_H

/* SQLite by itself, with the tables and indexes of a store of thread documents. */

#include <reprise/base.h>

#include "durable.h"

struct thread_bare;

/*
 * A new file: a write-ahead log, synchronous FULL or NORMAL. The process ends if the file
 * cannot be made.
 */
struct thread_bare *thread_bare_open(const char *name, bool is_synced);

/*
 * The rows of one append in one transaction: the delta, its remembered id, and the head. An append
 * that folds puts the text as well; this function does not.
 */
void thread_bare_put(struct thread_bare *bare, uint64_t version, const char *delta_id,
		     struct reprise_bytes json);

void thread_bare_close(struct thread_bare *bare);

#endif /* BENCH_THREAD_BARE_H */
