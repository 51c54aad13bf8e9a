/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>

#include <reprise/log_upkeep.h>

#include "log_postgres/schema.h"
#include "server.h"

SUITE(schema);

static int64_t
tables_in(PGconn *connection, const char *schema)
{
	return number_of(
		connection,
		"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
		" WHERE relkind = 'r' AND nspname = '%s'",
		schema);
}

static int64_t
version_of(PGconn *connection, const char *schema)
{
	return number_of(connection, "SELECT version FROM %s.about", schema);
}

Test(schema, it_is_created_once_and_found_again)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "created");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *log = opened(&options);

	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
	cr_assert(eq(i64, version_of(all, "created"), SCHEMA_VERSION));
	log = opened(&options);
	expect_works(log, "acme", "t", 2);
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

Test(schema, what_is_said_to_be_set_up_is_never_created)
{
	struct reprise_log_postgres_options options = options_of(NULL, "set_up");
	PGconn *const all = connected_as(NULL);

	options.is_set_up = 1;
	expect_refused(&options, REPRISE_E_NOT_FOUND, "schema");
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_namespace WHERE nspname = 'set_up'"),
		     0));
	run(all, "CREATE SCHEMA set_up");
	expect_refused(&options, REPRISE_E_NOT_FOUND, "schema");
	cr_assert(eq(i64, tables_in(all, "set_up"), 0));
	PQfinish(all);
}

Test(schema, an_empty_one_is_taken)
{
	const struct reprise_log_postgres_options options = options_of("owner_empty", "empty");
	PGconn *const all = connected_as(NULL);

	run(all, "CREATE ROLE owner_empty LOGIN");
	run(all, "CREATE SCHEMA empty AUTHORIZATION owner_empty");
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	reprise_log_close(log);
	PQfinish(all);
}

Test(schema, one_that_is_not_ours_is_refused_and_left_alone)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "foreign_one");
	PGconn *const all = connected_as(NULL);

	run(all, "CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.heads (id int)");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "CREATE TABLE foreign_one.about (marker text, version text)");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "DROP TABLE foreign_one.about;"
		 "CREATE TABLE foreign_one.about (marker text, version int)");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "INSERT INTO foreign_one.about VALUES ('another log', 1)");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "INSERT INTO foreign_one.about VALUES ('reprise log', 1)");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	cr_assert(eq(i64, tables_in(all, "foreign_one"), 2));
	PQfinish(all);
	expect_no_leaks();
}

Test(schema, one_that_lacks_a_table_is_torn)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "torn");
	PGconn *const all = connected_as(NULL);

	reprise_log_close(opened(&options));
	run(all, "DROP TABLE torn.commits");
	expect_refused(&options, REPRISE_E_CORRUPT, NULL);
	cr_assert(eq(i64, tables_in(all, "torn"), TENANT_TABLES_COUNT));
	PQfinish(all);
}

Test(schema, a_newer_one_is_refused_and_left_alone)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "newer");
	PGconn *const all = connected_as(NULL);

	reprise_log_close(opened(&options));
	run(all, "UPDATE newer.about SET version = %d", SCHEMA_VERSION + 1);
	expect_refused(&options, REPRISE_E_VERSION, "schema");
	cr_assert(eq(i64, version_of(all, "newer"), SCHEMA_VERSION + 1));
	PQfinish(all);
}

enum {
	RISEN_COUNT = 2100, /* more than the step takes at a time */
};

static const struct reprise_log_key risen = { "acme", "risen" };

/* A key of which each entry is a rise. */
static void
append_risen(struct reprise_log *log)
{
	struct reprise_log_new_entry *const entries = calloc(RISEN_COUNT, sizeof(*entries));

	for (size_t i = 0; i < RISEN_COUNT; i++)
		entries[i] = (struct reprise_log_new_entry){ .revision = i + 1, .kind = 7 };
	cr_assert(eq(int, reprise_log_append(log, &risen, NULL, entries, RISEN_COUNT, NULL, NULL),
		     REPRISE_OK));
	free(entries);
}

