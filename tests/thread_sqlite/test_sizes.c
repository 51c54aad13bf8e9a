/* SPDX-License-Identifier: MIT */

/* Options of older and newer programs that open a store in a SQLite file (rule X16). */

#include "sized_struct.h"

#include "support_threads.h"

static reprise_status
open_with(void *options, void *path)
{
	struct reprise_thread_store *store = NULL;
	const reprise_status status = reprise_thread_sqlite_open(path, options, &store, NULL);

	cr_assert(eq(int, store != NULL, status == REPRISE_OK));
	reprise_thread_store_close(store);
	return status;
}

Test(thread_sqlite, X16_options_of_any_release_open_a_store)
{
	const struct reprise_thread_sqlite_options options = default_options();

	EXPECT_SIZES_READ(reprise_thread_sqlite_options, &options, open_with,
			  scratch_path("threads"));
	expect_no_leaks();
}
