/* SPDX-License-Identifier: MIT */
#include "jetstream/table.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOM_LEAST = 16,
};

static size_t
slot_of(const struct table *table, uint64_t hash, const char *id)
{
	size_t at = hash & (table->room - 1);

	while (table->slots[at] != NULL &&
	       (table->slots[at]->hash != hash || strcmp(table->slots[at]->id, id) != 0))
		at = (at + 1) & (table->room - 1);
	return at;
}

struct buffered *
table_find(const struct table *table, const struct siphash_key *key, const char *id)
{
	return table->room == 0 ? NULL
				: table->slots[slot_of(table, siphash(key, id, strlen(id)), id)];
}

/* At most half of the slots are taken. */
static bool
grow(struct table *table)
{
	struct table grown = { .room = table->room == 0 ? ROOM_LEAST : 2 * table->room };

	if (2 * (table->count + 1) <= table->room)
		return true;
	grown.slots = calloc(grown.room, sizeof(struct buffered *));
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < table->room; i++)
		if (table->slots[i] != NULL)
			grown.slots[slot_of(&grown, table->slots[i]->hash, table->slots[i]->id)] =
				table->slots[i];
	free(table->slots);
	table->slots = grown.slots;
	table->room = grown.room;
	return true;
}

bool
table_add(struct table *table, const struct siphash_key *key, const char *id,
	  const unsigned char *digest, uint64_t version, uint64_t sequence)
{
	const size_t bytes = strlen(id);
	struct buffered *const buffered =
		grow(table) ? malloc(sizeof(*buffered) + bytes + 1) : NULL;

	if (buffered == NULL)
		return false;
	buffered->version = version;
	buffered->sequence = sequence;
	buffered->hash = siphash(key, id, bytes);
	memcpy(buffered->digest, digest, sizeof(buffered->digest));
	memcpy(buffered->id, id, bytes + 1);
	SLIST_INSERT_HEAD(&table->all, buffered, next);
	table->slots[slot_of(table, buffered->hash, id)] = buffered;
	table->count++;
	return true;
}

void
table_free(struct table *table)
{
	struct buffered *buffered;

	while ((buffered = SLIST_FIRST(&table->all)) != NULL) {
		SLIST_REMOVE_HEAD(&table->all, next);
		free(buffered);
	}
	free(table->slots);
	*table = (struct table){ 0 };
}
