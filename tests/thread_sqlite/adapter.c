/* SPDX-License-Identifier: MIT */
/* The contract's suite of thread documents, against a SQLite file. */
#include "thread_contract/adapter.h"

#include <reprise/thread_sqlite.h>

#include <stdio.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"

static char *path;

void
adapter_set_up(void)
{
	path = scratch_path("threads");
}

void
adapter_tear_down(void)
{
	scratch_remove();
}

struct reprise_thread_store *
adapter_open(uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	const struct reprise_thread_sqlite_options options = {
		.size = sizeof(options),
		.deadline_ns = 60 * NS_PER_S,
		.horizon_ns = horizon_ns,
		.retry_limit_ns = retry_limit_ns,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	cr_assert(eq(int, reprise_thread_sqlite_open(path, &options, &store, &error), REPRISE_OK),
		  "%s: %s", error.what, error.detail);
	return store;
}

#define OF_T " WHERE uid = (SELECT uid FROM heads WHERE id = 't')"

static const char *const damages[] = {
	[ADAPTER_HEAD_VERSION] = "UPDATE heads SET version = %llu WHERE id = 't'",
	[ADAPTER_HEAD_BASE] = "UPDATE heads SET base = %llu WHERE id = 't'",
	[ADAPTER_HEAD_COMPLETE_AFTER] = "UPDATE heads SET complete_after = %llu WHERE id = 't'",
	[ADAPTER_HEAD_UID] = "UPDATE heads SET uid = zeroblob(16 + %llu) WHERE id = 't'",
	[ADAPTER_TEXT] = "UPDATE texts SET json = zeroblob(length(json) + %llu)" OF_T,
	[ADAPTER_TEXT_VERSION] = "UPDATE texts SET version = %llu" OF_T,
	[ADAPTER_TEXT_GONE] = "DELETE FROM texts" OF_T " AND version >= %llu",
	[ADAPTER_DELTA] =
		"UPDATE deltas SET json = zeroblob(length(json))" OF_T " AND version = %llu",
	[ADAPTER_DELTA_TIME] = "UPDATE deltas SET stored = stored + 1" OF_T " AND version = %llu",
	[ADAPTER_DELTA_GONE] = "DELETE FROM deltas" OF_T " AND version = %llu",
	[ADAPTER_APPLIED_VERSION] =
		"UPDATE applied SET version = version + 1" OF_T " AND version = %llu",
	[ADAPTER_APPLIED_DIGEST] =
		"UPDATE applied SET digest = zeroblob(16)" OF_T " AND version = %llu",
	[ADAPTER_APPLIED_TIME] = "UPDATE applied SET applied = 1" OF_T " AND version = %llu",
	[ADAPTER_HORIZON] = "UPDATE about SET horizon = %llu",
};

void
adapter_do_damage(enum adapter_damage damage, uint64_t number)
{
	char sql[256];

	snprintf(sql, sizeof(sql), damages[damage], (unsigned long long)number);
	cr_assert(eq(int, scratch_sql(path, sql), 1), "%s", sql);
}

uint64_t
adapter_text_version(void)
{
	return (uint64_t)scratch_ask(path, "SELECT version FROM texts" OF_T);
}

uint64_t
adapter_heads(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM heads");
}

uint64_t
adapter_texts(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM texts");
}

uint64_t
adapter_deltas(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM deltas");
}

uint64_t
adapter_applied(void)
{
	return (uint64_t)scratch_ask(path, "SELECT count(*) FROM applied");
}
