/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_SCHEMA_H
#define LOG_POSTGRES_SCHEMA_H

/*
 * The tables, and how they came to be: step n makes version n of version n - 1, where version 0 is
 * an empty schema, or none. A step is never changed once it was released.
 */

#include <stdbool.h>

#include "log_postgres/wire.h"

enum {
	SCHEMA_VERSION = 6,
	SCHEMA_CHECKSUMS_VERSION = 3, /* its step goes on with schema_fill_checksums */
};

/*
 * The tenant that is set for the transaction, or NULL. It is NULL before the first setting of a
 * connection, '' after it.
 */
#define OWN_TENANT "nullif(current_setting('reprise.tenant', true), '')"

/* Statements, NULL-terminated, by the version that they make. */
extern const char *const *const schema_steps[SCHEMA_VERSION + 1];

/* E_CORRUPT: it is somebody else's. E_VERSION: newer than ours. */
reprise_status schema_look(struct wire *wire, const char *schema, bool *ret_is_there,
			   int *ret_version, struct reprise_error *error);

/*
 * In one transaction, for which other connections that do the same wait: looks again, and brings it
 * to @version. To be committed or rolled back by the caller.
 */
reprise_status schema_bring_to(struct wire *wire, const char *schema, int version,
			       struct reprise_error *error);

/*
 * Gives each row of heads, lives, rises and commits that is there its checksum, in the transaction
 * of the step that brings them. Row-level security is not forced on these tables meanwhile, so that
 * their owner sees every tenant's.
 */
reprise_status schema_fill_checksums(struct wire *wire, struct reprise_error *error);

#endif /* LOG_POSTGRES_SCHEMA_H */
