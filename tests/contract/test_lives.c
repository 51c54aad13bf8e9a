/* SPDX-License-Identifier: MIT */
/* C08 lives, C10 the end. */
#include "contract.h"

static void
expect_life(const struct reprise_life *life, uint64_t number, unsigned char name,
	    reprise_ordinal first, reprise_ordinal end, reprise_life_state state)
{
	const struct reprise_incarnation incarnation = life_name(name);

	cr_assert(eq(u64, life->number, number));
	cr_assert(eq(int, memcmp(&life->incarnation, &incarnation, sizeof(incarnation)), 0));
	cr_assert(eq(u64, life->first, first));
	cr_assert(eq(u64, life->end, end));
	cr_assert(eq(int, life->state, state));
}

/* All lives of k; how many. */
static size_t
lives_of_k(struct reprise_log *log, struct reprise_life lives[8])
{
	size_t count = 0;

	cr_assert(eq(int, reprise_log_lives(log, &k, 0, lives, 8, &count, NULL), REPRISE_OK));
	return count;
}

Test(contract, C08_a_new_life_begins_after_the_head)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[8];
	struct log_write write = { .type = LOG_LIFE, .incarnation = life_name(2) };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_OK));
	cr_assert(eq(u64, write.head, 5));
	expect_life(&write.life, 2, 2, 6, 5, REPRISE_LIFE_OPEN);
	cr_assert(eq(int, record(log, 2, 6, 9), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 2));
	/* The one before had not said that it ended. */
	expect_life(&lives[0], 1, 1, 1, 5, REPRISE_LIFE_CRASHED);
	expect_life(&lives[1], 2, 2, 6, 9, REPRISE_LIFE_OPEN);
	const struct reprise_log_stats stats = stats_of(log, &k);

	expect_life(&stats.life, 2, 2, 6, 9, REPRISE_LIFE_OPEN);
	cr_assert(eq(u64, stats.lives, 2));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C08_a_life_may_be_opened_again_as_the_same)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[8];

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 1));
	expect_life(&lives[0], 1, 1, 1, 5, REPRISE_LIFE_OPEN);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	/* Not after another: names are given once. */
	cr_assert(eq(int, open_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, open_life(log, 0), REPRISE_E_INVALID));
	cr_assert(eq(sz, lives_of_k(log, lives), 2));
	close_log(log);
}

