/* SPDX-License-Identifier: MIT */
/* V64: each allocation refused in turn. */
#include "refusal.h"
#include "states.h"

SUITE(durable_memory);

/* Every kind of change, in one event. */
static void
write_event(struct durable_change *change)
{
	struct durable_settings settings = plain_settings();

	durable_change_create(change, SESSION, &settings, 1);
	durable_change_number(change, "q", 0, 0, 1);
	durable_change_number(change, "p", 0, 0, 1);
	durable_change_number(change, "r", 0, 0, 1);
	durable_change_number(change, "s", 0, 0, 1);
	durable_change_number(change, "o", 0, 0, 1);
	durable_change_order(change, "order");
	durable_change_add_fork(change, "y");
	durable_change_add_fork(change, "x");
	durable_change_close(change, "p", 0, 0);
}

Test(durable_memory, V64_a_change_without_memory_has_failed)
{
	int failed = 0;

	for (int number = 1;; number++) {
		struct durable_change change = { 0 };
		bool was_refused;

		refusal_begin(number);
		write_event(&change);
		was_refused = refusal_end();
		cr_assert(eq(int, change.failed, was_refused));
		failed += change.failed;
		durable_change_free(&change);
		cr_assert(not(change.failed));
		cr_assert(eq(ptr, change.data, NULL));
		if (!was_refused)
			break;
	}
	cr_assert(lt(int, 1, failed));
	expect_no_leaks();
}

Test(durable_memory, V64_a_change_that_failed_stays_so)
{
	struct durable_change change = { 0 };

	refusal_begin(1);
	durable_change_gone(&change);
	cr_assert(refusal_end());
	cr_assert(change.failed);
	durable_change_gone(&change);
	cr_assert(change.failed);
	cr_assert(eq(sz, change.size, 0));
	durable_change_free(&change);
}

/* Answers how many allocations could be refused. */
static int
apply_refused(const struct durable_change *change)
{
	int refused = 0;

	for (int number = 1;; number++) {
		enum durable_applied applied;
		struct durable_state state;
		bool was_refused;

		durable_state_init(&state);
		refusal_begin(number);
		applied = durable_state_apply(&state, SESSION, 3, DURABLE_KIND, change->data,
					      change->size);
		was_refused = refusal_end();
		cr_assert(eq(int, (int)applied, was_refused ? DURABLE_NO_MEMORY : DURABLE_APPLIED));
		cr_assert(eq(u64, state.through, was_refused ? 0 : 3));
		if (was_refused) {
			/* The same event again, on the state that is half changed. */
			cr_assert(eq(int,
				     (int)durable_state_apply(&state, SESSION, 3, DURABLE_KIND,
							      change->data, change->size),
				     DURABLE_APPLIED));
			refused++;
		}
		cr_assert(eq(sz, state.producers_count, 5));
		cr_assert(eq(sz, state.forks_count, 2));
		durable_state_free(&state);
		if (!was_refused)
			return refused;
	}
}

Test(durable_memory, V64_an_event_without_memory_can_be_applied_again)
{
	struct durable_change change = { 0 };

	write_event(&change);
	cr_assert(eq(int, apply_refused(&change), 5 + 2 + 2 + 1),
		  "ids, and the room twice and once");
	durable_change_free(&change);
	expect_no_leaks();
}

Test(durable_memory, V64_a_snapshot_without_memory_can_be_applied_again)
{
	struct durable_change change = { 0 };
	struct durable_state state;

	write_event(&change);
	durable_state_init(&state);
	expect_applied(&state, 3, &change);
	durable_change_snapshot(&change, SESSION, &state);
	cr_assert(eq(int, apply_refused(&change), 5 + 2 + 2), "ids, and the room at once");
	durable_change_free(&change);
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_memory, V64_judging_and_parsing_take_no_memory)
{
	const struct durable_request request = { .has_producer = true,
						 .producer = "p",
						 .number = 1,
						 .has_data = true,
						 .type = "text/plain" };
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	const struct durable_producer *producer;
	char type[DURABLE_TYPE_BYTES_MAX + 1], text[DURABLE_TIME_BYTES];
	uint64_t unix_ns;

	refusal_begin(1);
	(void)durable_state_judge(&state, &request, &producer);
	(void)durable_type_parse("text/plain", 10, type);
	(void)durable_time_parse("2026-01-31T09:05:07Z", 20, &unix_ns);
	durable_time_format(unix_ns, text);
	cr_assert(not(refusal_end()));
	durable_state_free(&state);
}
