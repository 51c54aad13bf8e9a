/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_POOLER_H
#define THREAD_POSTGRES_POOLER_H

#include "thread_postgres/wire.h"

/*
 * E_INVALID if a connection pooler gives @wire another server session in each transaction:
 * settings, prepared statements and transactions would reach sessions of other clients. Nothing is
 * set on any session.
 */
reprise_status pooler_check(struct wire *wire, const char *connection, struct reprise_error *error);

#endif /* THREAD_POSTGRES_POOLER_H */
