/* SPDX-License-Identifier: MIT */
/* L54: entries beyond the limits of retention are archived and deleted, key by key. */
#include "contract.h"

#include <stdio.h>
#include <time.h>

#include "conversations.h"

static const struct reprise_log_key other = { "t", "l" };

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Entries of so many bytes, of that age. */
static void
append_of(struct reprise_log *log, const struct reprise_log_key *key, size_t count, size_t bytes,
	  uint64_t age_s)
{
	static char payload[1000];
	static struct reprise_log_new_entry entries[4096];

	for (size_t i = 0; i < count; i++)
		entries[i] = (struct reprise_log_new_entry){
			.time_ns = now_ns() - age_s * 1000000000,
			.payload = { payload, bytes },
		};
	cr_assert(eq(int, reprise_log_append(log, key, NULL, entries, count, NULL, NULL),
		     REPRISE_OK));
}

Test(contract, L54_the_newest_entries_are_kept)
{
	struct reprise_log *log = contract_open();

	append_count(log, &k, 2600);
	append_count(log, &other, 30);
	const struct reprise_log_pruned pruned =
		prune_by(log, (struct reprise_log_retention){ .entries_max = 100 });

	cr_assert(eq(u64, pruned.keys, 2));
	cr_assert(eq(u64, pruned.keys_pruned, 1));
	cr_assert(eq(u64, pruned.keys_kept, 0));
	cr_assert(eq(u64, pruned.ordinals, 2500));
	cr_assert(eq(u64, pruned.rows, 2500));
	cr_assert(eq(int, pruned.is_complete, 1));
	cr_assert(eq(u64, contract_rows(), 100));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	expect_all(log, &k, 0, 2501, 2600);
	expect_all(log, &other, 0, 1, 30);
	expect_fault(log, "", 0);
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64,
		     prune_by(log, (struct reprise_log_retention){ .entries_max = 100 }).ordinals,
		     0));
	cr_assert(eq(u64, append_count(log, &k, 1), 2601));
	cr_assert(eq(u64,
		     prune_by(log, (struct reprise_log_retention){ .entries_max = 100 }).ordinals,
		     1));
	close_log(log);
}

Test(contract, L54_entries_that_are_too_old_go)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention hour = { .age_ns_max = UINT64_C(3600000000000) };

	append_of(log, &k, 2300, 8, 7200);
	append_of(log, &k, 10, 8, 60);
	append_of(log, &other, 5, 8, 7200);
	/* An old one after a young one stays: entries go from the oldest ordinal on. */
	append_of(log, &k, 1, 8, 7200);
	const struct reprise_log_pruned pruned = prune_by(log, hour);

	cr_assert(eq(u64, pruned.ordinals, 2305));
	cr_assert(eq(u64, pruned.rows, 2305));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 2300));
	cr_assert(eq(u64, contract_rows(), 11));
	/* All of a key may go; its ordinals go on. */
	cr_assert(eq(u64, stats_of(log, &other).watermark, 5));
	cr_assert(eq(u64, append_count(log, &other, 1), 6));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L54_an_age_beyond_the_clock_removes_nothing)
{
	struct reprise_log *const log = contract_open();

	append_of(log, &k, 5, 8, 7200);
	cr_assert(eq(
		u64,
		prune_by(log, (struct reprise_log_retention){ .age_ns_max = UINT64_MAX }).ordinals,
		0));
	close_log(log);
}

