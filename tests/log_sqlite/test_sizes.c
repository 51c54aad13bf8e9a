/* SPDX-License-Identifier: MIT */

/* Options of older and newer programs that open a log in a SQLite file (rule X16). */

#include "sized_struct.h"

#include "scratch.h"
#include "support_sqlite.h"

static reprise_status
open_with(void *options, void *context)
{
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_sqlite_open(options, &log, NULL);

	(void)context;
	cr_assert(eq(int, log != NULL, status == REPRISE_OK));
	reprise_log_close(log);
	return status;
}

Test(log_sqlite, X16_options_of_any_release_open_a_log)
{
	const struct reprise_log_sqlite_options options = options_of(scratch_path("log"));

	EXPECT_SIZES_READ(reprise_log_sqlite_options, &options, open_with, NULL);
	expect_no_leaks();
}
