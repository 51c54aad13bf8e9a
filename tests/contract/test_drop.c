/* SPDX-License-Identifier: MIT */
/* L53: everything that a key has is removed, but its head. */
#include "contract.h"

#include <stdio.h>

static uint64_t
dropped(struct reprise_log *log)
{
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 77;

	cr_assert(eq(int, reprise_log_drop(log, &k, false, &count, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	return count;
}

static void
archive(struct reprise_log *log, reprise_ordinal watermark)
{
	cr_assert(eq(int, reprise_log_archive_before(log, &k, watermark, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, NULL), REPRISE_OK));
}

static void
expect_nothing(void)
{
	cr_assert(eq(u64, contract_rows(), 0));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	cr_assert(eq(u64, contract_blobs(), 0));
}

Test(contract, L53_nothing_but_the_head_is_left)
{
	struct reprise_log *log = contract_open();
	const struct reprise_log_key other = key_of("t", "l");

	append_count(log, &k, 2500);
	append_count(log, &other, 3);
	archive(log, 1200);
	cr_assert(eq(u64, contract_archived_rows(), 1000));
	cr_assert(eq(u64, dropped(log), 2500));
	expect_nothing();
	cr_assert(eq(u64, stats_of(log, &k).head, 2500));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 2500));
	expect_all(log, &k, 0, 2501, 2500);
	expect_all(log, &other, 0, 1, 3);
	expect_fault(log, "", 0);
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64, append_count(log, &k, 2), 2502));
	expect_all(log, &k, 0, 2501, 2502);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L53_a_key_that_was_dropped_may_be_dropped_again)
{
	struct reprise_log *const log = contract_open_deleting();

	append_count(log, &k, 20);
	cr_assert(eq(u64, dropped(log), 20));
	cr_assert(eq(u64, dropped(log), 0));
	append_count(log, &k, 5);
	cr_assert(eq(u64, dropped(log), 5));
	cr_assert(eq(u64, stats_of(log, &k).head, 25));
	expect_nothing();
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L53_indexes_go_along_and_a_revision_before_is_told_as_lost)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[3] = { event_of(3, REPRISE_EVENT_COMMIT),
						    event_of(7, REPRISE_EVENT_COMMIT),
						    event_of(5, REPRISE_EVENT_COMMIT) };

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 3, NULL, NULL), REPRISE_OK));
	dropped(log);
	cr_assert(eq(u64, stats_of(log, &k).revision_max, 7));
	cr_assert(eq(u64, position_for(log, 2), 0));
	cr_assert(eq(u64, position_for(log, 6), 0));
	cr_assert(eq(u64, position_for(log, 7), 3));
	cr_assert(not(has_commit(log, 0, 0)));
	entries[0] = event_of(8, REPRISE_EVENT_COMMIT);
	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 1, NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, position_for(log, 7), 3));
	cr_assert(has_commit(log, 0, 8));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L53_blobs_go_along)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { "blob", 4 };
	char name[8];

	append_count(log, &k, 2);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, name, bytes, NULL),
			     REPRISE_OK));
	}
	dropped(log);
	expect_nothing();
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, &k, "b1", page, &bytes, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b1", bytes, NULL), REPRISE_OK));
	expect_fault(log, "", 0);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, L53_one_void_life_stands_for_all_lives)
{
	struct reprise_log *const log = contract_open();
	struct reprise_life lives[4];
	struct reprise_log_stats stats;
	struct reprise_cursor cursor;
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 2, 5, 6), REPRISE_OK));
	cr_assert(eq(int, end_session(log, 2, 6, 5), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 2), REPRISE_OK));
	dropped(log);
	for (unsigned char i = 1; i <= 2; i++) {
		const struct reprise_incarnation name = life_name(i);

		cr_assert(eq(int, log_find_life(log, &k, &name, &lives[0], &stats, NULL),
			     REPRISE_OK));
		cr_assert(eq(u64, lives[0].number, 0));
	}
	cr_assert(eq(int, reprise_log_lives(log, &k, 0, lives, 4, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 1));
	cr_assert(eq(u64, lives[0].number, 2));
	cr_assert(eq(u64, lives[0].first, 1));
	cr_assert(eq(u64, lives[0].end, 6));
	cr_assert(eq(int, lives[0].state, REPRISE_LIFE_INVALIDATED));
	cr_assert(eq(int, stats.has_ended, 0));
	cr_assert(eq(int, reprise_log_current_cursor(log, &k, 0, &cursor, NULL),
		     REPRISE_E_NOT_FOUND));
	expect_fault(log, "", 0);
	/* A life of the same name would be another one. */
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(u64, stats_of(log, &k).life.first, 7));
	cr_assert(eq(u64, stats_of(log, &k).life.number, 3));
	cr_assert(eq(int, record(log, 2, 7, 8), REPRISE_OK));
	expect_all(log, &k, 0, 7, 8);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L53_an_open_life_is_dropped_only_if_that_is_asked_for)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 77;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, reprise_log_drop(log, &k, false, &count, &error), REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "life"));
	cr_assert(eq(u64, count, 77));
	expect_all(log, &k, 0, 1, 4);
	cr_assert(eq(int, reprise_log_drop(log, &k, true, &count, &error), REPRISE_OK));
	cr_assert(eq(u64, count, 4));
	/* The recorder of the life before is refused, whatever it writes. */
	cr_assert(eq(int, record(log, 1, 5, 5), REPRISE_E_CONFLICT));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_E_CONFLICT));
	cr_assert(eq(int, close_life(log, 1), REPRISE_E_CONFLICT));
	cr_assert(eq(int, reopen_life(log, 1), REPRISE_E_CONFLICT));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L53_a_leased_life_is_never_dropped)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	struct log_write life = { .type = LOG_LIFE,
				  .incarnation = life_name(1),
				  .lease_ns = UINT64_C(60000000000) };

	cr_assert(eq(int, write_one(log, &life), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	life.type = LOG_RENEW;
	cr_assert(eq(int, write_one(log, &life), REPRISE_OK));
	cr_assert(eq(int, reprise_log_drop(log, &k, true, NULL, &error), REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "lease"));
	cr_assert(ne(str, error.detail, ""));
	expect_all(log, &k, 0, 1, 4);
	/* A life that is closed has given its lease up. */
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	cr_assert(eq(u64, dropped(log), 4));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	close_log(log);
}

Test(contract, L53_more_lives_than_a_page_has_go_along)
{
	struct reprise_log *const log = contract_open();

	for (unsigned char i = 1; i <= 130; i++) {
		cr_assert(eq(int, open_life(log, i), REPRISE_OK));
		cr_assert(eq(int, record(log, i, i, i), REPRISE_OK));
	}
	cr_assert(eq(int, close_life(log, 130), REPRISE_OK));
	dropped(log);
	cr_assert(eq(u64, stats_of(log, &k).lives, 130));
	expect_fault(log, "", 0);
	close_log(log);
}

/* A life of that number in the place of a missing one is a fault unless nothing of it is left. */
Test(contract, L53_a_first_life_that_is_missing_is_told_all_the_same)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, record(log, 2, 1, 4), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 2), REPRISE_OK));
	contract_do_damage(CONTRACT_LIFE_GONE, 1);
	expect_fault(log, "a life is missing", 1);
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK));
	expect_fault(log, "a life is missing", 1);
	close_log(log);
}

Test(contract, L53_a_key_that_is_not_there_is_told)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_log_key bad = key_of("t", "");

	cr_assert(eq(int, reprise_log_drop(log, &k, false, NULL, &error), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_log_drop(NULL, &k, false, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_drop(log, NULL, false, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_drop(log, &bad, false, NULL, &error), REPRISE_E_INVALID));
	close_log(log);
}

Test(contract, L53_a_damaged_head_is_not_dropped)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };

	append_count(log, &k, 4);
	contract_do_damage(CONTRACT_HEAD, 2);
	cr_assert(eq(int, reprise_log_drop(log, &k, true, NULL, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(u64, contract_rows(), 4));
	close_log(log);
}
