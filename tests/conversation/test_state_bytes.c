/* SPDX-License-Identifier: MIT */
/* States as bytes (rule D03). */
#include "events.h"

#include <stdlib.h>

SUITE(state_bytes);

/* A state with everything in it. */
static struct conversation_state *
full_state(void)
{
	struct conversation_state *const state = new_state();

	(void)state_forget(state, 7);
	fold(state, received("m1", 9));
	fold(state, step_done("m1", 2, "\x01\xff"));
	fold(state, failed("m1", "é"));
	fold(state, received("m2", 8));
	fold(state, step_done("m2", 0, "gone"));
	fold(state, finished("m2"));
	fold(state, started("m3"));
	return state;
}

/* The same by hand. */
static const unsigned char full_bytes[] = "LCS1"
					  "\0\0\0\0\0\0\0\x07" /* the last ordinal */
					  "\0\0\0\0\0\0\0\x07" /* the horizon */
					  "\0\0\0\0\0\0\0\x03" /* messages */
					  "\0\0\0\0\0\0\0\x02m1"
					  "\x09" /* received, an error */
					  "\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x01"
					  "\0\0\0\0\0\0\0\x02\xc3\xa9"
					  "\0\0\0\0\0\0\0\x01" /* steps */
					  "\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\x01\xff"
					  "\0\0\0\0\0\0\0\x02m2"
					  "\x05" /* received, finished */
					  "\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x04"
					  "\0\0\0\0\0\0\0\x01"
					  "\0\0\0\0\0\0\0\0\0\0\0\x05"
					  "\0\0\0\0\0\0\0\x02m3"
					  "\x02" /* in progress */
					  "\0\0\0\0\0\0\0\0";

enum {
	FULL_BYTES = sizeof(full_bytes) - 1,
	AT_VERSION = 3,
	AT_LAST_ORDINAL = 11,
	AT_HORIZON = 19,
	AT_COUNT = 27,
	AT_ID_SIZE = 35,
	AT_ID = 36,
	AT_FLAGS = 38,
	AT_RECEIVED_ORDINAL = 54,
	AT_ERROR = 63,
	AT_STEPS = 65,
	AT_STEP_ORDINAL = 84,
	AT_M2_ID = 104,
	AT_M2_AT = 113,
	AT_M3_FLAGS = 152,
};

static reprise_status
decode(const unsigned char *bytes, size_t size, struct conversation_state **ret_state,
       const char **ret_fault)
{
	unsigned char *const exact = malloc(size + (size == 0));

	cr_assert(ne(ptr, exact, NULL));
	memcpy(exact, bytes, size);
	const reprise_status status =
		state_decode((struct reprise_bytes){ exact, size }, ret_state, ret_fault);

	free(exact);
	return status;
}

/* With that byte instead. */
static void
expect_fault(size_t at, unsigned char byte, reprise_status status, const char *expected)
{
	unsigned char bytes[FULL_BYTES];
	struct conversation_state *state = NULL;
	const char *fault = NULL;

	memcpy(bytes, full_bytes, FULL_BYTES);
	cr_assert(ne(u8, bytes[at], byte));
	bytes[at] = byte;
	cr_assert(eq(int, decode(bytes, FULL_BYTES, &state, &fault), status), "byte %zu", at);
	cr_assert(eq(str, (char *)fault, (char *)expected), "byte %zu", at);
	cr_assert(eq(ptr, state, NULL));
}

static void
expect_corrupt(size_t at, unsigned char byte, const char *expected)
{
	expect_fault(at, byte, REPRISE_E_CORRUPT, expected);
}

Test(state_bytes, D03_a_state_has_its_golden_bytes)
{
	struct conversation_state *const state = full_state();
	const struct encoding encoding = encoding_of(state);

	cr_assert(eq(sz, encoding.size, FULL_BYTES));
	cr_assert(eq(int, memcmp(encoding.bytes, full_bytes, FULL_BYTES), 0));
	free(encoding.bytes);
	state_free(state);
}

Test(state_bytes, D03_a_decoded_state_is_the_same_and_goes_on)
{
	struct conversation_state *const state = full_state(), *decoded = NULL;
	const char *fault = NULL;

	cr_assert(eq(int, decode(full_bytes, FULL_BYTES, &decoded, &fault), REPRISE_OK));
	cr_assert(states_are_equal(state, decoded));
	expect_output(decoded, "m1", 2, "\x01\xff");
	expect_place(decoded, "m2", 0, 5);
	expect_decision(decoded, "m1", REPRISE_DECISION_RESUME_FROM, 3);
	expect_decision(decoded, "m2", REPRISE_DECISION_SKIP, 0);
	expect_decision(decoded, "m3", REPRISE_DECISION_START, 0);
	cr_assert(eq(u64, state_horizon_ms(decoded), 7));
	fold(decoded, step_done("m1", 1, "one"));
	fold(decoded, step_done("m2", 9, "nine"));
	fold(state, step_done("m1", 1, "one"));
	fold(state, step_done("m2", 9, "nine"));
	cr_assert(states_are_equal(state, decoded));
	state_free(state);
	state_free(decoded);
	expect_no_leaks();
}

