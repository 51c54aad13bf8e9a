/* SPDX-License-Identifier: MIT */

/*
 * The state of a durable stream (rules V61 to V63). The input is a list of events, each with a byte
 * that says what the event is: any bytes as a control event, or changes that are written for the
 * bytes. Changes that were written are never malformed; a snapshot of any state makes the same
 * state; and a batch that is accepted is a duplicate afterwards.
 */

#include <stdbool.h>
#include <string.h>

#include "durable/state.h"
#include "fuzz.h"

#define SESSION "s"

enum {
	NAMES = 5,
};

struct input {
	const uint8_t *at, *end;
};

static uint8_t
take_byte(struct input *input)
{
	return input->at == input->end ? 0 : *input->at++;
}

/* Of each magnitude, from two bytes. */
static uint64_t
take_number(struct input *input, uint64_t max)
{
	const unsigned shift = take_byte(input) % 64;
	const uint64_t number = (uint64_t)take_byte(input) << shift;

	return number <= max ? number : max;
}

static const char *
take_name(struct input *input)
{
	static const char *const names[NAMES] = { "a", "b", "ab", "\xff", "s" };

	return names[take_byte(input) % NAMES];
}

/* Ids ascend, as each look-up needs. */
static void
check(const struct durable_state *state)
{
	for (size_t i = 1; i < state->producers_count; i++)
		MUST(strcmp(state->producers[i - 1].id, state->producers[i].id) < 0);
	for (size_t i = 1; i < state->forks_count; i++)
		MUST(strcmp(state->forks[i - 1], state->forks[i]) < 0);
	MUST(state->producers_count <= state->producers_room);
	MUST(state->forks_count <= state->forks_room);
}

/* From memory of exactly this size, so that a sanitizer sees who looks behind it. */
static enum durable_applied
apply(struct durable_state *state, const void *bytes, size_t size)
{
	const reprise_position through = state->through;
	enum durable_applied applied;
	uint8_t *const exact = malloc(size + (size == 0));

	MUST(exact != NULL);
	if (size > 0)
		memcpy(exact, bytes, size);
	applied = durable_state_apply(state, SESSION, through + 1, DURABLE_KIND, exact, size);
	free(exact);
	MUST(applied != DURABLE_NO_MEMORY);
	MUST(state->through == through + (applied == DURABLE_APPLIED));
	check(state);
	return applied;
}

static void
apply_change(struct durable_state *state, struct durable_change *change)
{
	MUST(!change->failed);
	MUST(apply(state, change->data, change->size) == DURABLE_APPLIED);
	durable_change_free(change);
}

/* A snapshot makes a state whose snapshot has the same bytes. */
static void
copy(const struct durable_state *state)
{
	struct durable_change one = { 0 }, other = { 0 };
	struct durable_state copied;

	durable_state_init(&copied);
	durable_change_snapshot(&one, SESSION, state);
	MUST(!one.failed);
	MUST(apply(&copied, one.data, one.size) == DURABLE_APPLIED);
	MUST(copied.snapshot == 1);
	durable_change_snapshot(&other, SESSION, &copied);
	MUST(one.size == other.size && memcmp(one.data, other.data, one.size) == 0);
	MUST(copied.producers_count == state->producers_count);
	MUST(copied.forks_count == state->forks_count);
	MUST(copied.is_created == state->is_created && copied.first == state->first);
	durable_change_free(&one);
	durable_change_free(&other);
	durable_state_free(&copied);
}

static void
create(struct durable_state *state, struct input *input)
{
	const uint8_t flags = take_byte(input);
	struct durable_settings settings = { .type = "text/plain", .type_sent = "Text/plain" };
	struct durable_change change = { 0 };

	settings.has_ttl = (flags & 1) != 0;
	settings.ttl_s = settings.has_ttl ? take_number(input, UINT64_MAX) : 0;
	settings.has_expiry = (flags & 2) != 0;
	settings.expires_ns = settings.has_expiry ? take_number(input, UINT64_MAX) : 0;
	settings.is_created_closed = (flags & 4) != 0;
	if ((flags & 8) != 0) {
		memcpy(settings.source, "source", sizeof("source"));
		settings.has_fork_offset = (flags & 16) != 0;
		settings.fork_offset = take_number(input, UINT64_MAX);
		settings.fork_sub_offset = take_number(input, UINT64_MAX);
	}
	durable_change_create(&change, (flags & 32) != 0 ? "other" : SESSION, &settings, flags);
	apply_change(state, &change);
	MUST(state->is_created == ((flags & 32) == 0));
	MUST(state->producers_count == 0 && state->forks_count == 0);
	if (state->is_created)
		MUST(durable_settings_are_equal(&state->settings, &settings));
}

