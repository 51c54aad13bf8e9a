/* SPDX-License-Identifier: MIT */
/* Schemas as older libraries left them. */
#include <stdlib.h>

#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>

#include "log_postgres/schema.h"
#include "log_sqlite/reading.h"
#include "server.h"

SUITE(version);

/* A checksum of the answers of a library of version 5 about the log in fixtures/version_5.sql. */
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

static reprise_ordinal
appended(struct reprise_log *log, const struct reprise_log_key *key)
{
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };
	reprise_ordinal head = 0;

	cr_assert(eq(int, reprise_log_append(log, key, NULL, &entry, 1, &head, NULL), REPRISE_OK));
	return head;
}

/* One whole blob, and no faults. */
static void
expect_blob_of(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_bytes bytes = { "bytes", 5 };
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_blob_put(log, key, NULL, "b", bytes, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_blob_get(log, key, "b", page, &bytes, NULL), REPRISE_OK));
	cr_assert(eq(sz, bytes.size, 5));
	cr_assert(eq(int, memcmp(bytes.data, "bytes", 5), 0));
	reprise_log_page_close(page);
	cr_assert(eq(int, reprise_log_verify(log, key, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
	cr_assert(eq(u64, report.blobs, 1));
}

/* The heads' checksums, and where their rows stand: the step writes none anew. */
static int64_t
sum_of_heads(PGconn *all)
{
	return number_of(all,
			 "SELECT sum(checksum::bigint + (ctid::text::point)[1]::bigint)::bigint"
			 " FROM version_5.heads");
}

Test(version, L50_a_schema_of_version_5_answers_what_it_answered_and_takes_blobs)
{
	struct reprise_log_postgres_options options = options_of(NULL, "version_5");
	const struct reprise_log_key direct = { "t", "direct" }, other = { "u", "direct" };
	PGconn *const all = connected_as(NULL);

	create_version_5();
	const int64_t sum = sum_of_heads(all);

	options.is_set_up = 1;
	expect_refused(&options, REPRISE_E_VERSION, "schema");
	options.is_set_up = 0;
	struct reprise_log *log = opened(&options);

	cr_assert(eq(i64, number_of(all, "SELECT version FROM version_5.about"), SCHEMA_VERSION));
	cr_assert(eq(i64, sum_of_heads(all), sum));
	cr_assert(eq(int, reprise_log_postgres_verify_policies(log, NULL), REPRISE_OK));
	const struct reading reading = reading_of(log);

	cr_assert(not(reading.is_told));
	cr_assert(eq(u32, reading.answers, answers_of_version_5));
	cr_assert(eq(u64, appended(log, &direct), 181));
	cr_assert(eq(u64, appended(log, &other), 3));
	expect_blob_of(log, &direct);
	expect_blob_of(log, &other);
	reprise_log_close(log);
	log = opened(&options);
	expect_blob_of(log, &direct);
	reprise_log_close(log);
	run(all, "DROP SCHEMA version_5 CASCADE");
	PQfinish(all);
	expect_no_leaks();
}

Test(version, L50_a_step_to_version_6_that_fails_leaves_version_5)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "version_5");
	PGconn *const all = connected_as(NULL);

	create_version_5();
	run(all, "CREATE VIEW version_5.blobs AS SELECT 1");
	expect_refused(&options, REPRISE_E_CORRUPT, NULL);
	cr_assert(eq(i64, number_of(all, "SELECT version FROM version_5.about"), 5));
	run(all, "DROP VIEW version_5.blobs");
	struct reprise_log *const log = opened(&options);
	const struct reading reading = reading_of(log);

	cr_assert(eq(u32, reading.answers, answers_of_version_5));
	reprise_log_close(log);
	run(all, "DROP SCHEMA version_5 CASCADE");
	PQfinish(all);
	expect_no_leaks();
}

/* A role that a tenant's program has, without the right to change the schema. */
Test(version, L50_a_bound_role_puts_and_gets_blobs)
{
	struct reprise_log_postgres_options options = options_of(NULL, "bound_blobs");
	const struct reprise_log_key acme = { "acme", "t" }, umbrella = { "umbrella", "t" };
	PGconn *const all = connected_as(NULL);

	reprise_log_close(opened(&options));
	create_agent(all, "agent_blobs", "bound_blobs");
	options = options_of("agent_blobs", "bound_blobs");
	options.is_isolated = 1;
	options.is_set_up = 1;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(u64, appended(log, &acme), 1));
	cr_assert(eq(u64, appended(log, &umbrella), 1));
	expect_blob_of(log, &acme);
	expect_blob_of(log, &umbrella);
	expect_blob_of(log, &acme);
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM bound_blobs.blobs"), 2));
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}
