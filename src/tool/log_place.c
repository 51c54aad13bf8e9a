/* SPDX-License-Identifier: MIT */
#include "tool/log_place.h"

#include <stdio.h>
#include <string.h>

#ifdef TOOL_HAS_SQLITE
#include <reprise/log_sqlite.h>
#endif
#ifdef TOOL_HAS_POSTGRES
#include <reprise/log_postgres.h>
#endif

#include "tool/log_text.h"

/* For errors: the file opened last. NULL: a database. The address may contain a password. */
static const char *file_in_use;

bool
log_place_read(const char *text, struct log_place *ret_place)
{
	static const char sqlite[] = "sqlite:", postgres[] = "postgres:";

	if (strncmp(text, sqlite, sizeof(sqlite) - 1) == 0)
		ret_place->file = text + sizeof(sqlite) - 1;
	else if (strncmp(text, "postgres://", 11) == 0 || strncmp(text, "postgresql://", 13) == 0)
		ret_place->postgres = text;
	else if (strncmp(text, postgres, sizeof(postgres) - 1) == 0)
		ret_place->postgres = text + sizeof(postgres) - 1;
	else
		return false;
	return true;
}

const char *
log_place_fault(const struct log_place *place)
{
	const char *fault = NULL;

#ifndef TOOL_HAS_SQLITE
	if (place->file != NULL)
		fault = "cannot open a file: this program was built without SQLite";
#endif
#ifndef TOOL_HAS_POSTGRES
	if (place->postgres != NULL)
		fault = "cannot open a database: this program was built without libpq";
#endif
	(void)place;
	return fault;
}

#ifdef TOOL_HAS_SQLITE
static reprise_status
open_file(const struct log_place *place, bool is_read_only, struct reprise_log **ret_log,
	  struct reprise_error *error)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = place->file,
							    .is_read_only = is_read_only };

	return reprise_log_sqlite_open(&options, ret_log, error);
}

static reprise_status
open_sqlite(const struct log_place *place, enum log_access access, struct reprise_log **ret_log,
	    struct reprise_error *error)
{
	if (access == LOG_ACCESS_WRITE) {
		/* The second opening would create a missing file. */
		const reprise_status status = open_file(place, true, ret_log, error);

		if (status == REPRISE_OK)
			reprise_log_close(*ret_log);
		else if (status !=
			 REPRISE_E_VERSION) /* the second opening upgrades an older file */
			return status;
	}
	return open_file(place, access == LOG_ACCESS_READ, ret_log, error);
}
#endif

#ifdef TOOL_HAS_POSTGRES
static reprise_status
open_postgres(const struct log_place *place, enum log_access access, struct reprise_log **ret_log,
	      struct reprise_error *error)
{
	const struct reprise_log_postgres_options options = {
		.size = sizeof(options),
		.connection = place->postgres,
		.schema = place->schema,
		.is_set_up = access != LOG_ACCESS_CREATE,
	};

	return reprise_log_postgres_open(&options, ret_log, error);
}
#endif

void
log_place_note(const struct log_place *place)
{
	file_in_use = place->file;
}

reprise_status
log_place_connect(const struct log_place *place, enum log_access access,
		  struct reprise_log **ret_log, struct reprise_error *error)
{
#ifdef TOOL_HAS_SQLITE
	if (place->file != NULL)
		return open_sqlite(place, access, ret_log, error);
#endif
#ifdef TOOL_HAS_POSTGRES
	if (place->postgres != NULL)
		return open_postgres(place, access, ret_log, error);
#endif
	(void)place;
	(void)access;
	(void)ret_log;
	(void)error;
	return REPRISE_E_INVALID;
}

reprise_status
log_place_open(const struct log_place *place, enum log_access access, struct reprise_log **ret_log,
	       struct reprise_error *error)
{
	log_place_note(place);
	return log_place_connect(place, access, ret_log, error);
}

reprise_status
log_place_verify(const struct log_place *place, struct reprise_log *log,
		 struct reprise_error *error)
{
#ifdef TOOL_HAS_POSTGRES
	if (place->postgres != NULL)
		return reprise_log_postgres_verify_policies(log, error);
#endif
	(void)place;
	(void)log;
	(void)error;
	return REPRISE_OK;
}

void
log_say_failure(const char *doing, const char *thread, reprise_status status,
		const struct reprise_error *error)
{
	const bool names_file = file_in_use != NULL && strstr(error->detail, file_in_use) == NULL;

	fprintf(stderr, "reprise %s: ", doing);
	if (thread != NULL)
		log_text_escaped(stderr, thread, strlen(thread), SIZE_MAX);
	if (thread != NULL && names_file)
		fputs(" in ", stderr);
	if (names_file)
		log_text_escaped(stderr, file_in_use, strlen(file_in_use), SIZE_MAX);
	if (thread != NULL || names_file)
		fputs(": ", stderr);
	fprintf(stderr, "%s (%s)", reprise_status_text(status), reprise_status_name(status));
	if (error->what[0] != '\0')
		fprintf(stderr, "; %s", error->what);
	if (error->detail[0] != '\0') {
		fputs(": ", stderr);
		log_text_escaped(stderr, error->detail, strlen(error->detail), SIZE_MAX);
	}
	fputc('\n', stderr);
}
