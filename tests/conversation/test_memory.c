/* SPDX-License-Identifier: MIT */
/* Each allocation refused: the state is as before (rules D03 and D05). */
#include "events.h"

#include <stdio.h>
#include <stdlib.h>

#include "refusal.h"

SUITE(memory);

/* Folds with each allocation refused in turn, until none is; how many were. */
static int
fold_refused(struct conversation_state *state, struct conversation_event event)
{
	const uint64_t ordinal = state_last_ordinal(state) + 1;
	const struct encoding before = encoding_of(state);
	int refused = 0;

	for (int number = 1;; number++) {
		refusal_begin(number);
		const reprise_status status = state_fold(state, ordinal, &event);
		const bool was_refused = refusal_end();

		if (status == REPRISE_OK) {
			free(before.bytes);
			return refused;
		}
		cr_assert(was_refused);
		cr_assert(eq(int, status, REPRISE_E_NO_MEMORY));
		const struct encoding now = encoding_of(state);

		cr_assert(encodings_are_equal(before, now));
		free(now.bytes);
		refused++;
	}
}

Test(memory, D05_a_fold_without_memory_leaves_the_state_as_it_was)
{
	struct conversation_state *const state = new_state();

	cr_assert(eq(int, fold_refused(state, received("m", 1)), 1));
	cr_assert(eq(int, fold_refused(state, started("m")), 0));
	cr_assert(eq(int, fold_refused(state, step_done("m", 0, "out")), 3));
	cr_assert(eq(int, fold_refused(state, step_done("m", 1, "out")), 1));
	cr_assert(eq(int, fold_refused(state, step_done("m", 1, "again")), 1), "no room is taken");
	cr_assert(eq(int, fold_refused(state, step_done("m", 2, "out")), 3));
	cr_assert(eq(int, fold_refused(state, step_done("m", 2, "again")), 1));
	cr_assert(eq(int, fold_refused(state, failed("m", "text")), 1));
	cr_assert(eq(int, fold_refused(state, finished("m")), 0));
	cr_assert(eq(int, fold_refused(state, step_done("m", 3, "out")), 0));
	cr_assert(eq(int, fold_refused(state, step_done("m", 4, "out")), 1));
	cr_assert(eq(int, fold_refused(state, step_done("n", 0, "out")), 4));
	cr_assert(eq(int, fold_refused(state, failed("o", "text")), 2));
	expect_output(state, "n", 0, "out");
	state_free(state);
	expect_no_leaks();
}

Test(memory, D05_the_table_grows_or_the_fold_fails)
{
	struct conversation_state *const state = new_state();
	char id[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "id %d", i);
		cr_assert(ge(int, fold_refused(state, received(id, (uint64_t)i)), 1));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "id %d", i);
		cr_assert(eq(u64, facts_of(state, id).received_at_ms, (uint64_t)i));
	}
	state_free(state);
	expect_no_leaks();
}

Test(memory, D05_what_is_prepared_needs_no_memory_to_be_applied_or_cancelled)
{
	struct conversation_state *const state = new_state();
	char id[32];

	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "id %d", i % 150);
		const struct conversation_event event =
			i < 150 ? step_done(id, 5, "out") : finished(id);

		cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
		refusal_begin(1);
		state_cancel(state);
		(void)refusal_end();
		cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
		refusal_begin(1);
		state_apply(state, (uint64_t)i + 1, &event);
		(void)refusal_end();
	}
	refusal_begin(1);
	cr_assert(eq(u64, state_forget(state, 1), 150), "it only keeps a larger table");
	cr_assert(refusal_end(), "there was something to refuse");
	cr_assert(eq(sz, state_messages_count(state), 0));
	fold(state, received("id 1", 1));
	state_free(state);
	expect_no_leaks();
}

static struct conversation_state *
large_state(void)
{
	struct conversation_state *const state = new_state();
	char id[32];

	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "id %d", i);
		fold(state, received(id, 1));
		fold(state, step_done(id, 0, "out"));
		fold(state, failed(id, "text"));
		if (i % 2 == 0)
			fold(state, finished(id));
	}
	return state;
}

Test(memory, D03_without_memory_there_is_no_new_state_no_copy_and_no_decoded_one)
{
	struct conversation_state *const state = large_state(), *made = NULL;
	const struct encoding encoding = encoding_of(state);
	const char *fault = NULL;
	int refused[3] = { 0 };

	for (int kind = 0; kind < 3; kind++)
		for (int number = 1;; number++) {
			refusal_begin(number);
			const reprise_status status =
				kind == 0   ? state_new(&made)
				: kind == 1 ? state_copy(state, &made)
					    : state_decode((struct reprise_bytes){ encoding.bytes,
										   encoding.size },
							   &made, &fault);
			const bool was_refused = refusal_end();

			cr_assert(eq(ptr, (void *)fault, NULL), "nothing is wrong with the bytes");
			if (status != REPRISE_OK) {
				cr_assert(eq(int, status, REPRISE_E_NO_MEMORY));
				cr_assert(eq(ptr, made, NULL));
				refused[kind]++;
				continue;
			}
			/* The table may have gone on without growing. */
			cr_assert(kind == 0 || states_are_equal(state, made));
			state_free(made);
			made = NULL;
			if (!was_refused)
				break;
		}
	cr_assert(eq(int, refused[0], 2));
	cr_assert(gt(int, refused[1], 100));
	cr_assert(gt(int, refused[2], 100));
	free(encoding.bytes);
	state_free(state);
	expect_no_leaks();
}
