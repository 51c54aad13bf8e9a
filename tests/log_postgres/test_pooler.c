/* SPDX-License-Identifier: MIT */
/* A connection pooler in front of the server: pgbouncer, where it is installed. */
#include <string.h>

#include "pooler.h"
#include "server.h"

SUITE(pooler);

static void
expect_pool_refused(const char *mode)
{
	struct reprise_log_postgres_options options = options_of(NULL, "pooled");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	pooler_open(mode);
	options.connection = pooler_connection();
	const reprise_status status = reprise_log_postgres_open(&options, &log, &error);

	pooler_expect_untouched();
	cr_assert(eq(int, status, REPRISE_E_INVALID), "%s: %s", error.what, error.detail);
	cr_assert(eq(str, error.what, "connection"));
	cr_assert(ne(ptr, strstr(error.detail, "pool_mode = session"), NULL), "%s", error.detail);
	expect_no_leaks();
}

Test(pooler, Q02_a_pooler_that_shares_sessions_by_transaction_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("transaction");
}

Test(pooler, Q02_a_pooler_that_shares_sessions_by_statement_is_refused_at_open,
     .fini = pooler_close)
{
	expect_pool_refused("statement");
}

Test(pooler, Q02_a_pooler_that_keeps_a_session_for_each_client_is_taken, .fini = pooler_close)
{
	struct reprise_log_postgres_options options = options_of(NULL, "pooled_session");

	pooler_open("session");
	options.connection = pooler_connection();
	struct reprise_log *const log = opened(&options);
	struct reprise_log *const other = opened(&options);

	expect_works(log, "acme", "t", 1);
	expect_works(other, "acme", "t", 2);
	expect_works(log, "acme", "t", 3);
	reprise_log_close(log);
	reprise_log_close(other);
}
