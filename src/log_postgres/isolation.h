/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_ISOLATION_H
#define LOG_POSTGRES_ISOLATION_H

/*
 * Whether row-level security keeps tenants apart: the policies of the tables, and the role
 * that is connected.
 */

#include "log_postgres/wire.h"

/*
 * @status, with @what and the first difference, unless exactly the policies of schema_steps.c
 * are in force.
 */
reprise_status isolation_check_policies(struct wire *wire, const char *schema,
					reprise_status status, const char *what,
					struct reprise_error *error);

/* The same with E_INVALID; and E_INVALID if row-level security does not bind the role. */
reprise_status isolation_check(struct wire *wire, const char *schema, struct reprise_error *error);

#endif /* LOG_POSTGRES_ISOLATION_H */