Test(contract, L54_entries_beyond_the_bytes_go)
{
	struct reprise_log *const log = contract_open();

	append_of(log, &k, 2500, 100, 0);
	append_of(log, &k, 1, 950, 0);
	const struct reprise_log_pruned pruned =
		prune_by(log, (struct reprise_log_retention){ .bytes_max = 2000 });

	/* 10 of 100 bytes and the last one: 1,950 bytes. One more would be 2,050. */
	cr_assert(eq(u64, pruned.ordinals, 2490));
	cr_assert(eq(u64, contract_rows(), 11));
	cr_assert(eq(u64,
		     prune_by(log, (struct reprise_log_retention){ .bytes_max = 2000 }).ordinals,
		     0));
	/* The last one has more than 900 bytes, and stays alone. */
	cr_assert(eq(u64,
		     prune_by(log, (struct reprise_log_retention){ .bytes_max = 900 }).ordinals,
		     10));
	cr_assert(eq(u64, contract_rows(), 1));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L54_at_most_bytes_max_bytes_are_kept_but_the_newest_entry_always)
{
	static const struct {
		uint64_t bytes_max, kept;
	} cases[] = {
		{ 1, 1 },  { 5, 1 },  { 9, 1 },  { 10, 1 }, { 11, 1 },
		{ 19, 1 }, { 20, 2 }, { 25, 2 }, { 99, 9 }, { 100, 10 },
	};
	struct reprise_log *const log = contract_open();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The entries of the case before go first: 10 new ones of 10 bytes are left. */
		append_of(log, &k, 10, 10, 0);
		(void)prune_by(log, (struct reprise_log_retention){ .entries_max = 10 });
		const struct reprise_log_pruned pruned = prune_by(
			log, (struct reprise_log_retention){ .bytes_max = cases[i].bytes_max });

		cr_expect(eq(u64, 10 - pruned.ordinals, cases[i].kept), "bytes_max %llu",
			  (unsigned long long)cases[i].bytes_max);
		cr_expect(eq(u64, contract_rows(), cases[i].kept));
	}
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L54_an_empty_newest_entry_is_the_one_that_stays)
{
	struct reprise_log *const log = contract_open();

	append_of(log, &k, 2, 10, 0);
	append_of(log, &k, 1, 0, 0);
	cr_assert(eq(u64, prune_by(log, (struct reprise_log_retention){ .bytes_max = 10 }).ordinals,
		     1));
	cr_assert(eq(u64, prune_by(log, (struct reprise_log_retention){ .bytes_max = 9 }).ordinals,
		     1));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 2));
	close_log(log);
}

Test(contract, L54_the_strictest_limit_counts)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .age_ns_max = UINT64_C(3600000000000),
							 .entries_max = 50,
							 .bytes_max = 2000 };

	append_of(log, &k, 10, 100, 7200);
	append_of(log, &k, 60, 100, 0);
	cr_assert(eq(u64, prune_by(log, retention).ordinals, 50));
	cr_assert(eq(u64, contract_rows(), 20));
	close_log(log);
}

Test(contract, L54_rows_of_the_archive_go_along)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 50);
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 30, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, contract_archived_rows(), 30));
	const struct reprise_log_pruned pruned =
		prune_by(log, (struct reprise_log_retention){ .entries_max = 10 });

	cr_assert(eq(u64, pruned.ordinals, 10));
	cr_assert(eq(u64, pruned.rows, 40));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	close_log(log);
}

Test(contract, L54_an_open_life_is_pruned_and_goes_on)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 20), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 21, 40), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 41, 45), REPRISE_OK));
	/* In a gap: its row stays for as long as an ordinal of it does. */
	cr_assert(eq(u64,
		     prune_by(log, (struct reprise_log_retention){ .entries_max = 10 }).ordinals,
		     35));
	cr_assert(eq(u64, stats_of(log, &k).watermark, 35));
	cr_assert(eq(u64, contract_rows(), 6));
	cr_assert(eq(int, record(log, 1, 46, 47), REPRISE_OK));
	cr_assert(eq(int, close_life(log, 1), REPRISE_OK));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L54_a_conversation_and_a_key_with_blobs_are_left_to_their_owners)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	for (int i = 0; i < 20; i++) {
		char id[8];

		snprintf(id, sizeof(id), "m%d", i);
		expect_decision(conversation, id, REPRISE_DECISION_START, 0);
	}
	append_count(log, &other, 20);
	cr_assert(eq(int,
		     reprise_log_blob_put(log, &other, NULL, "b", (struct reprise_bytes){ "x", 1 },
					  NULL),
		     REPRISE_OK));
	const struct reprise_log_pruned pruned =
		prune_by(log, (struct reprise_log_retention){ .entries_max = 1, .age_ns_max = 1 });

	cr_assert(eq(u64, pruned.keys_kept, 2));
	cr_assert(eq(u64, pruned.ordinals, 0));
	cr_assert(eq(u64, pruned.rows, 0));
	cr_assert(eq(u64, contract_rows(), 20));
	expect_all(log, &other, 0, 1, 20);
	reprise_conversation_close(conversation);
	reprise_conversation_close(recovered(log));
	close_log(log);
}

