/* SPDX-License-Identifier: MIT */
/* The two phases of a fold (rules D03 and D05). */
#include "events.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

SUITE(prepare);

Test(prepare, D05_a_prepared_event_is_not_seen_until_it_is_applied)
{
	struct conversation_state *const state = new_state();
	const struct conversation_event event = step_done("m", 0, "out");

	cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
	cr_assert(not(is_known(state, "m")));
	cr_assert(eq(sz, state_messages_count(state), 0));
	cr_assert(eq(ptr, (void *)state_first_message(state), NULL));
	expect_decision(state, "m", REPRISE_DECISION_START, 0);
	state_apply(state, 4, &event);
	expect_output(state, "m", 0, "out");
	cr_assert(eq(u64, state_last_ordinal(state), 4));
	state_free(state);
	expect_no_leaks();
}

Test(prepare, D05_a_cancelled_event_leaves_nothing_behind)
{
	struct conversation_state *const state = new_state();
	const struct conversation_event events[] = { received("n", 1),
						     step_done("m", 1, "again"),
						     step_done("m", 2, "new"),
						     failed("m", "text"),
						     finished("m"),
						     step_done("n", 0, "out") };

	fold(state, received("m", 1));
	fold(state, step_done("m", 0, "zero"));
	fold(state, step_done("m", 1, "one"));
	const size_t before = state_bytes(state);
	const struct encoding encoding = encoding_of(state);

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		cr_assert(eq(int, state_prepare(state, &events[i]), REPRISE_OK));
		state_cancel(state);
		cr_assert(eq(sz, state_bytes(state), before));
		const struct encoding now = encoding_of(state);

		cr_assert(encodings_are_equal(now, encoding));
		free(now.bytes);
	}
	state_cancel(state);
	free(encoding.bytes);
	fold(state, received("n", 5));
	cr_assert(is_known(state, "n"));
	cr_assert(eq(int, state_prepare(state, &events[2]), REPRISE_OK));
	state_free(state);
	expect_no_leaks();
}

Test(prepare, D05_many_cancelled_events_take_no_room)
{
	struct conversation_state *const state = new_state();
	char id[32];

	fold(state, received("m", 1));
	for (int i = 0; i < 10000; i++) {
		snprintf(id, sizeof(id), "id %d", i);
		const struct conversation_event event = received(id, 1);

		cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
		state_cancel(state);
	}
	cr_assert(lt(sz, state_bytes(state), 8192));
	cr_assert(is_known(state, "m"));
	state_free(state);
	expect_no_leaks();
}

Test(prepare, D05_an_ordinal_that_does_not_rise_aborts, .signal = SIGABRT)
{
	struct conversation_state *const state = new_state();
	const struct conversation_event event = received("m", 1);

	fold(state, event);
	(void)!state_fold(state, 1, &event);
}

Test(prepare, D05_a_second_event_is_not_prepared_beside_the_first, .signal = SIGABRT)
{
	struct conversation_state *const state = new_state();
	const struct conversation_event event = received("m", 1);

	cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
	(void)!state_prepare(state, &event);
}
