/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* One life of a session (contracts A05-A12, A20-A23). */

static const uint64_t tick_ns = UINT64_C(10) * 1000 * 1000;

reprise_position
model_newest(const struct model_life *life)
{
	return life->before + life->count;
}

struct model_event *
model_event_at(const struct model_life *life, reprise_position position)
{
	return &life->events[position - life->before - 1];
}

reprise_position
model_oldest(const struct model_life *life)
{
	reprise_position oldest = model_newest(life) + 1;

	/* The events that have left are a prefix. */
	while (oldest > life->before + 1 &&
	       model_event_at(life, oldest - 1)->gone == MODEL_RETAINED)
		oldest--;
	return oldest;
}

static void
leave(struct model_event *event, enum model_gone cause)
{
	if (event->gone == MODEL_RETAINED)
		event->gone = cause;
}

static uint64_t
record_bytes(size_t payload_bytes)
{
	return MODEL_RECORD_HEADER_BYTES + (payload_bytes + 7) / 8 * 8;
}

/*
 * Where @bytes in one piece go, for @count more events. The rest at the arena's end is skipped and
 * counts; the oldest events go until the records fit the arena, and are no more than events_max.
 */
static uint64_t
make_room(struct model_life *life, uint64_t bytes, uint64_t count)
{
	const uint64_t arena = life->bounds.bytes_max;
	uint64_t start = life->head;

	if (start % arena + bytes > arena)
		start += arena - start % arena;
	for (size_t i = 0; i < life->count; i++) {
		struct model_event *const event = &life->events[i];
		const bool is_too_many = life->count - i + count > life->bounds.events_max;
		const bool is_in_the_way = start + bytes > event->start + arena;

		if (is_too_many || is_in_the_way) {
			leave(event, MODEL_GONE_CAPACITY);
			event->is_displaced = true;
		}
	}
	return start;
}

static void
add(struct model_life *life, const struct model_draft *draft, uint64_t start)
{
	if (life->count == life->room) {
		life->room = life->room * 2 + 16;
		life->events = realloc(life->events, life->room * sizeof(*life->events));
		if (life->events == NULL)
			abort();
	}
	/* Stamps of one session never decrease. */
	if (life->stamp_last_ns < life->model->now_ns)
		life->stamp_last_ns = life->model->now_ns;
	life->events[life->count++] = (struct model_event){
		.revision = draft->revision,
		.stamp_ns = life->stamp_last_ns,
		.start = start,
		.bytes = record_bytes(draft->payload_bytes),
		.seed = draft->seed,
		.payload_bytes = draft->payload_bytes,
		.kind = draft->kind,
		.flags = draft->flags,
	};
	life->head = start + record_bytes(draft->payload_bytes);
	if (life->model->greatest[life->id] < model_newest(life))
		life->model->greatest[life->id] = model_newest(life);
}

static bool
is_of_library(uint16_t flags)
{
	return (flags & 0xfe) != 0;
}

static reprise_status
refusal(const struct model_life *life)
{
	if (life->is_ended || life->is_void)
		return REPRISE_E_CLOSED;
	return life->is_reserved ? REPRISE_E_BUSY : REPRISE_OK;
}

reprise_status
model_append(struct model_life *life, const struct model_draft *drafts, size_t drafts_count,
	     reprise_position *ret_first)
{
	uint64_t bytes = 0;

	if (drafts_count == 0)
		return REPRISE_E_INVALID;
	for (size_t i = 0; i < drafts_count; i++) {
		if (is_of_library(drafts[i].flags) || drafts[i].revision == UINT64_MAX)
			return REPRISE_E_INVALID;
		bytes += record_bytes(drafts[i].payload_bytes);
	}
	if (refusal(life) != REPRISE_OK)
		return refusal(life);
	if (drafts_count > life->bounds.events_max || bytes > life->bounds.bytes_max)
		return REPRISE_E_TOO_LARGE;
	uint64_t start = make_room(life, bytes, drafts_count);

	*ret_first = model_newest(life) + 1;
	for (size_t i = 0; i < drafts_count; i++) {
		add(life, &drafts[i], start);
		start = life->head;
	}
	return REPRISE_OK;
}

/* The retained event of @key; NULL if there is none. */
static const struct model_event *
find_key(const struct model_life *life, uint64_t key, reprise_position *ret_position)
{
	for (reprise_position at = model_oldest(life); at <= model_newest(life); at++) {
		const struct model_event *const event = model_event_at(life, at);

		if (event->has_key && event->key == key) {
			*ret_position = at;
			return event;
		}
	}
	return NULL;
}

reprise_status
model_append_once(struct model_life *life, uint64_t key, const struct model_draft *draft,
		  reprise_position *ret_position, bool *ret_is_new)
{
	const struct model_event *event;
	reprise_position found;

	*ret_is_new = false;
	if (is_of_library(draft->flags) || draft->revision == UINT64_MAX ||
	    !life->bounds.is_deduplicated)
		return REPRISE_E_INVALID;
	if (life->is_void)
		return REPRISE_E_CLOSED;
	event = find_key(life, key, &found);
	if (event != NULL) {
		if (event->payload_bytes != draft->payload_bytes ||
		    (event->payload_bytes != 0 && event->seed != draft->seed))
			return REPRISE_E_CONFLICT;
		*ret_position = found;
		return REPRISE_OK;
	}
	const reprise_status status = model_append(life, draft, 1, ret_position);

	if (status == REPRISE_OK) {
		model_event_at(life, *ret_position)->has_key = true;
		model_event_at(life, *ret_position)->key = key;
		*ret_is_new = true;
	}
	return status;
}

