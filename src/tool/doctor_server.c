/* SPDX-License-Identifier: MIT */
/*
 * The server of a log in PostgreSQL, by libpq itself: the library opens a log, and has no word for
 * the server's version, clock and settings. Only this file of the program uses libpq. (rule V94)
 */
#include "tool/doctor_checks.h"

#ifdef TOOL_HAS_POSTGRES

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

enum {
	VERSION_LEAST = 120000, /* PostgreSQL 12 */
	SCHEMA_BYTES = 64,
};

#define CLOCK_S_MOST 1.0

/* In the order of settings_sql. */
enum {
	IS_RECOVERING,
	IS_READ_ONLY,
	FSYNC,
	FULL_PAGES,
	ENCODING,
	MAY_CREATE,
	HAS_SCHEMA,
	MAY_WRITE,
	ROLE,
};

static const char settings_sql[] =
	"SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'),"
	" current_setting('fsync'), current_setting('full_page_writes'),"
	" current_setting('server_encoding'),"
	" has_database_privilege(current_database(), 'CREATE'),"
	" EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),"
	" coalesce((SELECT bool_and(has_table_privilege(c.oid, 'INSERT'))"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE nspname = $1 AND relname IN ('heads', 'rows', 'lives') AND relkind = 'r'), true),"
	" current_user";

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* An error of libpq has several lines, of which the last may be empty. */
static void
cut_lines(char *words)
{
	words[strcspn(words, "\n")] = '\0';
}

static PGconn *
connect_to(const char *connection)
{
	const char *const names[] = { "dbname", "connect_timeout", "application_name", NULL };
	const char *const values[] = { connection, "5", "reprise doctor", NULL };

	/* The connection string is expanded, and its own connect_timeout is overridden. */
	return PQconnectdbParams(names, values, 1);
}

/* The server's clock less this machine's, as far as the round trip lets the difference be known. */
static void
check_server_clock(struct doctor_report *report, PGconn *connection)
{
	const double before = now_s();
	PGresult *const answer = PQexec(connection, "SELECT extract(epoch FROM clock_timestamp())");
	const double after = now_s();

	if (PQresultStatus(answer) != PGRES_TUPLES_OK) {
		doctor_say_unknown(report, "log-clock", "the clock of the server");
	} else {
		const double server = strtod(PQgetvalue(answer, 0, 0), NULL);
		const double ahead = server > after    ? server - after
				     : server < before ? server - before
						       : 0;
		const bool is_far = ahead > CLOCK_S_MOST || ahead < -CLOCK_S_MOST;

		doctor_say(report, is_far ? DOCTOR_WARN : DOCTOR_OK, "log-clock",
			   "set both clocks by a time service: times in the log come from the "
			   "machines that record",
			   "the clock of the server is %+.3f s from this machine's, within %.3f s",
			   ahead, after - before);
	}
	PQclear(answer);
}

static bool
is_on(const PGresult *answer, int column)
{
	const char *const text = PQgetvalue(answer, 0, column);

	return strcmp(text, "t") == 0 || strcmp(text, "on") == 0;
}

static void
judge_settings(struct doctor_report *report, const PGresult *answer, const char *schema)
{
	const char *const role = PQgetvalue(answer, 0, ROLE);
	const bool has_schema = is_on(answer, HAS_SCHEMA);

	if (!is_on(answer, FSYNC) || !is_on(answer, FULL_PAGES))
		doctor_say(report, DOCTOR_WARN, "log-durable",
			   "set fsync and full_page_writes to on",
			   "fsync is %s, and full_page_writes is %s: a power failure may lose "
			   "recorded events",
			   PQgetvalue(answer, 0, FSYNC), PQgetvalue(answer, 0, FULL_PAGES));
	if (strcmp(PQgetvalue(answer, 0, ENCODING), "UTF8") != 0)
		doctor_say(report, DOCTOR_FAIL, "log-encoding", "create a database in UTF8",
			   "the database is in %s", PQgetvalue(answer, 0, ENCODING));
	if (is_on(answer, IS_RECOVERING) || is_on(answer, IS_READ_ONLY))
		doctor_say(report, DOCTOR_FAIL, "log-write",
			   "connect to the primary server, or serve with --reads-only",
			   "the server takes no writes of this role");
	else if (has_schema && !is_on(answer, MAY_WRITE))
		doctor_say(report, DOCTOR_FAIL, "log-write",
			   "give the grants of reprise/log_postgres.h, or serve with --reads-only",
			   "the role %s may not write into the schema %s", role, schema);
	else if (!has_schema && !is_on(answer, MAY_CREATE))
		doctor_say(
			report, DOCTOR_FAIL, "log-write",
			"let a role that may create schemas open the log first",
			"the schema %s does not exist, and the role %s may not create the schema",
			schema, role);
	else
		doctor_say(report, DOCTOR_OK, "log-write", NULL, "the role %s may %s the schema %s",
			   role, has_schema ? "write into" : "create", schema);
}

static void
check_settings(struct doctor_report *report, PGconn *connection, const char *schema)
{
	const char *const values[] = { schema };
	PGresult *const answer =
		PQexecParams(connection, settings_sql, 1, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(answer) == PGRES_TUPLES_OK) {
		judge_settings(report, answer, schema);
	} else {
		char words[256];

		snprintf(words, sizeof(words), "%s", PQerrorMessage(connection));
		cut_lines(words);
		doctor_say(report, DOCTOR_WARN, "log-write", "see the words of the server",
			   "unknown: %s", words);
	}
	PQclear(answer);
}

static bool
check_version(struct doctor_report *report, PGconn *connection)
{
	const int version = PQserverVersion(connection);
	const bool is_old = version < VERSION_LEAST;

	doctor_say(report, is_old ? DOCTOR_FAIL : DOCTOR_OK, "log-server",
		   "use PostgreSQL 12 or later", "PostgreSQL %d.%d", version / 10000,
		   version % 10000);
	return !is_old;
}

bool
doctor_check_server(struct doctor_report *report, const struct log_place *place)
{
	PGconn *const connection = connect_to(place->postgres);
	const char *const schema = place->schema != NULL ? place->schema : "reprise";
	bool is_good = false;

	if (PQstatus(connection) == CONNECTION_OK) {
		is_good = check_version(report, connection);
		check_server_clock(report, connection);
		check_settings(report, connection, schema);
	} else {
		char words[512];

		snprintf(words, sizeof(words), "%s", PQerrorMessage(connection));
		cut_lines(words);
		doctor_say(report, DOCTOR_FAIL, "log-server",
			   "start the server, or correct the connection: host, port, database, "
			   "role and ~/.pgpass",
			   "the server cannot be reached: %s", words);
	}
	PQfinish(connection);
	return is_good;
}

#else

/* The arguments refuse such a place. */
bool
doctor_check_server(struct doctor_report *report, const struct log_place *place)
{
	(void)report;
	(void)place;
	return false;
}

#endif