Test(contract, C08_a_new_life_fences_the_one_before)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 6, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record_gap(log, 1, 6, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(int, end_session(log, 1, 5, 0), REPRISE_E_CONFLICT));
	cr_assert(eq(int, close_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_E_CONFLICT));
	/* And what was before a life is not its own. */
	cr_assert(eq(int, record(log, 2, 5, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record_gap(log, 2, 5, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, head_of(log, &k), 5));
	cr_assert(eq(int, record(log, 2, 6, 6), REPRISE_OK));
	close_log(log);
}

Test(contract, C08_nothing_is_recorded_without_a_life)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, record(log, 1, 1, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record_gap(log, 1, 1, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, close_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, end_session(log, 1, 0, 0), REPRISE_E_CONFLICT));
	cr_assert(eq(int, void_life(log, 1), REPRISE_E_NOT_FOUND));
	/* Zero is nobody's name, although a key without lives has it. */
	cr_assert(eq(int, record(log, 0, 1, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, head_of(log, &k), 0));
	close_log(log);
}

Test(contract, C08_a_close_makes_it_clean_and_a_reopening_goes_on)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[8];

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_OK), "open already");
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 1));
	expect_life(&lives[0], 1, 1, 1, 5, REPRISE_LIFE_CLEAN);
	cr_assert(eq(int, record(log, 1, 6, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record(log, 1, 5, 6), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record_gap(log, 1, 6, 6), REPRISE_E_CONFLICT));
	/* The entries of the life are there, all the same. */
	cr_assert(eq(int, record(log, 1, 4, 5), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 4, 5), REPRISE_OK));
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 6, 7), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 1));
	expect_life(&lives[0], 1, 1, 1, 7, REPRISE_LIFE_OPEN);
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 2));
	expect_life(&lives[0], 1, 1, 1, 7, REPRISE_LIFE_CLEAN);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C08_a_void_life_may_still_be_recorded)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[8];

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, void_life(log, 2), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, void_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, void_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 6, 8), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 9, 9), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(sz, lives_of_k(log, lives), 1));
	expect_life(&lives[0], 1, 1, 1, 9, REPRISE_LIFE_INVALIDATED);
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK), "also one that is not the last");
	cr_assert(eq(sz, lives_of_k(log, lives), 3));
	expect_life(&lives[0], 1, 1, 1, 9, REPRISE_LIFE_INVALIDATED);
	expect_life(&lives[1], 2, 2, 10, 9, REPRISE_LIFE_INVALIDATED);
	expect_life(&lives[2], 3, 3, 10, 9, REPRISE_LIFE_OPEN);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C08_an_entry_says_whose_it_is)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	const unsigned char names[] = { 1, 1, 3, 3, 4 };
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 2), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK)); /* which has nothing */
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	cr_assert(eq(int, record(log, 3, 3, 4), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 4), REPRISE_OK));
	cr_assert(eq(int, record(log, 4, 5, 5), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 5), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	for (reprise_ordinal after = 0; after < 5; after++) {
		cr_assert(eq(int, reprise_log_load_after(log, &k, after, 100, 0, page, NULL),
			     REPRISE_OK));
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		cr_assert(eq(sz, count, 5 - after));
		for (size_t i = 0; i < count; i++) {
			const struct reprise_incarnation name = life_name(names[after + i]);

			cr_assert(eq(int, memcmp(&entries[i].life, &name, sizeof(name)), 0));
		}
	}
	expect_fault(log, "", 0);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C08_lives_are_paged_and_found)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[100], life;
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const struct reprise_incarnation third = life_name(3), last = life_name(90),
					 none = life_name(99);
	size_t count = 0;

	for (unsigned char i = 1; i <= 90; i++) {
		cr_assert(eq(int, open_life(log, i), REPRISE_OK));
		cr_assert(eq(int, record(log, i, i, i), REPRISE_OK));
	}
	expect_fault(log, "", 0);
	cr_assert(eq(int, reprise_log_lives(log, &k, 40, lives, 20, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 20));
	expect_life(&lives[0], 41, 41, 41, 41, REPRISE_LIFE_CRASHED);
	cr_assert(eq(int, reprise_log_lives(log, &k, 80, lives, 20, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 10));
	expect_life(&lives[9], 90, 90, 90, 90, REPRISE_LIFE_OPEN);
	cr_assert(eq(int, reprise_log_lives(log, &k, 90, lives, 20, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 0));
	cr_assert(eq(int, reprise_log_lives(log, &k, 0, NULL, 0, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 0));
	cr_assert(eq(int, log_find_life(log, &k, &third, &life, &stats, NULL), REPRISE_OK));
	expect_life(&life, 3, 3, 3, 3, REPRISE_LIFE_CRASHED);
	cr_assert(eq(u64, stats.head, 90));
	cr_assert(eq(int, log_find_life(log, &k, &last, &life, &stats, NULL), REPRISE_OK));
	expect_life(&life, 90, 90, 90, 90, REPRISE_LIFE_OPEN);
	cr_assert(eq(int, log_find_life(log, &k, &none, &life, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	cr_assert(eq(int, log_next_life(log, &k, 3, &life, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 4));
	cr_assert(eq(int, log_next_life(log, &k, 90, &life, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	close_log(log);
}

Test(contract, S08_the_first_life_that_begins_after_an_ordinal_is_found)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life at, life;

	/* 1 to 3, nothing, nothing, 4 to 6 */
	cr_assert(eq(int, log_life_after(log, &k, 0, &at, &life, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	cr_assert(eq(u64, stats.lives, 0));
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	for (uint64_t ordinal = 1; ordinal <= 3; ordinal++)
		cr_assert(eq(int, record(log, 1, ordinal, ordinal), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 4), REPRISE_OK));
	for (uint64_t ordinal = 4; ordinal <= 6; ordinal++)
		cr_assert(eq(int, record(log, 4, ordinal, ordinal), REPRISE_OK));
	cr_assert(eq(int, log_life_after(log, &k, 0, &at, &life, &stats, NULL), REPRISE_OK));
	expect_life(&life, 1, 1, 1, 3, REPRISE_LIFE_CRASHED);
	cr_assert(eq(u64, stats.head, 6));
	cr_assert(eq(u64, stats.lives, 4));
	for (uint64_t ordinal = 1; ordinal <= 3; ordinal++) {
		cr_assert(eq(int, log_life_after(log, &k, ordinal, &at, &life, &stats, NULL),
			     REPRISE_OK));
		expect_life(&life, 2, 2, 4, 3, REPRISE_LIFE_CRASHED);
		expect_life(&at, 1, 1, 1, 3, REPRISE_LIFE_CRASHED);
	}
	for (uint64_t ordinal = 4; ordinal <= 7; ordinal++) {
		cr_assert(eq(int, log_life_after(log, &k, ordinal, &at, &life, &stats, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, life.number, 0));
		expect_life(&at, 4, 4, 4, 6, REPRISE_LIFE_OPEN);
	}
	close_log(log);
}

Test(contract, C08_a_life_of_a_tenant_is_another_tenants_none)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key other = key_of("u", "k");
	const struct reprise_incarnation name = life_name(1);
	struct reprise_log_stats stats;
	struct reprise_life life;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, log_find_life(log, &other, &name, &life, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	cr_assert(eq(u64, stats.head, 0));
	cr_assert(eq(int, stats.kind, 0));
	cr_assert(eq(int, log_next_life(log, &other, 0, &life, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	append_count(log, &other, 1);
	cr_assert(eq(int, log_find_life(log, &other, &name, &life, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, life.number, 0));
	cr_assert(eq(int, stats.kind, REPRISE_LOG_DIRECT));
	close_log(log);
}

Test(contract, C08_lives_refuses_what_is_NULL)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_life life;
	size_t count = 0;

	cr_assert(eq(int, reprise_log_lives(NULL, &k, 0, &life, 1, &count, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_lives(log, NULL, 0, &life, 1, &count, &error),
		     REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_log_lives(log, &k, 0, NULL, 1, &count, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_lives"));
	cr_assert(
		eq(int, reprise_log_lives(log, &k, 0, &life, 1, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_lives_count"));
	close_log(log);
}

Test(contract, C10_the_end_is_kept_with_its_ordinal)
{
	struct reprise_log *log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, stats_of(log, &k).has_ended, 0));
	cr_assert(eq(int, end_session(log, 1, 4, -7), REPRISE_E_CONFLICT));
	cr_assert(eq(int, end_session(log, 1, 6, -7), REPRISE_E_CONFLICT));
	cr_assert(eq(int, end_session(log, 2, 5, -7), REPRISE_E_CONFLICT));
	cr_assert(eq(int, end_session(log, 1, 5, -7), REPRISE_OK));
	cr_assert(eq(int, end_session(log, 1, 5, -7), REPRISE_OK));
	cr_assert(eq(int, end_session(log, 1, 5, -8), REPRISE_E_CONFLICT));
	close_log(log);
	log = contract_open();
	cr_assert(eq(int, stats_of(log, &k).has_ended, 1));
	cr_assert(eq(int, stats_of(log, &k).end_status, -7));
	cr_assert(eq(u64, stats_of(log, &k).end_ordinal, 5));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C10_a_new_life_takes_the_end_back)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, end_session(log, 1, 0, 1), REPRISE_OK));
	cr_assert(eq(int, stats_of(log, &k).has_ended, 1));
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, stats_of(log, &k).has_ended, 1), "not what is no new one");
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, stats_of(log, &k).has_ended, 0));
	cr_assert(eq(int, stats_of(log, &k).end_status, 0));
	cr_assert(eq(int, end_session(log, 2, 0, 2), REPRISE_OK));
	cr_assert(eq(int, stats_of(log, &k).end_status, 2));
	close_log(log);
}
