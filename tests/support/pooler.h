/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_POOLER_H
#define SUPPORT_POOLER_H

/*
 * A connection pooler in front of the tests' server: pgbouncer. Where it is not installed, the
 * test is skipped.
 */

/* @mode is pgbouncer's pool_mode. */
void pooler_open(const char *mode);
/* After each test, also one that failed. */
void pooler_close(void);

/* The tests' server, through the pooler. */
const char *pooler_connection(void);

/* A client of the pool finds no prepared statement and no setting of somebody else's. */
void pooler_expect_untouched(void);

#endif /* SUPPORT_POOLER_H */