static void
expect_whole(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct reprise_log_key key = { tenant, thread };
	struct reprise_log_report report = { .size = sizeof(report) };

	cr_assert(eq(int, reprise_log_verify(log, &key, &report, NULL), REPRISE_OK));
	cr_assert(eq(str, report.what, ""));
}

/* A schema as the first version made it, with the key acme/t of one entry in it, and two others. */
static void
create_version_1(PGconn *all, const char *schema)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "model");
	struct reprise_log *const log = opened(&options);

	run(all, "TRUNCATE model.heads, model.lives, model.rows, model.rises, model.commits");
	expect_works(log, "acme", "t", 1);
	fill_every_table(log, "umbrella", "filled");
	append_risen(log);
	struct wire *const wire = &postgres_of(log)->wire;
	char search_path[64];
	struct values values = { 0 };

	snprintf(search_path, sizeof(search_path), "%s", schema);
	value_text(&values, search_path);
	cr_assert(eq(int,
		     wire_send_sql(wire, "SELECT set_config('search_path', $1, false)", &values),
		     0));
	cr_assert(eq(int, schema_bring_to(wire, schema, 1, NULL), 0));
	cr_assert(eq(int, wire_send_sql(wire, "COMMIT", NULL), 0));
	cr_assert(eq(int, wire_ask(wire, NULL, NULL), 0));
	reprise_log_close(log);
	cr_assert(eq(i64, version_of(all, schema), 1));
	cr_assert(eq(i64, tables_in(all, schema), 6));
	run(all,
	    "INSERT INTO %s.heads OVERRIDING SYSTEM VALUE SELECT id, kind, head, watermark,"
	    " revision_max, has_ended, end_status, end_ordinal, life, tenant, thread"
	    " FROM model.heads",
	    schema);
	run(all,
	    "INSERT INTO %s.lives SELECT key, number, first, last, incarnation, state, tenant"
	    " FROM model.lives",
	    schema);
	run(all, "ALTER TABLE %s.heads ALTER COLUMN id RESTART WITH 1000", schema);
	run(all, "INSERT INTO %s.rows SELECT * FROM model.rows", schema);
	run(all, "INSERT INTO %s.rises SELECT key, revision, ordinal, tenant FROM model.rises",
	    schema);
	run(all, "INSERT INTO %s.commits SELECT key, revision, ordinal, tenant FROM model.commits",
	    schema);
}

Test(schema, L20_an_older_one_is_brought_up_to_date_with_what_is_in_it)
{
	struct reprise_log_postgres_options options;
	PGconn *const all = connected_as(NULL);

	create_version_1(all, "older");
	options = options_of(NULL, "older");
	options.is_set_up = 1;
	expect_refused(&options, REPRISE_E_VERSION, "schema");
	cr_assert(eq(i64, version_of(all, "older"), 1));
	options.is_set_up = 0;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(i64, version_of(all, "older"), SCHEMA_VERSION));
	cr_assert(eq(i64, tables_in(all, "older"), 1 + TENANT_TABLES_COUNT));
	expect_whole(log, "acme", "t");
	expect_whole(log, "acme", "risen");
	cr_assert(
		eq(i64, number_of(all, "SELECT count(*) FROM older.lives WHERE checksum = 0"), 0));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM older.commits WHERE checksum = 0"),
		     0));
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM older.heads AS o JOIN model.heads AS m"
				    " USING (tenant, thread, checksum)"),
		     3));
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_class WHERE relnamespace = 'older'::"
				    "regnamespace AND relkind = 'r' AND relforcerowsecurity"),
		     TENANT_TABLES_COUNT));
	expect_works(log, "acme", "t", 2);
	fill_every_table(log, "acme", "u");
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

Test(schema, a_step_that_fails_changes_nothing)
{
	struct reprise_log_postgres_options options;
	PGconn *const all = connected_as(NULL);

	create_version_1(all, "stuck");
	run(all, "CREATE VIEW stuck.archive AS SELECT 1");
	options = options_of(NULL, "stuck");
	expect_refused(&options, REPRISE_E_CORRUPT, NULL);
	cr_assert(eq(i64, version_of(all, "stuck"), 1));
	run(all, "DROP VIEW stuck.archive");
	reprise_log_close(opened(&options));
	PQfinish(all);
}

