/* SPDX-License-Identifier: MIT */
/* A connection pooler in front of the server: pgbouncer, where it is installed. */
#include <string.h>

#include "pooler.h"
#include "store.h"

SUITE(thread_pooler);

static void
expect_pool_refused(const char *mode)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "pooled");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	pooler_open(mode);
	options.connection = pooler_connection();
	const reprise_status status = reprise_thread_postgres_open(&options, &store, &error);

	pooler_expect_untouched();
	cr_assert(eq(int, status, REPRISE_E_INVALID), "%s: %s", error.what, error.detail);
	cr_assert(eq(str, error.what, "connection"));
	cr_assert(ne(ptr, strstr(error.detail, "pool_mode = session"), NULL), "%s", error.detail);
	expect_no_leaks();
}

Test(thread_pooler, Q02_a_pooler_that_shares_sessions_by_transaction_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("transaction");
}

Test(thread_pooler, Q02_a_pooler_that_shares_sessions_by_statement_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("statement");
}

Test(thread_pooler, Q02_a_pooler_that_keeps_a_session_for_each_client_is_taken,
     .fini = pooler_close)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "pooled_session");

	pooler_open("session");
	options.connection = pooler_connection();
	struct reprise_thread_store *const store = opened(&options);
	struct reprise_thread_store *const other = opened(&options);

	create(store, "a");
	cr_assert(eq(int, append_to(other, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(store, "a"), 1));
	reprise_thread_store_close(store);
	reprise_thread_store_close(other);
}
