/* SPDX-License-Identifier: MIT */
/* L54: limits over the sum of a tenant's keys. */
#include "contract.h"

static const struct reprise_log_key a = { "t", "a" }, b = { "t", "b" }, c = { "t", "c" };

/* Entries of so many bytes, with that time. */
static void
append_at(struct reprise_log *log, const struct reprise_log_key *key, size_t count, size_t bytes,
	  uint64_t time_ns)
{
	static char payload[1000];
	static struct reprise_log_new_entry entries[4096];

	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct reprise_log_new_entry){ .time_ns = time_ns,
							     .payload = { payload, bytes } };
	cr_assert(eq(int, reprise_log_append(log, key, NULL, entries, count, NULL, NULL),
		     REPRISE_OK));
}

static struct reprise_log_pruned
prune_entries(struct reprise_log *log, uint64_t entries)
{
	return prune_by(log, (struct reprise_log_retention){ .tenant_entries_max = entries });
}

static struct reprise_log_pruned
prune_bytes(struct reprise_log *log, uint64_t bytes)
{
	return prune_by(log, (struct reprise_log_retention){ .tenant_bytes_max = bytes });
}

static uint64_t
left_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct reprise_log_stats stats = stats_of(log, key);

	return stats.head - stats.watermark;
}

/* The entries that are left, of which the key has no more rows. */
static uint64_t
rows_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, key, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	return report.events;
}

static void
expect_left(struct reprise_log *log, uint64_t of_a, uint64_t of_b, uint64_t of_c)
{
	cr_expect(eq(u64, left_of(log, &a), of_a));
	cr_expect(eq(u64, left_of(log, &b), of_b));
	cr_expect(eq(u64, left_of(log, &c), of_c));
	cr_expect(eq(u64, rows_of(log, &a), of_a));
	cr_expect(eq(u64, rows_of(log, &b), of_b));
	cr_assert(eq(u64, rows_of(log, &c), of_c));
}

Test(contract, L54_the_key_that_is_silent_for_longest_loses_first)
{
	struct reprise_log *const log = contract_open();

	/* Its oldest entry is the oldest of all, and its newest the newest. */
	append_at(log, &a, 10, 10, 1000);
	append_at(log, &a, 10, 10, 9000);
	append_at(log, &b, 20, 10, 3000);
	append_at(log, &c, 20, 10, 2000);
	struct reprise_log_pruned pruned = prune_entries(log, 60);

	cr_assert(eq(u64, pruned.keys, 3));
	cr_assert(eq(u64, pruned.ordinals, 0));
	pruned = prune_entries(log, 45);
	cr_assert(eq(u64, pruned.keys_pruned, 1));
	cr_assert(eq(u64, pruned.ordinals, 15));
	cr_assert(eq(u64, pruned.rows, 15));
	cr_assert(eq(int, pruned.is_complete, 1));
	expect_left(log, 20, 20, 5);
	pruned = prune_entries(log, 22);
	cr_assert(eq(u64, pruned.keys_pruned, 2));
	expect_left(log, 20, 2, 0);
	(void)prune_entries(log, 1);
	expect_left(log, 1, 0, 0);
	/* The ordinals go on. */
	append_at(log, &c, 1, 10, 9500);
	cr_assert(eq(u64, head_of(log, &c), 21));
	close_log(log);
}

Test(contract, L54_keys_of_equal_times_lose_in_the_order_of_their_names)
{
	struct reprise_log *const log = contract_open();

	append_at(log, &c, 4, 10, 1000);
	append_at(log, &a, 4, 10, 1000);
	append_at(log, &b, 4, 10, 1000);
	(void)prune_entries(log, 7);
	expect_left(log, 0, 3, 4);
	close_log(log);
}

