/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *
superuser(void)
{
	const char *const connection = getenv("REPRISE_POSTGRES");

	cr_assert(connection != NULL, "to be run by tests/support/postgres.sh");
	return connection;
}

static const char *
connection_of(const char *role)
{
	static char texts[4][512];
	static unsigned next;
	char *const text = texts[next++ % 4];

	if (role == NULL)
		snprintf(text, sizeof(texts[0]), "%s", superuser());
	else
		snprintf(text, sizeof(texts[0]), "%s user=%s", superuser(), role);
	return text;
}

static void
say_nothing(void *context, const char *words)
{
	(void)context, (void)words;
}

PGconn *
connected_as(const char *role)
{
	PGconn *const connection = PQconnectdb(connection_of(role));

	cr_assert(eq(int, PQstatus(connection), CONNECTION_OK), "%s", PQerrorMessage(connection));
	PQsetNoticeProcessor(connection, say_nothing, NULL);
	return connection;
}

static PGresult *
answer_to(PGconn *connection, const char *format, va_list arguments)
{
	char sql[4096];

	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the callers have begun them */
	vsnprintf(sql, sizeof(sql), format, arguments);
	return PQexec(connection, sql);
}

void
run(PGconn *connection, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	PGresult *const answer = answer_to(connection, format, arguments);

	va_end(arguments);
	cr_assert(PQresultStatus(answer) == PGRES_COMMAND_OK ||
			  PQresultStatus(answer) == PGRES_TUPLES_OK,
		  "%s: %s", format, PQresultErrorMessage(answer));
	PQclear(answer);
}

int64_t
number_of(PGconn *connection, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	PGresult *const answer = answer_to(connection, format, arguments);

	va_end(arguments);
	cr_assert(eq(int, PQresultStatus(answer), PGRES_TUPLES_OK), "%s: %s", format,
		  PQresultErrorMessage(answer));
	const int64_t number = strtoll(PQgetvalue(answer, 0, 0), NULL, 10);

	PQclear(answer);
	return number;
}

const char *
refusal_of(PGconn *connection, const char *format, ...)
{
	static char state[8];
	va_list arguments;

	va_start(arguments, format);
	PGresult *const answer = answer_to(connection, format, arguments);

	va_end(arguments);
	const char *const field = PQresultErrorField(answer, PG_DIAG_SQLSTATE);

	snprintf(state, sizeof(state), "%s", field == NULL ? "" : field);
	PQclear(answer);
	return state;
}

void
create_agent(PGconn *connection, const char *role, const char *schema)
{
	run(connection, "CREATE ROLE %s LOGIN", role);
	run(connection, "GRANT USAGE ON SCHEMA %s TO %s", schema, role);
	run(connection, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s",
	    schema, role);
	run(connection, "REVOKE INSERT, UPDATE, DELETE ON %s.about FROM %s", schema, role);
}

void
control(const char *option)
{
	char command[512];

	snprintf(command, sizeof(command), "sh \"$REPRISE_POSTGRES_CONTROL\" %s", option);
	/* NOLINTNEXTLINE(cert-env33-c): the command is a constant of ours */
	const int status = system(command);

	cr_assert(eq(int, status, 0), "%s", option);
}

struct reprise_log_postgres_options
options_of(const char *role, const char *schema)
{
	return (struct reprise_log_postgres_options){
		.size = sizeof(struct reprise_log_postgres_options),
		.connection = connection_of(role),
		.schema = schema,
		.deadline_ns = 2 * one_second,
	};
}

struct reprise_log *
opened(const struct reprise_log_postgres_options *options)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_postgres_open(options, &log, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
	return log;
}

void
expect_refused(const struct reprise_log_postgres_options *options, reprise_status status,
	       const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_postgres_open(options, &log, &error), status), "%s: %s",
		  error.what, error.detail);
	cr_assert(eq(ptr, log, NULL));
	cr_assert(eq(int, error.status, status));
	if (what != NULL)
		cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(int, reprise_log_postgres_open(options, &log, NULL), status));
}

int
server_process_of(struct reprise_log *log)
{
	return PQbackendPID(postgres_of(log)->wire.connection);
}

void
terminate(PGconn *connection, int server_process)
{
	/* Waits until it is gone. */
	cr_assert(eq(
		i64,
		number_of(connection, "SELECT pg_terminate_backend(%d, 5000)::int", server_process),
		1));
}

reprise_status
append_to(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct reprise_log_key key = { tenant, thread };
	const struct reprise_log_new_entry entry = { .revision = 7, .payload = { "text", 4 } };

	return reprise_log_append(log, &key, NULL, &entry, 1, NULL, NULL);
}

reprise_ordinal
head_of(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct reprise_log_key key = { tenant, thread };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const reprise_status status = reprise_log_stats(log, &key, &stats, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	return status == REPRISE_OK ? stats.head : 0;
}

void
expect_works(struct reprise_log *log, const char *tenant, const char *thread, reprise_ordinal head)
{
	cr_assert(eq(int, append_to(log, tenant, thread), REPRISE_OK));
	cr_assert(eq(u64, head_of(log, tenant, thread), head));
}

void
fill_every_table(struct reprise_log *log, const char *tenant, const char *thread)
{
	const struct log_adapter *const port = log->adapter;
	const uint32_t key = log_key_checksum(tenant, thread);
	struct log_life life = { .life = { .number = 1, .first = 1, .state = REPRISE_LIFE_OPEN } };
	struct log_mark rise = { .revision = 5, .ordinal = 1 };
	struct log_mark commit = { .revision = 5, .ordinal = 2 };
	struct log_blob blob = { .name = "b", .bytes = { "x", 1 } };
	struct log_moved moved = { 0 };
	struct log_head head;

	cr_assert(eq(int,
		     port->begin(log, LOG_SYNCED, tenant, &thread, 1, LOG_PATIENT, &head, NULL),
		     0));
	for (uint64_t ordinal = 1; ordinal <= 2; ordinal++) {
		struct log_row row = { .first = ordinal, .last = ordinal, .payload = { "x", 1 } };

		row.checksum = log_row_checksum(tenant, thread, &row);
		cr_assert(eq(int, port->put_row(log, head.id, &row, NULL), 0));
	}
	rise.checksum = log_mark_checksum(key, LOG_MARK_RISE, &rise);
	commit.checksum = log_mark_checksum(key, LOG_MARK_COMMIT, &commit);
	life.checksum = log_life_checksum(key, &life.life);
	blob.checksum = log_blob_checksum(key, &blob);
	cr_assert(eq(int, port->put_rise(log, head.id, &rise, NULL), 0));
	cr_assert(eq(int, port->put_commit(log, head.id, &commit, NULL), 0));
	cr_assert(eq(int, port->put_life(log, head.id, &life, NULL), 0));
	cr_assert(eq(int, port->put_blob(log, head.id, &blob, NULL), 0));
	head.kind = REPRISE_LOG_RING;
	head.head = 2;
	head.watermark = 1;
	head.revision_max = 5;
	head.life = life.life;
	head.checksum = log_head_checksum(key, &head);
	cr_assert(eq(int, port->put_head(log, &head, NULL), 0));
	cr_assert(eq(int, port->move_rows(log, head.id, 1, 10, &moved, NULL), 0));
	cr_assert(eq(u64, moved.count, 1));
	cr_assert(eq(u64, moved.last, 1));
	cr_assert(eq(int, port->commit(log, NULL), 0));
}
