/* SPDX-License-Identifier: MIT */
/*
 * A state, and the control events that change the state. A change of a stream that is not created
 * is checked, and has no effect: the copied events of a fork have the producers, the forks and the
 * end of the source.
 */
#include "durable/state.h"

#include <stdlib.h>
#include <string.h>

#include "durable/tables.h"
#include "durable/wire.h"

/* A change, its fields, and the event that brings it. */
struct reading {
	struct durable_state *state;
	const char *session_id;
	reprise_position position;
	struct wire fields;
};

void
durable_state_init(struct durable_state *state)
{
	*state = (struct durable_state){ 0 };
}

void
durable_state_free(struct durable_state *state)
{
	tables_free(state);
	durable_state_init(state);
}

/* Where a whole state begins: what was before is gone. */
static void
start_anew(struct durable_state *state)
{
	const reprise_position through = state->through;

	durable_state_free(state);
	state->through = through;
}

static void
read_settings(struct wire *wire, struct durable_settings *settings)
{
	const uint64_t flags = wire_number(wire, WIRE_SETTINGS_FLAGS);

	*settings = (struct durable_settings){ 0 };
	settings->has_ttl = (flags & WIRE_HAS_TTL) != 0;
	settings->has_expiry = (flags & WIRE_HAS_EXPIRY) != 0;
	settings->is_created_closed = (flags & WIRE_IS_CREATED_CLOSED) != 0;
	settings->has_fork_offset = (flags & WIRE_HAS_FORK_OFFSET) != 0;
	wire_text(wire, 0, DURABLE_TYPE_BYTES_MAX, settings->type);
	wire_text(wire, 0, DURABLE_TYPE_BYTES_MAX, settings->type_sent);
	if (settings->has_ttl)
		settings->ttl_s = wire_number(wire, UINT64_MAX);
	if (settings->has_expiry)
		settings->expires_ns = wire_number(wire, UINT64_MAX);
	wire_text(wire, 0, REPRISE_SESSION_ID_BYTES_MAX, settings->source);
	if (settings->source[0] != '\0') {
		settings->fork_offset = wire_number(wire, UINT64_MAX);
		settings->fork_sub_offset = wire_number(wire, UINT64_MAX);
	} else if (settings->has_fork_offset) {
		wire_fail(wire);
	}
}

static enum durable_applied
apply_create(struct reading *reading)
{
	struct durable_state *const state = reading->state;
	const reprise_position last_data = state->last_data;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct durable_settings settings;
	uint64_t now_ns;

	wire_text(&reading->fields, 1, REPRISE_SESSION_ID_BYTES_MAX, session_id);
	read_settings(&reading->fields, &settings);
	now_ns = wire_number(&reading->fields, UINT64_MAX);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;

	start_anew(state);
	/* A fork has the copied data; any other stream has no data before it is created. */
	if (settings.source[0] != '\0')
		state->last_data = last_data;
	if (strcmp(session_id, reading->session_id) != 0) {
		state->is_copy = true;
		return DURABLE_APPLIED;
	}
	state->settings = settings;
	state->is_created = true;
	state->is_closed = settings.is_created_closed;
	state->first = settings.source[0] != '\0' ? 0 : reading->position;
	state->snapshot = reading->position;
	state->renewed_ns = now_ns;
	return DURABLE_APPLIED;
}

static enum durable_applied
apply_number(struct reading *reading)
{
	struct durable_producer values = { 0 };
	char id[DURABLE_NAME_BYTES_MAX + 1];
	uint64_t events_count;

	wire_text(&reading->fields, 1, DURABLE_NAME_BYTES_MAX, id);
	values.epoch = wire_number(&reading->fields, DURABLE_NUMBER_MAX);
	values.number = wire_number(&reading->fields, DURABLE_NUMBER_MAX);
	events_count = wire_number(&reading->fields, UINT64_MAX - reading->position);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	values.last = reading->position + events_count;
	return reading->state->is_created ? tables_put_producer(reading->state, id, &values)
					  : DURABLE_APPLIED;
}

