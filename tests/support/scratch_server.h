/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_SCRATCH_SERVER_H
#define SUPPORT_SCRATCH_SERVER_H

/*
 * The PostgreSQL server of the tests' own, which tests/support/postgres.sh has started: connections
 * beside the library, and what stops it.
 */

#include <stdint.h>

#include <libpq-fe.h>

/* How a role connects; NULL: the superuser. Lives until the fourth call after it. */
const char *connection_of(const char *role);

/* A superuser's own connection, or another role's, beside the library. */
PGconn *connected_as(const char *role);
void run(PGconn *connection, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One number. */
int64_t number_of(PGconn *connection, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The SQLSTATE that a statement fails with, or "". Borrowed until the next call. */
const char *refusal_of(PGconn *connection, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* postgres.sh with that option. */
void control(const char *option);

/* Waits until that process is gone. */
void terminate(PGconn *connection, int server_process);

#endif /* SUPPORT_SCRATCH_SERVER_H */
