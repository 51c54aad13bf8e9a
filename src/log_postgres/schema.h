/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_SCHEMA_H
#define LOG_POSTGRES_SCHEMA_H

/*
 * The tables, and how they came to be: step n makes version n of version n - 1, where version 0 is an empty
 * schema, or none. A step is never changed once it was released.
 */

#include <stdbool.h>

#include "log_postgres/wire.h"

enum {
	SCHEMA_VERSION = 2
};

/* Statements, NULL-terminated, by the version that they make. */
extern const char *const *const schema_steps[SCHEMA_VERSION + 1];

/* E_CORRUPT: it is somebody else's. E_VERSION: newer than ours. */
reprise_status schema_look(struct wire *wire, const char *schema, bool *ret_is_there,
			   int *ret_version, struct reprise_error *error);

/*
 * In one transaction, which whoever else does the same waits for: looks again, and brings it to @version. To be
 * committed or rolled back by the caller.
 */
reprise_status schema_bring_to(struct wire *wire, const char *schema, int version,
			       struct reprise_error *error);

/* E_INVALID if row-level security does not bind the role that is connected. */
reprise_status schema_check_isolated(struct wire *wire, const char *schema,
				     struct reprise_error *error);

#endif /* LOG_POSTGRES_SCHEMA_H */
