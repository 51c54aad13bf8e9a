/* SPDX-License-Identifier: MIT */

/* Options of older and newer programs that open a store in PostgreSQL (rule X16). */

#include "sized_struct.h"

#include "store.h"
#include "support.h"

static reprise_status
open_with(void *options, void *context)
{
	struct reprise_thread_store *store = NULL;
	const reprise_status status = reprise_thread_postgres_open(options, &store, NULL);

	(void)context;
	cr_assert(eq(int, store != NULL, status == REPRISE_OK));
	reprise_thread_store_close(store);
	return status;
}

Test(thread_schema, X16_options_of_any_release_open_a_store)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "sizes");

	EXPECT_SIZES_READ(reprise_thread_postgres_options, &options, open_with, NULL);
	expect_no_leaks();
}
