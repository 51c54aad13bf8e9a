/* SPDX-License-Identifier: MIT */
/* C05 recording, again and in one transaction with others; C09 gaps. */
#include "contract.h"

static uint64_t
head_of_k(struct reprise_log *log)
{
	return head_of(log, &k);
}

Test(contract, C05_a_retry_changes_nothing_and_answers_the_same)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, record(log, 1, 1, 10), REPRISE_OK));
		cr_assert(eq(u64, head_of_k(log), 10));
	}
	expect_all(log, &k, 0, 1, 10);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C05_what_is_not_there_yet_is_appended)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 10), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 5, 15), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 15));
	cr_assert(eq(int, record(log, 1, 16, 17), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 3, 4), REPRISE_OK));
	expect_all(log, &k, 0, 1, 17);
	close_log(log);
}

Test(contract, C05_a_hole_is_a_conflict)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	struct log_write write = { .type = LOG_RECORD,
				   .incarnation = life_name(1),
				   .first = 12,
				   .entries = &entry,
				   .entries_count = 1 };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 10), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, write.expected, 11));
	cr_assert(eq(u64, write.actual, 10));
	cr_assert(eq(int, record_gap(log, 1, 12, 13), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, head_of_k(log), 10));
	close_log(log);
}

Test(contract, C05_a_different_row_under_an_ordinal_is_damage)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[2] = { entry_of("3"), entry_of("4") };
	struct log_write write = { .type = LOG_RECORD,
				   .incarnation = life_name(1),
				   .first = 3,
				   .entries = entries,
				   .entries_count = 2 };

	entries[0].time_ns = entries[1].time_ns = 9;
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 2), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_OK));
	entries[1].kind = 1;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_CORRUPT));
	entries[1] = entry_of("5");
	entries[1].time_ns = 9;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_CORRUPT));
	entries[1] = entry_of("4");
	entries[1].time_ns = 10;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_CORRUPT));
	/* None: the time that is there. */
	entries[1].time_ns = 0;
	cr_assert(eq(int, write_one(log, &write), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 4));
	close_log(log);
}

Test(contract, C05_what_was_archived_is_not_compared)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[4] = { entry_of("other"), entry_of("other"),
						    entry_of("other"), entry_of("other") };
	struct log_write write = { .type = LOG_RECORD,
				   .incarnation = life_name(1),
				   .first = 2,
				   .entries = entries,
				   .entries_count = 2 };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 3, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_OK));
	write.entries_count = 3;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_CORRUPT));
	cr_assert(eq(int, record(log, 1, 1, 6), REPRISE_OK));
	expect_all(log, &k, 0, 4, 6);
	close_log(log);
}

Test(contract, C05_refuses_what_is_out_of_range)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log_new_entry entry = entry_of("x");
	struct log_write write = { .type = LOG_RECORD,
				   .thread = "k",
				   .incarnation = life_name(1),
				   .entries = &entry,
				   .entries_count = 1 };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID), "first is 0");
	write.first = UINT64_MAX;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID));
	write.first = 1;
	entry.flags = 2;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID));
	entry.flags = 0;
	write.entries = NULL;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID));
	cr_assert(eq(int, record_gap(log, 1, 0, 3), REPRISE_E_INVALID));
	cr_assert(eq(int, record_gap(log, 1, 2, 1), REPRISE_E_INVALID));
	cr_assert(eq(int, record_gap(log, 1, 1, UINT64_MAX), REPRISE_E_INVALID));
	write = (struct log_write){
		.type = LOG_GAP, .incarnation = life_name(1), .first = 1, .last = 1
	};
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID), "no reason");
	write.type = (enum log_write_type)99;
	cr_assert(eq(int, write_one(log, &write), REPRISE_E_INVALID));
	cr_assert(eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "", &write, 1, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "tenant"));
	write.thread = "";
	cr_assert(eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", &write, 1, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "writes: thread"));
	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", NULL, 0, &error), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 0));
	close_log(log);
}

