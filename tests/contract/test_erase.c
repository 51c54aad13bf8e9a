/* SPDX-License-Identifier: MIT */
/* L55: a key or a tenant is erased for good. */
#include "contract.h"

#include <stdio.h>

static const struct reprise_log_key other = { "t", "l" };

static uint64_t
erased(struct reprise_log *log, const struct reprise_log_key *key, uint32_t flags)
{
	struct reprise_error error = { .size = sizeof(error) };
	uint64_t count = 77;

	cr_assert(eq(int, reprise_log_erase(log, key, flags, &count, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	return count;
}

static void
expect_gone(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_stats(log, key, &stats, NULL), REPRISE_E_NOT_FOUND));
}

static bool
count_one(const struct reprise_log_key *key, void *context)
{
	(void)key;
	++*(size_t *)context;
	return true;
}

static size_t
count_keys(struct reprise_log *log, const char *tenant)
{
	size_t count = 0;

	cr_assert(eq(int, reprise_log_each(log, tenant, count_one, &count, NULL), REPRISE_OK));
	return count;
}

Test(contract, L55_an_erased_key_was_never_there)
{
	struct reprise_log *log = contract_open();
	const struct reprise_bytes blob = { "blob", 4 };

	append_count(log, &k, 2300);
	append_count(log, &other, 3);
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1100, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_put(log, &k, NULL, "b", blob, NULL), REPRISE_OK));
	cr_assert(eq(u64, erased(log, &k, 0), 1));
	expect_gone(log, &k);
	cr_assert(eq(u64, contract_rows(), 0));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	cr_assert(eq(u64, contract_blobs(), 0));
	cr_assert(eq(sz, count_keys(log, "t"), 1));
	cr_assert(eq(u64, erased(log, &k, 0), 0));
	close_log(log);
	log = contract_open();
	cr_assert(eq(u64, append_count(log, &k, 2), 2));
	expect_all(log, &k, 0, 1, 2);
	expect_all(log, &other, 0, 1, 3);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L55_lives_go_along_and_their_recorder_is_refused)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 4), REPRISE_OK));
	cr_assert(eq(int, reprise_log_erase(log, &k, 0, NULL, &error), REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "life"));
	expect_all(log, &k, 0, 1, 4);
	cr_assert(eq(u64, erased(log, &k, REPRISE_LOG_ERASE_OPEN), 1));
	expect_gone(log, &k);
	cr_assert(eq(int, record(log, 1, 5, 5), REPRISE_E_CONFLICT));
	expect_gone(log, &k);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(u64, stats_of(log, &k).life.first, 1));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L55_a_tenant_goes_with_all_keys_and_no_other_tenant)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key all = { "t", NULL }, kept = { "u", "k" };
	char thread[16];
	const struct reprise_log_key key = { "t", thread };

	for (int i = 0; i < 300; i++) {
		snprintf(thread, sizeof(thread), "%d", i);
		append_count(log, &key, 2);
	}
	append_count(log, &kept, 2);
	cr_assert(eq(u64, erased(log, &all, 0), 300));
	cr_assert(eq(sz, count_keys(log, "t"), 0));
	expect_all(log, &kept, 0, 1, 2);
	cr_assert(eq(u64, erased(log, &all, 0), 0));
	close_log(log);
}

Test(contract, L55_a_key_in_use_is_told_and_the_others_go)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key all = { "t", NULL }, before = { "t", "a" };
	struct reprise_error error = { .size = sizeof(error) };
	struct log_write life = { .type = LOG_LIFE,
				  .incarnation = life_name(1),
				  .lease_ns = UINT64_C(60000000000) };

	append_count(log, &before, 2);
	append_count(log, &other, 2);
	cr_assert(eq(int, write_one(log, &life), REPRISE_OK));
	cr_assert(eq(int, reprise_log_erase(log, &all, REPRISE_LOG_ERASE_OPEN, NULL, &error),
		     REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "lease"));
	cr_assert(eq(str, error.detail, "k"));
	expect_gone(log, &before);
	expect_gone(log, &other);
	cr_assert(eq(sz, count_keys(log, "t"), 1));
	close_log(log);
}

Test(contract, L55_a_damaged_key_is_erased_all_the_same)
{
	struct reprise_log *const log = contract_open();

	append_count(log, &k, 1500);
	contract_do_damage(CONTRACT_HEAD, 7);
	cr_assert(eq(u64, erased(log, &k, 0), 1));
	expect_gone(log, &k);
	cr_assert(eq(u64, append_count(log, &k, 1), 1));
	cr_assert(eq(u64, contract_rows(), 1));
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L55_refuses_what_is_no_key)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key no_thread = { "t", "" }, no_tenant = { NULL, NULL };
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_erase(NULL, &k, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_erase(log, NULL, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_erase(log, &no_thread, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key: thread"));
	cr_assert(eq(int, reprise_log_erase(log, &no_tenant, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "key: tenant"));
	cr_assert(eq(int, reprise_log_erase(log, &k, 4, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "flags"));
	close_log(log);
}
