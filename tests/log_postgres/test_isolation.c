/* SPDX-License-Identifier: MIT */
#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>

#include "server.h"

SUITE(isolation);

/* Two tenants in every table of @schema. */
static void
fill_for_two(const char *schema)
{
	const struct reprise_log_postgres_options options = options_of(NULL, schema);
	struct reprise_log *const log = opened(&options);

	fill_every_table(log, "acme", "t");
	fill_every_table(log, "umbrella", "t");
	reprise_log_close(log);
}

static int64_t
count_in(PGconn *connection, const char *schema, const char *table)
{
	return number_of(connection, "SELECT count(*) FROM %s.%s", schema, table);
}

Test(isolation, a_role_sees_its_tenants_rows_and_no_others_in_every_table)
{
	PGconn *const all = connected_as(NULL);

	fill_for_two("sees_own");
	create_agent(all, "agent_sees_own", "sees_own");
	PGconn *const agent = connected_as("agent_sees_own");

	for (int i = 0; i < TENANT_TABLES_COUNT; i++) {
		const char *const table = tenant_tables[i];

		cr_assert(eq(i64, count_in(all, "sees_own", table), 2), "%s", table);
		cr_assert(eq(i64, count_in(agent, "sees_own", table), 0), "%s, not set", table);
		run(agent, "BEGIN; SELECT set_config('reprise.tenant', 'acme', true)");
		cr_assert(eq(i64, count_in(agent, "sees_own", table), 1), "%s, set", table);
		cr_assert(eq(i64,
			     number_of(agent,
				       "SELECT count(*) FROM sees_own.%s WHERE tenant <> 'acme'",
				       table),
			     0));
		run(agent, "COMMIT");
		cr_assert(eq(i64, count_in(agent, "sees_own", table), 0), "%s, after it", table);
		run(agent, "BEGIN; SELECT set_config('reprise.tenant', '', true)");
		cr_assert(eq(i64, count_in(agent, "sees_own", table), 0), "%s, empty", table);
		run(agent, "COMMIT");
	}
	PQfinish(agent);
	PQfinish(all);
	expect_no_leaks();
}

Test(isolation, every_table_with_a_tenant_is_bound_by_force)
{
	PGconn *const all = connected_as(NULL);

	fill_for_two("bound");
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND"
				    " relnamespace = 'bound'::regnamespace AND relname <> 'about'"),
		     TENANT_TABLES_COUNT));
	cr_assert(
		eq(i64,
		   number_of(all, "SELECT count(*) FROM pg_class WHERE relrowsecurity AND"
				  " relforcerowsecurity AND relnamespace = 'bound'::regnamespace"),
		   TENANT_TABLES_COUNT));
	PQfinish(all);
}

Test(isolation, a_role_cannot_write_into_another_tenant)
{
	PGconn *const all = connected_as(NULL);

	fill_for_two("writes_own");
	create_agent(all, "agent_writes_own", "writes_own");
	PGconn *const agent = connected_as("agent_writes_own");

	cr_assert(eq(str,
		     (char *)refusal_of(agent, "INSERT INTO writes_own.rises"
					       " (tenant, key, revision, ordinal)"
					       " VALUES ('acme', 9, 9, 9)"),
		     "42501"));
	for (int i = 0; i < TENANT_TABLES_COUNT; i++) {
		const char *const table = tenant_tables[i];

		run(agent, "BEGIN; SELECT set_config('reprise.tenant', 'acme', true)");
		cr_assert(eq(str,
			     (char *)refusal_of(
				     agent, "UPDATE writes_own.%s SET tenant = 'umbrella'", table),
			     "42501"),
			  "%s", table);
		run(agent, "ROLLBACK");
		run(agent, "BEGIN; SELECT set_config('reprise.tenant', 'acme', true)");
		run(agent, "DELETE FROM writes_own.%s", table);
		run(agent, "COMMIT");
		cr_assert(eq(i64, count_in(all, "writes_own", table), 1), "%s", table);
	}
	PQfinish(agent);
	PQfinish(all);
}

