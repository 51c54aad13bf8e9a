/* SPDX-License-Identifier: MIT */
#include "states.h"

#include <stdio.h>
#include <stdlib.h>

enum durable_applied
apply(struct durable_state *state, reprise_position position, struct durable_change *change)
{
	enum durable_applied applied;

	cr_assert(not(change->failed));
	applied = durable_state_apply(state, SESSION, position, DURABLE_KIND, change->data,
				      change->size);
	durable_change_free(change);
	return applied;
}

void
expect_applied(struct durable_state *state, reprise_position position,
	       struct durable_change *change)
{
	cr_assert(eq(int, (int)apply(state, position, change), DURABLE_APPLIED));
	cr_assert(eq(u64, state->through, position));
}

void
apply_data(struct durable_state *state, reprise_position position)
{
	cr_assert(eq(int, (int)durable_state_apply(state, SESSION, position, 7, "data", 4),
		     DURABLE_APPLIED));
	cr_assert(eq(u64, state->through, position));
	cr_assert(eq(u64, state->last_data, position));
}

struct durable_settings
plain_settings(void)
{
	return (struct durable_settings){ .type = "text/plain",
					  .type_sent = "text/plain; charset=utf-8" };
}

struct durable_state
created(const struct durable_settings *settings)
{
	struct durable_change change = { 0 };
	struct durable_state state;

	durable_state_init(&state);
	durable_change_create(&change, SESSION, settings, 5);
	expect_applied(&state, 1, &change);
	return state;
}

enum durable_applied
apply_bytes(const void *bytes, size_t size)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	unsigned char *const exact = malloc(size + (size == 0));
	enum durable_applied applied;

	cr_assert(ne(ptr, exact, NULL));
	memcpy(exact, bytes, size);
	applied = durable_state_apply(&state, SESSION, 2, DURABLE_KIND, exact, size);
	cr_assert(eq(u64, state.through, applied == DURABLE_APPLIED ? 2 : 1));
	free(exact);
	durable_state_free(&state);
	return applied;
}

static void
expect_equal_settings(const struct durable_settings *a, const struct durable_settings *b)
{
	cr_assert(eq(str, (char *)a->type, (char *)b->type));
	cr_assert(eq(str, (char *)a->type_sent, (char *)b->type_sent));
	cr_assert(eq(int, a->has_ttl, b->has_ttl));
	cr_assert(eq(int, a->has_expiry, b->has_expiry));
	cr_assert(eq(int, a->is_created_closed, b->is_created_closed));
	cr_assert(eq(u64, a->ttl_s, b->ttl_s));
	cr_assert(eq(u64, a->expires_ns, b->expires_ns));
	cr_assert(eq(str, (char *)a->source, (char *)b->source));
	cr_assert(eq(int, a->has_fork_offset, b->has_fork_offset));
	cr_assert(eq(u64, a->fork_offset, b->fork_offset));
	cr_assert(eq(u64, a->fork_sub_offset, b->fork_sub_offset));
}

static void
expect_equal_scalars(const struct durable_state *a, const struct durable_state *b)
{
	expect_equal_settings(&a->settings, &b->settings);
	cr_assert(eq(int, a->is_created, b->is_created));
	cr_assert(eq(int, a->is_closed, b->is_closed));
	cr_assert(eq(int, a->is_gone, b->is_gone));
	cr_assert(eq(u64, a->first, b->first));
	cr_assert(eq(u64, a->last_data, b->last_data));
	cr_assert(eq(u64, a->renewed_ns, b->renewed_ns));
	cr_assert(eq(str, (char *)a->order, (char *)b->order));
	cr_assert(eq(str, (char *)a->closing_id, (char *)b->closing_id));
	cr_assert(eq(u64, a->closing_epoch, b->closing_epoch));
	cr_assert(eq(u64, a->closing_number, b->closing_number));
}

void
expect_equal(const struct durable_state *a, const struct durable_state *b, bool with_events)
{
	expect_equal_scalars(a, b);
	if (with_events) {
		cr_assert(eq(u64, a->through, b->through));
		cr_assert(eq(u64, a->snapshot, b->snapshot));
	}
	cr_assert(eq(sz, a->producers_count, b->producers_count));
	for (size_t i = 0; i < a->producers_count; i++) {
		cr_assert(eq(str, a->producers[i].id, b->producers[i].id));
		cr_assert(eq(u64, a->producers[i].epoch, b->producers[i].epoch));
		cr_assert(eq(u64, a->producers[i].number, b->producers[i].number));
		cr_assert(eq(u64, a->producers[i].last, b->producers[i].last));
	}
	cr_assert(eq(sz, a->forks_count, b->forks_count));
	for (size_t i = 0; i < a->forks_count; i++)
		cr_assert(eq(str, a->forks[i], b->forks[i]));
}

