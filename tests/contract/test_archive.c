/* SPDX-License-Identifier: MIT */
/* C04 archiving. */
#include "contract.h"

static uint64_t
archived(struct reprise_log *log, reprise_ordinal watermark)
{
	uint64_t count = 77;

	cr_assert(
		eq(int, reprise_log_archive_before(log, &k, watermark, &count, NULL), REPRISE_OK));
	return count;
}

static uint64_t
moved(struct reprise_log *log)
{
	uint64_t count = 77;

	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	return count;
}

Test(contract, C04_archive_answers_what_is_newly_archived)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 10);
	cr_assert(eq(u64, archived(log, 0), 0));
	cr_assert(eq(u64, archived(log, 4), 4));
	cr_assert(eq(u64, archived(log, 4), 0));
	cr_assert(eq(u64, archived(log, 2), 0));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 4));
	cr_assert(eq(u64, archived(log, 7), 3));
	/* Clamped to the head. */
	cr_assert(eq(u64, archived(log, UINT64_MAX), 3));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 10));
	cr_assert(eq(u64, stats_of(log, &k).head, 10));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, NULL, NULL), REPRISE_OK));
	close_log(log);
}

Test(contract, C04_loads_hide_what_is_archived_at_once)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 10);
	archived(log, 4);
	cr_assert(eq(u64, contract_rows(), 10));
	expect_all(log, &k, 0, 5, 10);
	expect_all(log, &k, 3, 5, 10);
	expect_all(log, &k, 4, 5, 10);
	expect_all(log, &k, 6, 7, 10);
	archived(log, 10);
	expect_all(log, &k, 0, 11, 10);
	close_log(log);
}

Test(contract, C04_ordinals_go_on_after_everything_was_archived)
{
	struct reprise_log *log = contract_open();

	append_count(log, &k, 10);
	archived(log, 10);
	cr_assert(eq(u64, moved(log), 10));
	cr_assert(eq(u64, append_count(log, &k, 2), 12));
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64, stats_of(log, &k).watermark, 10));
	expect_all(log, &k, 0, 11, 12);
	archived(log, 12);
	cr_assert(eq(u64, moved(log), 2));
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64, stats_of(log, &k).head, 12));
	cr_assert(eq(u64, append_count(log, &k, 1), 13));
	expect_all(log, &k, 0, 13, 13);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C04_rows_move_away_a_thousand_at_a_time)
{
	struct reprise_log *log = contract_open();

	append_count(log, &k, 2500);
	cr_assert(eq(u64, moved(log), 0));
	archived(log, 2200);
	cr_assert(eq(u64, moved(log), 1000));
	cr_assert(eq(u64, contract_rows(), 1500));
	cr_assert(eq(u64, contract_archived_rows(), 1000));
	expect_all(log, &k, 0, 2201, 2500);
	/* It may end at any moment, and goes on where it was. */
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64, moved(log), 1000));
	cr_assert(eq(u64, moved(log), 200));
	cr_assert(eq(u64, moved(log), 0));
	cr_assert(eq(u64, contract_rows(), 300));
	cr_assert(eq(u64, contract_archived_rows(), 2200));
	expect_all(log, &k, 0, 2201, 2500);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C04_or_are_deleted)
{
	struct reprise_log *const log = contract_open_deleting();

	append_count(log, &k, 20);
	archived(log, 15);
	cr_assert(eq(u64, moved(log), 15));
	cr_assert(eq(u64, contract_rows(), 5));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	expect_all(log, &k, 0, 16, 20);
	close_log(log);
}

Test(contract, C04_a_thousand_exactly_are_one_move)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 1001);
	archived(log, 1000);
	cr_assert(eq(u64, moved(log), 1000));
	cr_assert(eq(u64, moved(log), 0));
	cr_assert(eq(u64, contract_rows(), 1));
	close_log(log);
}

Test(contract, C04_other_keys_stay_as_they_are)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key thread = key_of("t", "l"), tenant = key_of("u", "k");

	append_count(log, &thread, 5);
	append_count(log, &k, 5);
	append_count(log, &tenant, 5);
	archived(log, 5);
	cr_assert(eq(u64, moved(log), 5));
	expect_all(log, &thread, 0, 1, 5);
	expect_all(log, &tenant, 0, 1, 5);
	close_log(log);
}

Test(contract, C04_a_key_that_is_not_there_has_nothing_to_archive)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(u64, archived(log, 5), 0));
	cr_assert(eq(u64, moved(log), 0));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	close_log(log);
}

/* A gap entry counts for all that it stands for, and may lie over the watermark. */
Test(contract, C04_ordinals_in_a_gap_are_archived_one_by_one)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 6, 20), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 21, 22), REPRISE_OK));
	cr_assert(eq(u64, archived(log, 10), 10));
	cr_assert(eq(u64, moved(log), 5));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 10, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 3));
	cr_assert(eq(int, entries[0].type, REPRISE_LOG_GAP));
	cr_assert(eq(u64, entries[0].first, 11));
	cr_assert(eq(u64, entries[0].last, 20));
	expect_fault(log, "", 0);
	cr_assert(eq(u64, archived(log, 20), 10));
	cr_assert(eq(u64, moved(log), 1));
	expect_all(log, &k, 0, 21, 22);
	expect_fault(log, "", 0);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C04_refuses_what_is_NULL)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key bad = key_of("t", "");
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(
		eq(int, reprise_log_archive_before(NULL, &k, 1, NULL, &error), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_log_archive_before(log, NULL, 1, NULL, &error), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_log_archive_before(log, &bad, 1, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key: thread"));
	cr_assert(eq(int, reprise_log_move_archived(NULL, &k, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_move_archived(log, &bad, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, &error), REPRISE_OK));
	close_log(log);
}
