/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* A store: sessions by id, who holds them, its bounds (contracts A05, A20, A26). */

void
model_close(struct model *model)
{
	while (model->lives != NULL) {
		struct model_life *const life = model->lives;

		model->lives = life->older;
		free(life->events);
		free(life);
	}
}

struct model_life *
model_find(const struct model *model, unsigned int id)
{
	for (struct model_life *life = model->lives; life != NULL; life = life->older)
		if (life->id == id && life->is_in_table)
			return life;
	return NULL;
}

uint64_t
model_sessions(const struct model *model, bool idle_alone)
{
	uint64_t count = 0;

	for (const struct model_life *life = model->lives; life != NULL; life = life->older)
		count += life->is_in_table && (!idle_alone || life->handles == 0);
	return count;
}

/* Windows in the table, and void or replaced ones that are held. */
static uint64_t
bytes_of(const struct model *model, bool held_alone)
{
	uint64_t bytes = 0;

	for (const struct model_life *life = model->lives; life != NULL; life = life->older)
		if (life->handles != 0 || (life->is_in_table && !held_alone))
			bytes += life->cost;
	return bytes;
}

uint64_t
model_bytes(const struct model *model)
{
	return bytes_of(model, false);
}

static uint64_t
power_of_two_from(uint64_t number)
{
	uint64_t power = 1;

	while (power < number)
		power *= 2;
	return power;
}

bool
model_resolve(const struct model *model, const struct model_bounds *given,
	      struct model_bounds *ret_bounds)
{
	struct model_bounds bounds = model->bounds;

	if (given->events_max != 0)
		bounds.events_max = given->events_max;
	if (given->bytes_max != 0)
		bounds.bytes_max = given->bytes_max;
	if (given->age_ns_max != 0)
		bounds.age_ns_max = given->age_ns_max;
	bounds.is_deduplicated |= given->is_deduplicated;
	if (bounds.bytes_max < 256 || bounds.bytes_max > UINT64_C(1) << 31)
		return false;
	bounds.bytes_max = power_of_two_from(bounds.bytes_max);
	/* No more events fit than headers do. */
	if (bounds.events_max > bounds.bytes_max / MODEL_RECORD_HEADER_BYTES)
		bounds.events_max = bounds.bytes_max / MODEL_RECORD_HEADER_BYTES;
	*ret_bounds = bounds;
	return true;
}

static void
become_idle(struct model_life *life)
{
	life->idle_since_ns = life->model->now_ns;
	life->idle_turn = ++life->model->turns;
}

struct model_life *
model_last_heir(struct model_life *life)
{
	while (life->heir != NULL)
		life = life->heir;
	return life;
}

void
model_hold(struct model_life *life)
{
	life->handles++;
}

void
model_let_go(struct model_life *life)
{
	life = model_last_heir(life);
	if (--life->handles == 0)
		become_idle(life);
}

/* The one that nobody holds for longest leaves the table; there is one. */
static void
evict(struct model *model)
{
	struct model_life *first = NULL;

	for (struct model_life *life = model->lives; life != NULL; life = life->older)
		if (life->is_in_table && life->handles == 0 &&
		    (first == NULL || life->idle_turn < first->idle_turn))
			first = life;
	if (first == NULL)
		abort();
	first->is_in_table = false;
	model->evicted++;
}

/* Which bound refuses one more window, or NULL. */
static const char *
full(const struct model *model, uint64_t cost, const struct model_life *before)
{
	const uint64_t held = model_sessions(model, false) - model_sessions(model, true);

	if (before == NULL && held >= model->sessions_max)
		return "sessions_max";
	if (cost > model->bytes_max || bytes_of(model, true) > model->bytes_max - cost)
		return "bytes_max";
	return NULL;
}

/* A new life of @id, in the place of @before if there is one, idle. */
static struct model_life *
create(struct model *model, unsigned int id, const struct model_bounds *bounds,
       struct model_life *before, const char **ret_full)
{
	const uint64_t cost = model_window_cost(bounds);

