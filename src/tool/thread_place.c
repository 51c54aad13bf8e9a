/* SPDX-License-Identifier: MIT */
#include "tool/thread_place.h"

#ifdef TOOL_HAS_THREAD_SQLITE
#include <reprise/thread_sqlite.h>
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
#include <reprise/thread_postgres.h>
#endif

#define NS_PER_MS      UINT64_C(1000000)
#define RETRY_LIMIT_NS (UINT64_C(86400000) * NS_PER_MS) /* the default: 24 h */

const char *
thread_place_fault(const struct log_place *place)
{
	const char *fault = NULL;

#ifndef TOOL_HAS_THREAD_SQLITE
	if (place->file != NULL)
		fault = "cannot open a file: this program was built without SQLite or jansson";
#endif
#ifndef TOOL_HAS_THREAD_POSTGRES
	if (place->postgres != NULL)
		fault = "cannot open a database: this program was built without libpq or jansson";
#endif
	(void)place;
	return fault;
}

#ifdef TOOL_HAS_THREAD
/* A horizon is at least twice the retry limit. */
static uint64_t
retry_limit_of(uint64_t horizon_ns)
{
	return horizon_ns != 0 && horizon_ns / 2 < RETRY_LIMIT_NS ? horizon_ns / 2 : 0;
}
#endif

reprise_status
thread_place_open(const struct log_place *place, enum log_access access, uint64_t horizon_ms,
		  struct reprise_thread_store **ret_store, struct reprise_error *error)
{
	const uint64_t horizon_ns =
		horizon_ms > UINT64_MAX / NS_PER_MS ? UINT64_MAX : horizon_ms * NS_PER_MS;

	log_place_note(place);
#ifdef TOOL_HAS_THREAD_SQLITE
	if (place->file != NULL) {
		const struct reprise_thread_sqlite_options options = {
			.size = sizeof(options),
			.horizon_ns = horizon_ns,
			.retry_limit_ns = retry_limit_of(horizon_ns),
			.is_set_up = access != LOG_ACCESS_CREATE,
		};

		return reprise_thread_sqlite_open(place->file, &options, ret_store, error);
	}
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
	if (place->postgres != NULL) {
		const struct reprise_thread_postgres_options options = {
			.size = sizeof(options),
			.connection = place->postgres,
			.schema = place->schema,
			.horizon_ns = horizon_ns,
			.retry_limit_ns = retry_limit_of(horizon_ns),
			.is_set_up = access != LOG_ACCESS_CREATE,
		};

		return reprise_thread_postgres_open(&options, ret_store, error);
	}
#endif
	(void)access;
	(void)horizon_ns;
	(void)ret_store;
	(void)error;
	return REPRISE_E_INVALID;
}