static enum durable_applied
apply_order(struct reading *reading)
{
	char order[DURABLE_ORDER_BYTES_MAX + 1];

	wire_text(&reading->fields, 0, DURABLE_ORDER_BYTES_MAX, order);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	if (reading->state->is_created)
		memcpy(reading->state->order, order, sizeof(order));
	return DURABLE_APPLIED;
}

/* A client without a producer id has no epoch and no number. */
static void
read_closing(struct wire *wire, char *ret_id, uint64_t *ret_epoch, uint64_t *ret_number)
{
	uint64_t max;

	wire_text(wire, 0, DURABLE_NAME_BYTES_MAX, ret_id);
	max = ret_id[0] != '\0' ? DURABLE_NUMBER_MAX : 0;
	*ret_epoch = wire_number(wire, max);
	*ret_number = wire_number(wire, max);
}

static enum durable_applied
apply_close(struct reading *reading)
{
	struct durable_state *const state = reading->state;
	char id[DURABLE_NAME_BYTES_MAX + 1];
	uint64_t epoch, number;

	read_closing(&reading->fields, id, &epoch, &number);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	if (!state->is_created)
		return DURABLE_APPLIED;
	state->is_closed = true;
	memcpy(state->closing_id, id, sizeof(id));
	state->closing_epoch = epoch;
	state->closing_number = number;
	return DURABLE_APPLIED;
}

static enum durable_applied
apply_renew(struct reading *reading)
{
	const uint64_t now_ns = wire_number(&reading->fields, UINT64_MAX);

	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	if (reading->state->is_created)
		reading->state->renewed_ns = now_ns;
	return DURABLE_APPLIED;
}

static enum durable_applied
apply_add_fork(struct reading *reading)
{
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	wire_text(&reading->fields, 1, REPRISE_SESSION_ID_BYTES_MAX, session_id);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	return reading->state->is_created ? tables_add_fork(reading->state, session_id)
					  : DURABLE_APPLIED;
}

static enum durable_applied
apply_remove_fork(struct reading *reading)
{
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	wire_text(&reading->fields, 1, REPRISE_SESSION_ID_BYTES_MAX, session_id);
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	tables_remove_fork(reading->state, session_id);
	return DURABLE_APPLIED;
}

static enum durable_applied
apply_gone(struct reading *reading)
{
	if (!wire_is_whole(&reading->fields))
		return DURABLE_MALFORMED;
	reading->state->is_gone = reading->state->is_created;
	return DURABLE_APPLIED;
}

/* The ids ascend, so that each is put at the end. */
static enum durable_applied
read_producers(struct wire *wire, struct durable_state *state)
{
	const size_t count = (size_t)wire_number(wire, DURABLE_PRODUCERS_MAX);
	char id[DURABLE_NAME_BYTES_MAX + 1];

	/* A count that the bytes cannot hold would take memory for nothing. */
	if (count > (size_t)(wire->end - wire->at))
		return DURABLE_MALFORMED;
	if (!tables_reserve_producers(state, count))
		return DURABLE_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		struct durable_producer values = { 0 };
		enum durable_applied applied;

		wire_text(wire, 1, DURABLE_NAME_BYTES_MAX, id);
		values.epoch = wire_number(wire, DURABLE_NUMBER_MAX);
		values.number = wire_number(wire, DURABLE_NUMBER_MAX);
		values.last = wire_number(wire, UINT64_MAX);
		if (wire->failed || (i > 0 && strcmp(id, state->producers[i - 1].id) <= 0))
			return DURABLE_MALFORMED;
		applied = tables_put_producer(state, id, &values);
		if (applied != DURABLE_APPLIED)
			return applied;
	}
	return DURABLE_APPLIED;
}

static enum durable_applied
read_forks(struct wire *wire, struct durable_state *state)
{
	const size_t count = (size_t)wire_number(wire, DURABLE_FORKS_MAX);
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	if (count > (size_t)(wire->end - wire->at))
		return DURABLE_MALFORMED;
	if (!tables_reserve_forks(state, count))
		return DURABLE_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		enum durable_applied applied;

		wire_text(wire, 1, REPRISE_SESSION_ID_BYTES_MAX, session_id);
		if (wire->failed || (i > 0 && strcmp(session_id, state->forks[i - 1]) <= 0))
			return DURABLE_MALFORMED;
		applied = tables_add_fork(state, session_id);
		if (applied != DURABLE_APPLIED)
			return applied;
	}
	return DURABLE_APPLIED;
}