Test(contract, L54_a_key_of_a_host_is_pruned_only_if_that_is_asked_for)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };

	append_count(log, &k, 5);
	cr_assert(eq(int, reprise_log_prune(log, "t", &retention, &pruned, NULL), REPRISE_OK));
	cr_assert(eq(u64, pruned.keys_kept, 1));
	expect_all(log, &k, 0, 1, 5);
	close_log(log);
}

Test(contract, L54_a_damaged_key_is_told_and_the_others_are_pruned)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key before = key_of("t", "a");
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .bytes_max = 8,
							 .includes_direct = 1 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };
	struct reprise_error error = { .size = sizeof(error) };

	append_count(log, &before, 5);
	append_count(log, &k, 5);
	append_count(log, &other, 5);
	contract_do_damage(CONTRACT_PAYLOAD, 2);
	cr_assert(eq(int, reprise_log_prune(log, "t", &retention, &pruned, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a row has a wrong checksum"));
	cr_assert(eq(str, error.detail, "k"));
	cr_assert(eq(u64, pruned.ordinals, 8));
	cr_assert(eq(int, pruned.is_complete, 0));
	cr_assert(eq(u64, contract_rows(), 5));
	expect_all(log, &before, 0, 5, 5);
	expect_all(log, &other, 0, 5, 5);
	close_log(log);
}

Test(contract, L54_a_deadline_ends_the_call_between_transactions)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_retention retention = { .entries_max = 1, .deadline_ns = 1 };

	append_count(log, &k, 50);
	const struct reprise_log_pruned pruned = prune_by(log, retention);

	cr_assert(eq(int, pruned.is_complete, 0));
	cr_assert(eq(u64, pruned.ordinals, 0));
	retention.deadline_ns = UINT64_MAX;
	cr_assert(eq(int, prune_by(log, retention).is_complete, 1));
	cr_assert(eq(u64, contract_rows(), 1));
	close_log(log);
}

Test(contract, L54_refuses_what_is_no_retention)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_retention retention = { .size = sizeof(retention) };
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(
		eq(int, reprise_log_prune(log, "t", &retention, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "retention"));
	retention.entries_max = 1;
	retention.includes_direct = 2;
	cr_assert(
		eq(int, reprise_log_prune(log, "t", &retention, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "retention: includes_direct"));
	retention.includes_direct = 0;
	retention.reserved = 1;
	cr_assert(
		eq(int, reprise_log_prune(log, "t", &retention, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "retention: reserved"));
	retention.reserved = 0;
	cr_assert(eq(int, reprise_log_prune(log, "", &retention, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "tenant"));
	cr_assert(eq(int, reprise_log_prune(log, "t", NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_log_prune(NULL, "t", &retention, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_prune(log, "nobody", &retention, NULL, &error), REPRISE_OK));
	close_log(log);
}

/* Another connection prunes before a look of this one. */
static struct {
	struct log_adapter adapter;
	const struct log_adapter *real;
	struct reprise_log *other;
	int looks_left; /* until then */
} beside;

static reprise_status
look_behind_another(struct reprise_log *log, const char *tenant, const char *thread,
		    struct log_head *ret_head, struct reprise_error *error)
{
	if (beside.looks_left-- == 0)
		(void)prune_by(beside.other, (struct reprise_log_retention){ .entries_max = 600 });
	return beside.real->look(log, tenant, thread, ret_head, error);
}

Test(contract, L54_two_that_prune_at_once_keep_what_either_would_keep)
{
	const struct reprise_log_retention retention = { .bytes_max = 5000 };
	struct reprise_log *const log = contract_open();
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	beside.other = contract_open();
	beside.real = log->adapter;
	beside.adapter = *log->adapter;
	beside.adapter.look = look_behind_another;
	for (int looks = 0;; looks++) {
		cr_assert(eq(int,
			     reprise_log_erase(beside.other, &k, REPRISE_LOG_ERASE_NO_VACUUM, NULL,
					       NULL),
			     REPRISE_OK));
		append_of(log, &k, 3500, 10, 0);
		beside.looks_left = looks;
		log->adapter = &beside.adapter;
		(void)prune_by(log, retention);
		log->adapter = beside.real;
		cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_OK));
		cr_assert(eq(u64, stats.head - stats.watermark, 500), "look %d", looks);
		if (beside.looks_left >= 0)
			break;
	}
	reprise_log_close(beside.other);
	close_log(log);
}
