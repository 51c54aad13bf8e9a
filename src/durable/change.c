/* SPDX-License-Identifier: MIT */
/*
 * The writing of control events: wire.h has their form. A change is written whole or not at all,
 * and no change is written that durable_state_apply refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "durable/state.h"
#include "durable/wire.h"

enum {
	ROOM_MIN = 64,
};

void
durable_change_free(struct durable_change *change)
{
	free(change->data);
	*change = (struct durable_change){ 0 };
}

static bool
reserve(struct durable_change *change, size_t bytes)
{
	size_t room = change->room < ROOM_MIN ? ROOM_MIN : change->room;
	unsigned char *data;

	if (change->failed)
		return false;
	if (bytes <= change->room - change->size)
		return true;
	while (room - change->size < bytes)
		room *= 2;
	data = realloc(change->data, room);
	if (data == NULL) {
		change->failed = true;
		return false;
	}
	change->data = data;
	change->room = room;
	return true;
}

static size_t
encode_number(uint64_t number, unsigned char bytes[WIRE_NUMBER_BYTES_MAX])
{
	size_t size = 0;

	for (; number > 0x7f; number >>= 7)
		bytes[size++] = (unsigned char)(0x80 | (number & 0x7f));
	bytes[size++] = (unsigned char)number;
	return size;
}

static void
add_bytes(struct durable_change *change, const void *bytes, size_t size)
{
	if (!reserve(change, size))
		return;
	memcpy(change->data + change->size, bytes, size);
	change->size += size;
}

static void
add_number(struct durable_change *change, uint64_t number, uint64_t max)
{
	unsigned char bytes[WIRE_NUMBER_BYTES_MAX];
	const size_t size = encode_number(number, bytes);

	if (number > max)
		change->failed = true;
	add_bytes(change, bytes, size);
}

static void
add_text(struct durable_change *change, const char *text, size_t bytes_max)
{
	const size_t size = strlen(text);

	add_number(change, size, bytes_max);
	add_bytes(change, text, size);
}

/* Answers where the fields begin. */
static size_t
begin(struct durable_change *change, enum wire_tag tag)
{
	if (change->size == 0)
		add_number(change, WIRE_VERSION, WIRE_VERSION);
	add_number(change, tag, tag);
	return change->size;
}

/* The length goes in front of the fields. */
static void
finish(struct durable_change *change, size_t fields)
{
	unsigned char bytes[WIRE_NUMBER_BYTES_MAX];
	const size_t fields_bytes = change->size - fields;
	const size_t size = encode_number(fields_bytes, bytes);

	if (!reserve(change, size))
		return;
	memmove(change->data + fields + size, change->data + fields, fields_bytes);
	memcpy(change->data + fields, bytes, size);
	change->size += size;
}

static void
add_settings(struct durable_change *change, const struct durable_settings *settings)
{
	const bool is_fork = settings->source[0] != '\0';
	const unsigned flags = (settings->has_ttl ? WIRE_HAS_TTL : 0U) |
			       (settings->has_expiry ? WIRE_HAS_EXPIRY : 0U) |
			       (settings->is_created_closed ? WIRE_IS_CREATED_CLOSED : 0U) |
			       (is_fork && settings->has_fork_offset ? WIRE_HAS_FORK_OFFSET : 0U);

	add_number(change, flags, WIRE_SETTINGS_FLAGS);
	add_text(change, settings->type, DURABLE_TYPE_BYTES_MAX);
	add_text(change, settings->type_sent, DURABLE_TYPE_BYTES_MAX);
	if (settings->has_ttl)
		add_number(change, settings->ttl_s, UINT64_MAX);
	if (settings->has_expiry)
		add_number(change, settings->expires_ns, UINT64_MAX);
	add_text(change, settings->source, REPRISE_SESSION_ID_BYTES_MAX);
	if (is_fork) {
		add_number(change, settings->fork_offset, UINT64_MAX);
		add_number(change, settings->fork_sub_offset, UINT64_MAX);
	}
}

/* An id is a text of at least one byte. */
static void
add_id(struct durable_change *change, const char *id, size_t bytes_max)
{
	if (id[0] == '\0')
		change->failed = true;
	add_text(change, id, bytes_max);
}