Test(isolation, the_owner_is_bound_as_well)
{
	PGconn *const all = connected_as(NULL);

	run(all, "CREATE ROLE owner_bound LOGIN");
	run(all, "GRANT CREATE ON DATABASE postgres TO owner_bound");
	const struct reprise_log_postgres_options options = options_of("owner_bound", "owned");
	struct reprise_log *const log = opened(&options);

	fill_every_table(log, "acme", "t");
	reprise_log_close(log);
	PGconn *const owner = connected_as("owner_bound");

	for (int i = 0; i < TENANT_TABLES_COUNT; i++) {
		cr_assert(eq(i64, count_in(all, "owned", tenant_tables[i]), 1));
		cr_assert(eq(i64, count_in(owner, "owned", tenant_tables[i]), 0));
	}
	PQfinish(owner);
	PQfinish(all);
}

Test(isolation, tenants_with_threads_of_one_name_are_apart_for_a_superuser_too)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "apart");
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	expect_works(log, "acme", "t", 2);
	expect_works(log, "umbrella", "t", 1);
	cr_assert(eq(u64, head_of(log, "acme", "t"), 2));
	cr_assert(eq(u64, head_of(log, "nobody", "t"), 0));
	reprise_log_close(log);
	expect_no_leaks();
}

Test(isolation, a_role_that_is_bound_is_taken_and_works)
{
	PGconn *const all = connected_as(NULL);
	struct reprise_log_postgres_options options = options_of(NULL, "taken");

	reprise_log_close(opened(&options));
	create_agent(all, "agent_taken", "taken");
	options = options_of("agent_taken", "taken");
	options.is_isolated = 1;
	options.is_set_up = 1;
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	fill_every_table(log, "acme", "u");
	fill_every_table(log, "umbrella", "u");
	cr_assert(eq(u64, head_of(log, "umbrella", "u"), 2));
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

static bool
never_visit(const char *tenant, void *context)
{
	(void)tenant, (void)context;
	return false;
}

Test(isolation, L56_a_role_that_is_bound_lists_no_tenants_and_changes_its_own_alone)
{
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_log_key acme = { "acme", "t" }, copy = { "acme", "copy" },
				     everything = { "acme", NULL };

	fill_for_two("changes_own");
	create_agent(all, "agent_changes_own", "changes_own");
	struct reprise_log_postgres_options options =
		options_of("agent_changes_own", "changes_own");

	options.is_isolated = 1;
	options.is_set_up = 1;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, reprise_log_tenants(log, never_visit, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "role"));
	/* The connection is good for the next call. */
	cr_assert(eq(int, reprise_log_drop(log, &acme, true, NULL, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	cr_assert(eq(int, reprise_log_fork(log, &acme, &copy, 0, &error), REPRISE_E_EXPIRED));
	cr_assert(eq(int, reprise_log_erase(log, &everything, 0, NULL, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	for (int i = 0; i < TENANT_TABLES_COUNT; i++) {
		cr_assert(eq(i64, count_in(all, "changes_own", tenant_tables[i]), 1), "%s",
			  tenant_tables[i]);
		cr_assert(eq(i64,
			     number_of(all,
				       "SELECT count(*) FROM changes_own.%s"
				       " WHERE tenant = 'umbrella'",
				       tenant_tables[i]),
			     1));
	}
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

Test(isolation, roles_that_bypass_it_are_refused_when_that_is_asked_for)
{
	PGconn *const all = connected_as(NULL);
	struct reprise_log_postgres_options options = options_of(NULL, "refuses");

	options.is_isolated = 1;
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_namespace WHERE nspname = 'refuses'"),
		     0),
		  "nothing was written");

	run(all, "CREATE ROLE owner_refuses LOGIN");
	run(all, "GRANT CREATE ON DATABASE postgres TO owner_refuses");
	options = options_of("owner_refuses", "refuses");
	options.is_isolated = 1;
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM pg_namespace WHERE nspname = 'refuses'"),
		     0));
	options.is_isolated = 0;
	reprise_log_close(opened(&options));
	options.is_isolated = 1;
	options.is_set_up = 1;
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");

	create_agent(all, "agent_bypasses", "refuses");
	run(all, "ALTER ROLE agent_bypasses BYPASSRLS");
	options = options_of("agent_bypasses", "refuses");
	options.is_isolated = 1;
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	run(all, "ALTER ROLE agent_bypasses NOBYPASSRLS");
	reprise_log_close(opened(&options));
	run(all, "GRANT owner_refuses TO agent_bypasses");
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	run(all, "REVOKE owner_refuses FROM agent_bypasses");
	run(all, "ALTER TABLE refuses.rows NO FORCE ROW LEVEL SECURITY");
	expect_refused(&options, REPRISE_E_INVALID, "is_isolated");
	PQfinish(all);
	expect_no_leaks();
}

/* Isolation is refused, with those words in `detail`. */
static void
expect_difference(const struct reprise_log_postgres_options *options, struct reprise_log *log,
		  const char *words)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *none = NULL;

	cr_assert(eq(int, reprise_log_postgres_open(options, &none, &error), REPRISE_E_INVALID),
		  "%s", words);
	cr_assert(eq(str, error.what, "is_isolated"));
	cr_assert(ne(ptr, strstr(error.detail, words), NULL), "%s: %s", words, error.detail);
	cr_assert(eq(int, reprise_log_postgres_verify_policies(log, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "policies"));
	cr_assert(ne(ptr, strstr(error.detail, words), NULL), "%s: %s", words, error.detail);
}

Test(isolation, Q05_isolation_takes_exactly_the_policies_that_are_expected)
{
	static const char create[] =
		"CREATE POLICY own_tenant ON exact.%s USING (tenant = (SELECT "
		"nullif(current_setting('reprise.tenant', true), ''))) WITH CHECK (tenant ="
		" nullif(current_setting('reprise.tenant', true), ''))";
	static const struct {
		const char *change, *words, *back;
	} changes[] = {
		{ "CREATE POLICY everyone ON exact.%s USING (true)",
		  "policy everyone is not the log's", "DROP POLICY everyone ON exact.%s" },
		{ "ALTER TABLE exact.%s DISABLE ROW LEVEL SECURITY",
		  "row-level security is not enabled",
		  "ALTER TABLE exact.%s ENABLE ROW LEVEL SECURITY" },
		{ "ALTER TABLE exact.%s NO FORCE ROW LEVEL SECURITY",
		  "row-level security is not forced",
		  "ALTER TABLE exact.%s FORCE ROW LEVEL SECURITY" },
		{ "ALTER POLICY own_tenant ON exact.%s TO pg_monitor", "is not for all roles",
		  NULL },
		{ "ALTER POLICY own_tenant ON exact.%s USING (true)", "has another USING: true",
		  NULL },
		{ "ALTER POLICY own_tenant ON exact.%s WITH CHECK (true)",
		  "has another WITH CHECK: true", NULL },
		{ "DROP POLICY own_tenant ON exact.%s", "policy own_tenant is missing",
		  "SELECT '%s'" },
		{ "CREATE POLICY own_tenant ON exact.%s AS RESTRICTIVE USING (true)",
		  "is restrictive", NULL },
		{ "CREATE POLICY own_tenant ON exact.%s FOR SELECT USING (true)",
		  "is not for all commands", NULL },
	};
	struct reprise_log_postgres_options options = options_of(NULL, "exact");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, reprise_log_postgres_verify_policies(NULL, NULL), REPRISE_E_INVALID));
	create_agent(all, "agent_exact", "exact");
	options = options_of("agent_exact", "exact");
	options.is_isolated = 1;
	options.deadline_ns = 20 * one_second;
	for (int i = 0; i < TENANT_TABLES_COUNT; i++) {
		const char *const table = tenant_tables[i];

		for (size_t j = 0; j < sizeof(changes) / sizeof(changes[0]); j++) {
			/* One table is looked at in every respect, the others in the first. */
			if (i > 0 && j > 0)
				break;
			/* The one before was dropped. */
			if (strstr(changes[j].change, "CREATE POLICY own_tenant") != NULL)
				run(all, "DROP POLICY own_tenant ON exact.%s", table);
			run(all, changes[j].change, table);
			expect_difference(&options, log, table);
			expect_difference(&options, log, changes[j].words);
			if (changes[j].back != NULL)
				run(all, changes[j].back, table);
			if (changes[j].back == NULL)
				run(all, "DROP POLICY own_tenant ON exact.%s", table);
			if (strstr(changes[j].change, "own_tenant") != NULL)
				run(all, create, table);
			cr_assert(eq(int, reprise_log_postgres_verify_policies(log, NULL),
				     REPRISE_OK),
				  "%s", changes[j].change);
		}
	}
	run(all, "DROP TABLE exact.archive");
	expect_difference(&options, log, "archive: the table is missing");
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

/* Another tenant's role may put rows of its own tenant under any number. */
Test(isolation, L24_a_row_of_another_tenant_under_a_keys_number_is_in_nobodys_way)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "squatted");
	const struct reprise_log_key key = { "acme", "t" };
	struct reprise_log_report report = { .size = sizeof(report) };
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);

	expect_works(log, "acme", "t", 1);
	create_agent(all, "agent_squats", "squatted");
	PGconn *const agent = connected_as("agent_squats");
	const int64_t id = number_of(all, "SELECT id FROM squatted.heads WHERE thread = 't'");

	run(agent, "SET search_path = squatted; BEGIN;"
		   "SELECT set_config('reprise.tenant', 'umbrella', true)");
	for (int i = 1; i <= 3; i++) {
		run(agent,
		    "INSERT INTO rows VALUES (%d, %d, %d, 9, 0, 1, 0, 0, 0, 0, DEFAULT, "
		    "'x')",
		    (int)id, i, i);
		run(agent, "INSERT INTO rises VALUES (%d, %d, %d, DEFAULT, 0)", (int)id, i, i);
		run(agent, "INSERT INTO commits VALUES (%d, %d, %d, DEFAULT, 0)", (int)id, i, i);
		run(agent,
		    "INSERT INTO blobs (key, name, checksum, bytes) VALUES (%d, '%d', 0, 'x')",
		    (int)id, i);
		run(agent,
		    "INSERT INTO lives VALUES (%d, %d, 1, 1, gen_random_uuid(), 1, "
		    "DEFAULT, 0)",
		    (int)id, i);
	}
	/* And numbers that the owner's next key would have. */
	run(agent,
	    "INSERT INTO heads (id, thread) OVERRIDING SYSTEM VALUE"
	    " SELECT i, 'squat ' || i FROM generate_series(%d, %d) AS i",
	    (int)id, (int)id + 50);
	run(agent, "COMMIT");
	expect_works(log, "acme", "t", 2);
	expect_works(log, "acme", "t", 3);
	expect_works(log, "acme", "u", 1);
	cr_assert(eq(
		int,
		reprise_log_blob_put(log, &key, NULL, "2", (struct reprise_bytes){ "x", 1 }, NULL),
		REPRISE_OK));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM squatted.blobs"), 4));
	cr_assert(eq(int, reprise_log_verify(log, &key, &report, NULL), REPRISE_OK));
	cr_assert(eq(u64, report.events, 3));
	cr_assert(eq(u64, report.blobs, 1));
	cr_assert(eq(str, report.what, ""));
	reprise_log_close(log);
	PQfinish(agent);
	PQfinish(all);
}