/* A request, and what the state says before and after the batch is accepted. */
static void
post(struct durable_state *state, struct input *input)
{
	const uint8_t flags = take_byte(input);
	struct durable_request request = { .type = "text/plain", .has_data = (flags & 1) != 0 };
	const struct durable_producer *producer;
	struct durable_change change = { 0 };

	request.closes = (flags & 2) != 0;
	request.order = (flags & 4) != 0 ? take_name(input) : NULL;
	request.has_producer = (flags & 8) != 0;
	if (request.has_producer) {
		request.producer = take_name(input);
		request.epoch = take_byte(input) % 3;
		request.number = take_byte(input) % 4;
	}
	if (!state->is_created || durable_state_judge(state, &request, &producer) != DURABLE_ACCEPT)
		return;
	MUST(!state->is_closed);
	if (request.has_producer)
		durable_change_number(&change, request.producer, request.epoch, request.number, 1);
	if (request.order != NULL && request.has_data)
		durable_change_order(&change, request.order);
	if (request.closes)
		durable_change_close(&change, request.has_producer ? request.producer : NULL,
				     request.epoch, request.number);
	if (change.size == 0)
		return;
	apply_change(state, &change);
	MUST(state->is_closed == request.closes);
	if (request.has_producer) {
		MUST(durable_state_judge(state, &request, &producer) == DURABLE_DUPLICATE);
		MUST(producer != NULL && producer->number == request.number);
		MUST(producer->last == state->through + 1);
	} else if (request.closes) {
		MUST(durable_state_judge(state, &request, &producer) ==
		     (request.has_data ? DURABLE_REFUSE_CLOSED : DURABLE_CLOSED_ALREADY));
	} else if (request.order != NULL && request.has_data && request.order[0] != '\0') {
		MUST(durable_state_judge(state, &request, &producer) == DURABLE_REFUSE_ORDER);
	}
}

static void
change_forks(struct durable_state *state, struct input *input)
{
	const char *const added = take_name(input), *const removed = take_name(input);
	struct durable_change change = { 0 };

	durable_change_add_fork(&change, added);
	durable_change_remove_fork(&change, removed);
	durable_change_renew(&change, take_number(input, UINT64_MAX));
	if (take_byte(input) == 1)
		durable_change_gone(&change);
	apply_change(state, &change);
	for (size_t i = 0; i < state->forks_count; i++)
		MUST(strcmp(state->forks[i], removed) != 0);
}

/* As many bytes as the next byte says, or what is left. */
static void
any_bytes(struct durable_state *state, struct input *input)
{
	const size_t wanted = take_byte(input), left = (size_t)(input->end - input->at);
	const size_t size = wanted < left ? wanted : left;
	const reprise_position through = state->through;

	if (apply(state, input->at, size) == DURABLE_MALFORMED) {
		/* Half changed, and sound. */
		durable_state_free(state);
		durable_state_init(state);
		state->through = through;
	}
	input->at += size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	struct input input = { bytes, bytes + bytes_count };
	struct durable_state state;

	durable_state_init(&state);
	(void)apply(&state, bytes, bytes_count);
	durable_state_free(&state);
	while (input.at < input.end) {
		switch (take_byte(&input) % 8) {
		case 0:
			create(&state, &input);
			break;
		case 1:
		case 2:
		case 3:
			post(&state, &input);
			break;
		case 4:
			change_forks(&state, &input);
			break;
		case 5:
			state.through++;
			MUST(durable_state_apply(&state, SESSION, state.through, take_byte(&input),
						 NULL, 0) == DURABLE_APPLIED);
			MUST(state.last_data == state.through);
			break;
		default:
			any_bytes(&state, &input);
		}
		copy(&state);
	}
	durable_state_free(&state);
	return 0;
}
