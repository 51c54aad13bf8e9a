/* SPDX-License-Identifier: MIT */
/* The state and the decision (rules D03 and D04). */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "conversation/messages.h"

SUITE(state);

static bool is_random_refused;

/* The linker's names of the function. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
ssize_t __real_getrandom(void *to, size_t bytes, unsigned int flags);
ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned int flags);
ssize_t
__wrap_getrandom(void *to, size_t bytes, unsigned int flags)
{
	if (!is_random_refused)
		return __real_getrandom(to, bytes, flags);
	errno = ENOSYS;
	return -1;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

Test(state, D03_an_empty_state_knows_nothing)
{
	struct conversation_state *const state = new_state();

	cr_assert(eq(sz, state_messages_count(state), 0));
	cr_assert(eq(u64, state_last_ordinal(state), 0));
	cr_assert(eq(u64, state_horizon_ms(state), 0));
	cr_assert(eq(ptr, (void *)state_first_message(state), NULL));
	cr_assert(not(is_known(state, "m")));
	state_free(state);
	state_free(NULL);
	expect_no_leaks();
}

Test(state, D03_without_random_bytes_there_is_no_state)
{
	struct conversation_state *state = NULL;

	is_random_refused = true;
	cr_assert(eq(int, state_new(&state), REPRISE_E_SYSTEM));
	cr_assert(eq(int, errno, ENOSYS));
	cr_assert(eq(ptr, state, NULL));
	is_random_refused = false;
	expect_no_leaks();
}

Test(state, D03_a_receipt_adds_the_message)
{
	struct conversation_state *const state = new_state();

	fold(state, started("other"));
	fold(state, received("m", 1700));
	const struct message_facts facts = facts_of(state, "m");

	cr_assert(facts.is_received);
	cr_assert(not(facts.is_in_progress));
	cr_assert(not(facts.is_finished));
	cr_assert(not(facts.has_error));
	cr_assert(eq(u64, facts.received_at_ms, 1700));
	cr_assert(eq(u64, facts.received_ordinal, 2));
	cr_assert(eq(u64, facts.steps_count, 0));
	cr_assert(eq(str, (char *)facts.id.data, (char *)"m"), "a NUL follows the id");
	cr_assert(not(facts_of(state, "other").is_received));
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_of_two_receipts_the_first_counts)
{
	struct conversation_state *const state = new_state();

	fold(state, received("m", 0));
	fold(state, received("m", 1800));
	cr_assert(eq(u64, facts_of(state, "m").received_at_ms, 0));
	cr_assert(eq(u64, facts_of(state, "m").received_ordinal, 1));
	cr_assert(eq(sz, state_messages_count(state), 1));
	state_free(state);
}

Test(state, D03_started_is_in_progress_and_an_error_or_the_end_is_not)
{
	struct conversation_state *const state = new_state();

	fold(state, received("m", 1));
	fold(state, started("m"));
	cr_assert(facts_of(state, "m").is_in_progress);
	fold(state, failed("m", "first"));
	cr_assert(not(facts_of(state, "m").is_in_progress));
	cr_assert(not(facts_of(state, "m").is_finished));
	fold(state, started("m"));
	cr_assert(facts_of(state, "m").is_in_progress);
	fold(state, finished("m"));
	cr_assert(not(facts_of(state, "m").is_in_progress));
	cr_assert(facts_of(state, "m").is_finished);
	fold(state, started("m"));
	cr_assert(facts_of(state, "m").is_in_progress, "no transition is illegal");
	cr_assert(facts_of(state, "m").is_finished);
	state_free(state);
}

Test(state, D03_the_last_error_text_stays)
{
	struct conversation_state *const state = new_state();

	fold(state, failed("m", "the first, which is longer"));
	fold(state, failed("m", "second"));
	fold(state, received("m", 1));
	fold(state, started("m"));
	fold(state, finished("m"));
	const struct message_facts facts = facts_of(state, "m");

	cr_assert(facts.has_error);
	cr_assert(eq(sz, facts.error_text.size, 6));
	cr_assert(eq(str, (char *)facts.error_text.data, (char *)"second"));
	fold(state, failed("m", ""));
	cr_assert(facts_of(state, "m").has_error, "an empty text is an error, too");
	cr_assert(eq(sz, facts_of(state, "m").error_text.size, 0));
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_steps_ascend_in_whatever_order_they_came)
{
	static const uint32_t order[] = { 5, 0, UINT32_MAX, 3, 9, 4, 1 };
	static const uint32_t sorted[] = { 0, 1, 3, 4, 5, 9, UINT32_MAX };
	struct conversation_state *const state = new_state();
	struct conversation_step step = { 0 };
	char output[16];

	for (size_t i = 0; i < 7; i++) {
		snprintf(output, sizeof(output), "out %u", order[i]);
		fold(state, step_done("m", order[i], output));
	}
	for (size_t i = 0; i < 7; i++) {
		snprintf(output, sizeof(output), "out %u", sorted[i]);
		cr_assert(message_step_at(state_find(state, bytes_of("m")), i, &step));
		cr_assert(eq(u32, step.step, sorted[i]));
		expect_output(state, "m", sorted[i], output);
	}
	cr_assert(not(message_step_at(state_find(state, bytes_of("m")), 7, &step)));
	cr_assert(not(message_find_step(state_find(state, bytes_of("m")), 2, &step)));
	cr_assert(not(message_find_step(state_find(state, bytes_of("m")), 10, &step)));
	cr_assert(eq(u64, facts_of(state, "m").steps_count, 7));
	cr_assert(eq(u32, facts_of(state, "m").last_step, UINT32_MAX));
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_a_step_that_is_recorded_again_has_the_later_output)
{
	struct conversation_state *const state = new_state();
	struct conversation_step step = { 0 };

	fold(state, step_done("m", 0, "first"));
	fold(state, step_done("m", 1, "one"));
	fold(state, step_done("m", 0, "the second time"));
	expect_output(state, "m", 0, "the second time");
	expect_output(state, "m", 1, "one");
	cr_assert(message_find_step(state_find(state, bytes_of("m")), 0, &step));
	cr_assert(eq(u64, step.ordinal, 3));
	cr_assert(eq(u64, facts_of(state, "m").steps_count, 2));
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_a_finished_message_keeps_the_ordinals_of_its_outputs)
{
	struct conversation_state *const state = new_state();
	static char large[100001];

	memset(large, 'x', sizeof(large) - 1);
	fold(state, received("m", 1));
	const size_t before = state_bytes(state);

	for (uint32_t step = 0; step < 3; step++)
		fold(state, step_done("m", step, large));
	cr_assert(gt(sz, state_bytes(state), before + 300000));
	fold(state, finished("m"));
	cr_assert(lt(sz, state_bytes(state), before + 200), "the outputs have left memory");
	expect_place(state, "m", 0, 2);
	expect_place(state, "m", 2, 4);
	fold(state, step_done("m", 1, large));
	fold(state, step_done("m", 7, large));
	cr_assert(lt(sz, state_bytes(state), before + 200));
	expect_place(state, "m", 1, 6);
	expect_place(state, "m", 7, 7);
	cr_assert(eq(u64, facts_of(state, "m").steps_count, 4));
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_events_of_a_message_that_was_never_received_are_folded)
{
	struct conversation_state *const state = new_state();

	fold(state, step_done("a", 3, "out"));
	fold(state, failed("b", "text"));
	fold(state, finished("c"));
	fold(state, started("d"));
	expect_output(state, "a", 3, "out");
	cr_assert(facts_of(state, "b").has_error);
	cr_assert(facts_of(state, "c").is_finished);
	cr_assert(facts_of(state, "d").is_in_progress);
	expect_decision(state, "a", REPRISE_DECISION_START, 0);
	expect_decision(state, "b", REPRISE_DECISION_START, 0);
	expect_decision(state, "c", REPRISE_DECISION_SKIP, 0);
	expect_decision(state, "d", REPRISE_DECISION_START, 0);
	fold(state, received("a", 1));
	expect_decision(state, "a", REPRISE_DECISION_RESUME_FROM, 4);
	state_free(state);
	expect_no_leaks();
}

Test(state, D03_messages_stand_in_the_order_of_their_first_events)
{
	struct conversation_state *const state = new_state();
	static const char *const ids[] = { "c", "a", "b" };
	size_t count = 0;

	fold(state, started("c"));
	fold(state, received("a", 9));
	fold(state, received("b", 3));
	fold(state, received("c", 1));
	for (const struct conversation_message *message = state_first_message(state);
	     message != NULL; message = state_next_message(message)) {
		cr_assert(lt(sz, count, 3));
		cr_assert(eq(str, (char *)message_facts(message).id.data, (char *)ids[count++]));
	}
	cr_assert(eq(sz, count, 3));
	cr_assert(eq(u64, facts_of(state, "c").received_ordinal, 4));
	state_free(state);
}

Test(state, D03_ids_that_begin_alike_are_different_messages)
{
	struct conversation_state *const state = new_state();
	static char long_id[1025];

	memset(long_id, 'x', 1024);
	fold(state, received("x", 1));
	fold(state, received("xx", 2));
	fold(state, received(long_id, 3));
	long_id[1023] = 'y';
	cr_assert(not(is_known(state, long_id)));
	long_id[1023] = '\0';
	cr_assert(not(is_known(state, long_id)));
	cr_assert(eq(u64, facts_of(state, "xx").received_at_ms, 2));
	cr_assert(eq(sz, state_messages_count(state), 3));
	state_free(state);
}

Test(state, D04_the_decision_is_start_resume_or_skip)
{
	struct conversation_state *const state = new_state();

	expect_decision(state, "m", REPRISE_DECISION_START, 0);
	cr_assert(eq(sz, state_messages_count(state), 0), "a decision changes nothing");
	fold(state, received("m", 1));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 0);
	fold(state, started("m"));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 0);
	fold(state, step_done("m", 0, ""));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 1);
	fold(state, step_done("m", 6, ""));
	fold(state, step_done("m", 2, ""));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 7);
	fold(state, failed("m", "text"));
	expect_decision(state, "m", REPRISE_DECISION_RESUME_FROM, 7);
	fold(state, finished("m"));
	expect_decision(state, "m", REPRISE_DECISION_SKIP, 0);
	fold(state, started("m"));
	expect_decision(state, "m", REPRISE_DECISION_SKIP, 0);
	state_free(state);
	expect_no_leaks();
}

Test(state, D04_no_step_follows_the_last_one)
{
	struct conversation_state *const state = new_state();
	struct reprise_decision decision = { .step = 77 };

	fold(state, step_done("m", UINT32_MAX, ""));
	expect_decision(state, "m", REPRISE_DECISION_START, 0);
	fold(state, received("m", 1));
	cr_assert(eq(int, state_decide(state, bytes_of("m"), &decision), REPRISE_E_INVALID));
	cr_assert(eq(u32, decision.step, 77));
	fold(state, finished("m"));
	expect_decision(state, "m", REPRISE_DECISION_SKIP, 0);
	fold(state, received("n", 1));
	fold(state, step_done("n", UINT32_MAX - 1, ""));
	expect_decision(state, "n", REPRISE_DECISION_RESUME_FROM, UINT32_MAX);
	state_free(state);
}

Test(state, D04_a_bad_id_is_refused)
{
	struct conversation_state *const state = new_state();
	struct reprise_decision decision = { .step = 77 };
	static char text[1025];

	memset(text, 'x', sizeof(text));
	cr_assert(eq(int, state_decide(state, (struct reprise_bytes){ NULL, 0 }, &decision),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, state_decide(state, (struct reprise_bytes){ text, 1025 }, &decision),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, state_decide(state, (struct reprise_bytes){ text, SIZE_MAX }, &decision),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, state_decide(state, (struct reprise_bytes){ "a\0", 2 }, &decision),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, state_decide(state, bytes_of("\xff"), &decision), REPRISE_E_INVALID));
	cr_assert(eq(u32, decision.step, 77));
	cr_assert(
		eq(ptr, (void *)state_find(state, (struct reprise_bytes){ text, SIZE_MAX }), NULL));
	state_free(state);
}

Test(state, D03_a_copy_and_its_original_go_their_own_ways)
{
	struct conversation_state *const state = new_state(), *copy = NULL;
	const struct conversation_event event = received("prepared", 1);

	fold(state, received("m", 1));
	fold(state, step_done("m", 0, "zero"));
	fold(state, failed("m", "text"));
	fold(state, step_done("f", 4, "four"));
	fold(state, finished("f"));
	(void)state_forget(state, 0);
	cr_assert(eq(int, state_prepare(state, &event), REPRISE_OK));
	cr_assert(eq(int, state_copy(state, &copy), REPRISE_OK));
	state_cancel(state);
	cr_assert(states_are_equal(state, copy));
	fold(copy, step_done("m", 0, "other"));
	fold(copy, received("only in the copy", 1));
	expect_output(state, "m", 0, "zero");
	expect_output(copy, "m", 0, "other");
	cr_assert(not(is_known(state, "only in the copy")));
	state_free(state);
	expect_place(copy, "f", 4, 4);
	state_free(copy);
	expect_no_leaks();
}

Test(state, D03_each_state_has_a_key_of_its_own_and_its_copies_have_it_too)
{
	struct conversation_state *const state = new_state(), *const other = new_state();
	struct conversation_state *copy = NULL;

	cr_assert(eq(int, state_copy(state, &copy), REPRISE_OK));
	cr_assert(ne(int, memcmp(&state->key, &other->key, sizeof(state->key)), 0));
	cr_assert(eq(int, memcmp(&state->key, &copy->key, sizeof(state->key)), 0));
	state_free(copy);
	state_free(other);
	state_free(state);
}
