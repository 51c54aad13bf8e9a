/* SPDX-License-Identifier: MIT */
/*
 * The contract's suite, against a log in a PostgreSQL database: each test in a schema of its own.
 */
#include "contract/adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <libpq-fe.h>

#include <reprise/log_postgres.h>

#include "base/clock.h"

static char schema[32];

static void
say_nothing(void *context, const char *words)
{
	(void)context, (void)words;
}

/*
 * In that schema, as a superuser. The number of rows that were touched, or the one that
 * was asked for.
 */
static uint64_t
run(const char *sql)
{
	PGconn *const connection = PQconnectdb(getenv("REPRISE_POSTGRES"));
	char search_path[64];

	cr_assert(eq(int, PQstatus(connection), CONNECTION_OK), "%s", PQerrorMessage(connection));
	PQsetNoticeProcessor(connection, say_nothing, NULL);
	snprintf(search_path, sizeof(search_path), "SET search_path = %s", schema);
	PQclear(PQexec(connection, search_path));
	PGresult *const answer = PQexec(connection, sql);
	const bool is_asked = PQresultStatus(answer) == PGRES_TUPLES_OK;

	cr_assert(is_asked || PQresultStatus(answer) == PGRES_COMMAND_OK, "%s: %s", sql,
		  PQresultErrorMessage(answer));
	const uint64_t number =
		strtoull(is_asked ? PQgetvalue(answer, 0, 0) : PQcmdTuples(answer), NULL, 10);

	PQclear(answer);
	PQfinish(connection);
	return number;
}

static void
drop(void)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "DROP SCHEMA IF EXISTS %s CASCADE", schema);
	run(sql);
}

void
contract_set_up(void)
{
	cr_assert(getenv("REPRISE_POSTGRES") != NULL, "to be run by tests/support/postgres.sh");
	snprintf(schema, sizeof(schema), "contract_%d", (int)getpid());
	drop();
}

void
contract_tear_down(void)
{
	drop();
}

static struct reprise_log *
open_with(int32_t deletes_archived)
{
	const struct reprise_log_postgres_options options = {
		.size = sizeof(options),
		.connection = getenv("REPRISE_POSTGRES"),
		.schema = schema,
		.deadline_ns = 60 * NS_PER_S,
		.deletes_archived = deletes_archived,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_postgres_open(&options, &log, &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
	return log;
}

struct reprise_log *
contract_open(void)
{
	return open_with(0);
}

struct reprise_log *
contract_open_deleting(void)
{
	return open_with(1);
}

#define OF_K   " WHERE key = (SELECT id FROM heads WHERE tenant = 't' AND thread = 'k')"
#define HEAD_K " WHERE tenant = 't' AND thread = 'k'"

static const char *const damages[] = {
	[CONTRACT_PAYLOAD] =
		"UPDATE rows SET payload = decode(repeat('00', length(payload)), 'hex')" OF_K
		" AND last = %llu",
	[CONTRACT_TIME] = "UPDATE rows SET time_ns = time_ns + 1" OF_K " AND last = %llu",
	[CONTRACT_ROW_GONE] = "DELETE FROM rows" OF_K " AND last = %llu",
	[CONTRACT_ROW_ELSEWHERE] = "UPDATE rows SET last = last + 1" OF_K " AND last = %llu",
	[CONTRACT_ROW_LONGER] = "UPDATE rows SET first = first - 1" OF_K " AND last = %llu",
	[CONTRACT_HEAD] = "UPDATE heads SET head = %llu" HEAD_K,
	[CONTRACT_WATERMARK] = "UPDATE heads SET watermark = %llu" HEAD_K,
	[CONTRACT_END] = "UPDATE heads SET has_ended = true, end_ordinal = %llu" HEAD_K,
	[CONTRACT_REVISION_MAX] =
		"UPDATE heads SET revision_max = -9223372036854775807 - 1 + %llu" HEAD_K,
	[CONTRACT_LIFE_GONE] = "DELETE FROM lives" OF_K " AND number = %llu",
	[CONTRACT_LIFE_FIRST] = "UPDATE lives SET first = first + 1" OF_K " AND number = %llu",
	[CONTRACT_LIFE_END] = "UPDATE lives SET last = last - 1" OF_K " AND number = %llu",
	[CONTRACT_LIFE_STATE] = "UPDATE lives SET state = 9" OF_K " AND number = %llu",
	[CONTRACT_LIFE_OPEN] = "UPDATE lives SET state = 1" OF_K " AND number = %llu",
	[CONTRACT_KIND] = "UPDATE heads SET kind = %llu" HEAD_K,
	[CONTRACT_BLOB] = "UPDATE blobs SET bytes = decode(repeat('00', length(bytes)), 'hex')" OF_K
			  " AND name = '%llu'",
	[CONTRACT_BLOB_GONE] = "DELETE FROM blobs" OF_K " AND name = '%llu'",
	[CONTRACT_BLOB_RENAMED] = "UPDATE blobs SET name = name || 'x'" OF_K " AND name = '%llu'",
	[CONTRACT_BLOB_LONGEST] =
		"UPDATE blobs SET bytes = decode(repeat('00', length(bytes)), 'hex') WHERE name ="
		" (SELECT name FROM blobs ORDER BY length(name) DESC LIMIT 1)",
	[CONTRACT_BLOBS] = "UPDATE heads SET blobs = %llu" HEAD_K,
};

void
contract_do_damage(enum contract_damage damage, uint64_t number)
{
	char sql[256];

	snprintf(sql, sizeof(sql), damages[damage], (unsigned long long)number);
	cr_assert(eq(u64, run(sql), 1), "%s", sql);
}

uint64_t
contract_rows(void)
{
	return run("SELECT count(*) FROM rows" OF_K);
}

uint64_t
contract_archived_rows(void)
{
	return run("SELECT count(*) FROM archive" OF_K);
}

uint64_t
contract_blobs(void)
{
	return run("SELECT count(*) FROM blobs" OF_K);
}
