/* SPDX-License-Identifier: MIT */
#include "durable/tables.h"

#include <stdlib.h>
#include <string.h>

/* The analyzer of gcc 12 loses what an element of an array points to. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum {
	ROOM_MIN = 4,
};

static const char *
producer_id(const struct durable_state *state, size_t index)
{
	return state->producers[index].id;
}

static const char *
fork_id(const struct durable_state *state, size_t index)
{
	return state->forks[index];
}

/* The index of the first entry whose id is not below @id. */
static size_t
lower_bound(const struct durable_state *state, size_t count, const char *id,
	    const char *(*id_at)(const struct durable_state *state, size_t index))
{
	size_t low = 0, high = count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(id_at(state, middle), id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t
producer_index(const struct durable_state *state, const char *id)
{
	return lower_bound(state, state->producers_count, id, producer_id);
}

static size_t
fork_index(const struct durable_state *state, const char *id)
{
	return lower_bound(state, state->forks_count, id, fork_id);
}

static bool
has_producer_at(const struct durable_state *state, size_t index, const char *id)
{
	return index < state->producers_count && strcmp(producer_id(state, index), id) == 0;
}

static bool
has_fork_at(const struct durable_state *state, size_t index, const char *id)
{
	return index < state->forks_count && strcmp(fork_id(state, index), id) == 0;
}

/* Room that doubles, so that many insertions copy each entry a few times at most. */
static size_t
more_room(size_t room, size_t count)
{
	const size_t doubled = room < ROOM_MIN ? ROOM_MIN : 2 * room;

	return doubled < count ? count : doubled;
}

bool
tables_reserve_producers(struct durable_state *state, size_t count)
{
	struct durable_producer *producers;
	size_t room;

	if (count <= state->producers_room)
		return true;
	room = more_room(state->producers_room, count);
	producers = realloc(state->producers, room * sizeof(*producers));
	if (producers == NULL)
		return false;
	state->producers = producers;
	state->producers_room = room;
	return true;
}

bool
tables_reserve_forks(struct durable_state *state, size_t count)
{
	char **forks;
	size_t room;

	if (count <= state->forks_room)
		return true;
	room = more_room(state->forks_room, count);
	forks = realloc(state->forks, room * sizeof(*forks));
	if (forks == NULL)
		return false;
	state->forks = forks;
	state->forks_room = room;
	return true;
}

struct durable_producer *
tables_find_producer(const struct durable_state *state, const char *id)
{
	const size_t index = producer_index(state, id);

	return has_producer_at(state, index, id) ? &state->producers[index] : NULL;
}

/* A producer with the id alone. */
static enum durable_applied
insert_producer(struct durable_state *state, size_t index, const char *id)
{
	struct durable_producer *at;
	char *own_id;

	if (state->producers_count == DURABLE_PRODUCERS_MAX)
		return DURABLE_MALFORMED;
	if (!tables_reserve_producers(state, state->producers_count + 1))
		return DURABLE_NO_MEMORY;
	own_id = strdup(id);
	if (own_id == NULL)
		return DURABLE_NO_MEMORY;
	at = &state->producers[index];
	memmove(at + 1, at, (state->producers_count - index) * sizeof(*at));
	at->id = own_id;
	state->producers_count++;
	return DURABLE_APPLIED;
}

enum durable_applied
tables_put_producer(struct durable_state *state, const char *id,
		    const struct durable_producer *values)
{
	const size_t index = producer_index(state, id);
	enum durable_applied applied = DURABLE_APPLIED;
	struct durable_producer *at;

	if (!has_producer_at(state, index, id))
		applied = insert_producer(state, index, id);
	if (applied != DURABLE_APPLIED)
		return applied;
	at = &state->producers[index];
	at->epoch = values->epoch;
	at->number = values->number;
	at->last = values->last;
	return DURABLE_APPLIED;
}

enum durable_applied
tables_add_fork(struct durable_state *state, const char *session_id)
{
	const size_t index = fork_index(state, session_id);
	char *own_id, **at;

	if (has_fork_at(state, index, session_id))
		return DURABLE_APPLIED;
	if (state->forks_count == DURABLE_FORKS_MAX)
		return DURABLE_MALFORMED;
	if (!tables_reserve_forks(state, state->forks_count + 1))
		return DURABLE_NO_MEMORY;
	own_id = strdup(session_id);
	if (own_id == NULL)
		return DURABLE_NO_MEMORY;
	at = &state->forks[index];
	memmove(at + 1, at, (state->forks_count - index) * sizeof(*at));
	*at = own_id;
	state->forks_count++;
	return DURABLE_APPLIED;
}

void
tables_remove_fork(struct durable_state *state, const char *session_id)
{
	const size_t index = fork_index(state, session_id);
	char **at;

	if (!has_fork_at(state, index, session_id))
		return;
	at = &state->forks[index];
	free(*at);
	state->forks_count--;
	memmove(at, at + 1, (state->forks_count - index) * sizeof(*at));
}

void
tables_free(struct durable_state *state)
{
	for (size_t i = 0; i < state->producers_count; i++)
		free(state->producers[i].id);
	for (size_t i = 0; i < state->forks_count; i++)
		free(state->forks[i]);
	free(state->producers);
	free(state->forks);
	state->producers = NULL;
	state->forks = NULL;
	state->producers_count = state->producers_room = 0;
	state->forks_count = state->forks_room = 0;
}