struct durable_state
copy_by_snapshot(const struct durable_state *state, reprise_position position)
{
	struct durable_change change = { 0 };
	struct durable_state copy;

	durable_state_init(&copy);
	durable_change_snapshot(&change, SESSION, state);
	expect_applied(&copy, position, &change);
	return copy;
}

uint32_t
random_below(struct random *random, uint32_t bound)
{
	random->word = random->word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((random->word >> 32) * bound >> 32);
}

/* Of each magnitude; now and then the greatest. */
static uint64_t
random_number(struct random *random, uint64_t max)
{
	const uint64_t number =
		(uint64_t)random_below(random, UINT32_MAX) << 32 | random_below(random, UINT32_MAX);

	if (random_below(random, 8) == 0)
		return max;
	return (number >> random_below(random, 64)) & max;
}

/* Bytes above 0x7f are before letters, if bytes have a sign. */
void
random_text(struct random *random, size_t bytes_max, char *ret_text)
{
	static const char bytes[] = "aAbz09-_/\x01\x7f\x80\xff";
	const size_t size = random_below(random, 6) == 0
				    ? bytes_max
				    : 1 + random_below(random, (uint32_t)bytes_max);

	for (size_t i = 0; i < size; i++)
		ret_text[i] = bytes[random_below(random, sizeof(bytes) - 1)];
	ret_text[size] = '\0';
}

static bool
random_bool(struct random *random)
{
	return random_below(random, 2) == 0;
}

struct durable_settings
random_settings(struct random *random)
{
	struct durable_settings settings = { 0 };

	random_text(random, DURABLE_TYPE_BYTES_MAX, settings.type);
	random_text(random, DURABLE_TYPE_BYTES_MAX, settings.type_sent);
	settings.is_created_closed = random_bool(random);
	settings.has_ttl = random_bool(random);
	if (settings.has_ttl)
		settings.ttl_s = random_number(random, UINT64_MAX);
	settings.has_expiry = random_bool(random);
	if (settings.has_expiry)
		settings.expires_ns = random_number(random, UINT64_MAX);
	if (random_bool(random)) {
		random_text(random, REPRISE_SESSION_ID_BYTES_MAX, settings.source);
		settings.has_fork_offset = random_bool(random);
		settings.fork_offset = random_number(random, UINT64_MAX);
		settings.fork_sub_offset = random_number(random, UINT64_MAX);
	}
	return settings;
}

void
model_init(struct model *model, struct random *random)
{
	memset(model, 0, sizeof(*model));
	for (size_t i = 0; i < MODEL_NAMES; i++) {
		/* The digits behind make the names different. */
		random_text(random, DURABLE_NAME_BYTES_MAX - 2, model->producers[i].id);
		random_text(random, REPRISE_SESSION_ID_BYTES_MAX - 2, model->forks[i].id);
		snprintf(model->producers[i].id + strlen(model->producers[i].id), 3, "%02zu", i);
		snprintf(model->forks[i].id + strlen(model->forks[i].id), 3, "%02zu", i);
	}
}

static void
forget(struct model *model)
{
	for (size_t i = 0; i < MODEL_NAMES; i++)
		model->producers[i].is_known = model->forks[i].is_known = false;
	durable_state_init(&model->scalars);
}

static void
model_create(struct model *model, struct random *random, reprise_position position,
	     struct durable_change *change)
{
	const struct durable_settings settings = random_settings(random);
	const uint64_t now_ns = random_number(random, UINT64_MAX);
	const reprise_position last_data = model->scalars.last_data;
	const bool is_fork = settings.source[0] != '\0', is_own = random_below(random, 4) != 0;

	durable_change_create(change, is_own ? SESSION : SESSION "2", &settings, now_ns);
	forget(model);
	if (is_fork)
		model->scalars.last_data = last_data;
	if (!is_own)
		return;
	model->scalars.settings = settings;
	model->scalars.is_created = true;
	model->scalars.is_closed = settings.is_created_closed;
	model->scalars.first = is_fork ? 0 : position;
	model->scalars.renewed_ns = now_ns;
}

