/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_POOLER_H
#define LOG_POSTGRES_POOLER_H

#include "log_postgres/wire.h"

/*
 * E_INVALID if a connection pooler gives @wire another server session in each transaction:
 * settings, prepared statements and transactions would reach sessions of other clients. Nothing is
 * set on any session.
 */
reprise_status pooler_check(struct wire *wire, const char *connection, struct reprise_error *error);

#endif /* LOG_POSTGRES_POOLER_H */
