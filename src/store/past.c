/* SPDX-License-Identifier: MIT */
#include "store/past.h"

#include <stddef.h>

#include "base/numbers.h"

struct past_entry {
	uint64_t hash;
	uint64_t newest; /* 0: nothing is remembered here */
};

static struct past_entry *
set_of(const struct past *past, uint64_t hash)
{
	return &past->entries[hash % PAST_SETS * PAST_WAYS];
}

void
past_remember(struct past *past, struct pool *pool, uint64_t hash, uint64_t newest)
{
	if (newest == 0)
		return;
	if (past->entries == NULL) {
		past->block = pool_take(pool, sizeof(struct past_entry) * PAST_SETS * PAST_WAYS);
		if (past->block == NULL)
			return;
		past->entries = (struct past_entry *)(void *)past->block->memory;
	}
	struct past_entry *const set = set_of(past, hash);
	struct past_entry *place = &set[0];

	for (size_t i = 0; i < PAST_WAYS; i++) {
		if (set[i].newest != 0 && set[i].hash == hash) {
			set[i].newest = greatest(set[i].newest, newest);
			return;
		}
		/* Else where the least is forgotten. */
		if (set[i].newest < place->newest)
			place = &set[i];
	}
	*place = (struct past_entry){ .hash = hash, .newest = newest };
}

uint64_t
past_newest(const struct past *past, uint64_t hash)
{
	if (past->entries == NULL)
		return 0;
	const struct past_entry *const set = set_of(past, hash);

	for (size_t i = 0; i < PAST_WAYS; i++)
		if (set[i].newest != 0 && set[i].hash == hash)
			return set[i].newest;
	return 0;
}
