/* SPDX-License-Identifier: MIT */
#include "log_postgres/isolation.h"

#include <unistd.h>

#include "base/cancel.h"
#include "base/error.h"
#include "log_postgres/postgres.h"

/*
 * The schema's tables that hold tenants' rows, each with the one policy of schema_steps.c.
 * Expressions are compared as the server prints them, without spaces.
 */
#define SETTING             "NULLIF(current_setting(''reprise.tenant''::text,true),''''::text)"
#define PRINTED(expression) "regexp_replace(pg_get_expr(" expression ", polrelid), '\\s', '', 'g')"

static const char policies_sql[] =
	"WITH tables AS (SELECT name, c.oid, relrowsecurity, relforcerowsecurity"
	" FROM unnest(ARRAY['heads', 'lives', 'rows', 'rises', 'commits', 'archive', 'blobs']) AS "
	"name"
	" LEFT JOIN pg_class c ON relname = name AND relkind = 'r' AND relnamespace ="
	" (SELECT oid FROM pg_namespace WHERE nspname = $1)),"
	" policies AS (SELECT name, p.*, " PRINTED("polqual") " AS using_text, " PRINTED(
		"polwithcheck") " AS check_text"
				" FROM pg_policy p JOIN tables ON tables.oid = polrelid)"
				" SELECT name || ': ' || fault FROM ("
				"SELECT 1 AS rank, name, 'the table is missing' AS fault FROM "
				"tables WHERE oid IS NULL"
				" UNION ALL SELECT 2, name, 'row-level security is not enabled' "
				"FROM tables"
				" WHERE NOT relrowsecurity"
				" UNION ALL SELECT 3, name, 'row-level security is not forced' "
				"FROM tables"
				" WHERE NOT relforcerowsecurity"
				" UNION ALL SELECT 4, name, 'policy ' || polname || ' is not the "
				"log''s' FROM policies"
				" WHERE polname <> 'own_tenant'"
				" UNION ALL SELECT 5, name, 'policy own_tenant is missing' FROM "
				"tables WHERE oid IS NOT NULL"
				" AND NOT EXISTS (SELECT FROM policies WHERE polrelid = tables.oid"
				" AND polname = 'own_tenant')"
				" UNION ALL SELECT 6, name, 'policy own_tenant ' || CASE"
				" WHEN NOT polpermissive THEN 'is restrictive'"
				" WHEN polcmd <> '*' THEN 'is not for all commands'"
				" WHEN polroles <> '{0}' THEN 'is not for all roles'"
				" WHEN using_text IS DISTINCT FROM '(tenant=(SELECT" SETTING
				"AS\"nullif\"))'"
				" THEN 'has another USING: ' || coalesce(using_text, 'none')"
				" WHEN check_text IS DISTINCT FROM '(tenant=" SETTING ")'"
				" THEN 'has another WITH CHECK: ' || coalesce(check_text, 'none')"
				" END FROM policies WHERE polname = 'own_tenant') AS faults"
				" WHERE fault IS NOT NULL ORDER BY rank, name LIMIT 1";

/* The fault of the connected role; NULL if it has none. */
static const char role_sql[] =
	"SELECT CASE"
	" WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper)"
	" THEN 'the role is a superuser'"
	" WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolbypassrls)"
	" THEN 'the role has BYPASSRLS'"
	" WHEN EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relkind = 'r'"
	" AND pg_has_role(relowner, 'USAGE')) OR pg_has_role(nspowner, 'USAGE')"
	" THEN 'the role owns the tables'"
	" END FROM pg_namespace n WHERE nspname = $1";

/* @sql answers a row with what is wrong, one with NULL, or none. */
static reprise_status
check(struct wire *wire, const char *sql, const char *schema, reprise_status fault,
      const char *what, struct reprise_error *error)
{
	struct values name = { 0 };
	PGresult *answer = NULL;

	value_text(&name, schema);
	(void)wire_send_sql(wire, sql, &name);
	reprise_status status = wire_ask(wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	if (PQntuples(answer) > 0 && !PQgetisnull(answer, 0, 0))
		status = error_detailed(error, fault, what, PQgetvalue(answer, 0, 0));
	PQclear(answer);
	return status;
}

reprise_status
isolation_check_policies(struct wire *wire, const char *schema, reprise_status status,
			 const char *what, struct reprise_error *error)
{
	return check(wire, policies_sql, schema, status, what, error);
}

reprise_status
isolation_check(struct wire *wire, const char *schema, struct reprise_error *error)
{
	const reprise_status status =
		check(wire, role_sql, schema, REPRISE_E_INVALID, "is_isolated", error);

	if (status != REPRISE_OK)
		return status;
	return isolation_check_policies(wire, schema, REPRISE_E_INVALID, "is_isolated", error);
}

reprise_status
reprise_log_postgres_verify_policies(struct reprise_log *log, struct reprise_error *error)
{
	if (log == NULL || !postgres_is(log))
		return error_invalid(error, "log");
	if (log->process != getpid())
		return error_plain(error, REPRISE_E_FORKED);
	struct postgres *const postgres = postgres_of(log);

	UNCANCELLABLE;
	pthread_mutex_lock(&log->lock);
	reprise_status status = connect_again(postgres, error);

	if (status == REPRISE_OK) {
		status = isolation_check_policies(&postgres->wire, postgres->settings.schema,
						  REPRISE_E_CORRUPT, "policies", error);
		if (postgres->wire.failure.status != REPRISE_OK)
			wire_end(&postgres->wire, statements[ROLLBACK].name);
	}
	pthread_mutex_unlock(&log->lock);
	return status;
}
