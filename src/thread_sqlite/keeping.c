/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "thread_sqlite/connection.h"

reprise_status
keeping_find(struct connection *connection, struct thread_keeping *ret_keeping,
	     struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_KEEPING);

	*ret_keeping = (struct thread_keeping){ .fault = "the horizon of the store is missing" };
	if (statement_step(&binding) == SQLITE_ROW) {
		ret_keeping->fault = NULL;
		ret_keeping->horizon_ms = column_number(binding.statement, 0, &ret_keeping->fault);
		ret_keeping->floor_ms = column_number(binding.statement, 1, &ret_keeping->fault);
		ret_keeping->checksum = column_checksum(binding.statement, 2, &ret_keeping->fault);
	}
	return statement_end(connection, &binding, error);
}

static reprise_status
find_good(struct connection *connection, struct thread_keeping *ret_keeping,
	  struct reprise_error *error)
{
	const reprise_status status = keeping_find(connection, ret_keeping, error);
	const char *const fault = status == REPRISE_OK ? thread_keeping_fault(ret_keeping) : NULL;

	return fault == NULL ? status : error_detailed(error, REPRISE_E_CORRUPT, "path", fault);
}

static reprise_status
put(struct connection *connection, const struct thread_keeping *keeping,
    struct reprise_error *error)
{
	char sql[192];

	snprintf(sql, sizeof(sql),
		 "REPLACE INTO about (is_here, horizon, floor, checksum)"
		 " VALUES (1, %" PRIu64 ", %" PRIu64 ", %" PRIu32 ")",
		 keeping->horizon_ms, keeping->floor_ms, keeping->checksum);
	return connection_run(connection, sql, error);
}

reprise_status
keeping_create(struct connection *connection, struct reprise_error *error)
{
	struct thread_keeping keeping = { 0 };

	(void)thread_keeping_raise(&keeping, connection->store.limits.horizon_ms, 0);
	return put(connection, &keeping, error);
}

static reprise_status
raise(struct connection *connection, struct reprise_error *error)
{
	struct thread_keeping keeping;
	reprise_status status = find_good(connection, &keeping, error);

	if (status == REPRISE_OK &&
	    thread_keeping_raise(&keeping, connection->store.limits.horizon_ms, wall_ms()))
		status = put(connection, &keeping, error);
	return status == REPRISE_OK ? connection_run(connection, "COMMIT", error) : status;
}

reprise_status
keeping_settle(struct connection *connection, struct reprise_error *error)
{
	struct thread_keeping keeping;
	reprise_status status = find_good(connection, &keeping, error);

	if (status != REPRISE_OK || keeping.horizon_ms >= connection->store.limits.horizon_ms)
		return status;
	/* Every write reads the horizon behind the same lock. */
	status = connection_run(connection, "BEGIN IMMEDIATE", error);
	if (status == REPRISE_OK)
		status = raise(connection, error);
	if (status != REPRISE_OK && !sqlite3_get_autocommit(connection->db))
		(void)connection_run(connection, "ROLLBACK", NULL);
	return status;
}
