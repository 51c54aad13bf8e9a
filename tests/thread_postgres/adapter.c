/* SPDX-License-Identifier: MIT */
/*
 * The contract's suite of thread documents, against a PostgreSQL database: each test in a schema
 * of its own.
 */
#include "thread_contract/adapter.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <reprise/thread_postgres.h>

#include "base/clock.h"
#include "scratch_server.h"

static char schema[32];

/* In that schema: one number. */
static uint64_t
ask(const char *sql)
{
	PGconn *const connection = connected_as(NULL);

	run(connection, "SET search_path = %s", schema);
	const int64_t number = number_of(connection, "%s", sql);

	PQfinish(connection);
	return (uint64_t)number;
}

static void
drop(void)
{
	PGconn *const connection = connected_as(NULL);

	run(connection, "DROP SCHEMA IF EXISTS %s CASCADE", schema);
	PQfinish(connection);
}

void
adapter_set_up(void)
{
	snprintf(schema, sizeof(schema), "contract_%d", (int)getpid());
	drop();
}

void
adapter_tear_down(void)
{
	drop();
}

struct reprise_thread_store *
adapter_open(uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	const struct reprise_thread_postgres_options options = {
		.size = sizeof(options),
		.connection = connection_of(NULL),
		.schema = schema,
		.deadline_ns = 60 * NS_PER_S,
		.transaction_idle_ns = 60 * NS_PER_S, /* a slow machine may write JSON for long */
		.horizon_ns = horizon_ns,
		.retry_limit_ns = retry_limit_ns,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	cr_assert(eq(int, reprise_thread_postgres_open(&options, &store, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	return store;
}

#define OF_T  " WHERE uid = (SELECT uid FROM heads WHERE id = 't')"
#define ZEROS "decode(repeat('00', length(json)), 'hex')"

static const char *const damages[] = {
	[ADAPTER_HEAD_VERSION] = "UPDATE heads SET version = %llu WHERE id = 't'",
	[ADAPTER_HEAD_BASE] = "UPDATE heads SET base = %llu WHERE id = 't'",
	[ADAPTER_HEAD_COMPLETE_AFTER] = "UPDATE heads SET complete_after = %llu WHERE id = 't'",
	[ADAPTER_HEAD_UID] = "UPDATE heads SET uid = lpad('%llu', 32, '0')::uuid WHERE id = 't'",
	[ADAPTER_TEXT] = "UPDATE texts SET json = " ZEROS OF_T " AND version >= %llu",
	[ADAPTER_TEXT_VERSION] = "UPDATE texts SET version = %llu" OF_T,
	[ADAPTER_TEXT_GONE] = "DELETE FROM texts" OF_T " AND version >= %llu",
	[ADAPTER_DELTA] = "UPDATE deltas SET json = " ZEROS OF_T " AND version = %llu",
	[ADAPTER_DELTA_TIME] =
		"UPDATE deltas SET stored_ms = stored_ms + 1" OF_T " AND version = %llu",
	[ADAPTER_DELTA_GONE] = "DELETE FROM deltas" OF_T " AND version = %llu",
	[ADAPTER_APPLIED_VERSION] =
		"UPDATE applied SET version = version + 1" OF_T " AND version = %llu",
	[ADAPTER_APPLIED_DIGEST] =
		"UPDATE applied SET digest = decode(repeat('00', 16), 'hex')" OF_T
		" AND version = %llu",
	[ADAPTER_APPLIED_TIME] = "UPDATE applied SET applied_ms = 1" OF_T " AND version = %llu",
	[ADAPTER_HORIZON] = "UPDATE about SET horizon_ms = %llu",
};

void
adapter_do_damage(enum adapter_damage damage, uint64_t number)
{
	char one[256], counted[320];

	snprintf(one, sizeof(one), damages[damage], (unsigned long long)number);
	snprintf(counted, sizeof(counted),
		 "WITH done AS (%s RETURNING 1) SELECT count(*) FROM done", one);
	cr_assert(eq(u64, ask(counted), 1), "%s", one);
}

uint64_t
adapter_text_version(void)
{
	return ask("SELECT version FROM texts" OF_T);
}

uint64_t
adapter_heads(void)
{
	return ask("SELECT count(*) FROM heads");
}

uint64_t
adapter_texts(void)
{
	return ask("SELECT count(*) FROM texts");
}

uint64_t
adapter_deltas(void)
{
	return ask("SELECT count(*) FROM deltas");
}

uint64_t
adapter_applied(void)
{
	return ask("SELECT count(*) FROM applied");
}
