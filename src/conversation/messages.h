/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_MESSAGES_H
#define CONVERSATION_MESSAGES_H

/*
 * The parts of a state: messages in a table by their ids, and in a list by their first events. The
 * table is ConcurrencyKit's ck_hs. The room alone knows this header, and not conversation.c.
 */

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <ck_hs.h>

#include <reprise/base.h>

#include "base/numbers.h"
#include "base/siphash.h"

/* Where a step's output can be read. */
struct message_place {
	uint64_t ordinal;
	uint32_t step;
};

/* An output, or an error text, with a NUL behind it. */
struct message_text {
	size_t size;
	unsigned char bytes[];
};

/* Of the second cache line on, it is what a look-up and a decision read. */
struct conversation_message {
	struct conversation_message *previous, *next; /* by first events */
	uint64_t received_at_ms, received_ordinal;
	struct message_text *error;    /* NULL: none */
	struct message_place *places;  /* ascending by step; NULL: steps_capacity is 0 */
	struct message_text **outputs; /* of the places; NULL if the message is finished */
	uint32_t steps_capacity;
	alignas(CACHE_LINE_BYTES) uint64_t hash;
	uint32_t id_bytes;
	uint32_t steps_count;
	uint32_t last_step; /* the last place's; 0 without one */
	/* Prepared: in the table, not yet in the list, and unknown to every query. */
	bool is_pending;
	bool is_received;
	bool is_in_progress;
	bool is_finished;
	char id[]; /* with a NUL behind it */
};

/* The memory that one event needs; NULL where it needs none. */
struct prepared {
	struct conversation_message *message; /* NULL: nothing is prepared */
	struct message_place *places;         /* a larger array, */
	struct message_text **outputs; /* another beside it unless the message is finished, */
	uint32_t capacity;             /* and their size */
	struct message_text *text;     /* an output, or an error text, */
				       /* if the state keeps it */
};

struct conversation_state {
	ck_hs_t table;
	struct siphash_key
		key; /* of the state and its copies: nobody can choose ids that collide */
	struct conversation_message *first, *last;
	size_t messages_count;   /* in the list */
	size_t tombstones_count; /* removed from the table since it was made */
	size_t bytes;            /* taken, and not given back */
	uint64_t horizon_ms;
	uint64_t last_ordinal;
	struct prepared prepared;
};

/* An empty table, with random bytes as its key, or those of @model if it is not NULL. */
reprise_status messages_open(const struct conversation_state *model,
			     struct conversation_state **ret_state) REPRISE_MUST_USE;

/* Gives all messages, the table and the state back; nothing is prepared. */
void messages_close(struct conversation_state *state);

/* Memory that counts as the state's. NULL if there is none. */
static inline void *
messages_take(struct conversation_state *state, size_t size)
{
	void *const memory = malloc(size);

	if (memory != NULL)
		state->bytes += size;
	return memory;
}

/* @memory may be NULL; @size as taken. */
static inline void
messages_give(struct conversation_state *state, void *memory, size_t size)
{
	if (memory == NULL)
		return;
	state->bytes -= size;
	free(memory);
}

/* Pending ones, too. NULL: not there. */
struct conversation_message *messages_find(const struct conversation_state *state,
					   struct reprise_bytes id);

/*
 * A message that is pending; @id is not in the table. NULL if there is no memory: nothing changed.
 */
struct conversation_message *messages_add(struct conversation_state *state,
					  struct reprise_bytes id);

/* A pending message is pending no more, and stands last in the list. */
void messages_admit(struct conversation_state *state, struct conversation_message *message);

/* Gives all memory of the message back, pending or not. */
void messages_remove(struct conversation_state *state, struct conversation_message *message);

/*
 * After removals: a table as large as its messages need, without tombstones. Where there is no
 * memory for it, the old one stays. No message is pending.
 */
void messages_tidy(struct conversation_state *state);

/* Whether the horizon says that the message is to be forgotten. */
static inline bool
message_is_forgettable(const struct conversation_state *state,
		       const struct conversation_message *message)
{
	/* Of a message that was never received, received_at_ms is 0. */
	return message->is_finished && message->received_at_ms < state->horizon_ms;
}

static inline struct reprise_bytes
message_id(const struct conversation_message *message)
{
	return (struct reprise_bytes){ message->id, message->id_bytes };
}

static inline struct reprise_bytes
text_of(const struct message_text *text)
{
	return (struct reprise_bytes){ text->bytes, text->size };
}

#endif /* CONVERSATION_MESSAGES_H */