Test(contract, L54_the_sum_of_the_bytes_is_within_the_limit)
{
	static const struct {
		uint64_t limit, of_a, of_b, of_c;
	} cases[] = {
		/* a: 10 of 10 bytes, then b: 5 of 100, then c: 2 of 30. */
		{ 660, 10, 5, 2 }, { 659, 9, 5, 2 }, { 570, 1, 5, 2 }, { 569, 0, 5, 2 },
		{ 560, 0, 5, 2 },  { 559, 0, 4, 2 }, { 61, 0, 0, 2 },  { 59, 0, 0, 1 },
		{ 30, 0, 0, 1 },   { 1, 0, 0, 1 },
	};
	struct reprise_log *const log = contract_open();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct reprise_log_key all = { "t", NULL };

		cr_assert(eq(int,
			     reprise_log_erase(log, &all, REPRISE_LOG_ERASE_NO_VACUUM, NULL, NULL),
			     REPRISE_OK));
		append_at(log, &a, 10, 10, 1000);
		append_at(log, &b, 5, 100, 2000);
		append_at(log, &c, 2, 30, 3000);
		(void)prune_bytes(log, cases[i].limit);
		expect_left(log, cases[i].of_a, cases[i].of_b, cases[i].of_c);
		cr_assert(eq(u64, prune_bytes(log, cases[i].limit).ordinals, 0));
	}
	close_log(log);
}

Test(contract, L54_the_limits_of_a_key_come_before_the_limits_of_the_sum)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .entries_max = 10,
							 .bytes_max = 800,
							 .tenant_entries_max = 24,
							 .tenant_bytes_max = 1650 };

	append_at(log, &a, 30, 100, 1000);
	append_at(log, &b, 30, 50, 2000);
	append_at(log, &c, 30, 10, 3000);
	/*
	 * Each alone: 8 of 100 bytes, 10 of 50, 10 of 10. Their sum is 28 and 1,400 bytes: 4 of the
	 * first go.
	 */
	struct reprise_log_pruned pruned = prune_by(log, retention);

	expect_left(log, 4, 10, 10);
	cr_assert(eq(u64, pruned.keys_pruned, 3));
	cr_assert(eq(u64, pruned.ordinals, 66));
	cr_assert(eq(u64, pruned.rows, 66));
	/* The bytes are stricter: 350 of the 400 of the first go. */
	pruned = prune_by(log, (struct reprise_log_retention){ .tenant_entries_max = 22,
							       .tenant_bytes_max = 650 });
	cr_assert(eq(u64, pruned.keys_pruned, 1));
	expect_left(log, 0, 10, 10);
	close_log(log);
}

Test(contract, L54_many_rows_go_for_the_sum_in_many_transactions)
{
	struct reprise_log *const log = contract_open();

	append_at(log, &a, 2600, 10, 1000);
	append_at(log, &b, 2600, 10, 2000);
	const struct reprise_log_pruned pruned = prune_bytes(log, 15000);

	cr_assert(eq(u64, pruned.ordinals, 3700));
	cr_assert(eq(u64, pruned.rows, 3700));
	cr_assert(eq(u64, rows_of(log, &a), 0));
	cr_assert(eq(u64, rows_of(log, &b), 1500));
	cr_assert(eq(u64, stats_of(log, &b).watermark, 1100));
	close_log(log);
}

Test(contract, L54_a_gap_counts_in_full_and_loses_its_first_ordinals)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record_gap(log, 1, 1, 40), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 41, 45), REPRISE_OK));
	append_at(log, &a, 5, 8, UINT64_C(1) << 62);
	(void)prune_entries(log, 20);
	cr_assert(eq(u64, stats_of(log, &k).watermark, 30));
	cr_assert(eq(int, record(log, 1, 46, 47), REPRISE_OK));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L54_keys_of_other_owners_do_not_count)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key foreign = key_of("u", "a");
	struct reprise_log_retention retention = { .size = sizeof(retention),
						   .tenant_entries_max = 5 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };

	append_at(log, &a, 20, 10, 1000);
	append_at(log, &b, 5, 10, 2000);
	append_at(log, &foreign, 20, 10, 1);
	cr_assert(
		eq(int,
		   reprise_log_blob_put(log, &a, NULL, "b", (struct reprise_bytes){ "x", 1 }, NULL),
		   REPRISE_OK));
	cr_assert(eq(int, reprise_log_prune(log, "t", &retention, &pruned, NULL), REPRISE_OK));
	cr_assert(eq(u64, pruned.keys_kept, 2));
	(void)prune_entries(log, 5);
	cr_assert(eq(u64, left_of(log, &b), 5));
	(void)prune_entries(log, 4);
	cr_assert(eq(u64, left_of(log, &a), 20));
	cr_assert(eq(u64, left_of(log, &b), 4));
	cr_assert(eq(u64, left_of(log, &foreign), 20));
	close_log(log);
}

