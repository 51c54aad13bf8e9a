/* SPDX-License-Identifier: MIT */
#include "scratch_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

static const char *
superuser(void)
{
	const char *const connection = getenv("REPRISE_POSTGRES");

	cr_assert(connection != NULL, "to be run by tests/support/postgres.sh");
	return connection;
}

const char *
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
control(const char *option)
{
	char command[512];

	snprintf(command, sizeof(command), "sh \"$REPRISE_POSTGRES_CONTROL\" %s", option);
	/* NOLINTNEXTLINE(cert-env33-c): the command is a constant of ours */
	const int status = system(command);

	cr_assert(eq(int, status, 0), "%s", option);
}

void
terminate(PGconn *connection, int server_process)
{
	cr_assert(eq(
		i64,
		number_of(connection, "SELECT pg_terminate_backend(%d, 5000)::int", server_process),
		1));
}
