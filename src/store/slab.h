/* SPDX-License-Identifier: MIT */
#ifndef STORE_SLAB_H
#define STORE_SLAB_H

/*
 * Many blocks of one size, packed without a gap into chunks of pages; a chunk whose last block
 * comes back gives its pages to the system. malloc would keep them, and pad each block.
 */

#include <sys/queue.h>

#include "store/pool.h"

struct chunk;

struct slab {
	struct pool *pool; /* borrowed */
	uint64_t bytes;    /* of a block: a multiple of a cache line */
	pthread_mutex_t lock;
	TAILQ_HEAD(, chunk) with_room;
};

void slab_open(struct slab *slab, struct pool *pool, uint64_t bytes);

/* The pages of blocks that are out go with the pool. */
void slab_close(struct slab *slab);

/* Zeroed, aligned to a cache line; NULL if there is none. *ret_chunk is for slab_give. */
void *slab_take(struct slab *slab, struct chunk **ret_chunk);
void slab_give(struct slab *slab, struct chunk *chunk, void *block);

#endif /* STORE_SLAB_H */
