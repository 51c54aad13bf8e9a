/* SPDX-License-Identifier: MIT */
/* L56: the tenants of a log are listed. */
#include "contract.h"

#include <stdio.h>

struct seen {
	struct reprise_log *log;
	char names[512];
	int left; /* how many are still wanted */
};

static bool
see(const char *tenant, void *context)
{
	struct seen *const seen = context;
	const size_t length = strlen(seen->names);

	snprintf(seen->names + length, sizeof(seen->names) - length, "%s ", tenant);
	/* A visitor may ask the log. */
	cr_assert(eq(u64, head_of(seen->log, &(struct reprise_log_key){ tenant, "none" }), 0));
	return --seen->left != 0;
}

static void
expect_tenants(struct reprise_log *log, int limit, const char *names)
{
	struct seen seen = { .log = log, .left = limit };

	cr_assert(eq(int, reprise_log_tenants(log, see, &seen, NULL), REPRISE_OK));
	cr_assert(eq(str, seen.names, (char *)names));
}

Test(contract, L56_each_tenant_is_visited_once_in_order)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key keys[] = {
		{ "b", "1" }, { "a", "1" }, { "a", "2" }, { "\xc3\xa9", "1" }, { "B", "1" }
	};

	expect_tenants(log, -1, "");
	for (size_t i = 0; i < 5; i++)
		append_count(log, &keys[i], 1);
	expect_tenants(log, -1, "B a b \xc3\xa9 ");
	expect_tenants(log, 2, "B a ");
	/* One with a dropped key is there still; an erased one is not. */
	cr_assert(eq(int, reprise_log_drop(log, &keys[0], false, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_erase(log, &keys[4], 0, NULL, NULL), REPRISE_OK));
	expect_tenants(log, -1, "a b \xc3\xa9 ");
	close_log(log);
}

Test(contract, L56_a_tenant_that_nothing_was_written_for_is_not_visited)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_key refused = { "refused", "k" };
	const struct reprise_log_new_entry entry = entry_of("x");
	const reprise_ordinal expected = 7;

	append_count(log, &k, 1);
	cr_assert(eq(int, reprise_log_append(log, &refused, &expected, &entry, 1, NULL, NULL),
		     REPRISE_E_CONFLICT));
	expect_tenants(log, -1, "t ");
	close_log(log);
}

Test(contract, L56_refuses_what_is_NULL)
{
	struct reprise_log *const log = contract_open();
	struct seen seen = { .log = log };

	cr_assert(eq(int, reprise_log_tenants(NULL, see, &seen, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_tenants(log, NULL, &seen, NULL), REPRISE_E_INVALID));
	close_log(log);
}
