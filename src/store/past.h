/* SPDX-License-Identifier: MIT */
#ifndef STORE_PAST_H
#define STORE_PAST_H

/*
 * The positions of windows that are gone, so that the next life of an id goes on above them. A
 * table of fixed size by the id's hash, in which a newer window may take the place of another;
 * memory is touched as it fills. Under the store's lock.
 */

#include "store/pool.h"

enum {
	PAST_SETS = 65536,
	PAST_WAYS = 4,
};

struct past {
	struct past_entry *entries; /* NULL until the first */
	struct block *block;
};

/* Remembers that @newest was given out for @hash. Without memory for the table it does nothing. */
void past_remember(struct past *past, struct pool *pool, uint64_t hash, uint64_t newest);

/* The greatest that is remembered of @hash, or 0. */
uint64_t past_newest(const struct past *past, uint64_t hash);

#endif /* STORE_PAST_H */
