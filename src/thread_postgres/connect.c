/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/error.h"
#include "base/numbers.h"
#include "thread_postgres/keeping.h"
#include "thread_postgres/pooler.h"
#include "thread_postgres/postgres.h"
#include "thread_postgres/schema.h"

/*
 * The settings of the connection. Time-outs: if the client's machine vanishes, the server ends
 * the session and frees the ids that its transaction has locked. Plans: each statement has its
 * index, and is to be planned once, by what it is and not by how small its tables happen to be
 * at that time.
 */
static const char settings_sql[] = "SELECT set_config('search_path', $1, false),"
				   " set_config('synchronous_commit', $2, false),"
				   " set_config('lock_timeout', $3, false),"
				   " set_config('idle_in_transaction_session_timeout', $4, false),"
				   " set_config('tcp_user_timeout', $4, false),"
				   " set_config('statement_timeout', $5, false),"
				   " set_config('tcp_keepalives_idle', $6, false),"
				   " set_config('tcp_keepalives_interval', $7, false),"
				   " set_config('tcp_keepalives_count', '2', false),"
				   " set_config('plan_cache_mode', 'force_generic_plan', false),"
				   " set_config('enable_seqscan', 'off', false),"
				   " set_config('enable_bitmapscan', 'off', false),"
				   " set_config('jit', 'off', false)";

enum {
	LOCK_MARGIN_MS = 10,
	TIMES = 5,
	TIME_BYTES = 24,
};

static uint64_t
ms_of(uint64_t ns)
{
	return (ns + 999999) / 1000000;
}

uint64_t
transfer_ms(const struct settings *settings, uint64_t bytes)
{
	return ms_of(settings->deadline_ns) * ((bytes >> 20) + 1);
}

uint64_t
lock_wait_ms(uint64_t left_ms)
{
	return left_ms - least(LOCK_MARGIN_MS, left_ms / 4);
}

/*
 * The time-outs of the connection's settings, in the order of settings_sql, in the units that
 * the server takes.
 */
static void
write_times(const struct settings *settings, char (*ret_times)[TIME_BYTES])
{
	const uint64_t deadline_ms = ms_of(settings->deadline_ns);
	/* A statement takes as long as its answer does to arrive. */
	const uint64_t answer_ms = transfer_ms(settings, REPRISE_THREAD_JSON_BYTES_MAX);
	const uint64_t idle_ms = ms_of(settings->transaction_idle_ns);
	const uint64_t idle_s = (idle_ms + 999) / 1000;
	const uint64_t times[TIMES] = {
		lock_wait_ms(deadline_ms), idle_ms, answer_ms + idle_ms,
		(idle_s + 1) / 2, /* keepalives: the first one, and two more */
		(idle_s + 3) / 4,
	};

	for (int i = 0; i < TIMES; i++)
		snprintf(ret_times[i], TIME_BYTES, "%llu", (unsigned long long)times[i]);
}

static reprise_status
set_up(struct postgres *postgres, struct reprise_error *error)
{
	char search_path[SCHEMA_BYTES_MAX + 16];
	char times[TIMES][TIME_BYTES];
	struct values values = { 0 };
	const char *const encoding =
		PQparameterStatus(postgres->wire.connection, "server_encoding");

	if (encoding == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (strcmp(encoding, "UTF8") != 0)
		return error_detailed(error, REPRISE_E_INVALID, "connection",
				      "the encoding of the database is not UTF8");
	snprintf(search_path, sizeof(search_path), "\"%s\", pg_temp", postgres->settings.schema);
	write_times(&postgres->settings, times);
	value_text(&values, search_path);
	value_text(&values, postgres->settings.durability == REPRISE_WRITTEN ? "off" : "on");
	for (int i = 0; i < TIMES; i++)
		value_text(&values, times[i]);
	(void)wire_send_sql(&postgres->wire, settings_sql, &values);
	return wire_ask(&postgres->wire, NULL, error);
}

static reprise_status
check_schema(struct postgres *postgres, bool may_create, struct reprise_error *error)
{
	const char *const schema = postgres->settings.schema;
	bool is_there = false;
	int version = 0;
	const reprise_status status =
		schema_look(&postgres->wire, schema, &is_there, &version, error);

	if (status != REPRISE_OK || version == SCHEMA_VERSION)
		return status;
	if (may_create && postgres->settings.is_set_up)
		return error_detailed(error, REPRISE_E_NOT_FOUND, "schema",
				      "the schema has no thread documents");
	if (may_create)
		return schema_create(&postgres->wire, schema, postgres->store.limits.horizon_ms,
				     error);
	return error_detailed(error, REPRISE_E_IO, "schema",
			      "the schema was dropped while the store was opened");
}

static reprise_status
prepare(struct wire *wire, struct reprise_error *error)
{
	for (int i = 0; i < STATEMENTS_COUNT; i++)
		(void)wire_prepare(wire, statements[i].name, statements[i].sql);
	return wire_ask(wire, NULL, error);
}

static reprise_status
make_connection(struct postgres *postgres, bool may_create, struct reprise_error *error)
{
	const struct settings *const settings = &postgres->settings;
	struct wire *const wire = &postgres->wire;
	reprise_status status =
		wire_open(wire, settings->connection, ms_of(settings->transaction_idle_ns), error);

	/* Before anything is set: a pooler would give the settings to others. */
	if (status == REPRISE_OK)
		status = pooler_check(wire, settings->connection, error);
	if (status == REPRISE_OK)
		status = set_up(postgres, error);
	if (status == REPRISE_OK)
		status = check_schema(postgres, may_create, error);
	if (status == REPRISE_OK && may_create)
		status = keeping_settle(wire, postgres->store.limits.horizon_ms, error);
	if (status == REPRISE_OK)
		status = prepare(wire, error);
	if (status != REPRISE_OK)
		wire_close(wire);
	return status;
}

reprise_status
connect_first(struct postgres *postgres, struct reprise_error *error)
{
	wire_begin_call(&postgres->wire);
	return make_connection(postgres, true, error);
}

reprise_status
connect_again(struct postgres *postgres, struct reprise_error *error)
{
	if (!postgres->store.is_continued) {
		wire_begin_call(&postgres->wire);
		postgres->wire.due_ns -= postgres->store.waited_ns;
	}
	if (wire_is_whole(&postgres->wire))
		return REPRISE_OK;
	struct reprise_error why = { .size = sizeof(why) };
	const reprise_status status = make_connection(postgres, false, &why);

	switch ((int)status) {
	case REPRISE_OK:
		return REPRISE_OK;
	case REPRISE_E_INVALID:
	case REPRISE_E_VERSION:
		/* It was otherwise when the store was opened. */
		return error_detailed(error, REPRISE_E_IO, why.what, why.detail);
	default:
		return error_detailed(error, status, why.what, why.detail);
	}
}
