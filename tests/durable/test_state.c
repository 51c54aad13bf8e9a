/* SPDX-License-Identifier: MIT */
/* V61: the state of a stream is the sum of its control events, and a snapshot is the sum. */
#include "states.h"

#include <stdio.h>

SUITE(durable_state);

Test(durable_state, V61_a_stream_begins_with_its_CREATE)
{
	struct durable_settings settings = plain_settings();
	struct durable_state state;

	settings.has_ttl = true;
	settings.ttl_s = 60;
	state = created(&settings);
	cr_assert(state.is_created);
	cr_assert(not(state.is_closed));
	cr_assert(not(state.is_gone));
	cr_assert(eq(u64, state.first, 1));
	cr_assert(eq(u64, state.snapshot, 1));
	cr_assert(eq(u64, state.last_data, 0));
	cr_assert(eq(u64, state.renewed_ns, 5));
	cr_assert(eq(str, state.settings.type, "text/plain"));
	cr_assert(eq(str, state.settings.type_sent, "text/plain; charset=utf-8"));
	cr_assert(state.settings.has_ttl);
	cr_assert(eq(u64, state.settings.ttl_s, 60));
	apply_data(&state, 2);
	apply_data(&state, 9);
	cr_assert(eq(u64, state.snapshot, 1));
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_state, V61_a_stream_may_be_created_closed)
{
	struct durable_settings settings = plain_settings();
	struct durable_state state;

	settings.is_created_closed = true;
	state = created(&settings);
	cr_assert(state.is_closed);
	cr_assert(eq(str, state.closing_id, ""));
	apply_data(&state, 2);
	cr_assert(eq(u64, state.last_data, 2));
	durable_state_free(&state);
}

Test(durable_state, V61_a_number_says_where_the_batch_ends)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	struct durable_change change = { 0 };

	durable_change_number(&change, "b", 3, 0, 2);
	expect_applied(&state, 2, &change);
	apply_data(&state, 3);
	apply_data(&state, 4);
	durable_change_number(&change, "a", 0, 0, 0);
	expect_applied(&state, 5, &change);
	durable_change_number(&change, "b", 3, 1, 1);
	expect_applied(&state, 6, &change);
	cr_assert(eq(sz, state.producers_count, 2));
	cr_assert(eq(str, state.producers[0].id, "a"));
	cr_assert(eq(u64, state.producers[0].last, 5), "without data the control event itself");
	cr_assert(eq(str, state.producers[1].id, "b"));
	cr_assert(eq(u64, state.producers[1].epoch, 3));
	cr_assert(eq(u64, state.producers[1].number, 1));
	cr_assert(eq(u64, state.producers[1].last, 7));
	cr_assert(eq(u64, state.last_data, 4), "a control event is no data");
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_state, V61_changes_of_one_event_take_effect_in_their_order)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	struct durable_change change = { 0 };

	durable_change_order(&change, "2");
	durable_change_order(&change, "10");
	durable_change_add_fork(&change, "x");
	durable_change_add_fork(&change, "x");
	durable_change_add_fork(&change, "y");
	durable_change_remove_fork(&change, "x");
	durable_change_remove_fork(&change, "unknown");
	durable_change_renew(&change, 77);
	durable_change_close(&change, "p", 1, 2);
	durable_change_gone(&change);
	expect_applied(&state, 2, &change);
	cr_assert(eq(str, state.order, "10"));
	cr_assert(eq(sz, state.forks_count, 1));
	cr_assert(eq(str, state.forks[0], "y"));
	cr_assert(eq(u64, state.renewed_ns, 77));
	cr_assert(state.is_closed);
	cr_assert(state.is_gone);
	cr_assert(eq(str, state.closing_id, "p"));
	cr_assert(eq(u64, state.closing_epoch, 1));
	cr_assert(eq(u64, state.closing_number, 2));
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_state, V61_a_fork_has_the_data_of_its_source_and_nothing_else)
{
	struct durable_settings settings = plain_settings();
	struct durable_state state;
	struct durable_change change = { 0 };

	durable_state_init(&state);
	durable_change_create(&change, "source", &settings, 5);
	expect_applied(&state, 1, &change);
	cr_assert(not(state.is_created));
	durable_change_number(&change, "p", 0, 0, 1);
	durable_change_order(&change, "9");
	durable_change_add_fork(&change, SESSION);
	durable_change_remove_fork(&change, "x");
	durable_change_renew(&change, 6);
	durable_change_close(&change, "p", 0, 0);
	durable_change_gone(&change);
	expect_applied(&state, 2, &change);
	apply_data(&state, 3);
	cr_assert(eq(sz, state.producers_count, 0));
	cr_assert(eq(sz, state.forks_count, 0));
	cr_assert(eq(u64, state.snapshot, 0));
	cr_assert(not(state.is_closed));
	cr_assert(not(state.is_gone));

	snprintf(settings.source, sizeof(settings.source), "source");
	settings.has_fork_offset = true;
	settings.fork_offset = 3;
	durable_change_create(&change, SESSION, &settings, 8);
	expect_applied(&state, 4, &change);
	cr_assert(state.is_created);
	cr_assert(not(state.is_closed));
	cr_assert(not(state.is_gone));
	cr_assert(eq(u64, state.first, 0), "the copied data are the fork's");
	cr_assert(eq(u64, state.last_data, 3));
	cr_assert(eq(u64, state.renewed_ns, 8));
	cr_assert(eq(str, state.order, ""));
	cr_assert(eq(str, state.settings.source, "source"));
	cr_assert(eq(u64, state.settings.fork_offset, 3));
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_state, V61_the_snapshot_of_a_source_says_where_its_data_end)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state source = created(&settings), fork;
	struct durable_change change = { 0 };

	durable_change_number(&change, "p", 0, 0, 1);
	expect_applied(&source, 2, &change);
	apply_data(&source, 3);
	durable_change_snapshot(&change, "source", &source);
	durable_change_close(&change, NULL, 0, 0);
	durable_state_init(&fork);
	expect_applied(&fork, 4, &change);
	cr_assert(not(fork.is_created));
	cr_assert(not(fork.is_closed));
	cr_assert(eq(u64, fork.last_data, 3));
	cr_assert(eq(u64, fork.snapshot, 0));
	cr_assert(eq(sz, fork.producers_count, 0));
	durable_state_free(&fork);
	durable_state_free(&source);
	expect_no_leaks();
}

