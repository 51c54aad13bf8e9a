/* SPDX-License-Identifier: MIT */
#include "store/pool.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/numbers.h"

/* The models have smaller ones. */
#ifndef RESERVATION_BYTES_FIRST
#define RESERVATION_BYTES_FIRST (UINT64_C(8) << 20)
#endif
#define RESERVATION_BYTES_LAST (UINT64_C(1) << 30)

struct reservation {
	struct reservation *next;
	unsigned char *pages;
	uint64_t bytes;
	uint64_t carved;
};

/* Descriptions of blocks, many at a time: a block, once carved, is one for ever. */
enum {
	LABELS_COUNT = 128,
};

struct labels {
	struct labels *next;
	uint64_t count;
	struct block blocks[LABELS_COUNT];
};

void
pool_open(struct pool *pool, struct memory *memory, bool is_inherited)
{
	*pool = (struct pool){ .memory = memory,
			       .is_inherited = is_inherited,
			       .reservation_bytes = RESERVATION_BYTES_FIRST };
	pthread_mutex_init(&pool->lock, NULL);
}

void
pool_close(struct pool *pool)
{
	while (pool->labels != NULL) {
		struct labels *const labels = pool->labels;

		pool->labels = labels->next;
		memory_give(pool->memory, labels, sizeof(*labels));
	}
	while (pool->reservations != NULL) {
		struct reservation *const reservation = pool->reservations;

		pool->reservations = reservation->next;
		memory_unmap(pool->memory, reservation->pages, reservation->bytes);
		memory_give(pool->memory, reservation, sizeof(*reservation));
	}
	pthread_mutex_destroy(&pool->lock);
}

static struct reservation *
reserve(struct pool *pool, uint64_t bytes)
{
	struct reservation *const reservation =
		memory_take(pool->memory, sizeof(struct reservation));

	if (reservation == NULL)
		return NULL;
	reservation->bytes = greatest(bytes, pool->reservation_bytes);
	reservation->pages = memory_map(pool->memory, reservation->bytes);
	if (reservation->pages == NULL && reservation->bytes > bytes) {
		/* Address space may be limited where memory is not. */
		reservation->bytes = bytes;
		reservation->pages = memory_map(pool->memory, bytes);
	}
	if (reservation->pages == NULL) {
		memory_give(pool->memory, reservation, sizeof(*reservation));
		return NULL;
	}
	if (!pool->is_inherited)
		(void)madvise(reservation->pages, reservation->bytes, MADV_DONTFORK);
	pool->reservation_bytes = least(2 * pool->reservation_bytes, RESERVATION_BYTES_LAST);
	reservation->next = pool->reservations;
	pool->reservations = reservation;
	return reservation;
}

/* Makes sure that there is room to describe one more block. */
static bool
have_label(struct pool *pool)
{
	if (pool->labels != NULL && pool->labels->count < LABELS_COUNT)
		return true;
	struct labels *const labels = memory_take(pool->memory, sizeof(*labels));

	if (labels == NULL)
		return false;
	labels->next = pool->labels;
	pool->labels = labels;
	return true;
}

static struct block *
carve(struct pool *pool, uint64_t bytes)
{
	struct reservation *reservation = pool->reservations;

	if (!have_label(pool))
		return NULL;
	if (reservation == NULL || reservation->bytes - reservation->carved < bytes)
		reservation = reserve(pool, bytes);
	if (reservation == NULL)
		return NULL;
	struct block *const block = &pool->labels->blocks[pool->labels->count++];

	block->memory = reservation->pages + reservation->carved;
	block->bytes = bytes;
	reservation->carved += bytes;
	return block;
}

uint64_t
pool_block_bytes(uint64_t bytes)
{
	const uint64_t power = power_of_two_from(bytes);

	/* Whole pages: pool_give takes a page from all that is in it. */
	return round_up(bytes, greatest(power / 8, memory_page_bytes()));
}

/* Of blocks of @bytes: the power of two, and which quarter of the way to the next. */
static size_t
size_index(uint64_t bytes)
{
	const size_t power = 63 - (size_t)__builtin_clzll(bytes);

	return 4 * power + (size_t)(bytes >> (power - 2) & 3);
}

struct block *
pool_take(struct pool *pool, uint64_t bytes)
{
	const uint64_t rounded = pool_block_bytes(bytes);
	struct block **const idle = &pool->idle[size_index(rounded)];

	pthread_mutex_lock(&pool->lock);
	struct block *block = *idle;

	if (block != NULL)
		*idle = block->next;
	else
		block = carve(pool, rounded);
	pthread_mutex_unlock(&pool->lock);
	return block;
}

void
pool_give(struct pool *pool, struct block *block)
{
	if (block == NULL)
		return;
	/* Refused for locked memory: then it stays resident until the pool is closed. */
	(void)madvise(block->memory, block->bytes, MADV_DONTNEED);

	struct block **const idle = &pool->idle[size_index(block->bytes)];

	pthread_mutex_lock(&pool->lock);
	block->next = *idle;
	*idle = block;
	pthread_mutex_unlock(&pool->lock);
}
