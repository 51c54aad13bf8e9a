/* SPDX-License-Identifier: MIT */
#include "store/slab.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/numbers.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes)   ((void)(memory), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) ((void)(memory), (void)(bytes))
#endif

enum {
	CHUNK_BYTES = 64 * 1024,
};

struct free_block {
	struct free_block *next;
};

/* At the beginning of its own pages. */
struct chunk {
	TAILQ_ENTRY(chunk) link; /* while it has room */
	struct block *block;
	struct free_block *free; /* that were out before */
	uint64_t carved;         /* how far blocks have ever been taken from it */
	uint64_t out;            /* how many blocks */
};

void
slab_open(struct slab *slab, struct pool *pool, uint64_t bytes)
{
	REPRISE_ASSERT(bytes % CACHE_LINE_BYTES == 0);
	REPRISE_ASSERT(bytes <= CHUNK_BYTES / 8);
	slab->pool = pool;
	slab->bytes = bytes;
	TAILQ_INIT(&slab->with_room);
	pthread_mutex_init(&slab->lock, NULL);
}

void
slab_close(struct slab *slab)
{
	struct chunk *chunk;

	TAILQ_FOREACH(chunk, &slab->with_room, link)
		ASAN_UNPOISON_MEMORY_REGION(chunk, CHUNK_BYTES);
	pthread_mutex_destroy(&slab->lock);
}

static struct chunk *
add_chunk(struct slab *slab)
{
	struct block *const block = pool_take(slab->pool, CHUNK_BYTES);

	if (block == NULL)
		return NULL;
	struct chunk *const chunk = (struct chunk *)(void *)block->memory;

	*chunk = (struct chunk){
		.block = block,
		.carved = round_up(sizeof(struct chunk), CACHE_LINE_BYTES),
	};
	TAILQ_INSERT_HEAD(&slab->with_room, chunk, link);
	return chunk;
}

static bool
has_room(const struct slab *slab, const struct chunk *chunk)
{
	return chunk->free != NULL || chunk->carved + slab->bytes <= CHUNK_BYTES;
}

static void *
take_from(const struct slab *slab, struct chunk *chunk)
{
	struct free_block *const free = chunk->free;

	chunk->out++;
	if (free != NULL) {
		ASAN_UNPOISON_MEMORY_REGION(free, slab->bytes);
		chunk->free = free->next;
		return free;
	}
	chunk->carved += slab->bytes;
	return (unsigned char *)chunk + chunk->carved - slab->bytes;
}

void *
slab_take(struct slab *slab, struct chunk **ret_chunk)
{
	void *block = NULL;

	pthread_mutex_lock(&slab->lock);
	struct chunk *chunk = TAILQ_FIRST(&slab->with_room);

	if (chunk == NULL)
		chunk = add_chunk(slab);
	if (chunk != NULL) {
		block = take_from(slab, chunk);
		if (!has_room(slab, chunk))
			TAILQ_REMOVE(&slab->with_room, chunk, link);
		*ret_chunk = chunk;
	}
	pthread_mutex_unlock(&slab->lock);
	if (block != NULL)
		memset(block, 0, slab->bytes);
	return block;
}

void
slab_give(struct slab *slab, struct chunk *chunk, void *block)
{
	struct free_block *const free = block;
	struct block *empty = NULL;

	pthread_mutex_lock(&slab->lock);
	if (!has_room(slab, chunk))
		TAILQ_INSERT_HEAD(&slab->with_room, chunk, link);
	free->next = chunk->free;
	chunk->free = free;
	ASAN_POISON_MEMORY_REGION(free, slab->bytes); /* as malloc's would be */
	/* One is kept, so that a single block that comes and goes costs no system call. */
	if (--chunk->out == 0 &&
	    (TAILQ_FIRST(&slab->with_room) != chunk || TAILQ_NEXT(chunk, link) != NULL)) {
		TAILQ_REMOVE(&slab->with_room, chunk, link);
		empty = chunk->block;
		ASAN_UNPOISON_MEMORY_REGION(empty->memory, CHUNK_BYTES);
	}
	pthread_mutex_unlock(&slab->lock);
	pool_give(slab->pool, empty);
}
