/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/durability.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread_postgres/inherit.h"
#include "thread_postgres/postgres.h"

static const uint64_t deadline_ns_default = 5 * NS_PER_S;
static const uint64_t deadline_ns_most = 3600 * NS_PER_S;
static const uint64_t transaction_idle_ns_default = 10 * NS_PER_S;
static const uint64_t transaction_idle_ns_least = NS_PER_S / 10;
static const uint64_t transaction_idle_ns_most = 3600 * NS_PER_S;

static bool
schema_is_good(const char *schema)
{
	const size_t bytes = strnlen(schema, SCHEMA_BYTES_MAX + 1);

	if (bytes < 1 || bytes > SCHEMA_BYTES_MAX)
		return false;
	if (schema[0] >= '0' && schema[0] <= '9')
		return false;
	return strspn(schema, "abcdefghijklmnopqrstuvwxyz_0123456789") == bytes;
}

/* As libpq would; nothing is looked up. */
static reprise_status
check_connection(const char *connection, struct reprise_error *error)
{
	char *words = NULL;
	PQconninfoOption *const parsed = PQconninfoParse(connection, &words);

	if (parsed != NULL) {
		PQconninfoFree(parsed);
		return REPRISE_OK;
	}
	const reprise_status status =
		words == NULL ? error_plain(error, REPRISE_E_NO_MEMORY)
			      : error_detailed(error, REPRISE_E_INVALID, "connection", words);

	PQfreemem(words);
	return status;
}

static reprise_status
settings_resolve(const struct reprise_thread_postgres_options *given, struct settings *ret_settings,
		 struct thread_limits *ret_limits, struct reprise_error *error)
{
	struct reprise_thread_postgres_options known = { 0 };

	if (!sized_read(&known, sizeof(known), SIZE_MIN(reprise_thread_postgres_options), given))
		return error_size(error, "options: size", given, sizeof(known));
	if (known.schema == NULL)
		known.schema = "reprise_thread";
	if (known.connection == NULL)
		known.connection = "";
	if (known.deadline_ns == 0)
		known.deadline_ns = deadline_ns_default;
	if (known.transaction_idle_ns == 0)
		known.transaction_idle_ns = transaction_idle_ns_default;
	if (!schema_is_good(known.schema))
		return error_invalid(error, "schema");
	if (known.deadline_ns > deadline_ns_most)
		return error_invalid(error, "deadline_ns");
	if (known.transaction_idle_ns < transaction_idle_ns_least ||
	    known.transaction_idle_ns > transaction_idle_ns_most)
		return error_invalid(error, "transaction_idle_ns");
	if (!durability_is_level(known.durability))
		return error_invalid(error, "durability");
	if (known.is_set_up != 0 && known.is_set_up != 1)
		return error_invalid(error, "is_set_up");
	const char *const bad_limit =
		thread_limits_choose(known.horizon_ns, known.retry_limit_ns, ret_limits);

	if (bad_limit != NULL)
		return error_invalid(error, bad_limit);
	const reprise_status status = check_connection(known.connection, error);

	if (status != REPRISE_OK)
		return status;
	*ret_settings = (struct settings){
		.connection = strdup(known.connection),
		.deadline_ns = known.deadline_ns,
		.transaction_idle_ns = known.transaction_idle_ns,
		.durability = durability_or_synced(known.durability),
		.is_set_up = known.is_set_up == 1,
	};
	if (ret_settings->connection == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	memcpy(ret_settings->schema, known.schema, strlen(known.schema) + 1);
	return REPRISE_OK;
}

static void
close_store(struct reprise_thread_store *store)
{
	struct postgres *const postgres = postgres_of(store);

	wire_close(&postgres->wire);
	free(postgres->settings.connection);
	thread_store_done(store);
	free(postgres);
}

static void
disinherit(struct reprise_thread_store *store)
{
	wire_disinherit(&postgres_of(store)->wire);
}

static void
discard(struct reprise_thread_store *store, bool was_busy)
{
	struct postgres *const postgres = postgres_of(store);

	wire_discard(&postgres->wire, was_busy);
	free(postgres->settings.connection);
	free(postgres);
}

static const struct thread_adapter adapter = {
	.close = close_store,
	.disinherit = disinherit,
	.discard = discard,
	.begin = port_begin,
	.put_head = port_put_head,
	.put_text = port_put_text,
	.put_delta = port_put_delta,
	.put_applied = port_put_applied,
	.drop_document = port_drop_document,
	.drop_deltas = port_drop_deltas,
	.drop_applied = port_drop_applied,
	.commit = port_commit,
	.rollback = port_rollback,
	.look = port_look,
	.leave = port_leave,
	.text_of = port_text_of,
	.deltas_after = port_deltas_after,
	.applied_of = port_applied_of,
	.heads = port_heads,
};

reprise_status
reprise_thread_postgres_open(const struct reprise_thread_postgres_options *options,
			     struct reprise_thread_store **ret_store, struct reprise_error *error)
{
	struct thread_limits limits;

	if (options == NULL)
		return error_invalid(error, "options");
	if (ret_store == NULL)
		return error_invalid(error, "ret_store");
	UNCANCELLABLE;
	struct postgres *const postgres = calloc(1, sizeof(*postgres));

	if (postgres == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	reprise_status status = settings_resolve(options, &postgres->settings, &limits, error);

	if (status != REPRISE_OK) {
		free(postgres);
		return status;
	}
	postgres->wire.deadline_ns = postgres->settings.deadline_ns;
	postgres->wire.socket = -1;
	if (!thread_store_init(&postgres->store, &adapter, &limits)) {
		free(postgres->settings.connection);
		free(postgres);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	postgres->store.deadline_ns = postgres->settings.deadline_ns;
	status = connect_first(postgres, error);
	if (status != REPRISE_OK)
		close_store(&postgres->store);
	else
		*ret_store = &postgres->store;
	return status;
}
