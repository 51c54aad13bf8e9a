/* SPDX-License-Identifier: MIT */
#include "log_postgres/schema.h"

#include <stdio.h>

#include "base/error.h"

static const char look_sql[] =
	"SELECT n.oid IS NOT NULL,"
	" EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid)"
	" OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid),"
	" 2 = (SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	" WHERE c.relnamespace = n.oid AND c.relname = 'about' AND c.relkind = 'r'"
	" AND (a.attname, a.atttypid) IN (('marker', 'text'::regtype), ('version', "
	"'integer'::regtype)))"
	" FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1)) AS n (oid)";

enum {
	LOOK_IS_THERE,
	LOOK_IS_USED,
	LOOK_IS_MARKED
};

static reprise_status
foreign(struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_CORRUPT, "schema",
			      "the schema exists, and belongs to another application");
}

/* The schema has a table that looks like ours. */
static reprise_status
look_at_version(struct wire *wire, const char *schema, int *ret_version,
		struct reprise_error *error)
{
	char sql[128];
	PGresult *answer = NULL;

	/* By its whole name: a schema that may not be used is passed over on the search path. */
	snprintf(sql, sizeof(sql), "SELECT marker = 'reprise log', version FROM \"%s\".about",
		 schema);
	(void)wire_send_sql(wire, sql, NULL);
	const reprise_status status = wire_ask(wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const bool is_ours = PQntuples(answer) == 1 && number_at(answer, 0, 0) == 1;
	const int64_t version = is_ours ? number_at(answer, 0, 1) : 0;

	PQclear(answer);
	if (version < 1)
		return foreign(error);
	if (version > SCHEMA_VERSION)
		return error_detailed(error, REPRISE_E_VERSION, "schema",
				      "the schema is newer than this library");
	*ret_version = (int)version;
	return REPRISE_OK;
}

reprise_status
schema_look(struct wire *wire, const char *schema, bool *ret_is_there, int *ret_version,
	    struct reprise_error *error)
{
	struct values name = { 0 };
	PGresult *answer = NULL;

	value_text(&name, schema);
	(void)wire_send_sql(wire, look_sql, &name);
	const reprise_status status = wire_ask(wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const bool is_used = number_at(answer, 0, LOOK_IS_USED) != 0;
	const bool is_marked = number_at(answer, 0, LOOK_IS_MARKED) != 0;

	*ret_is_there = number_at(answer, 0, LOOK_IS_THERE) != 0;
	*ret_version = 0;
	PQclear(answer);
	if (!is_used)
		return REPRISE_OK;
	return is_marked ? look_at_version(wire, schema, ret_version, error) : foreign(error);
}

reprise_status
schema_bring_to(struct wire *wire, const char *schema, int version, struct reprise_error *error)
{
	struct values name = { 0 };
	bool is_there = false;
	int is_at = 0;

	/* In the statements after this one, a second handle sees the work of the first. */
	value_text(&name, schema);
	(void)wire_send_sql(wire, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL);
	(void)wire_send_sql(
		wire, "SELECT pg_advisory_xact_lock(hashtextextended('reprise ' || $1, 0))", &name);
	reprise_status status = wire_ask(wire, NULL, error);

	if (status == REPRISE_OK)
		status = schema_look(wire, schema, &is_there, &is_at, error);
	if (status != REPRISE_OK)
		return status;
	if (!is_there) {
		char create[sizeof("CREATE SCHEMA \"\"") + 63];

		snprintf(create, sizeof(create), "CREATE SCHEMA \"%s\"", schema);
		(void)wire_send_sql(wire, create, NULL);
	}
	const bool is_new = is_at == 0;

	while (is_at < version && status == REPRISE_OK) {
		is_at++;
		for (const char *const *sql = schema_steps[is_at]; *sql != NULL; sql++)
			(void)wire_send_sql(wire, *sql, NULL);
		if (is_at == SCHEMA_CHECKSUMS_VERSION && !is_new)
			status = schema_fill_checksums(wire, error);
	}
	return status == REPRISE_OK ? wire_ask(wire, NULL, error) : status;
}