	*ret_full = full(model, cost, before);
	if (*ret_full != NULL)
		return NULL;
	if (before != NULL)
		before->is_in_table = false;
	while ((before == NULL && model_sessions(model, false) >= model->sessions_max) ||
	       bytes_of(model, false) > model->bytes_max - cost)
		evict(model);
	struct model_life *const life = calloc(1, sizeof(*life));

	if (life == NULL)
		abort();
	life->model = model;
	life->older = model->lives;
	model->lives = life;
	life->id = id;
	life->bounds = *bounds;
	life->cost = cost;
	life->before = model->greatest[id];
	life->head = bounds->bytes_max >= 4096 ? bounds->bytes_max - 2048 : 0;
	life->is_in_table = true;
	become_idle(life);
	return life;
}

static bool
is_to_be_rebuilt(const struct model_life *life, const struct model_bounds *bounds)
{
	return life->count == 0 && (life->bounds.events_max != bounds->events_max ||
				    life->bounds.bytes_max != bounds->bytes_max ||
				    life->bounds.age_ns_max != bounds->age_ns_max ||
				    life->bounds.is_deduplicated != bounds->is_deduplicated);
}

/* Another window of the same life, in the place of @before, whose holders it has from here on. */
static struct model_life *
rebuild(struct model_life *before, const struct model_bounds *bounds, const char **ret_full)
{
	struct model *const model = before->model;
	const unsigned int handles = before->handles;
	const bool was_in_table = before->is_in_table;

	/* It counts for nothing, whether it is held or not. */
	before->handles = 0;
	before->is_in_table = false;
	struct model_life *const life = create(model, before->id, bounds, before, ret_full);

	if (life == NULL) {
		before->handles = handles;
		before->is_in_table = was_in_table;
		return NULL;
	}
	life->incarnation = before->incarnation;
	life->before = before->before;
	life->handles = handles;
	before->heir = life;
	return life;
}

reprise_status
model_open_writer(struct model *model, unsigned int id, const struct model_bounds *given,
		  struct model_life **ret_life, const char **ret_full)
{
	struct model_life *life = model_find(model, id);
	struct model_bounds bounds;

	if (!model_resolve(model, given, &bounds))
		return REPRISE_E_INVALID;
	if (life != NULL && life->has_writer)
		return REPRISE_E_BUSY;
	if (life == NULL || life->is_ended)
		life = create(model, id, &bounds, life, ret_full);
	else if (is_to_be_rebuilt(life, &bounds))
		life = rebuild(life, &bounds, ret_full);
	if (life == NULL)
		return REPRISE_E_FULL;
	life->has_writer = true;
	model->writers++;
	model_hold(life);
	*ret_life = life;
	return REPRISE_OK;
}

void
model_close_writer(struct model_life *life)
{
	life->is_reserved = false;
	life->has_writer = false;
	life->model->writers--;
	model_let_go(life);
}

reprise_status
model_create(struct model *model, unsigned int id, const struct model_bounds *given,
	     const char **ret_full)
{
	struct model_bounds bounds;

	if (!model_resolve(model, given, &bounds))
		return REPRISE_E_INVALID;
	if (model_find(model, id) != NULL)
		return REPRISE_OK;
	return create(model, id, &bounds, NULL, ret_full) != NULL ? REPRISE_OK : REPRISE_E_FULL;
}

void
model_invalidate(struct model *model, unsigned int id)
{
	struct model_life *const life = model_find(model, id);

	if (life == NULL)
		return;
	life->is_void = true;
	life->is_in_table = false;
}

uint64_t
model_expire(struct model *model)
{
	uint64_t count = 0;

	for (struct model_life *life = model->lives; life != NULL; life = life->older) {
		if (!life->is_in_table || life->handles != 0 ||
		    model->now_ns <= life->idle_since_ns ||
		    model->now_ns - life->idle_since_ns <= life->bounds.age_ns_max)
			continue;
		life->is_in_table = false;
		count++;
	}
	return count;
}
