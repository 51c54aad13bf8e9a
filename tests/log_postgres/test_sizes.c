/* SPDX-License-Identifier: MIT */

/* Options of older and newer programs that open a log in PostgreSQL (rule X16). */

#include "sized_struct.h"

#include "server.h"
#include "support.h"

static reprise_status
open_with(void *options, void *context)
{
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_postgres_open(options, &log, NULL);

	(void)context;
	cr_assert(eq(int, log != NULL, status == REPRISE_OK));
	reprise_log_close(log);
	return status;
}

Test(schema, X16_options_of_any_release_open_a_log)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "sizes");

	EXPECT_SIZES_READ(reprise_log_postgres_options, &options, open_with, NULL);
	expect_no_leaks();
}
