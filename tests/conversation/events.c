/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <stdlib.h>

struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

struct conversation_event
received(const char *id, uint64_t at_ms)
{
	return (struct conversation_event){ .type = CONVERSATION_MESSAGE_RECEIVED,
					    .id = bytes_of(id),
					    .received_at_ms = at_ms };
}

struct conversation_event
started(const char *id)
{
	return (struct conversation_event){ .type = CONVERSATION_PROCESSING_STARTED,
					    .id = bytes_of(id) };
}

struct conversation_event
step_done(const char *id, uint32_t step, const char *output)
{
	return (struct conversation_event){ .type = CONVERSATION_STEP_COMPLETED,
					    .id = bytes_of(id),
					    .step = step,
					    .output = bytes_of(output) };
}

struct conversation_event
finished(const char *id)
{
	return (struct conversation_event){ .type = CONVERSATION_PROCESSING_FINISHED,
					    .id = bytes_of(id) };
}

struct conversation_event
failed(const char *id, const char *text)
{
	return (struct conversation_event){ .type = CONVERSATION_ERROR_OCCURRED,
					    .id = bytes_of(id),
					    .error_text = bytes_of(text) };
}

struct conversation_state *
new_state(void)
{
	struct conversation_state *state = NULL;

	cr_assert(eq(int, state_new(&state), REPRISE_OK));
	return state;
}

void
fold(struct conversation_state *state, struct conversation_event event)
{
	const uint64_t ordinal = state_last_ordinal(state) + 1;

	cr_assert(eq(int, state_fold(state, ordinal, &event), REPRISE_OK));
	cr_assert(eq(u64, state_last_ordinal(state), ordinal));
}

struct message_facts
facts_of(const struct conversation_state *state, const char *id)
{
	const struct conversation_message *const message = state_find(state, bytes_of(id));

	cr_assert(ne(ptr, (void *)message, NULL), "%s is known", id);
	return message_facts(message);
}

bool
is_known(const struct conversation_state *state, const char *id)
{
	return state_find(state, bytes_of(id)) != NULL;
}

void
expect_decision(const struct conversation_state *state, const char *id, reprise_decision_type type,
		uint32_t step)
{
	struct reprise_decision decision = { 0 };

	cr_assert(eq(int, state_decide(state, bytes_of(id), &decision), REPRISE_OK));
	cr_assert(eq(int, decision.type, type), "%s", id);
	cr_assert(eq(u32, decision.step, step), "%s", id);
}

static struct conversation_step
step_of(const struct conversation_state *state, const char *id, uint32_t step)
{
	const struct conversation_message *const message = state_find(state, bytes_of(id));
	struct conversation_step found = { 0 };

	cr_assert(ne(ptr, (void *)message, NULL), "%s is known", id);
	cr_assert(message_find_step(message, step, &found), "step %u of %s", step, id);
	cr_assert(eq(u32, found.step, step));
	return found;
}

void
expect_output(const struct conversation_state *state, const char *id, uint32_t step,
	      const char *output)
{
	const struct conversation_step found = step_of(state, id, step);

	cr_assert(found.has_output);
	cr_assert(eq(sz, found.output.size, strlen(output)));
	cr_assert(eq(int, memcmp(found.output.data, output, found.output.size), 0));
}

void
expect_place(const struct conversation_state *state, const char *id, uint32_t step,
	     uint64_t ordinal)
{
	const struct conversation_step found = step_of(state, id, step);

	cr_assert(not(found.has_output));
	cr_assert(eq(sz, found.output.size, 0));
	cr_assert(eq(u64, found.ordinal, ordinal));
}

struct encoding
encoding_of(const struct conversation_state *state)
{
	struct encoding encoding = { .size = state_encoded_bytes(state) };

	encoding.bytes = malloc(encoding.size);
	cr_assert(ne(ptr, encoding.bytes, NULL));
	state_encode(state, encoding.bytes);
	return encoding;
}

bool
encodings_are_equal(struct encoding a, struct encoding b)
{
	return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

bool
states_are_equal(const struct conversation_state *a, const struct conversation_state *b)
{
	const struct encoding of_a = encoding_of(a), of_b = encoding_of(b);
	const bool are_equal = encodings_are_equal(of_a, of_b);

	free(of_a.bytes);
	free(of_b.bytes);
	return are_equal;
}
