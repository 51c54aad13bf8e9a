/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_WIRE_H
#define LOG_POSTGRES_WIRE_H

/*
 * A connection that never waits longer than it may. Statements are sent without waiting for their answers
 * (libpq's pipeline); what fails is kept until the next one that asks. A server that is silent for
 * longer than its patience has lost the connection, and so has one whose trouble is not understood: the next
 * transaction makes a new one.
 *
 *     wire_send  wire_send  wire_send ... wire_ask     one trip to the server and back
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <reprise/base.h>

#include "log_postgres/failure.h"
#include "log_postgres/values.h"

struct wire {
	PGconn *connection;   /* NULL: none */
	uint64_t patience_ns; /* how long the server may be silent */
	size_t pending;       /* answers that are to come */
	size_t stale;         /* the first so many of them are nobody's any more */
	size_t unsent_bytes;  /* about, since it was last seen to */
	bool is_synced;       /* nothing was sent since the last sync */
	struct failure failure;
};

/* Connects until @due_ns of CLOCK_MONOTONIC. On failure there is no connection. */
reprise_status wire_open(struct wire *wire, const char *connection, uint64_t due_ns,
			 struct reprise_error *error);
void wire_close(struct wire *wire);

/* False if there is no connection, or if it was lost while nothing was asked of it. */
bool wire_is_whole(struct wire *wire);

/*
 * Each sends one statement, and fails if something is known to have failed already. Arguments and values may
 * be NULL.
 */
reprise_status wire_send_sql(struct wire *wire, const char *sql, const struct values *arguments);
reprise_status wire_prepare(struct wire *wire, const char *statement, const char *sql);
reprise_status wire_send(struct wire *wire, const char *statement, const struct values *values);

/* Waits for all that was sent. The last answer is the caller's to clear; @ret_answer may be NULL. */
reprise_status wire_ask(struct wire *wire, PGresult **ret_answer, struct reprise_error *error);

/*
 * Ends a transaction by @statement, whatever has failed in it, without waiting for the answer. Failures are
 * forgotten; a connection that is of no use any more is closed.
 */
void wire_end(struct wire *wire, const char *statement);

#endif /* LOG_POSTGRES_WIRE_H */