Test(durable_state, V61_a_stream_that_is_created_again_has_nothing_of_the_old_one)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings);
	struct durable_change change = { 0 };

	durable_change_number(&change, "p", 0, 0, 1);
	durable_change_order(&change, "9");
	durable_change_add_fork(&change, "x");
	durable_change_close(&change, "p", 0, 0);
	expect_applied(&state, 2, &change);
	apply_data(&state, 3);
	durable_change_create(&change, SESSION, &settings, 9);
	expect_applied(&state, 4, &change);
	cr_assert(eq(u64, state.first, 4));
	cr_assert(eq(u64, state.last_data, 0));
	cr_assert(eq(sz, state.producers_count, 0));
	cr_assert(eq(sz, state.forks_count, 0));
	cr_assert(not(state.is_closed));
	cr_assert(eq(str, state.order, ""));
	cr_assert(eq(str, state.closing_id, ""));
	durable_state_free(&state);
	expect_no_leaks();
}

Test(durable_state, V61_a_snapshot_stands_before_the_changes_of_its_batch)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings), opened;
	struct durable_change change = { 0 };

	apply_data(&state, 2);
	durable_change_number(&change, "p", 0, 0, 1);
	expect_applied(&state, 3, &change);
	apply_data(&state, 4);
	durable_change_snapshot(&change, SESSION, &state);
	durable_change_number(&change, "p", 0, 1, 1);
	durable_state_init(&opened);
	expect_applied(&opened, 5, &change);
	apply_data(&opened, 6);
	cr_assert(opened.is_created);
	cr_assert(eq(u64, opened.first, 1));
	cr_assert(eq(u64, opened.snapshot, 5));
	cr_assert(eq(u64, opened.last_data, 6));
	cr_assert(eq(u64, opened.renewed_ns, 5));
	cr_assert(eq(sz, opened.producers_count, 1));
	cr_assert(eq(u64, opened.producers[0].number, 1));
	cr_assert(eq(u64, opened.producers[0].last, 6));
	durable_state_free(&opened);
	durable_state_free(&state);
	expect_no_leaks();
}

