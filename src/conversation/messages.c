/* SPDX-License-Identifier: MIT */
#include "conversation/messages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "conversation/steps.h"

enum {
	MESSAGES_FIRST = 8,  /* slots of an empty table */
	TOMBSTONES_FEW = 64, /* fewer are left in a table */
	SLOTS_MAX = 1 << 30, /* asked for at once; the table grows beyond */
	TAG_SHIFT = 64 - 5,  /* of the hash */
	TAG_MASK = 31,
	PROBE_BIT = 32,
};

static_assert(CACHE_LINE_BYTES > TAG_MASK + PROBE_BIT, "an address has room for both");
static_assert(offsetof(struct conversation_message, hash) == CACHE_LINE_BYTES,
	      "a look-up reads one line of a message, and its id");

/*
 * The table calls these without a context. Its memory is the state's: after a call, the memory
 * taken and given back is added to the state's count.
 */
static _Thread_local size_t table_bytes;

static void *
table_allocate(size_t size)
{
	void *const memory = malloc(size);

	if (memory != NULL)
		table_bytes += size;
	return memory;
}

static void
table_release(void *memory, size_t size, bool is_deferred)
{
	(void)is_deferred; /* nobody looks at once with a change */
	table_bytes -= size;
	free(memory);
}

static struct ck_malloc table_memory = { .malloc = table_allocate, .free = table_release };

/*
 * A message begins at a cache line, so the low bits of its address are free. In the table five of
 * them are bits of its hash, so that a look-up reads no line of a message whose bits differ.
 */
static const void *
slot_of(const struct conversation_message *message)
{
	return (const char *)message + (message->hash >> TAG_SHIFT);
}

static struct conversation_message *
message_of(const void *slot)
{
	return (struct conversation_message *)((char *)slot - ((uintptr_t)slot & TAG_MASK));
}

/* The id that a look-up searches for. The address of a probe has a bit set that no slot has. */
struct probe {
	uint64_t hash;
	struct reprise_bytes id;
};

struct placed_probe {
	alignas(CACHE_LINE_BYTES) unsigned char before[PROBE_BIT];
	struct probe probe;
};

static_assert(offsetof(struct placed_probe, probe) == PROBE_BIT, "its address has the bit");

static unsigned long
hash_of(const void *slot, unsigned long seed)
{
	(void)seed;
	return message_of(slot)->hash;
}

static bool
slot_matches(const void *slot, const void *key)
{
	/* A message that is put into the table is compared, too: no other has its id. */
	if (((uintptr_t)key & PROBE_BIT) == 0)
		return false;
	const struct probe *const probe = key;

	if (((uintptr_t)slot & TAG_MASK) != probe->hash >> TAG_SHIFT)
		return false;
	const struct conversation_message *const message = message_of(slot);

	return message->hash == probe->hash && message->id_bytes == probe->id.size &&
	       memcmp(message->id, probe->id.data, probe->id.size) == 0;
}

static bool
table_open(struct conversation_state *state, ck_hs_t *table, uint64_t slots)
{
	table_bytes = 0;
	const bool is_open =
		ck_hs_init(table, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash_of, slot_matches,
			   &table_memory, (unsigned int)least(slots, SLOTS_MAX), 0);

	state->bytes += table_bytes;
	return is_open;
}

static void
table_close(struct conversation_state *state, ck_hs_t *table)
{
	table_bytes = 0;
	ck_hs_destroy(table);
	state->bytes += table_bytes;
}

static bool
table_put(struct conversation_state *state, ck_hs_t *table,
	  const struct conversation_message *message)
{
	table_bytes = 0;
	const bool is_there = ck_hs_put_unique(table, message->hash, slot_of(message));

	state->bytes += table_bytes;
	return is_there;
}

