/* SPDX-License-Identifier: MIT */

/*
 * The core of a conversation (rules D02 to D04). The bytes are taken three times: as an event; as a
 * state; as a stream of entries, a 16-bit number of bytes before each, which are events as they
 * stand or, where the number's highest bit is set, fields of an event. Bytes that are accepted are
 * encoded as the same bytes again. The stream is folded, and the state is compared with the model
 * after each event.
 */

#include <stdbool.h>
#include <string.h>

#include "conversation/state.h"
#include "fuzz.h"
#include "model.h"

enum {
	AS_FIELDS = 0x80,
	FIELDS_BYTES = 4, /* tag, step, time, size of the id */
};

static struct model model;

static bool
is_same(struct reprise_bytes a, struct reprise_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void
check_event(const struct conversation_event *event)
{
	const size_t size = codec_event_bytes(event);
	unsigned char *const bytes = malloc(size);
	struct conversation_event decoded = { 0 };
	const char *fault = NULL;

	MUST(bytes != NULL);
	codec_encode_event(event, bytes);
	MUST(codec_decode_event((struct reprise_bytes){ bytes, size }, &decoded, &fault) ==
	     REPRISE_OK);
	MUST(decoded.type == event->type);
	MUST(is_same(decoded.id, event->id));
	MUST(decoded.received_at_ms == event->received_at_ms);
	MUST(decoded.step == event->step);
	MUST(is_same(decoded.output, event->output));
	MUST(is_same(decoded.error_text, event->error_text));
	/* Nor is a part of it an event, or more than it. */
	MUST(codec_decode_event((struct reprise_bytes){ bytes, size - 1 }, &decoded, &fault) ==
	     REPRISE_E_CORRUPT);
	free(bytes);
}

/* Whether the bytes are an event; if so, it is encoded as the same bytes. */
static bool
take_event(struct reprise_bytes from, struct conversation_event *ret_event)
{
	const char *fault = NULL;
	const reprise_status status = codec_decode_event(from, ret_event, &fault);

	MUST(status == REPRISE_OK || status == REPRISE_E_CORRUPT);
	MUST((fault != NULL) == (status != REPRISE_OK));
	if (status != REPRISE_OK)
		return false;
	MUST(codec_event_fault(ret_event) == NULL);
	MUST(codec_event_bytes(ret_event) == from.size);
	unsigned char *const again = malloc(from.size);

	MUST(again != NULL);
	codec_encode_event(ret_event, again);
	MUST(memcmp(again, from.data, from.size) == 0);
	free(again);
	check_event(ret_event);
	return true;
}

/* Whether the bytes are a state; if so, it is encoded as the same bytes. */
static bool
take_state(struct reprise_bytes from, struct conversation_state **ret_state)
{
	const char *fault = NULL;
	const reprise_status status = state_decode(from, ret_state, &fault);

	MUST(status == REPRISE_OK || status == REPRISE_E_CORRUPT || status == REPRISE_E_VERSION);
	MUST((fault != NULL) == (status != REPRISE_OK));
	if (status != REPRISE_OK)
		return false;
	MUST(state_encoded_bytes(*ret_state) == from.size);
	unsigned char *const again = malloc(from.size);

	MUST(again != NULL);
	state_encode(*ret_state, again);
	MUST(memcmp(again, from.data, from.size) == 0);
	free(again);
	return true;
}

/* The state is accepted as bytes, and the decoded one and a copy are the same. */
static void
check_state(const struct conversation_state *state)
{
	struct conversation_state *decoded = NULL, *copy = NULL;
	const size_t size = state_encoded_bytes(state);
	unsigned char *const bytes = malloc(size), *const of_copy = malloc(size);

	MUST(bytes != NULL && of_copy != NULL);
	state_encode(state, bytes);
	MUST(take_state((struct reprise_bytes){ bytes, size }, &decoded));
	MUST(model_difference(&model, decoded) == NULL);
	MUST(state_copy(state, &copy) == REPRISE_OK);
	MUST(state_encoded_bytes(copy) == size);
	state_encode(copy, of_copy);
	MUST(memcmp(bytes, of_copy, size) == 0);
	state_free(copy);
	state_free(decoded);
	free(of_copy);
	free(bytes);
}

/* Fields of an event of any type, from few bytes; false if it has a fault. */
static bool
make_event(const uint8_t *bytes, size_t bytes_count, struct conversation_event *ret_event)
{
	struct conversation_event event = { 0 };

	if (bytes_count < FIELDS_BYTES)
		return false;
	const uint8_t *const rest = bytes + FIELDS_BYTES;
	const size_t left = bytes_count - FIELDS_BYTES;
	const size_t id_size = left < bytes[3] ? left : bytes[3];
	const struct reprise_bytes text = { rest + id_size, left - id_size };

	event.type = (enum conversation_event_type)(bytes[0] % 7);
	event.id = (struct reprise_bytes){ rest, id_size };
	if (event.type == CONVERSATION_STEP_COMPLETED) {
		event.step = bytes[1] < 0xf0 ? bytes[1] : UINT32_MAX - (0xffu - bytes[1]);
		event.output = text;
	}
	if (event.type == CONVERSATION_MESSAGE_RECEIVED)
		event.received_at_ms = bytes[2];
	if (event.type == CONVERSATION_ERROR_OCCURRED)
		event.error_text = text;
	if (codec_event_fault(&event) != NULL)
		return false;
	check_event(&event);
	*ret_event = event;
	return true;
}

static void
fold(struct conversation_state *state, uint64_t ordinal, const struct conversation_event *event)
{
	MUST(state_prepare(state, event) == REPRISE_OK);
	MUST(model_difference(&model, state) == NULL);
	if (ordinal % 3 == 0) {
		state_cancel(state);
		MUST(model_difference(&model, state) == NULL);
		MUST(state_prepare(state, event) == REPRISE_OK);
	}
	state_apply(state, ordinal, event);
	model_apply(&model, ordinal, event);
	MUST(model_difference(&model, state) == NULL);
	MUST(model_difference_of(&model, state, event->id) == NULL);
}

static void
take_stream(const uint8_t *bytes, size_t bytes_count)
{
	struct conversation_state *state = NULL;
	struct conversation_event event;
	uint64_t ordinal = 0;

	MUST(state_new(&state) == REPRISE_OK);
	model_clear(&model);
	while (bytes_count >= 2 && ordinal < MODEL_EVENTS_MAX) {
		const bool is_fields = (bytes[0] & AS_FIELDS) != 0;
		size_t size = (size_t)(bytes[0] & ~AS_FIELDS) << 8 | bytes[1];

		bytes += 2;
		bytes_count -= 2;
		if (size > bytes_count)
			size = bytes_count;
		if (is_fields ? make_event(bytes, size, &event)
			      : take_event((struct reprise_bytes){ bytes, size }, &event))
			fold(state, ++ordinal, &event);
		/* An entry that is no event raises the horizon. */
		else if (size != 0)
			MUST(state_forget(state, bytes[0]) == model_forget(&model, bytes[0]));
		bytes += size;
		bytes_count -= size;
	}
	MUST(model_difference(&model, state) == NULL);
	check_state(state);
	state_free(state);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	const struct reprise_bytes all = { bytes, bytes_count };
	struct conversation_state *state = NULL;
	struct conversation_event event;

	(void)take_event(all, &event);
	if (take_state(all, &state)) {
		/* It goes on from there. */
		event = (struct conversation_event){ .type = CONVERSATION_STEP_COMPLETED,
						     .id = { "m", 1 },
						     .output = { "out", 3 } };
		if (state_last_ordinal(state) != UINT64_MAX)
			MUST(state_fold(state, state_last_ordinal(state) + 1, &event) ==
			     REPRISE_OK);
		state_free(state);
	}
	take_stream(bytes, bytes_count);
	return 0;
}
