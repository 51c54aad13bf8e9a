/* SPDX-License-Identifier: MIT */
#include "thread_postgres/schema.h"

#include <stdio.h>

#include "base/error.h"
#include "thread_postgres/keeping.h"
#include "thread_postgres/values.h"

static const char look_sql[] =
	"SELECT n.oid IS NOT NULL,"
	" EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid)"
	" OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid),"
	" 2 = (SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	" WHERE c.relnamespace = n.oid AND c.relname = 'about' AND c.relkind = 'r'"
	" AND (a.attname, a.atttypid) IN"
	" (('marker', 'text'::regtype), ('version', 'integer'::regtype)))"
	" FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1)) AS n (oid)";

enum {
	LOOK_IS_THERE,
	LOOK_IS_USED,
	LOOK_IS_MARKED
};

/*
 * Version 1. A step is never changed once it was released. Numbers have no CHECK, and keys of other
 * tables no reference: the checksums are compared with each read, and say more. A remembered id is
 * dropped by its time alone, without a look at its checksum; so the time stands there twice, and
 * one that is damaged drops nothing. A uid's 16 bytes are a uuid. Ids are compared by their bytes.
 * Heads are rewritten in their page.
 */
static const char *const version_1[] = {
	"CREATE TABLE about ("
	" is_here boolean PRIMARY KEY DEFAULT true CHECK (is_here),"
	" marker text NOT NULL,"
	" version integer NOT NULL,"
	" horizon_ms bigint NOT NULL,"
	" floor_ms bigint NOT NULL,"
	" checksum integer NOT NULL)",

	"CREATE TABLE heads ("
	" version bigint NOT NULL,"
	" base bigint NOT NULL,"
	" complete_after bigint NOT NULL,"
	" text_bytes bigint NOT NULL,"
	" delta_bytes bigint NOT NULL,"
	" growth_bytes bigint NOT NULL,"
	" uid uuid NOT NULL UNIQUE,"
	" checksum integer NOT NULL,"
	" id text COLLATE \"C\" PRIMARY KEY) WITH (fillfactor = 50)",

	"CREATE TABLE texts ("
	" uid uuid PRIMARY KEY,"
	" version bigint NOT NULL,"
	" checksum integer NOT NULL,"
	" json bytea NOT NULL)",

	"CREATE TABLE deltas ("
	" uid uuid NOT NULL,"
	" version bigint NOT NULL,"
	" stored_ms bigint NOT NULL,"
	" checksum integer NOT NULL,"
	" json bytea NOT NULL,"
	" PRIMARY KEY (uid, version))",

	"CREATE TABLE applied ("
	" uid uuid NOT NULL,"
	" version bigint NOT NULL,"
	" applied_ms bigint NOT NULL,"
	" applied_ms_inverse bigint NOT NULL,"
	" checksum integer NOT NULL,"
	" digest bytea NOT NULL,"
	" delta_id text COLLATE \"C\" NOT NULL,"
	" PRIMARY KEY (uid, delta_id))",
	"CREATE INDEX applied_by_time ON applied (applied_ms)",
	NULL
};

static const char put_about[] =
	"INSERT INTO about (marker, version, horizon_ms, floor_ms, checksum)"
	" VALUES ('reprise threads', 1, $1::bigint, $2::bigint, $3::integer)";

static reprise_status
foreign(struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_CORRUPT, "schema",
			      "the schema exists, and is no store of thread documents");
}

/* The schema has a table that looks like ours. */
static reprise_status
look_at_version(struct wire *wire, const char *schema, int *ret_version,
		struct reprise_error *error)
{
	char sql[160];
	PGresult *answer = NULL;

	/* By its whole name: a schema that may not be used is passed over on the search path. */
	snprintf(sql, sizeof(sql), "SELECT marker = 'reprise threads', version FROM \"%s\".about",
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

/* A schema's name has been checked; it cannot be a parameter. */
static void
send_steps(struct wire *wire, const char *schema, bool is_there, uint64_t horizon_ms)
{
	struct thread_keeping keeping = { 0 };
	char create[sizeof("CREATE SCHEMA \"\"") + 63];

	if (!is_there) {
		snprintf(create, sizeof(create), "CREATE SCHEMA \"%s\"", schema);
		(void)wire_send_sql(wire, create, NULL);
	}
	for (const char *const *sql = version_1; *sql != NULL; sql++)
		(void)wire_send_sql(wire, *sql, NULL);
	(void)thread_keeping_raise(&keeping, horizon_ms, 0);
	keeping_send(wire, put_about, &keeping);
}

reprise_status
schema_create(struct wire *wire, const char *schema, uint64_t horizon_ms,
	      struct reprise_error *error)
{
	struct values name = { 0 };
	bool is_there = false;
	int version = 0;

	/*
	 * READ COMMITTED: the look, a statement after this one, sees what the first of two
	 * openers has done.
	 */
	value_text(&name, schema);
	(void)wire_send_sql(wire, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL);
	(void)wire_send_sql(
		wire, "SELECT pg_advisory_xact_lock(hashtextextended('reprise ' || $1, 0))", &name);
	reprise_status status = wire_ask(wire, NULL, error);

	if (status == REPRISE_OK)
		status = schema_look(wire, schema, &is_there, &version, error);
	if (status != REPRISE_OK)
		return status;
	if (version == 0)
		send_steps(wire, schema, is_there, horizon_ms);
	(void)wire_send_sql(wire, "COMMIT", NULL);
	return wire_ask(wire, NULL, error);
}
