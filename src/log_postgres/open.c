/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/durability.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "log_postgres/inherit.h"
#include "log_postgres/postgres.h"

static const uint64_t deadline_ns_default = 5 * NS_PER_S;
static const uint64_t deadline_ns_most = 3600 * NS_PER_S;
static const uint64_t transaction_idle_ns_default = 10 * NS_PER_S;
static const uint64_t transaction_idle_ns_least = NS_PER_S / 10;
static const uint64_t transaction_idle_ns_most = 3600 * NS_PER_S;

static bool
is_flag(int32_t value)
{
	return value == 0 || value == 1;
}

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
settings_resolve(const struct reprise_log_postgres_options *given, struct settings *ret_settings,
		 struct reprise_error *error)
{
	struct reprise_log_postgres_options known = { 0 };

	if (!sized_read(&known, sizeof(known), SIZE_MIN(reprise_log_postgres_options), given))
		return error_size(error, "options: size", given, sizeof(known));
	if (known.schema == NULL)
		known.schema = "reprise";
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
	if (!is_flag(known.deletes_archived))
		return error_invalid(error, "deletes_archived");
	if (!is_flag(known.is_set_up))
		return error_invalid(error, "is_set_up");
	if (!is_flag(known.is_isolated))
		return error_invalid(error, "is_isolated");
	const reprise_status status = check_connection(known.connection, error);

	if (status != REPRISE_OK)
		return status;
	*ret_settings = (struct settings){
		.connection = strdup(known.connection),
		.deadline_ns = known.deadline_ns,
		.transaction_idle_ns = known.transaction_idle_ns,
		.durability = durability_or_synced(known.durability),
		.deletes_archived = known.deletes_archived == 1,
		.is_set_up = known.is_set_up == 1,
		.is_isolated = known.is_isolated == 1,
	};
	if (ret_settings->connection == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	memcpy(ret_settings->schema, known.schema, strlen(known.schema) + 1);
	return REPRISE_OK;
}

static void
close_log(struct reprise_log *log)
{
	struct postgres *const postgres = postgres_of(log);

	wire_close(&postgres->wire);
	free(postgres->settings.connection);
	log_done(log);
	free(postgres);
}

static void
disinherit(struct reprise_log *log)
{
	wire_disinherit(&postgres_of(log)->wire);
}

static void
discard(struct reprise_log *log, bool was_busy)
{
	struct postgres *const postgres = postgres_of(log);

	wire_discard(&postgres->wire, was_busy);
	free(postgres->settings.connection);
	free(postgres);
}

static reprise_status open_another(struct reprise_log *log, struct reprise_log **ret_log,
				   struct reprise_error *error);

static const struct log_adapter adapter = {
	.close = close_log,
	.disinherit = disinherit,
	.discard = discard,
	.another = open_another,
	.begin = write_begin,
	.put_row = write_row,
	.put_rise = write_rise,
	.put_commit = write_commit,
	.put_life = write_life,
	.put_head = write_head,
	.move_rows = write_moves,
	.remove_rows = write_removes,
	.drop_lives = write_drop_lives,
	.forget = write_forget,
	.drop_rises = write_drop_rises,
	.drop_commits = write_drop_commits,
	.put_blob = blobs_put,
	.drop_blob = blobs_drop,
	.drop_blobs = write_drop_blobs,
	.commit = write_end,
	.rollback = write_undo,
	.look = find_begin,
	.leave = find_end,
	.rows_after = find_rows,
	.weigh = find_weight,
	.life_at = find_life_at,
	.life_of = find_life_of,
	.lives_after = find_lives,
	.rises_above = find_rises,
	.commits_from = find_commits,
	.blob_of = blobs_find,
	.blob_names_after = blobs_find_names,
	.version = find_version,
	.await_news = news_await,
	.tenant_after = tenants_find,
	.threads_after = find_threads,
};

bool
postgres_is(const struct reprise_log *log)
{
	return log->adapter == &adapter;
}

reprise_status
reprise_log_postgres_open(const struct reprise_log_postgres_options *options,
			  struct reprise_log **ret_log, struct reprise_error *error)
{
	if (options == NULL)
		return error_invalid(error, "options");
	if (ret_log == NULL)
		return error_invalid(error, "ret_log");
	UNCANCELLABLE;
	struct postgres *const postgres = calloc(1, sizeof(*postgres));

	if (postgres == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	reprise_status status = settings_resolve(options, &postgres->settings, error);

	if (status != REPRISE_OK) {
		free(postgres);
		return status;
	}
	postgres->wire.deadline_ns = postgres->settings.deadline_ns;
	postgres->wire.is_interrupted = &postgres->log.is_interrupted;
	postgres->wire.socket = -1;
	if (!log_init(&postgres->log, &adapter,
		      postgres->settings.durability == REPRISE_WRITTEN ? LOG_WRITTEN
								       : LOG_SYNCED)) {
		free(postgres->settings.connection);
		free(postgres);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	status = connect_first(postgres, error);
	if (status != REPRISE_OK)
		close_log(&postgres->log);
	else
		*ret_log = &postgres->log;
	return status;
}

static reprise_status
open_another(struct reprise_log *log, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct settings *const settings = &postgres_of(log)->settings;
	const struct reprise_log_postgres_options options = {
		.size = sizeof(options),
		.connection = settings->connection,
		.schema = settings->schema,
		.deadline_ns = settings->deadline_ns,
		.durability = settings->durability,
		.deletes_archived = settings->deletes_archived,
		.is_set_up = settings->is_set_up,
		.is_isolated = settings->is_isolated,
		.transaction_idle_ns = settings->transaction_idle_ns,
	};

	return reprise_log_postgres_open(&options, ret_log, error);
}