static void
add_closing(struct durable_change *change, const char *producer, uint64_t epoch, uint64_t number)
{
	const bool has_producer = producer != NULL && producer[0] != '\0';

	add_text(change, has_producer ? producer : "", DURABLE_NAME_BYTES_MAX);
	add_number(change, has_producer ? epoch : 0, DURABLE_NUMBER_MAX);
	add_number(change, has_producer ? number : 0, DURABLE_NUMBER_MAX);
}

void
durable_change_create(struct durable_change *change, const char *session_id,
		      const struct durable_settings *settings, uint64_t now_ns)
{
	const size_t fields = begin(change, WIRE_CREATE);

	add_id(change, session_id, REPRISE_SESSION_ID_BYTES_MAX);
	add_settings(change, settings);
	add_number(change, now_ns, UINT64_MAX);
	finish(change, fields);
}

void
durable_change_number(struct durable_change *change, const char *producer, uint64_t epoch,
		      uint64_t number, uint64_t events_count)
{
	const size_t fields = begin(change, WIRE_NUMBER);

	add_id(change, producer, DURABLE_NAME_BYTES_MAX);
	add_number(change, epoch, DURABLE_NUMBER_MAX);
	add_number(change, number, DURABLE_NUMBER_MAX);
	add_number(change, events_count, UINT64_MAX);
	finish(change, fields);
}

void
durable_change_order(struct durable_change *change, const char *order)
{
	const size_t fields = begin(change, WIRE_ORDER);

	add_text(change, order, DURABLE_ORDER_BYTES_MAX);
	finish(change, fields);
}

void
durable_change_close(struct durable_change *change, const char *producer, uint64_t epoch,
		     uint64_t number)
{
	const size_t fields = begin(change, WIRE_CLOSE);

	add_closing(change, producer, epoch, number);
	finish(change, fields);
}

void
durable_change_renew(struct durable_change *change, uint64_t now_ns)
{
	const size_t fields = begin(change, WIRE_RENEW);

	add_number(change, now_ns, UINT64_MAX);
	finish(change, fields);
}

void
durable_change_add_fork(struct durable_change *change, const char *session_id)
{
	const size_t fields = begin(change, WIRE_ADD_FORK);

	add_id(change, session_id, REPRISE_SESSION_ID_BYTES_MAX);
	finish(change, fields);
}

void
durable_change_remove_fork(struct durable_change *change, const char *session_id)
{
	const size_t fields = begin(change, WIRE_REMOVE_FORK);

	add_id(change, session_id, REPRISE_SESSION_ID_BYTES_MAX);
	finish(change, fields);
}

void
durable_change_gone(struct durable_change *change)
{
	finish(change, begin(change, WIRE_GONE));
}

static void
add_tables(struct durable_change *change, const struct durable_state *state)
{
	add_number(change, state->producers_count, DURABLE_PRODUCERS_MAX);
	for (size_t i = 0; i < state->producers_count; i++) {
		const struct durable_producer *const producer = &state->producers[i];

		add_id(change, producer->id, DURABLE_NAME_BYTES_MAX);
		add_number(change, producer->epoch, DURABLE_NUMBER_MAX);
		add_number(change, producer->number, DURABLE_NUMBER_MAX);
		add_number(change, producer->last, UINT64_MAX);
	}
	add_number(change, state->forks_count, DURABLE_FORKS_MAX);
	for (size_t i = 0; i < state->forks_count; i++)
		add_id(change, state->forks[i], REPRISE_SESSION_ID_BYTES_MAX);
}

void
durable_change_snapshot(struct durable_change *change, const char *session_id,
			const struct durable_state *state)
{
	const size_t fields = begin(change, WIRE_SNAPSHOT);
	const unsigned flags = (state->is_created ? WIRE_IS_CREATED : 0U) |
			       (state->is_closed ? WIRE_IS_CLOSED : 0U) |
			       (state->is_gone ? WIRE_IS_GONE : 0U);

	add_id(change, session_id, REPRISE_SESSION_ID_BYTES_MAX);
	add_settings(change, &state->settings);
	add_number(change, state->renewed_ns, UINT64_MAX);
	add_number(change, flags, WIRE_STATE_FLAGS);
	add_number(change, state->first, UINT64_MAX);
	add_number(change, state->last_data, UINT64_MAX);
	add_text(change, state->order, DURABLE_ORDER_BYTES_MAX);
	add_closing(change, state->closing_id, state->closing_epoch, state->closing_number);
	add_tables(change, state);
	finish(change, fields);
}
