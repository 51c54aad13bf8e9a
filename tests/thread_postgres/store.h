/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_STORE_H
#define THREAD_POSTGRES_STORE_H

/*
 * The tests of the PostgreSQL adapter of thread documents share this. They run beside a server of
 * their own, by tests/support/postgres.sh, one at a time; each has a schema of its own.
 */

#include <reprise/thread_load.h>
#include <reprise/thread_postgres.h>

#include "scratch_server.h"
#include "support.h"
#include "thread_postgres/postgres.h"

/*
 * @role may be NULL: the superuser. A deadline of 2 s. The connection lives until the fourth
 * call after it.
 */
struct reprise_thread_postgres_options options_of(const char *role, const char *schema);
struct reprise_thread_store *opened(const struct reprise_thread_postgres_options *options);
/* With a short deadline, on a machine that may be slow. */
struct reprise_thread_store *opened_at_last(const struct reprise_thread_postgres_options *options);
/* Must fail so. */
void expect_refused(const struct reprise_thread_postgres_options *options, reprise_status status,
		    const char *what);

int server_process_of(struct reprise_thread_store *store);

/* A document without messages. */
void create(struct reprise_thread_store *store, const char *id);

/*
 * Appends a delta of one message, or the delta of that id and that message for the first or a
 * further time. @ret_version may be NULL.
 */
reprise_status append_to(struct reprise_thread_store *store, const char *id, const char *message,
			 uint64_t *ret_version, struct reprise_error *error);
reprise_status append_named(struct reprise_thread_store *store, const char *id,
			    const char *delta_id, struct reprise_thread_appended *ret_appended,
			    struct reprise_error *error);

/* UINT64_MAX: there is no document. */
uint64_t version_of(struct reprise_thread_store *store, const char *id);
/* How many messages. */
uint64_t messages_of(struct reprise_thread_store *store, const char *id);

#endif /* THREAD_POSTGRES_STORE_H */