/* One random event of a stream: data, or changes, and in front of the changes maybe a snapshot. */
static void
random_event(struct durable_state *state, struct model *model, struct random *random,
	     reprise_position position)
{
	struct durable_change change = { 0 };

	if (random_below(random, 4) == 0) {
		apply_data(state, position);
		model->scalars.last_data = position;
		return;
	}
	if (random_below(random, 10) == 0)
		durable_change_snapshot(&change, SESSION, state);
	for (uint32_t n = 1 + random_below(random, 3); n > 0; n--)
		model_change(model, random, position, &change);
	expect_applied(state, position, &change);
}

Test(durable_state, V61_the_state_is_as_the_model_says_after_random_changes)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct random random = { seed };
		struct durable_state state;
		struct model model;

		durable_state_init(&state);
		model_init(&model, &random);
		for (reprise_position position = 1; position <= 300; position++) {
			random_event(&state, &model, &random, position);
			expect_as_modelled(&state, &model);
		}
		durable_state_free(&state);
	}
	expect_no_leaks();
}

/* The second state begins with a snapshot in the middle, and gets the same changes behind. */
Test(durable_state, V61_a_snapshot_in_the_middle_changes_nothing)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct random random = { seed * 7919 };
		const reprise_position middle = 1 + random_below(&random, 150);
		struct durable_state whole, opened;
		struct model model;

		durable_state_init(&whole);
		durable_state_init(&opened);
		model_init(&model, &random);
		for (reprise_position position = 1; position <= 200; position++) {
			struct durable_change change = { 0 };

			if (position == middle) {
				durable_state_free(&opened);
				opened = copy_by_snapshot(&whole, position);
				expect_equal(&whole, &opened, false);
				whole.through = position;
				continue;
			}
			if (random_below(&random, 4) == 0) {
				apply_data(&whole, position);
				apply_data(&opened, position);
				continue;
			}
			model_change(&model, &random, position, &change);
			cr_assert(
				eq(int,
				   (int)durable_state_apply(&opened, SESSION, position,
							    DURABLE_KIND, change.data, change.size),
				   DURABLE_APPLIED));
			expect_applied(&whole, position, &change);
			if (position > middle)
				expect_equal(&whole, &opened, false);
		}
		durable_state_free(&whole);
		durable_state_free(&opened);
	}
	expect_no_leaks();
}

Test(durable_state, V61_a_stream_has_at_most_4096_forks_and_65536_producers)
{
	const struct durable_settings settings = plain_settings();
	struct durable_state state = created(&settings), copy;
	struct durable_change change = { 0 };
	char id[32];

	for (int i = 0; i < DURABLE_FORKS_MAX; i++) {
		snprintf(id, sizeof(id), "fork%d", i);
		durable_change_add_fork(&change, id);
	}
	for (int i = 0; i < DURABLE_PRODUCERS_MAX; i++) {
		snprintf(id, sizeof(id), "producer%d", i);
		durable_change_number(&change, id, 0, 0, 0);
	}
	expect_applied(&state, 2, &change);
	copy = copy_by_snapshot(&state, 3);
	expect_equal(&state, &copy, false);
	durable_state_free(&copy);

	durable_change_add_fork(&change, "fork7");
	durable_change_number(&change, "producer7", 0, 1, 0);
	expect_applied(&state, 4, &change);
	durable_change_add_fork(&change, "one more");
	cr_assert(eq(int, (int)apply(&state, 5, &change), DURABLE_MALFORMED));
	durable_change_number(&change, "one more", 0, 0, 0);
	cr_assert(eq(int, (int)apply(&state, 5, &change), DURABLE_MALFORMED));
	cr_assert(eq(u64, state.through, 4));
	durable_state_free(&state);
	expect_no_leaks();
}
