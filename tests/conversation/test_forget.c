/* SPDX-License-Identifier: MIT */
/* The horizon of finished messages (rule D03). */
#include "events.h"

#include <stdio.h>

SUITE(forget);

Test(forget, D03_finished_messages_that_were_received_before_the_horizon_are_forgotten)
{
	struct conversation_state *const state = new_state();

	fold(state, received("old", 99));
	fold(state, received("new", 100));
	fold(state, received("open", 1));
	fold(state, finished("old"));
	fold(state, finished("new"));
	cr_assert(eq(u64, state_forget(state, 100), 1));
	cr_assert(not(is_known(state, "old")));
	cr_assert(is_known(state, "new"));
	cr_assert(is_known(state, "open"));
	cr_assert(eq(sz, state_messages_count(state), 2));
	cr_assert(eq(u64, state_forget(state, 100), 0));
	state_free(state);
	expect_no_leaks();
}

Test(forget, D03_a_forgotten_id_that_is_received_again_is_a_new_message)
{
	struct conversation_state *const state = new_state();

	fold(state, received("m", 1));
	fold(state, step_done("m", 5, "out"));
	fold(state, failed("m", "text"));
	fold(state, finished("m"));
	expect_decision(state, "m", REPRISE_DECISION_SKIP, 0);
	cr_assert(eq(u64, state_forget(state, 2), 1));
	expect_decision(state, "m", REPRISE_DECISION_START, 0);
	fold(state, received("m", 2));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 0);
	cr_assert(not(facts_of(state, "m").has_error));
	cr_assert(eq(u64, facts_of(state, "m").received_at_ms, 2));
	fold(state, finished("m"));
	expect_decision(state, "m", REPRISE_DECISION_SKIP, 0);
	state_free(state);
	expect_no_leaks();
}

Test(forget, D03_the_horizon_stays_and_never_sinks)
{
	struct conversation_state *const state = new_state();

	(void)state_forget(state, 100);
	cr_assert(eq(u64, state_forget(state, 7), 0));
	cr_assert(eq(u64, state_horizon_ms(state), 100));
	fold(state, received("late", 50));
	fold(state, step_done("late", 0, "out"));
	expect_decision(state, "late", REPRISE_DECISION_RESUME_FROM, 1);
	fold(state, finished("late"));
	cr_assert(not(is_known(state, "late")), "it was received before the horizon");
	fold(state, received("in time", 100));
	fold(state, finished("in time"));
	cr_assert(is_known(state, "in time"));
	fold(state, finished("never received"));
	cr_assert(not(is_known(state, "never received")));
	cr_assert(eq(u64, state_last_ordinal(state), 6));
	state_free(state);
	expect_no_leaks();
}

Test(forget, D03_a_replay_with_the_horizon_ends_in_the_same_state)
{
	struct conversation_state *const state = new_state(), *const replayed = new_state();
	const struct conversation_event stream[] = {
		received("a", 10),
		received("b", 20),
		finished("a"),
		step_done("b", 0, "out"),
		/* Here the horizon rises to 15: a is forgotten. */
		received("a", 30),
		step_done("a", 0, "again"),
		finished("b"),
	};

	for (size_t i = 0; i < 4; i++)
		fold(state, stream[i]);
	cr_assert(eq(u64, state_forget(state, 15), 1));
	for (size_t i = 4; i < 7; i++)
		fold(state, stream[i]);
	(void)state_forget(replayed, 15);
	for (size_t i = 0; i < 7; i++)
		fold(replayed, stream[i]);
	cr_assert(states_are_equal(state, replayed));
	expect_decision(replayed, "a", REPRISE_DECISION_RESUME_FROM, 1);
	state_free(state);
	state_free(replayed);
}

Test(forget, D03_memory_is_linear_in_what_is_known_and_not_in_the_history)
{
	struct conversation_state *const state = new_state(), *const fresh = new_state();
	char id[32];

	for (uint64_t i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "id %d", (int)i);
		fold(state, received(id, i));
		fold(state, step_done(id, 0, "an output"));
		fold(state, finished(id));
		if (i % 1000 == 999)
			(void)state_forget(state, i - 9);
	}
	for (uint64_t i = 19990; i < 20000; i++) {
		snprintf(id, sizeof(id), "id %d", (int)i);
		fold(fresh, received(id, i));
		fold(fresh, step_done(id, 0, "an output"));
		fold(fresh, finished(id));
	}
	cr_assert(eq(sz, state_messages_count(state), 10));
	cr_assert(eq(sz, state_messages_count(fresh), 10));
	cr_assert(lt(sz, state_bytes(state), 2 * state_bytes(fresh)));
	state_free(state);
	state_free(fresh);
	expect_no_leaks();
}
