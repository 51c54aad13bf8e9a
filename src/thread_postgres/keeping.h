/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_KEEPING_H
#define THREAD_POSTGRES_KEEPING_H

/* The store's horizon, in the row of the table about. */

#include "thread/adapter.h"
#include "thread_postgres/wire.h"

/* From the column of the horizon on. */
struct thread_keeping keeping_at(const PGresult *answer, int first_column);

/* Sends a statement whose parameters are horizon, floor and checksum. */
void keeping_send(struct wire *wire, const char *sql, const struct thread_keeping *keeping);

/* Raises the store's horizon to @horizon_ms, unless it is as long already. E_CORRUPT. */
reprise_status keeping_settle(struct wire *wire, uint64_t horizon_ms, struct reprise_error *error);

#endif /* THREAD_POSTGRES_KEEPING_H */
