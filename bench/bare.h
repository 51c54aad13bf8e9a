/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

/* SQLite by itself: the same rows in the same table, with nothing around them. */

#include "durable.h"

struct bare;

/*
 * A new file with the log's table of rows and nothing else: a write-ahead log, synchronous FULL or
 * NORMAL, a checkpoint of what is new at every 1,000 pages, as the log has them. Dies if it cannot.
 */
struct bare *bare_open(const char *name, bool is_synced);

/* The row of the event at @position of a key, between begin and commit. */
void bare_begin(struct bare *bare);
void bare_insert(struct bare *bare, uint64_t key, uint64_t position);
void bare_commit(struct bare *bare);

/* The same with another payload, in a transaction of its own. */
void bare_put(struct bare *bare, uint64_t position, struct reprise_bytes payload);

/* A log's file, to look at. */
struct bare *bare_open_log(const char *name);

/* Steps through all rows of the first key, and takes every column; how many there were. */
uint64_t bare_select(struct bare *bare);

/* The same, and shows each payload to @take. */
uint64_t bare_each(struct bare *bare, void (*take)(struct reprise_bytes payload, void *context),
		   void *context);

void bare_close(struct bare *bare);

#endif /* BENCH_BARE_H */
