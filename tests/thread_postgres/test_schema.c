/* SPDX-License-Identifier: MIT */
/* The tables: where they stand, who may have them, and what is refused. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

SUITE(thread_schema);

Test(thread_schema, B20_a_store_is_made_and_found_again)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "made");
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_store *store = opened(&options);

	cr_assert(eq(i64, number_of(all, "SELECT version FROM made.about"), 1));
	create(store, "a");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	store = opened(&options);
	cr_assert(eq(u64, version_of(store, "a"), 1));
	reprise_thread_store_close(store);
	PQfinish(all);
	expect_no_leaks();
}

Test(thread_schema, B20_without_a_name_the_schema_is_reprise_thread)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, NULL);
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM reprise_thread.heads"), 1));
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_schema, B20_stores_of_one_database_are_apart)
{
	const struct reprise_thread_postgres_options first = options_of(NULL, "apart_1");
	const struct reprise_thread_postgres_options second = options_of(NULL, "apart_2");
	struct reprise_thread_store *const a = opened(&first);
	struct reprise_thread_store *const b = opened(&second);
	struct thread_head head;
	uint64_t now_ms;

	create(a, "a");
	cr_assert(eq(u64, version_of(b, "a"), UINT64_MAX));
	/* So are the locks of an id. */
	cr_assert(eq(int, a->adapter->begin(a, "a", &head, &now_ms, NULL), REPRISE_OK));
	create(b, "a");
	a->adapter->rollback(a);
	cr_assert(eq(int, append_to(b, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(a, "a"), 0));
	cr_assert(eq(u64, version_of(b, "a"), 1));
	reprise_thread_store_close(a);
	reprise_thread_store_close(b);
}

Test(thread_schema, B20_an_empty_schema_is_taken)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "empty");
	PGconn *const all = connected_as(NULL);

	run(all, "CREATE SCHEMA empty");
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_schema, B20_a_store_that_is_to_be_there_is_not_created)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "to_be_there");
	PGconn *const beside = connected_as(NULL);

	options.is_set_up = 1;
	expect_refused(&options, REPRISE_E_NOT_FOUND, "schema");
	cr_assert(eq(i64,
		     number_of(beside,
			       "SELECT count(*) FROM pg_namespace WHERE nspname = 'to_be_there'"),
		     0));
	options.is_set_up = 0;
	reprise_thread_store_close(opened(&options));
	options.is_set_up = 1;
	reprise_thread_store_close(opened(&options));
	PQfinish(beside);
}

Test(thread_schema, B20_what_is_newer_or_another_s_is_refused)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "newer");
	const struct reprise_thread_postgres_options other = options_of(NULL, "other");
	const struct reprise_thread_postgres_options marked = options_of(NULL, "marked");
	PGconn *const all = connected_as(NULL);

	reprise_thread_store_close(opened(&options));
	run(all, "UPDATE newer.about SET version = 2");
	expect_refused(&options, REPRISE_E_VERSION, "schema");
	run(all, "UPDATE newer.about SET version = 0");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "DELETE FROM newer.about");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "CREATE SCHEMA other; CREATE TABLE other.mine (x int)");
	expect_refused(&other, REPRISE_E_CORRUPT, "schema");
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_class WHERE relnamespace ="
				    " 'other'::regnamespace"),
		     1));
	run(all, "CREATE SCHEMA marked; CREATE TABLE marked.about (marker text, version int);"
		 " INSERT INTO marked.about VALUES ('reprise log', 1)");
	expect_refused(&marked, REPRISE_E_CORRUPT, "schema");
	PQfinish(all);
	expect_no_leaks();
}

Test(thread_schema, B20_a_table_that_is_missing_is_told)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "lacking");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	run(all, "DROP TABLE lacking.deltas");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_E_CORRUPT), "%s: %s",
		  error.what, error.detail);
	cr_assert(eq(int, strncmp(error.detail, "42P01: ", 7), 0), "%s", error.detail);
	reprise_thread_store_close(store);
	expect_refused(&options, REPRISE_E_CORRUPT, "connection");
	PQfinish(all);
}