reprise_status
model_reserve(struct model_life *life, size_t payload_bytes_max)
{
	if (refusal(life) != REPRISE_OK)
		return refusal(life);
	if (record_bytes(payload_bytes_max) > life->bounds.bytes_max)
		return REPRISE_E_TOO_LARGE;
	life->reserved_start = make_room(life, record_bytes(payload_bytes_max), 1);
	life->reserved_bytes = payload_bytes_max;
	life->is_reserved = true;
	return REPRISE_OK;
}

reprise_status
model_publish(struct model_life *life, const struct model_draft *draft,
	      reprise_position *ret_position)
{
	if (is_of_library(draft->flags) || draft->revision == UINT64_MAX)
		return REPRISE_E_INVALID;
	if (refusal(life) == REPRISE_E_CLOSED)
		return REPRISE_E_CLOSED;
	if (!life->is_reserved || draft->payload_bytes > life->reserved_bytes)
		return REPRISE_E_INVALID;
	life->is_reserved = false;
	add(life, draft, life->reserved_start);
	*ret_position = model_newest(life);
	return REPRISE_OK;
}

reprise_status
model_abort(struct model_life *life)
{
	if (!life->is_reserved)
		return REPRISE_E_INVALID;
	life->is_reserved = false;
	return REPRISE_OK;
}

reprise_status
model_end(struct model_life *life, int32_t status)
{
	if (refusal(life) != REPRISE_OK)
		return refusal(life);
	life->is_ended = true;
	life->end_status = status;
	return REPRISE_OK;
}

/* The greatest revision of the first @count events. */
uint64_t
model_greatest_revision(const struct model_life *life, uint64_t count)
{
	uint64_t revision = 0;

	for (uint64_t i = 0; i < count; i++)
		if (revision < life->events[i].revision)
			revision = life->events[i].revision;
	return revision;
}

reprise_status
model_session_cursor(const struct model_life *life, reprise_position position,
		     struct reprise_cursor *ret_cursor)
{
	if (life->is_void)
		return REPRISE_E_CLOSED;
	if (position > model_newest(life))
		return REPRISE_E_INVALID;
	if (position != life->before && position < model_oldest(life))
		return REPRISE_E_NOT_FOUND;
	*ret_cursor = model_cursor_at(life, position,
				      model_greatest_revision(life, position - life->before));
	return REPRISE_OK;
}

static bool
is_too_old(const struct model_life *life, const struct model_event *event)
{
	const uint64_t now = life->model->now_ns;

	return life->bounds.age_ns_max != REPRISE_NO_LIMIT && now > event->stamp_ns &&
	       now - event->stamp_ns > life->bounds.age_ns_max + tick_ns;
}

void
model_apply_age(struct model_life *life)
{
	for (size_t i = 0; i < life->count; i++) {
		struct model_event *const event = &life->events[i];

		if (event->gone == MODEL_RETAINED && is_too_old(life, event)) {
			leave(event, MODEL_GONE_AGE);
			if (life->given_up_through < life->before + 1 + i)
				life->given_up_through = life->before + 1 + i;
		}
	}
}

void
model_trim_to(struct model_life *life, reprise_position position)
{
	if (position > model_newest(life))
		position = model_newest(life);
	for (reprise_position at = life->before + 1; at <= position; at++)
		leave(model_event_at(life, at), MODEL_GONE_REQUEST);
	if (life->given_up_through < position)
		life->given_up_through = position;
}

reprise_position
model_before_revision(const struct model_life *life, uint64_t revision)
{
	const reprise_position oldest = model_oldest(life);

	if (model_greatest_revision(life, oldest - 1 - life->before) > revision)
		return life->before;
	for (reprise_position at = oldest; at <= model_newest(life); at++)
		if (model_event_at(life, at)->revision > revision)
			return at - 1;
	return model_newest(life);
}

struct reprise_cursor
model_cursor_at(const struct model_life *life, reprise_position position, uint64_t revision)
{
	struct reprise_cursor cursor = { .incarnation = life->incarnation,
					 .revision = revision,
					 .position = position };

	snprintf(cursor.session_id, sizeof(cursor.session_id), "%s", life->model->ids[life->id]);
	return cursor;
}

struct reprise_cursor
model_newest_cursor(const struct model_life *life, uint64_t revision_known)
{
	const reprise_position newest = model_newest(life);
	uint64_t revision = 0;

	if (life->count != 0 && model_event_at(life, newest)->is_displaced) {
		life->model->has_displaced_newest = true;
		revision = revision_known;
	} else if (life->count != 0) {
		revision = model_event_at(life, newest)->revision;
	}
	return model_cursor_at(life, newest, revision);
}

struct reprise_session_stats
model_stats(const struct model_life *life)
{
	const reprise_position oldest = model_oldest(life);

	return (struct reprise_session_stats){
		.incarnation = life->incarnation,
		.first = life->before + 1,
		.oldest = oldest,
		.newest = model_newest(life),
		.retained = model_newest(life) + 1 - oldest,
		.events_max = life->bounds.events_max,
		.bytes_max = life->bounds.bytes_max,
		.age_ns_max = life->bounds.age_ns_max,
		.subscriptions = life->subscriptions,
		.ended = life->is_ended,
		.end_status = life->end_status,
		.has_writer = life->has_writer,
	};
}
