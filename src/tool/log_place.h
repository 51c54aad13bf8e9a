/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_PLACE_H
#define TOOL_LOG_PLACE_H

/*
 * The place of a log: a SQLite file or a PostgreSQL database. The program may have been built
 * without either library.
 */

#include <stdbool.h>

#include <reprise/log.h>

struct log_place {
	const char *file;     /* or NULL */
	const char *postgres; /* the connection, or NULL */
	const char *schema;   /* or NULL: the default */
};

enum log_access {
	LOG_ACCESS_READ,   /* nothing is created or written */
	LOG_ACCESS_WRITE,  /* the log exists already */
	LOG_ACCESS_CREATE, /* a missing log is created */
};

/*
 * Reads sqlite:FILE, postgres:CONNINFO or the URL of a database, as libpq takes the URL, into the
 * file or the connection of @ret_place. False: the text is no place. FILE may be empty.
 */
bool log_place_read(const char *text, struct log_place *ret_place);

/* Why this program cannot open such a place, or NULL. */
const char *log_place_fault(const struct log_place *place);

reprise_status log_place_open(const struct log_place *place, enum log_access access,
			      struct reprise_log **ret_log, struct reprise_error *error);

/* The same in any thread: does not call log_place_note. */
reprise_status log_place_connect(const struct log_place *place, enum log_access access,
				 struct reprise_log **ret_log, struct reprise_error *error);

/* Later errors on stderr name this place. */
void log_place_note(const struct log_place *place);

/*
 * Verifies the parts that belong to no thread: in a database, the policies that keep tenants apart.
 */
reprise_status log_place_verify(const struct log_place *place, struct reprise_log *log,
				struct reprise_error *error);

/* Prints an error on stderr. @doing is the command, such as "log cat"; @thread may be NULL. */
void log_say_failure(const char *doing, const char *thread, reprise_status status,
		     const struct reprise_error *error);

#endif /* TOOL_LOG_PLACE_H */
