/* SPDX-License-Identifier: MIT */
/*
 * Random events, in whatever order, against the model; between them copies, encodings, events that
 * are prepared and cancelled, horizons, and allocations that are refused (rules D03 to D05).
 */
#include "events.h"

#include <stdlib.h>

#include "model.h"
#include "refusal.h"

SUITE(property);

enum {
	RUNS = 200,
	EVENTS = 300,
	IDS = 12,
};

static const struct reprise_bytes ids[IDS] = {
	{ "a", 1 },
	{ "b", 1 },
	{ "aa", 2 },
	{ "ab", 2 },
	{ "message 0001", 12 },
	{ "é", 2 },
	{ "\n", 1 },
	{ "message 0002", 12 },
	{ "message 00011", 13 },
	{ "aaaaaaaa", 8 },
	{ "aaaaaaaaa", 9 },
	{ "😀", 4 },
};

/* A run: the state, the model, and where the random numbers are. */
struct run {
	struct conversation_state *state;
	struct model model;
	uint64_t random;
	int refused; /* allocations, so far */
	int made;    /* events */
};

static uint32_t
below(struct run *run, uint32_t bound)
{
	run->random = run->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((run->random >> 32) * bound >> 32);
}

static void
compare(const struct run *run)
{
	const char *difference = model_difference(&run->model, run->state);

	for (size_t i = 0; difference == NULL && i < IDS; i++)
		difference = model_difference_of(&run->model, run->state, ids[i]);
	cr_assert(eq(ptr, (void *)difference, NULL), "%s", difference);
}

static struct reprise_bytes
random_bytes_of(struct run *run)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const uint32_t from = below(run, 20);

	return (struct reprise_bytes){ text + from, below(run, 16) };
}

static struct conversation_event
random_event(struct run *run)
{
	static const enum conversation_event_type types[] = {
		CONVERSATION_MESSAGE_RECEIVED, CONVERSATION_PROCESSING_STARTED,
		CONVERSATION_STEP_COMPLETED,   CONVERSATION_STEP_COMPLETED,
		CONVERSATION_STEP_COMPLETED,   CONVERSATION_PROCESSING_FINISHED,
		CONVERSATION_ERROR_OCCURRED,
	};
	struct conversation_event event = { .type = types[below(run, 7)],
					    .id = ids[below(run, IDS)] };

	if (event.type == CONVERSATION_MESSAGE_RECEIVED)
		event.received_at_ms = (uint64_t)run->made * 2 + below(run, 40);
	if (event.type == CONVERSATION_STEP_COMPLETED) {
		event.step = below(run, 8);
		event.output = random_bytes_of(run);
		if (below(run, 100) == 0)
			event.step = UINT32_MAX - below(run, 2);
	}
	if (event.type == CONVERSATION_ERROR_OCCURRED)
		event.error_text = random_bytes_of(run);
	return event;
}

/* Prepared in memory that is overwritten before it is applied: nothing is borrowed. */
static void
prepare_and_apply(struct run *run, const struct conversation_event *event, uint64_t ordinal)
{
	char output[16] = { 0 };
	struct conversation_event lent = *event;

	if (event->output.size != 0)
		memcpy(output, event->output.data, event->output.size);
	lent.output.data = output;
	cr_assert(eq(int, state_prepare(run->state, &lent), REPRISE_OK));
	memset(output, '!', sizeof(output));
	compare(run);
	if (below(run, 3) == 0) {
		state_cancel(run->state);
		compare(run);
		cr_assert(eq(int, state_prepare(run->state, event), REPRISE_OK));
	}
	state_apply(run->state, ordinal, event);
}

/* Any allocation may be refused; the event is folded in the end. */
static void
fold_refused(struct run *run, const struct conversation_event *event, uint64_t ordinal)
{
	for (int number = 1;; number++) {
		refusal_begin(number);
		const reprise_status status = state_fold(run->state, ordinal, event);

		(void)refusal_end();
		if (status == REPRISE_OK)
			return;
		cr_assert(eq(int, status, REPRISE_E_NO_MEMORY));
		run->refused++;
		compare(run);
	}
}

static void
make_event(struct run *run)
{
	const struct conversation_event event = random_event(run);
	const uint64_t ordinal = run->model.last_ordinal + 1 + below(run, 3);

	switch (below(run, 3)) {
	case 0:
		cr_assert(eq(int, state_fold(run->state, ordinal, &event), REPRISE_OK));
		break;
	case 1:
		prepare_and_apply(run, &event, ordinal);
		break;
	default:
		fold_refused(run, &event, ordinal);
		break;
	}
	model_apply(&run->model, ordinal, &event);
	run->made++;
	compare(run);
	if (below(run, 4) != 0)
		return;
	/* Twice is once, but for the ordinal of a step. */
	cr_assert(eq(int, state_fold(run->state, ordinal + 1, &event), REPRISE_OK));
	model_apply(&run->model, ordinal + 1, &event);
	compare(run);
}

/* The state goes on as its own copy. */
static void
copy_it(struct run *run)
{
	struct conversation_state *copy = NULL;

	refusal_begin((int)below(run, 30));
	const reprise_status status = state_copy(run->state, &copy);

	(void)refusal_end();
	if (status != REPRISE_OK) {
		cr_assert(eq(int, status, REPRISE_E_NO_MEMORY));
		run->refused++;
		return;
	}
	cr_assert(states_are_equal(run->state, copy));
	/* Neither is a part of the other. */
	const struct conversation_event event = received("only here", 1);

	cr_assert(eq(int, state_fold(run->state, run->model.last_ordinal + 1, &event), REPRISE_OK));
	(void)state_forget(run->state, UINT64_MAX);
	state_free(run->state);
	run->state = copy;
	compare(run);
}

/* The state goes on as it was decoded. */
static void
decode_it(struct run *run)
{
	const struct encoding encoding = encoding_of(run->state);
	struct conversation_state *decoded = NULL;
	const char *fault = NULL;

	refusal_begin((int)below(run, 30));
	const reprise_status status = state_decode(
		(struct reprise_bytes){ encoding.bytes, encoding.size }, &decoded, &fault);

	(void)refusal_end();
	if (status == REPRISE_OK) {
		cr_assert(states_are_equal(run->state, decoded));
		state_free(run->state);
		run->state = decoded;
	} else {
		cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "%s", fault);
		run->refused++;
	}
	free(encoding.bytes);
	compare(run);
}

static void
forget_some(struct run *run)
{
	const uint64_t before = below(run, (uint32_t)run->made * 2 + 40);

	cr_assert(eq(u64, state_forget(run->state, before), model_forget(&run->model, before)));
	compare(run);
}

Test(property, D03_the_state_is_as_the_model_says_after_random_events)
{
	static struct run run;
	int refused = 0;

	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		model_clear(&run.model);
		run.state = new_state();
		run.random = seed;
		run.refused = run.made = 0;
		while (run.made < EVENTS) {
			make_event(&run);
			if (below(&run, 20) == 0)
				copy_it(&run);
			if (below(&run, 20) == 0)
				decode_it(&run);
			if (below(&run, 30) == 0)
				forget_some(&run);
		}
		refused += run.refused;
		state_free(run.state);
	}
	cr_assert(gt(int, refused, 10000), "allocations were refused");
	expect_no_leaks();
}
