/* SPDX-License-Identifier: MIT */
/* Schemas as older libraries left them. */
#include <stdlib.h>

#include <reprise/log_upkeep.h>

#include "log_sqlite/reading.h"
#include "server.h"

SUITE(version);

/* What a library of version 5 answered of the log in fixtures/version_5.sql. */
static const uint32_t answers_of_version_5 = 0x812ec0ea;

/* The schema version_5, by a connection whose settings the dump changes. */
static void
create_version_5(void)
{
	char *const sql = fixture_text("log_postgres/fixtures/version_5.sql");
	PGconn *const all = connected_as(NULL);
	PGresult *const answer = PQexec(all, sql);

	cr_assert(PQresultStatus(answer) == PGRES_COMMAND_OK ||
			  PQresultStatus(answer) == PGRES_TUPLES_OK,
		  "%s", PQresultErrorMessage(answer));
	PQclear(answer);
	PQfinish(all);
	free(sql);
}

Test(version, a_schema_of_version_5_answers_what_it_answered)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "version_5");

	create_version_5();
	struct reprise_log *const log = opened(&options);
	const struct reading reading = reading_of(log);

	cr_assert(not(reading.is_told));
	cr_assert(eq(u32, reading.answers, answers_of_version_5));
	reprise_log_close(log);
	expect_no_leaks();
}
