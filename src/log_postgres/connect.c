/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log_postgres/isolation.h"
#include "log_postgres/pooler.h"
#include "log_postgres/postgres.h"
#include "log_postgres/schema.h"

/* How long before the deadline the server gives up to wait for a lock. */
#define LOCK_MARGIN_MS UINT64_C(10)

/*
 * The settings of the connection. Time-outs: if the client's machine vanishes, the server ends the
 * session and frees the keys that its transaction has locked. Plans: each statement has its index,
 * and is to be planned once, by what it is and not by how small its tables happen to be at that
 * time.
 */
static const char settings_sql[] = "SELECT set_config('search_path', $1, false),"
				   " set_config('lock_timeout', $2, false),"
				   " set_config('idle_in_transaction_session_timeout', $3, false),"
				   " set_config('tcp_user_timeout', $3, false),"
				   " set_config('statement_timeout', $4, false),"
				   " set_config('tcp_keepalives_idle', $5, false),"
				   " set_config('tcp_keepalives_interval', $6, false),"
				   " set_config('tcp_keepalives_count', '2', false),"
				   " set_config('row_security', 'on', false),"
				   " set_config('plan_cache_mode', 'force_generic_plan', false),"
				   " set_config('enable_seqscan', 'off', false),"
				   " set_config('enable_bitmapscan', 'off', false),"
				   " set_config('jit', 'off', false)";

enum {
	TIMES = 5,
	TIME_BYTES = 24,
};

static uint64_t
ms_of(uint64_t ns)
{
	return (ns + 999999) / 1000000;
}

/*
 * The time-outs of the connection's settings, in the order of settings_sql, in the units that
 * the server takes.
 */
static void
write_times(const struct settings *settings, char (*ret_times)[TIME_BYTES])
{
	const uint64_t deadline_ms = ms_of(settings->deadline_ns);
	const uint64_t idle_ms = ms_of(settings->transaction_idle_ns);
	const uint64_t idle_s = (idle_ms + 999) / 1000;
	const uint64_t times[TIMES] = {
		/* Before the call is due, so that the server's refusal arrives in time. */
		deadline_ms - least(LOCK_MARGIN_MS, deadline_ms / 4),
		idle_ms,
		deadline_ms + idle_ms,
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
	for (int i = 0; i < TIMES; i++)
		value_text(&values, times[i]);
	(void)wire_send_sql(&postgres->wire, settings_sql, &values);
	return wire_ask(&postgres->wire, NULL, error);
}

static reprise_status
create_or_migrate(struct postgres *postgres, struct reprise_error *error)
{
	struct wire *const wire = &postgres->wire;
	const char *const schema = postgres->settings.schema;
	reprise_status status = schema_bring_to(wire, schema, SCHEMA_VERSION, error);

	/* Refused, the connection is closed, and nothing of it has happened. */
	if (status == REPRISE_OK && postgres->settings.is_isolated)
		status = isolation_check(wire, schema, error);
	if (status != REPRISE_OK)
		return status;
	(void)wire_send_sql(wire, "COMMIT", NULL);
	return wire_ask(wire, NULL, error);
}

static reprise_status
check_schema(struct postgres *postgres, bool may_create, struct reprise_error *error)
{
	const struct settings *const settings = &postgres->settings;
	struct wire *const wire = &postgres->wire;
	bool is_there = false;
	int version = 0;
	const reprise_status status =
		schema_look(wire, settings->schema, &is_there, &version, error);

	if (status != REPRISE_OK)
		return status;
	if (version < SCHEMA_VERSION && may_create)
		return create_or_migrate(postgres, error);
	if (version == 0)
		return error_detailed(error, REPRISE_E_NOT_FOUND, "schema",
				      "the schema has no log");
	if (version < SCHEMA_VERSION)
		return error_detailed(
			error, REPRISE_E_VERSION, "schema",
			"the schema is older than this library, and is_set_up forbids an upgrade");
	if (settings->is_isolated)
		return isolation_check(wire, settings->schema, error);
	return REPRISE_OK;
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
	return make_connection(postgres, !postgres->settings.is_set_up, error);
}

reprise_status
connect_again(struct postgres *postgres, struct reprise_error *error)
{
	wire_begin_call(&postgres->wire);
	if (wire_is_whole(&postgres->wire))
		return REPRISE_OK;
	struct reprise_error why = { .size = sizeof(why) };
	const reprise_status status = make_connection(postgres, false, &why);

	switch ((int)status) {
	case REPRISE_OK:
		return REPRISE_OK;
	case REPRISE_E_NOT_FOUND:
	case REPRISE_E_INVALID:
	case REPRISE_E_VERSION:
		/* It was otherwise when the log was opened. */
		return error_detailed(error, REPRISE_E_IO, why.what, why.detail);
	default:
		return error_detailed(error, status, why.what, why.detail);
	}
}