Test(thread_schema, B20_a_schema_that_was_dropped_is_not_made_anew_behind_the_host_s_back)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "dropped");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	run(all, "DROP SCHEMA dropped CASCADE");
	terminate(all, server_process_of(store));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "schema"));
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_namespace WHERE nspname = 'dropped'"),
		     0));
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_schema, B20_a_schema_that_became_newer_is_told_by_the_next_connection)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "outgrown");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	run(all, "UPDATE outgrown.about SET version = 2");
	terminate(all, server_process_of(store));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "schema"));
	cr_assert(eq(str, error.detail, "the schema is newer than this library"));
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_schema, B20_another_opener_that_creates_the_tables_is_waited_for)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "awaited");
	PGconn *const all = connected_as(NULL);

	run(all, "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('reprise awaited', 0))");
	options.deadline_ns = one_second / 2;
	expect_refused(&options, REPRISE_E_TIMEOUT, NULL);
	run(all, "COMMIT");
	options.deadline_ns = 2 * one_second;
	reprise_thread_store_close(opened(&options));
	PQfinish(all);
}

Test(thread_schema, B20_without_a_connection_string_the_environment_tells)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "environment");

	const char *const server = getenv("REPRISE_POSTGRES_SERVER");

	cr_assert(ne(ptr, (void *)server, NULL));
	setenv("PGHOST", server, 1);
	setenv("PGUSER", "postgres", 1);
	setenv("PGDATABASE", "postgres", 1);
	options.connection = NULL;
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	reprise_thread_store_close(store);
}

Test(thread_schema, B20_bad_options_are_refused)
{
	struct reprise_thread_postgres_options options;
	struct reprise_thread_store *store = NULL;
	static const char *const names[] = {
		"",         "A",
		"1a",       "a-b",
		"a b",      "a\"",
		"\xc3\xa4", "a234567890123456789012345678901234567890123456789012345678901234",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		options = options_of(NULL, names[i]);
		expect_refused(&options, REPRISE_E_INVALID, "schema");
	}
#define REFUSED(member, value, name)                               \
	do {                                                       \
		options = options_of(NULL, "bad");                 \
		options.member = value;                            \
		expect_refused(&options, REPRISE_E_INVALID, name); \
	} while (false)
	REFUSED(size, 8, "options: size");
	REFUSED(connection, "no_such_word=1", "connection");
	REFUSED(deadline_ns, one_hour + 1, "deadline_ns");
	REFUSED(transaction_idle_ns, one_second / 10 - 1, "transaction_idle_ns");
	REFUSED(transaction_idle_ns, one_hour + 1, "transaction_idle_ns");
	REFUSED(durability, (reprise_durability)3, "durability");
	REFUSED(durability, (reprise_durability)-1, "durability");
	REFUSED(is_set_up, 2, "is_set_up");
	REFUSED(horizon_ns, one_second, "horizon_ns");
	REFUSED(retry_limit_ns, 1, "retry_limit_ns");
#undef REFUSED
	options = options_of(NULL, "pg_mine");
	expect_refused(&options, REPRISE_E_INVALID, NULL);
	options = options_of(NULL, "bad");
	cr_assert(eq(int, reprise_thread_postgres_open(NULL, &store, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_thread_postgres_open(&options, NULL, NULL), REPRISE_E_INVALID));
	expect_no_leaks();
}

Test(thread_schema, B20_the_longest_name_is_good)
{
	const struct reprise_thread_postgres_options options =
		options_of(NULL, "_23456789012345678901234567890123456789012345678901234567890123");
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	reprise_thread_store_close(store);
}

Test(thread_schema, B20_a_database_in_another_encoding_is_refused)
{
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_postgres_options options = options_of(NULL, "encoded");
	char connection[512];

	run(all, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
	snprintf(connection, sizeof(connection), "%s dbname=latin", options.connection);
	options.connection = connection;
	expect_refused(&options, REPRISE_E_INVALID, "connection");
	PQfinish(all);
}

/* Of the store's own session. */
static bool
syncs_commits(struct reprise_thread_store *store)
{
	struct wire *const wire = &postgres_of(store)->wire;
	PGresult *answer = NULL;

	wire_begin_call(wire);
	(void)wire_send_sql(wire, "SELECT current_setting('synchronous_commit')", NULL);
	cr_assert(eq(int, wire_ask(wire, &answer, NULL), REPRISE_OK));
	const bool is_on = strcmp(PQgetvalue(answer, 0, 0), "on") == 0;

	PQclear(answer);
	return is_on;
}

Test(thread_schema, B20_a_write_is_on_disk_when_it_returns_unless_written_is_enough)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "durable");
	PGconn *const all = connected_as(NULL);
	struct reprise_thread_store *store = opened(&options);

	cr_assert(syncs_commits(store));
	/* Also on a connection that was made anew. */
	terminate(all, server_process_of(store));
	create(store, "a");
	cr_assert(syncs_commits(store));
	reprise_thread_store_close(store);
	options.durability = REPRISE_WRITTEN;
	store = opened(&options);
	cr_assert(not(syncs_commits(store)));
	reprise_thread_store_close(store);
	options.durability = REPRISE_SYNCED;
	store = opened(&options);
	cr_assert(syncs_commits(store));
	reprise_thread_store_close(store);
	PQfinish(all);
}