/* All fields but the two arrays, which come last. */
static void
read_scalars(struct wire *wire, struct durable_state *state)
{
	uint64_t flags;

	read_settings(wire, &state->settings);
	state->renewed_ns = wire_number(wire, UINT64_MAX);
	flags = wire_number(wire, WIRE_STATE_FLAGS);
	state->is_created = (flags & WIRE_IS_CREATED) != 0;
	state->is_closed = (flags & WIRE_IS_CLOSED) != 0;
	state->is_gone = (flags & WIRE_IS_GONE) != 0;
	state->first = wire_number(wire, UINT64_MAX);
	state->last_data = wire_number(wire, UINT64_MAX);
	wire_text(wire, 0, DURABLE_ORDER_BYTES_MAX, state->order);
	read_closing(wire, state->closing_id, &state->closing_epoch, &state->closing_number);
}

static enum durable_applied
apply_snapshot(struct reading *reading)
{
	struct durable_state *const state = reading->state;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	enum durable_applied applied;

	wire_text(&reading->fields, 1, REPRISE_SESSION_ID_BYTES_MAX, session_id);
	start_anew(state);
	read_scalars(&reading->fields, state);
	applied = reading->fields.failed ? DURABLE_MALFORMED
					 : read_producers(&reading->fields, state);
	if (applied == DURABLE_APPLIED)
		applied = read_forks(&reading->fields, state);
	if (applied == DURABLE_APPLIED && !wire_is_whole(&reading->fields))
		applied = DURABLE_MALFORMED;
	if (applied != DURABLE_APPLIED)
		return applied;
	state->snapshot = reading->position;
	if (strcmp(session_id, reading->session_id) != 0) {
		const reprise_position last_data = state->last_data;

		start_anew(state);
		state->last_data = last_data;
		state->is_copy = true;
	}
	return DURABLE_APPLIED;
}

static enum durable_applied
apply_changes(struct durable_state *state, const char *session_id, reprise_position position,
	      struct wire *wire)
{
	static enum durable_applied (*const applies[WIRE_TAGS_END])(struct reading * reading) = {
		[WIRE_CREATE] = apply_create,
		[WIRE_NUMBER] = apply_number,
		[WIRE_ORDER] = apply_order,
		[WIRE_CLOSE] = apply_close,
		[WIRE_RENEW] = apply_renew,
		[WIRE_ADD_FORK] = apply_add_fork,
		[WIRE_REMOVE_FORK] = apply_remove_fork,
		[WIRE_GONE] = apply_gone,
		[WIRE_SNAPSHOT] = apply_snapshot,
	};

	if (wire_number(wire, WIRE_VERSION) != WIRE_VERSION || wire->at == wire->end)
		return DURABLE_MALFORMED;
	while (wire->at < wire->end) {
		const uint64_t tag = wire_number(wire, WIRE_TAGS_END - 1);
		struct reading reading = { state, session_id, position, wire_part(wire) };
		enum durable_applied applied;

		if (reading.fields.failed || applies[tag] == NULL)
			return DURABLE_MALFORMED;
		applied = applies[tag](&reading);
		if (applied != DURABLE_APPLIED)
			return applied;
	}
	return DURABLE_APPLIED;
}

enum durable_applied
durable_state_apply(struct durable_state *state, const char *session_id, reprise_position position,
		    uint16_t kind, const void *payload, size_t size)
{
	struct wire wire = { payload, payload, false };

	if (kind != DURABLE_KIND) {
		state->last_data = position;
	} else {
		enum durable_applied applied = DURABLE_MALFORMED;

		if (size > 0) {
			wire.end += size;
			applied = apply_changes(state, session_id, position, &wire);
		}
		if (applied != DURABLE_APPLIED)
			return applied;
	}
	state->through = position;
	return DURABLE_APPLIED;
}
