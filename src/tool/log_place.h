/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_PLACE_H
#define TOOL_LOG_PLACE_H

/* Where a log is: in a SQLite file or in a PostgreSQL database, as far as the program was built with them. */

#include <stdbool.h>

#include <reprise/log.h>

struct log_place {
	const char *file;     /* or NULL */
	const char *postgres; /* the connection, or NULL */
	const char *schema;   /* or NULL: the default */
};

enum log_access {
	LOG_ACCESS_READ,   /* nothing is created or written */
	LOG_ACCESS_WRITE,  /* it is there already */
	LOG_ACCESS_CREATE, /* it need not be */
};

/* Why such a place cannot be opened by this program; or NULL. */
const char *log_place_fault(const struct log_place *place);

reprise_status log_place_open(const struct log_place *place, enum log_access access,
			      struct reprise_log **ret_log, struct reprise_error *error);

/* Later errors on stderr name that place. */
void log_place_note(const struct log_place *place);

/* What belongs to the place and to no thread: in a database, the policies that keep tenants apart. */
reprise_status log_place_verify(const struct log_place *place, struct reprise_log *log,
				struct reprise_error *error);

/* Says on stderr what failed: @doing names it, and @thread is where, or NULL. */
void log_say_failure(const char *doing, const char *thread, reprise_status status,
		     const struct reprise_error *error);

#endif /* TOOL_LOG_PLACE_H */