static void
model_number(struct model *model, struct random *random, reprise_position position,
	     struct durable_change *change)
{
	const size_t i = random_below(random, MODEL_NAMES);
	const uint64_t epoch = random_number(random, DURABLE_NUMBER_MAX);
	const uint64_t number = random_number(random, DURABLE_NUMBER_MAX);
	const uint64_t events_count = random_below(random, 100);

	durable_change_number(change, model->producers[i].id, epoch, number, events_count);
	if (!model->scalars.is_created)
		return;
	model->producers[i].epoch = epoch;
	model->producers[i].number = number;
	model->producers[i].last = position + events_count;
	model->producers[i].is_known = true;
}

static void
model_close(struct model *model, struct random *random, struct durable_change *change)
{
	const char *const id =
		random_bool(random) ? NULL : model->producers[random_below(random, MODEL_NAMES)].id;
	const uint64_t epoch = random_number(random, DURABLE_NUMBER_MAX);
	const uint64_t number = random_number(random, DURABLE_NUMBER_MAX);

	durable_change_close(change, id, epoch, number);
	if (!model->scalars.is_created)
		return;
	model->scalars.is_closed = true;
	snprintf(model->scalars.closing_id, sizeof(model->scalars.closing_id), "%s",
		 id == NULL ? "" : id);
	model->scalars.closing_epoch = id == NULL ? 0 : epoch;
	model->scalars.closing_number = id == NULL ? 0 : number;
}

static void
model_fork(struct model *model, struct random *random, struct durable_change *change)
{
	const size_t i = random_below(random, MODEL_NAMES);
	const bool is_added = random_below(random, 3) != 0;

	if (is_added)
		durable_change_add_fork(change, model->forks[i].id);
	else
		durable_change_remove_fork(change, model->forks[i].id);
	model->forks[i].is_known = model->scalars.is_created && is_added;
}

static void
model_word(struct model *model, struct random *random, struct durable_change *change)
{
	char order[DURABLE_ORDER_BYTES_MAX + 1];
	uint64_t now_ns;

	switch (random_below(random, 5)) {
	case 0:
		durable_change_gone(change);
		model->scalars.is_gone = model->scalars.is_created;
		break;
	case 1:
	case 2:
		random_text(random, DURABLE_ORDER_BYTES_MAX, order);
		durable_change_order(change, order);
		if (model->scalars.is_created)
			memcpy(model->scalars.order, order, sizeof(order));
		break;
	default:
		now_ns = random_number(random, UINT64_MAX);
		durable_change_renew(change, now_ns);
		if (model->scalars.is_created)
			model->scalars.renewed_ns = now_ns;
	}
}

void
model_change(struct model *model, struct random *random, reprise_position position,
	     struct durable_change *change)
{
	const uint32_t which = random_below(random, 100);

	if (which < 2 || (!model->scalars.is_created && which < 20))
		model_create(model, random, position, change);
	else if (which < 50)
		model_number(model, random, position, change);
	else if (which < 80)
		model_fork(model, random, change);
	else if (which < 85)
		model_close(model, random, change);
	else
		model_word(model, random, change);
}

void
expect_as_modelled(const struct durable_state *state, const struct model *model)
{
	size_t producers_count = 0, forks_count = 0;

	expect_equal_scalars(state, &model->scalars);
	for (size_t i = 1; i < state->producers_count; i++)
		cr_assert(lt(int, strcmp(state->producers[i - 1].id, state->producers[i].id), 0));
	for (size_t i = 1; i < state->forks_count; i++)
		cr_assert(lt(int, strcmp(state->forks[i - 1], state->forks[i]), 0));
	for (size_t i = 0; i < MODEL_NAMES; i++) {
		producers_count += model->producers[i].is_known;
		forks_count += model->forks[i].is_known;
		for (size_t j = 0; model->producers[i].is_known; j++) {
			cr_assert(lt(sz, j, state->producers_count), "no producer %zu", i);
			if (strcmp(state->producers[j].id, model->producers[i].id) != 0)
				continue;
			cr_assert(eq(u64, state->producers[j].epoch, model->producers[i].epoch));
			cr_assert(eq(u64, state->producers[j].number, model->producers[i].number));
			cr_assert(eq(u64, state->producers[j].last, model->producers[i].last));
			break;
		}
		for (size_t j = 0; model->forks[i].is_known; j++) {
			cr_assert(lt(sz, j, state->forks_count), "no fork %zu", i);
			if (strcmp(state->forks[j], model->forks[i].id) == 0)
				break;
		}
	}
	cr_assert(eq(sz, state->producers_count, producers_count));
	cr_assert(eq(sz, state->forks_count, forks_count));
}