/* One transaction: a write refused for one key leaves the other keys alone. */
Test(contract, C05_a_key_that_fails_is_left_out)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	const uint64_t wrong = 5;
	struct log_write writes[] = {
		{ .type = LOG_LIFE, .thread = "c", .incarnation = life_name(1) },
		{ .type = LOG_APPEND, .thread = "b", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_APPEND,
		  .thread = "b",
		  .entries = &entry,
		  .entries_count = 1,
		  .expected_head = &wrong },
		{ .type = LOG_RECORD,
		  .thread = "c",
		  .incarnation = life_name(1),
		  .first = 1,
		  .entries = &entry,
		  .entries_count = 1 },
		{ .type = LOG_APPEND, .thread = "b", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_APPEND, .thread = "a", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_END, .thread = "d", .incarnation = life_name(1) },
		{ .type = LOG_LIFE, .thread = "d", .incarnation = life_name(1) },
	};
	const reprise_status expected[] = { REPRISE_OK,         REPRISE_OK,
					    REPRISE_E_CONFLICT, REPRISE_OK,
					    REPRISE_E_ABORTED,  REPRISE_OK,
					    REPRISE_E_CONFLICT, REPRISE_E_ABORTED };
	const struct reprise_log_key a = key_of("t", "a"), b = key_of("t", "b"),
				     c = key_of("t", "c"), d = key_of("t", "d");
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 8, NULL), REPRISE_OK));
	for (size_t i = 0; i < 8; i++)
		cr_assert(eq(int, writes[i].status, expected[i]), "write %zu", i);
	cr_assert(eq(u64, writes[0].head, 0));
	cr_assert(eq(u64, writes[0].life.first, 1));
	cr_assert(eq(u64, writes[0].life.end, 0));
	cr_assert(eq(u64, writes[2].actual, 1));
	cr_assert(eq(u64, writes[3].head, 1));
	cr_assert(eq(u64, writes[3].life.end, 1));
	cr_assert(eq(u64, head_of(log, &a), 1));
	cr_assert(eq(u64, head_of(log, &b), 1));
	cr_assert(eq(u64, head_of(log, &c), 1));
	cr_assert(eq(int, reprise_log_stats(log, &d, &stats, NULL), REPRISE_E_NOT_FOUND));
	close_log(log);
}

static bool
count_one(const struct reprise_log_key *key, void *context)
{
	(void)key;
	++*(size_t *)context;
	return true;
}

/* Of a life that has events up to 9 for its runtime, and up to 3 in the log. */
Test(contract, L57_a_life_of_which_the_log_has_less_goes_on_in_no_way)
{
	static const enum log_write_type types[] = { LOG_RENEW, LOG_REOPEN, LOG_CLOSE };
	struct reprise_log *const log = contract_open();
	struct log_write three = { .type = LOG_GAP,
				   .incarnation = life_name(1),
				   .first = 1,
				   .last = 3,
				   .reason = REPRISE_LOG_GAP_OVERRUN };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, write_one(log, &three), REPRISE_OK));
	for (size_t i = 0; i < 3; i++) {
		struct log_write write = { .type = types[i], .incarnation = life_name(1) };

		write.last = 4;
		cr_assert(eq(int, write_one(log, &write), REPRISE_E_CONFLICT), "write %zu", i);
		cr_assert(eq(u64, write.actual, 3));
		cr_assert(eq(int, write.life.state, REPRISE_LIFE_OPEN));
		write.last = 3;
		cr_assert(eq(int, write_one(log, &write), REPRISE_OK), "write %zu", i);
	}
	close_log(log);
}

Test(contract, C05_what_was_refused_is_not_there)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	struct log_write writes[] = {
		{ .type = LOG_APPEND, .thread = "a", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_CLOSE, .thread = "b", .incarnation = life_name(1) },
		{ .type = LOG_APPEND, .thread = "c" },
	};
	size_t count = 0;

	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 3, NULL), REPRISE_OK));
	cr_assert(eq(int, writes[1].status, REPRISE_E_CONFLICT));
	cr_assert(eq(int, writes[2].status, REPRISE_OK));
	cr_assert(eq(int, reprise_log_each(log, "t", count_one, &count, NULL), REPRISE_OK));
	cr_assert(eq(sz, count, 1));
	/* The first write of either kind may still come. */
	cr_assert(eq(u64, append_count(log, &(struct reprise_log_key){ "t", "b" }, 1), 1));
	close_log(log);
}