reprise_status
messages_open(const struct conversation_state *model, struct conversation_state **ret_state)
{
	struct conversation_state *const state = calloc(1, sizeof(*state));

	if (state == NULL)
		return REPRISE_E_NO_MEMORY;
	state->bytes = sizeof(*state);
	if (model != NULL) {
		state->key = model->key;
	} else if (!random_bytes(&state->key, sizeof(state->key))) {
		free(state);
		return REPRISE_E_SYSTEM;
	}
	if (!table_open(state, &state->table, MESSAGES_FIRST)) {
		free(state);
		return REPRISE_E_NO_MEMORY;
	}
	*ret_state = state;
	return REPRISE_OK;
}

struct conversation_message *
messages_find(const struct conversation_state *state, struct reprise_bytes id)
{
	const struct placed_probe placed = { .probe = { siphash(&state->key, id.data, id.size),
							id } };
	const void *const slot =
		ck_hs_get((ck_hs_t *)&state->table, placed.probe.hash, &placed.probe);

	return slot == NULL ? NULL : message_of(slot);
}

/* Of a message: a multiple of its alignment. */
static size_t
message_bytes(size_t id_bytes)
{
	return round_up(offsetof(struct conversation_message, id) + id_bytes + 1, CACHE_LINE_BYTES);
}

static void
give_message(struct conversation_state *state, struct conversation_message *message)
{
	steps_give(state, message);
	text_give(state, message->error);
	messages_give(state, message, message_bytes(message->id_bytes));
}

struct conversation_message *
messages_add(struct conversation_state *state, struct reprise_bytes id)
{
	const size_t bytes = message_bytes(id.size);
	struct conversation_message *const message = aligned_alloc(CACHE_LINE_BYTES, bytes);

	if (message == NULL)
		return NULL;
	state->bytes += bytes;
	memset(message, 0, bytes);
	message->is_pending = true;
	message->id_bytes = (uint32_t)id.size;
	memcpy(message->id, id.data, id.size);
	message->hash = siphash(&state->key, id.data, id.size);
	if (table_put(state, &state->table, message))
		return message;
	give_message(state, message);
	return NULL;
}

void
messages_admit(struct conversation_state *state, struct conversation_message *message)
{
	message->is_pending = false;
	message->previous = state->last;
	message->next = NULL;
	if (state->last != NULL)
		state->last->next = message;
	else
		state->first = message;
	state->last = message;
	state->messages_count++;
}

static void
unlink_message(struct conversation_state *state, struct conversation_message *message)
{
	if (message->previous != NULL)
		message->previous->next = message->next;
	else
		state->first = message->next;
	if (message->next != NULL)
		message->next->previous = message->previous;
	else
		state->last = message->previous;
	state->messages_count--;
}

void
messages_remove(struct conversation_state *state, struct conversation_message *message)
{
	const struct placed_probe placed = { .probe = { message->hash, message_id(message) } };

	const void *const slot = ck_hs_remove(&state->table, placed.probe.hash, &placed.probe);

	REPRISE_ASSERT(slot == slot_of(message));
	state->tombstones_count++;
	if (!message->is_pending)
		unlink_message(state, message);
	give_message(state, message);
}

void
messages_tidy(struct conversation_state *state)
{
	ck_hs_t table;

	if (state->tombstones_count <= state->messages_count + TOMBSTONES_FEW)
		return;
	if (!table_open(state, &table, greatest(2 * state->messages_count, MESSAGES_FIRST)))
		return;
	for (const struct conversation_message *message = state->first; message != NULL;
	     message = message->next)
		if (!table_put(state, &table, message)) {
			table_close(state, &table);
			return;
		}
	table_close(state, &state->table);
	state->table = table;
	state->tombstones_count = 0;
}

void
messages_close(struct conversation_state *state)
{
	for (struct conversation_message *message = state->first, *next; message != NULL;
	     message = next) {
		next = message->next;
		give_message(state, message);
	}
	table_close(state, &state->table);
	/* All that was taken was given back, but for the state. */
	REPRISE_ASSERT(state->bytes == sizeof(*state));
	free(state);
}
