/* SPDX-License-Identifier: MIT */
#include "tool/thread_place.h"

#ifdef TOOL_HAS_THREAD_SQLITE
#include <reprise/thread_sqlite.h>
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
#include <reprise/thread_postgres.h>
#endif

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

reprise_status
thread_place_open(const struct log_place *place, struct reprise_thread_store **ret_store,
		  struct reprise_error *error)
{
	log_place_note(place);
#ifdef TOOL_HAS_THREAD_SQLITE
	if (place->file != NULL) {
		const struct reprise_thread_sqlite_options options = { .size = sizeof(options),
								       .is_set_up = 1 };

		return reprise_thread_sqlite_open(place->file, &options, ret_store, error);
	}
#endif
#ifdef TOOL_HAS_THREAD_POSTGRES
	if (place->postgres != NULL) {
		const struct reprise_thread_postgres_options options = {
			.size = sizeof(options),
			.connection = place->postgres,
			.schema = place->schema,
			.is_set_up = 1,
		};

		return reprise_thread_postgres_open(&options, ret_store, error);
	}
#endif
	(void)ret_store;
	(void)error;
	return REPRISE_E_INVALID;
}