Test(contract, L54_a_damaged_key_does_not_spare_the_others_the_sum)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .tenant_entries_max = 2,
							 .includes_direct = 1 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };
	struct reprise_error error = { .size = sizeof(error) };

	append_at(log, &a, 5, 10, 1000);
	append_at(log, &k, 5, 10, 1500);
	append_at(log, &b, 5, 10, 2000);
	contract_do_damage(CONTRACT_PAYLOAD, 5);
	cr_assert(eq(int, reprise_log_prune(log, "t", &retention, &pruned, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.detail, "k"));
	cr_assert(eq(int, pruned.is_complete, 0));
	cr_assert(eq(u64, left_of(log, &a), 0));
	cr_assert(eq(u64, left_of(log, &b), 2));
	cr_assert(eq(u64, left_of(log, &k), 5));
	close_log(log);
}

Test(contract, L54_a_deadline_ends_the_pruning_for_the_sum)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_retention retention = { .tenant_entries_max = 1, .deadline_ns = 1 };

	append_at(log, &a, 50, 10, 1000);
	cr_assert(eq(int, prune_by(log, retention).is_complete, 0));
	cr_assert(eq(u64, rows_of(log, &a), 50));
	retention.deadline_ns = UINT64_MAX;
	cr_assert(eq(int, prune_by(log, retention).is_complete, 1));
	cr_assert(eq(u64, rows_of(log, &a), 1));
	close_log(log);
}

/* Another connection changes the log before a look of this one. */
static struct {
	struct log_adapter adapter;
	const struct log_adapter *real;
	struct reprise_log *other;
	int looks_left; /* until then */
	void (*change)(struct reprise_log *log);
} beside;

static reprise_status
look_behind_another(struct reprise_log *log, const char *tenant, const char *thread,
		    struct log_head *ret_head, struct reprise_error *error)
{
	if (beside.looks_left-- == 0)
		beside.change(beside.other);
	return beside.real->look(log, tenant, thread, ret_head, error);
}

static void
append_more(struct reprise_log *log)
{
	append_at(log, &a, 3, 10, 5000);
}

static void
begin_anew(struct reprise_log *log)
{
	cr_assert(eq(int, reprise_log_erase(log, &a, REPRISE_LOG_ERASE_NO_VACUUM, NULL, NULL),
		     REPRISE_OK));
	append_at(log, &a, 3, 10, 5000);
}

/* Prunes to @limit bytes; after @looks looks the log changes. */
static void
prune_beside(void (*change)(struct reprise_log *log), int looks, uint64_t limit)
{
	struct reprise_log *const log = contract_open();

	append_at(log, &a, 20, 10, 1000);
	append_at(log, &b, 20, 10, 2000);
	beside.other = contract_open();
	beside.real = log->adapter;
	beside.adapter = *log->adapter;
	beside.adapter.look = look_behind_another;
	beside.looks_left = looks;
	beside.change = change;
	log->adapter = &beside.adapter;
	(void)prune_bytes(log, limit);
	log->adapter = beside.real;
	reprise_log_close(beside.other);
	close_log(log);
}

Test(contract, L54_entries_that_come_meanwhile_do_not_go_for_the_sum)
{
	struct reprise_log *log;

	/* Two looks at the keys; the third is at the first of them again. */
	prune_beside(append_more, 2, 100);
	log = contract_open();
	cr_assert(eq(u64, stats_of(log, &a).watermark, 20));
	cr_assert(eq(u64, stats_of(log, &a).head, 23));
	close_log(log);
}

Test(contract, L54_a_key_that_began_anew_meanwhile_is_left_alone)
{
	struct reprise_log *log;

	prune_beside(begin_anew, 2, 100);
	log = contract_open();
	cr_assert(eq(u64, stats_of(log, &a).watermark, 0));
	cr_assert(eq(u64, stats_of(log, &a).head, 3));
	close_log(log);
}
