/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_SCHEMA_H
#define THREAD_POSTGRES_SCHEMA_H

#include "thread_postgres/wire.h"

enum {
	SCHEMA_VERSION = 1
};

/*
 * *ret_version is 0: there is no such schema, or an empty one. E_CORRUPT: it is another's.
 * E_VERSION: newer than ours.
 */
reprise_status schema_look(struct wire *wire, const char *schema, bool *ret_is_there,
			   int *ret_version, struct reprise_error *error);

/*
 * In one transaction, which is waited for by all that do the same: looks again, and creates what
 * is not there.
 */
reprise_status schema_create(struct wire *wire, const char *schema, uint64_t horizon_ms,
			     struct reprise_error *error);

#endif /* THREAD_POSTGRES_SCHEMA_H */
