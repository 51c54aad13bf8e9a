/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_SERVER_H
#define LOG_POSTGRES_SERVER_H

/*
 * The common part of the tests of the PostgreSQL adapter. The tests run beside a server of their
 * own, by tests/support/postgres.sh, one at a time; each has a schema of its own.
 */

#include <stdbool.h>

#include <libpq-fe.h>

#include <reprise/log_postgres.h>

#include "log_postgres/postgres.h"
#include "scratch_server.h"
#include "support.h"

/* A role of that name, which may do what include/reprise/log_postgres.h says it needs. */
void create_agent(PGconn *connection, const char *role, const char *schema);

/* @role may be NULL: the superuser. A deadline of 2 s. The strings live until the next call. */
struct reprise_log_postgres_options options_of(const char *role, const char *schema);
struct reprise_log *opened(const struct reprise_log_postgres_options *options);
/* Must fail so. */
void expect_refused(const struct reprise_log_postgres_options *options, reprise_status status,
		    const char *what);

int server_process_of(struct reprise_log *log);

/* Writes and reads by the public calls. */
reprise_status append_to(struct reprise_log *log, const char *tenant, const char *thread);
reprise_ordinal head_of(struct reprise_log *log, const char *tenant, const char *thread);
void expect_works(struct reprise_log *log, const char *tenant, const char *thread,
		  reprise_ordinal head);

/*
 * One row into every table for that key, by the port; the second of two rows is archived and moved.
 * The head does not count the blob.
 */
void fill_every_table(struct reprise_log *log, const char *tenant, const char *thread);

static const char *const tenant_tables[] = { "heads",   "lives",   "rows", "rises",
					     "commits", "archive", "blobs" };
enum {
	TENANT_TABLES_COUNT = sizeof(tenant_tables) / sizeof(tenant_tables[0])
};

#endif /* LOG_POSTGRES_SERVER_H */
