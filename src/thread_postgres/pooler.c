/* SPDX-License-Identifier: MIT */
#include "thread_postgres/pooler.h"

#include "base/error.h"
#include "base/numbers.h"
#include "thread_postgres/values.h"

/*
 * A pooler answers the connection itself, so the process that it names is not the one that the
 * server names. Whether the pooler keeps one server session for a client shows when a second client
 * comes: if sessions are given out by transaction, both clients see the same one, or one client
 * sees two. A pooler that keeps a session for each client shows neither, however often it is asked.
 */

enum {
	ROUNDS = 8
};

/* 0: no answer. */
static int64_t
server_process(struct wire *wire, struct reprise_error *error, reprise_status *ret_status)
{
	PGresult *answer = NULL;

	(void)wire_send_sql(wire, "SELECT pg_backend_pid()", NULL);
	*ret_status = wire_ask(wire, &answer, error);
	if (*ret_status != REPRISE_OK)
		return 0;
	const int64_t process = number_at(answer, 0, 0);

	PQclear(answer);
	return process;
}

static reprise_status
refuse_pooler(struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_INVALID, "connection",
			      "a pooler shares server sessions between clients;"
			      " set pool_mode = session in the pooler");
}

/* @other is a second client. If that cannot be had, nothing is known against the pooler. */
static reprise_status
compare_clients(struct wire *wire, struct wire *other, int64_t process, struct reprise_error *error)
{
	for (int i = 0; i < ROUNDS; i++) {
		reprise_status status;
		const int64_t others = server_process(other, NULL, &status);

		if (status != REPRISE_OK)
			return REPRISE_OK;
		if (others == process)
			return refuse_pooler(error);
		const int64_t again = server_process(wire, error, &status);

		if (status != REPRISE_OK)
			return status;
		if (again != process)
			return refuse_pooler(error);
	}
	return REPRISE_OK;
}

reprise_status
pooler_check(struct wire *wire, const char *connection, struct reprise_error *error)
{
	struct wire other = { .socket = -1, .deadline_ns = wire->deadline_ns / 4 };
	reprise_status status;
	const int64_t process = server_process(wire, error, &status);

	if (status != REPRISE_OK || process == PQbackendPID(wire->connection))
		return status;
	wire_begin_call(&other);
	other.due_ns = least(other.due_ns, wire->due_ns);
	if (wire_open(&other, connection, wire->deadline_ns / 1000000, NULL) == REPRISE_OK)
		status = compare_clients(wire, &other, process, error);
	wire_close(&other);
	return status;
}
