/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_WIRE_H
#define LOG_POSTGRES_WIRE_H

/*
 * A connection that never waits longer than it may. Statements are sent without waiting for their
 * answers (libpq's pipeline); a failure is kept until the next statement that asks. If the server
 * has not answered when the call is due, the connection is closed; so it is after a failure that is
 * not understood. The next transaction makes a new one.
 *
 *     wire_send  wire_send  wire_send ... wire_ask     one trip to the server and back
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <reprise/base.h>

#include "base/atomic.h"
#include "log_postgres/failure.h"
#include "log_postgres/values.h"

struct wire {
	PGconn *connection;   /* NULL: none */
	int socket;           /* the connection's, for the child of a fork; -1: none */
	uint64_t deadline_ns; /* how long a call may wait for the server; see wire_begin_call */
	uint64_t due_ns;      /* of CLOCK_MONOTONIC: when the present call gives the server up */
	size_t moved_bytes;   /* since due_ns was last moved */
	const atomic_u32 *is_interrupted; /* of the log */
	size_t pending;                   /* answers that are to come */
	size_t stale;                     /* the first so many of them are nobody's any more */
	size_t unsent_bytes;              /* about, since it was last seen to */
	bool is_synced;                   /* nothing was sent since the last sync */
	struct failure failure;
};

/*
 * A call of the log begins: everything that it waits for, a new connection too, has to come within
 * the deadline. The deadline begins anew after each MiB that was sent or received, so that much
 * data on a slow server is no failure.
 */
void wire_begin_call(struct wire *wire);
void wire_count_moved(struct wire *wire, size_t bytes);

/*
 * Connects, until the call is due. On failure there is no connection. @vanished_ms: the kernel
 * gives up a server that acknowledges nothing for so long.
 */
reprise_status wire_open(struct wire *wire, const char *connection, uint64_t vanished_ms,
			 struct reprise_error *error);
void wire_close(struct wire *wire);

/* False if there is no connection, or if it was lost while nothing was asked of it. */
bool wire_is_whole(struct wire *wire);

/*
 * Each sends one statement, and fails if something is known to have failed already. Arguments and
 * values may be NULL.
 */
reprise_status wire_send_sql(struct wire *wire, const char *sql, const struct values *arguments);
reprise_status wire_prepare(struct wire *wire, const char *statement, const char *sql);
reprise_status wire_send(struct wire *wire, const char *statement, const struct values *values);

/*
 * Waits for all that was sent. The last answer is the caller's to clear; @ret_answer may be NULL.
 */
reprise_status wire_ask(struct wire *wire, PGresult **ret_answer, struct reprise_error *error);

/*
 * Outside of a transaction, with no answer to come: sends one statement by itself, and waits for no
 * answer. Failures are forgotten.
 */
void wire_tell(struct wire *wire, const char *statement, const struct values *values);

/*
 * Ends a transaction by @statement, whatever has failed in it, without waiting for the answer.
 * Failures are forgotten; a connection that is of no use any more is closed.
 */
void wire_end(struct wire *wire, const char *statement);

#endif /* LOG_POSTGRES_WIRE_H */