Test(state_bytes, D03_an_empty_state_and_one_that_has_forgotten_all_are_encoded)
{
	struct conversation_state *const state = new_state(), *decoded = NULL;
	const char *fault = NULL;

	for (int i = 0; i < 2; i++) {
		const struct encoding encoding = encoding_of(state);

		cr_assert(eq(sz, encoding.size, 28));
		cr_assert(eq(int, decode(encoding.bytes, encoding.size, &decoded, &fault),
			     REPRISE_OK));
		cr_assert(states_are_equal(state, decoded));
		cr_assert(eq(u64, state_last_ordinal(decoded), 2 * (uint64_t)i));
		state_free(decoded);
		free(encoding.bytes);
		if (i == 1)
			break;
		fold(state, received("m", 1));
		fold(state, finished("m"));
		cr_assert(eq(u64, state_forget(state, 2), 1));
	}
	state_free(state);
	expect_no_leaks();
}

Test(state_bytes, D03_a_state_that_is_cut_off_anywhere_is_corrupt)
{
	for (size_t size = 0; size < FULL_BYTES; size++) {
		struct conversation_state *state = NULL;
		const char *fault = NULL;

		cr_assert(eq(int, decode(full_bytes, size, &state, &fault), REPRISE_E_CORRUPT),
			  "%zu bytes", size);
		cr_assert(ne(ptr, (void *)fault, NULL));
		cr_assert(eq(ptr, state, NULL));
	}
	expect_no_leaks();
}

Test(state_bytes, D03_bytes_after_a_state_are_corrupt)
{
	/* The NUL that ends the literal. */
	struct conversation_state *state = NULL;
	const char *fault = NULL;

	cr_assert(eq(int, decode(full_bytes, FULL_BYTES + 1, &state, &fault), REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)fault, "a state has bytes after its end"));
	expect_no_leaks();
}

Test(state_bytes, D03_another_version_is_told_from_damage)
{
	expect_fault(AT_VERSION, '2', REPRISE_E_VERSION, "a state has an unknown version");
	expect_corrupt(0, 'l', "a state has wrong first bytes");
	expect_corrupt(2, 'E', "a state has wrong first bytes");
	expect_no_leaks();
}

Test(state_bytes, D03_each_damage_of_a_state_is_named)
{
	expect_corrupt(AT_LAST_ORDINAL, 4, "a state has an impossible ordinal");
	expect_corrupt(AT_LAST_ORDINAL, 2, "a state has an impossible number of messages");
	expect_corrupt(AT_HORIZON, 9, "a state has a message from before the horizon");
	expect_corrupt(AT_COUNT, 8, "a state has an impossible number of messages");
	expect_corrupt(AT_COUNT, 4, "a state is truncated");
	expect_corrupt(AT_COUNT, 2, "a state has bytes after its end");
	expect_corrupt(AT_ID_SIZE, 0, "a state has an invalid id");
	expect_corrupt(AT_ID_SIZE - 7, 0xff, "a state is truncated");
	expect_corrupt(AT_ID, '\0', "a state has an invalid id");
	expect_corrupt(AT_ID, 0xff, "a state has an invalid id");
	expect_corrupt(AT_M2_ID, '1', "a state has an invalid id"); /* twice */
	expect_corrupt(AT_FLAGS, 0x19, "a state has unknown flags");
	expect_corrupt(AT_RECEIVED_ORDINAL, 0, "a state has an impossible ordinal");
	expect_corrupt(AT_RECEIVED_ORDINAL, 8, "a state has an impossible ordinal");
	expect_corrupt(AT_ERROR, 'x', "a state has an invalid error text");
	expect_corrupt(AT_STEPS + 7, 9, "a state has an impossible number of steps");
	expect_corrupt(AT_STEPS, 0x80, "a state has an impossible number of steps");
	expect_corrupt(AT_STEP_ORDINAL, 0, "a state has an impossible ordinal");
	expect_corrupt(AT_STEP_ORDINAL, 8, "a state has an impossible ordinal");
	expect_corrupt(AT_M2_AT, 6, "a state has a message from before the horizon");
	expect_corrupt(AT_M3_FLAGS, 0, "a state has a message without an event");
	expect_no_leaks();
}

Test(state_bytes, D03_steps_that_do_not_ascend_are_corrupt)
{
	struct conversation_state *const state = new_state(), *decoded = NULL;
	const char *fault = NULL;

	fold(state, step_done("m", 4, "a"));
	fold(state, step_done("m", 6, "b"));
	const struct encoding encoding = encoding_of(state);
	/* The last number of a step: 4 + 8 + 8 + 1 bytes each. */
	unsigned char *const second = encoding.bytes + encoding.size - 18;

	cr_assert(eq(u8, *second, 6));
	for (unsigned char step = 3; step <= 4; step++) {
		*second = step;
		cr_assert(eq(int, decode(encoding.bytes, encoding.size, &decoded, &fault),
			     REPRISE_E_CORRUPT));
		cr_assert(eq(str, (char *)fault, "a state has steps in a wrong order"));
	}
	*second = 5;
	cr_assert(eq(int, decode(encoding.bytes, encoding.size, &decoded, &fault), REPRISE_OK));
	state_free(decoded);
	free(encoding.bytes);
	state_free(state);
	expect_no_leaks();
}
