/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

/* SQLite by itself: the same rows in the same table, with nothing around them. */

#include "durable.h"

struct bare;

/*
 * A new file with the log's table of rows and nothing else: a write-ahead log, synchronous FULL or NORMAL, a checkpoint
 * of what is new at every 1,000 pages, as the log has them. Dies if it cannot.
 */
struct bare *bare_open(const char *name, bool is_synced);

/* In one transaction: the events at @count positions from @first on, of each of so many keys. */
void bare_insert(struct bare *bare, uint64_t keys_count, uint64_t first, uint64_t count);

/* A log's file, to look at. */
struct bare *bare_open_log(const char *name);

/* Steps through all rows of the first key, and takes every column; how many there were. */
uint64_t bare_select(struct bare *bare);

void bare_close(struct bare *bare);

#endif /* BENCH_BARE_H */