/* All that a session may have to write at once, twice, as after an error of unknown outcome. */
Test(contract, C05_a_whole_batch_may_be_written_again)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entry = entry_of("x");
	struct log_write writes[] = {
		{ .type = LOG_LIFE },
		{ .type = LOG_RECORD, .first = 1, .entries = &entry, .entries_count = 1 },
		{ .type = LOG_GAP, .first = 2, .last = 9, .reason = REPRISE_LOG_GAP_OVERRUN },
		{ .type = LOG_RECORD, .first = 10, .entries = &entry, .entries_count = 1 },
		{ .type = LOG_END, .last = 10, .end_status = 3 },
		{ .type = LOG_CLOSE },
		{ .type = LOG_ARCHIVE, .last = 4 },
	};
	const size_t count = sizeof(writes) / sizeof(writes[0]);

	entry.time_ns = 5;
	for (size_t i = 0; i < count; i++) {
		writes[i].thread = "k";
		writes[i].incarnation = life_name(1);
	}
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, count, NULL),
			     REPRISE_OK));
		for (size_t j = 0; j < count; j++)
			cr_assert(eq(int, writes[j].status, REPRISE_OK), "write %zu", j);
		cr_assert(eq(u64, writes[count - 1].archived, i == 0 ? 4 : 0));
		cr_assert(eq(u64, writes[count - 1].head, 10));
		cr_assert(eq(int, writes[count - 1].life.state, REPRISE_LIFE_CLEAN));
		cr_assert(eq(u64, writes[count - 1].life.end, 10));
	}
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C09_a_gap_occupies_what_it_stands_for)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	const struct reprise_incarnation name = life_name(1);

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 2), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 3, 10), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 10));
	cr_assert(eq(int, record(log, 1, 11, 12), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	for (reprise_ordinal after = 2; after <= 10; after++) {
		size_t count = 0;

		cr_assert(eq(int, reprise_log_load_after(log, &k, after, 100, 0, page, NULL),
			     REPRISE_OK));
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		if (after == 10) {
			cr_assert(eq(sz, count, 2));
			break;
		}
		/* From inside it is handed out from the next one on. */
		cr_assert(eq(sz, count, 3));
		cr_assert(eq(int, entries[0].type, REPRISE_LOG_GAP));
		cr_assert(eq(int, entries[0].reason, REPRISE_LOG_GAP_OVERRUN));
		cr_assert(eq(u64, entries[0].first, after + 1));
		cr_assert(eq(u64, entries[0].last, 10));
		cr_assert(eq(u64, entries[0].revision, 0));
		cr_assert(eq(sz, entries[0].payload.size, 0));
		cr_assert(eq(int, memcmp(&entries[0].life, &name, sizeof(name)), 0));
		cr_assert(eq(u64, entries[1].first, 11));
	}
	expect_fault(log, "", 0);
	reprise_log_page_close(page);
	close_log(log);
}

Test(contract, C09_a_gap_that_is_there_in_part_is_clipped)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 5), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 2, 5), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 5));
	cr_assert(eq(int, record_gap(log, 1, 4, 8), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 4, 8), REPRISE_OK));
	cr_assert(eq(u64, head_of_k(log), 8));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &k, 4, 100, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 2));
	cr_assert(eq(int, entries[0].type, REPRISE_LOG_EVENT));
	cr_assert(eq(int, entries[1].type, REPRISE_LOG_GAP));
	cr_assert(eq(u64, entries[1].first, 6));
	cr_assert(eq(u64, entries[1].last, 8));
	/* Lost events are not found again. */
	cr_assert(eq(int, record(log, 1, 7, 9), REPRISE_E_CORRUPT));
	cr_assert(eq(int, record(log, 1, 5, 9), REPRISE_E_CORRUPT));
	cr_assert(eq(u64, head_of_k(log), 8));
	expect_fault(log, "", 0);
	reprise_log_page_close(page);
	close_log(log);
}