enum {
	OPENERS = 6
};

static void *
open_one(void *context)
{
	const struct reprise_thread_postgres_options *const options = context;
	struct reprise_thread_store *store = NULL;
	const reprise_status status = reprise_thread_postgres_open(options, &store, NULL);

	return status == REPRISE_OK ? store : NULL;
}

Test(thread_schema, B20_the_first_of_several_openers_makes_the_tables)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "raced");
	pthread_t threads[OPENERS];

	options.deadline_ns = 20 * one_second;
	for (int i = 0; i < OPENERS; i++)
		cr_assert(eq(int, pthread_create(&threads[i], NULL, open_one, &options), 0));
	for (int i = 0; i < OPENERS; i++) {
		void *store = NULL;

		pthread_join(threads[i], &store);
		cr_assert(ne(ptr, store, NULL));
		reprise_thread_store_close(store);
	}
	expect_no_leaks();
}

/* A role that may do what the header says it needs. */
Test(thread_schema, B20_another_role_reads_and_writes)
{
	const struct reprise_thread_postgres_options owner = options_of(NULL, "granted");
	PGconn *const all = connected_as(NULL);

	reprise_thread_store_close(opened(&owner));
	run(all, "CREATE ROLE thread_agent LOGIN");
	const struct reprise_thread_postgres_options agent = options_of("thread_agent", "granted");

	expect_refused(&agent, REPRISE_E_IO, NULL);
	run(all, "GRANT USAGE ON SCHEMA granted TO thread_agent");
	run(all, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA granted"
		 " TO thread_agent");
	run(all, "REVOKE INSERT, UPDATE, DELETE ON granted.about FROM thread_agent");
	struct reprise_thread_store *const store = opened(&agent);

	create(store, "a");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(store, "a"), 1));
	cr_assert(eq(int, reprise_thread_delete(store, "a", NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_schema, B05_a_longer_horizon_waits_for_those_who_write)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "longer");
	struct reprise_thread_store *const store = opened(&options);
	struct thread_head head;
	uint64_t now_ms;

	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	options.deadline_ns = one_second / 2;
	options.horizon_ns = 720 * one_hour;
	expect_refused(&options, REPRISE_E_TIMEOUT, NULL);
	store->adapter->rollback(store);
	reprise_thread_store_close(opened(&options));
	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	cr_assert(eq(u64, store->keeping.horizon_ms, UINT64_C(30) * 24 * 3600 * 1000));
	store->adapter->rollback(store);
	reprise_thread_store_close(store);
}

Test(thread_schema, B05_a_role_that_may_not_change_the_horizon_cannot_make_it_longer)
{
	const struct reprise_thread_postgres_options owner = options_of(NULL, "kept");
	PGconn *const all = connected_as(NULL);

	reprise_thread_store_close(opened(&owner));
	run(all, "CREATE ROLE thread_reader LOGIN; GRANT USAGE ON SCHEMA kept TO thread_reader;"
		 " GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA kept"
		 " TO thread_reader;"
		 " REVOKE INSERT, UPDATE, DELETE ON kept.about FROM thread_reader");
	struct reprise_thread_postgres_options options = options_of("thread_reader", "kept");
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	options.horizon_ns = 720 * one_hour;
	cr_assert(eq(int, reprise_thread_postgres_open(&options, &store, &error), REPRISE_E_IO));
	cr_assert(eq(int, strncmp(error.detail, "42501: ", 7), 0), "%s", error.detail);
	options.horizon_ns = 72 * one_hour;
	reprise_thread_store_close(opened(&options));
	PQfinish(all);
}

Test(thread_schema, B05_a_damaged_horizon_is_told_when_a_store_is_opened)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "damaged");
	PGconn *const all = connected_as(NULL);

	reprise_thread_store_close(opened(&options));
	run(all, "UPDATE damaged.about SET floor_ms = 1");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	run(all, "UPDATE damaged.about SET floor_ms = -1");
	expect_refused(&options, REPRISE_E_CORRUPT, "schema");
	PQfinish(all);
}