struct opener {
	const struct reprise_log_postgres_options *options;
	reprise_status status;
};

static void *
open_in_thread(void *context)
{
	struct opener *const opener = context;
	struct reprise_log *log = NULL;

	opener->status = reprise_log_postgres_open(opener->options, &log, NULL);
	reprise_log_close(log);
	return NULL;
}

Test(schema, many_may_create_it_at_once)
{
	struct reprise_log_postgres_options options = options_of(NULL, "at_once");
	PGconn *const all = connected_as(NULL);
	struct opener openers[6];
	pthread_t threads[6];

	options.deadline_ns = 20 * one_second;
	for (int i = 0; i < 6; i++) {
		openers[i] = (struct opener){ .options = &options, .status = REPRISE_E_SYSTEM };
		cr_assert(
			eq(int, pthread_create(&threads[i], NULL, open_in_thread, &openers[i]), 0));
	}
	for (int i = 0; i < 6; i++) {
		cr_assert(eq(int, pthread_join(threads[i], NULL), 0));
		cr_assert(eq(int, openers[i].status, REPRISE_OK));
	}
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM at_once.about"), 1));
	PQfinish(all);
	expect_no_leaks();
}

Test(schema, who_waits_for_another_to_create_it_gives_up_at_the_deadline)
{
	struct reprise_log_postgres_options options = options_of(NULL, "held");
	PGconn *const all = connected_as(NULL);

	options.deadline_ns = one_second / 4;
	run(all, "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('reprise held', 0))");
	expect_refused(&options, REPRISE_E_TIMEOUT, NULL);
	run(all, "ROLLBACK");
	options.deadline_ns = 5 * one_second;
	reprise_log_close(opened(&options));
	PQfinish(all);
}

Test(schema, only_good_options_are_taken)
{
	static const char *const bad_schemas[] = {
		"",
		"Upper",
		"1st",
		"a b",
		"a\"b",
		"\303\244",
		"a234567890123456789012345678901234567890123456789012345678901234"
	};
	struct reprise_log_postgres_options options = options_of(NULL, "never");
	struct reprise_log *log = NULL;

	for (size_t i = 0; i < sizeof(bad_schemas) / sizeof(bad_schemas[0]); i++) {
		options.schema = bad_schemas[i];
		expect_refused(&options, REPRISE_E_INVALID, "schema");
	}
	options = options_of(NULL, "pg_never");
	expect_refused(&options, REPRISE_E_INVALID, NULL);
	options = options_of(NULL, "never");
	options.deadline_ns = one_hour + 1;
	expect_refused(&options, REPRISE_E_INVALID, "deadline_ns");
	options = options_of(NULL, "never");
	options.is_isolated = 2;
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	options = options_of(NULL, "never");
	options.is_set_up = -1;
	expect_refused(&options, REPRISE_E_INVALID, "is_set_up");
	options = options_of(NULL, "never");
	options.deletes_archived = 3;
	expect_refused(&options, REPRISE_E_INVALID, "deletes_archived");
	options = options_of(NULL, "never");
	options.durability = (reprise_durability)3;
	expect_refused(&options, REPRISE_E_INVALID, "durability");
	options = options_of(NULL, "never");
	options.size = 4;
	expect_refused(&options, REPRISE_E_INVALID, "options: size");
	options = options_of(NULL, "never");
	options.connection = "this is = no connection";
	expect_refused(&options, REPRISE_E_INVALID, "connection");
	cr_assert(eq(int, reprise_log_postgres_open(NULL, &log, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_postgres_open(&options, NULL, NULL), REPRISE_E_INVALID));
	expect_no_leaks();
}

Test(schema, a_database_of_another_encoding_is_refused)
{
	struct reprise_log_postgres_options options = options_of(NULL, "reprise");
	PGconn *const all = connected_as(NULL);
	char connection[512];

	run(all, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
	snprintf(connection, sizeof(connection), "%s dbname=latin", options.connection);
	options.connection = connection;
	expect_refused(&options, REPRISE_E_INVALID, "connection");
	PQfinish(all);
}
