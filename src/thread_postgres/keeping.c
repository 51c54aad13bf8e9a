/* SPDX-License-Identifier: MIT */
#include "thread_postgres/keeping.h"

#include "base/error.h"
#include "thread_postgres/postgres.h"

enum {
	KEPT_HORIZON,
	KEPT_FLOOR,
	KEPT_CHECKSUM,
	KEPT_NOW,
};

struct thread_keeping
keeping_at(const PGresult *answer, int first_column)
{
	struct thread_keeping keeping = {
		.checksum = checksum_at(answer, 0, first_column + KEPT_CHECKSUM),
	};

	keeping.horizon_ms = count_at(answer, 0, first_column + KEPT_HORIZON, &keeping.fault);
	keeping.floor_ms = count_at(answer, 0, first_column + KEPT_FLOOR, &keeping.fault);
	if (PQgetisnull(answer, 0, first_column + KEPT_HORIZON))
		keeping.fault = "the horizon of the store is missing";
	return keeping;
}

static reprise_status
find(struct wire *wire, struct thread_keeping *ret_keeping, uint64_t *ret_now_ms,
     struct reprise_error *error)
{
	PGresult *answer = NULL;

	(void)wire_send_sql(wire,
			    "SELECT horizon_ms, floor_ms, checksum,"
			    " floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
			    " FROM about",
			    NULL);
	const reprise_status status = wire_ask(wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_keeping = keeping_at(answer, 0);
	*ret_now_ms = (uint64_t)number_at(answer, 0, KEPT_NOW);
	PQclear(answer);
	const char *const fault = thread_keeping_fault(ret_keeping);

	return fault == NULL ? REPRISE_OK
			     : error_detailed(error, REPRISE_E_CORRUPT, "schema", fault);
}

void
keeping_send(struct wire *wire, const char *sql, const struct thread_keeping *keeping)
{
	struct values values = { 0 };

	value_number(&values, keeping->horizon_ms);
	value_number(&values, keeping->floor_ms);
	value_checksum(&values, keeping->checksum);
	(void)wire_send_sql(wire, sql, &values);
}

/* Writers that have read the old horizon have ended when the lock is held. */
static reprise_status
raise(struct wire *wire, uint64_t horizon_ms, struct reprise_error *error)
{
	struct thread_keeping keeping;
	uint64_t now_ms = 0;

	(void)wire_send_sql(wire, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL);
	(void)wire_send_sql(wire, "LOCK TABLE about IN ACCESS EXCLUSIVE MODE", NULL);
	const reprise_status status = find(wire, &keeping, &now_ms, error);

	if (status != REPRISE_OK)
		return status;
	if (thread_keeping_raise(&keeping, horizon_ms, now_ms))
		keeping_send(wire,
			     "UPDATE about SET horizon_ms = $1::bigint, floor_ms = $2::bigint,"
			     " checksum = $3::integer",
			     &keeping);
	(void)wire_send_sql(wire, "COMMIT", NULL);
	return wire_ask(wire, NULL, error);
}

reprise_status
keeping_settle(struct wire *wire, uint64_t horizon_ms, struct reprise_error *error)
{
	struct thread_keeping keeping;
	uint64_t now_ms = 0;
	const reprise_status status = find(wire, &keeping, &now_ms, error);

	if (status != REPRISE_OK || keeping.horizon_ms >= horizon_ms)
		return status;
	return raise(wire, horizon_ms, error);
}
