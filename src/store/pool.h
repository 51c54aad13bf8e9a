/* SPDX-License-Identifier: MIT */
#ifndef STORE_POOL_H
#define STORE_POOL_H

/*
 * Pages for arenas and staging. A mapping each would end at the kernel's limit of 65,530 mappings
 * a process, so blocks are carved from large reservations, in four sizes to each power of two; a
 * block that comes back gives its pages to the system and keeps its addresses for the next of its
 * size.
 * Nothing is touched before its user touches it.
 */

#include <pthread.h>

#include "base/memory.h"

struct block {
	struct block *next;
	unsigned char *memory;
	uint64_t bytes;
};

struct reservation;
struct labels;

enum {
	POOL_SIZES = 4 * 48,
};

struct pool {
	struct memory *memory; /* borrowed */
	bool is_inherited;     /* by the child of a fork */
	pthread_mutex_t lock;
	struct block *idle[POOL_SIZES];
	struct labels *labels; /* what describes the blocks, carved or idle; the first has room */
	struct reservation *reservations; /* the first is being carved */
	uint64_t reservation_bytes;       /* of the next one */
};

/*
 * The child of a fork has copies of the blocks, if @is_inherited; else it does not even have the
 * addresses, and the fork does not pay for them.
 */
void pool_open(struct pool *pool, struct memory *memory, bool is_inherited);

/* Every block is given back to the system, also those that are out. */
void pool_close(struct pool *pool);

/* How large a block for @bytes is: whole pages of the kernel's. */
uint64_t pool_block_bytes(uint64_t bytes);

/* At least @bytes, aligned to a page; NULL if there are none. */
struct block *pool_take(struct pool *pool, uint64_t bytes);

/* @block may be NULL. */
void pool_give(struct pool *pool, struct block *block);

#endif /* STORE_POOL_H */
