/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_INHERIT_H
#define LOG_POSTGRES_INHERIT_H

#include "log_postgres/wire.h"

/*
 * In the child of a fork. wire_disinherit puts a descriptor that leads nowhere in the place of the
 * socket, by system calls alone: the server learns nothing of it, and nothing that libpq sends can
 * reach the server. wire_discard frees the connection; with @was_busy its memory stays.
 */
void wire_disinherit(struct wire *wire);
void wire_discard(struct wire *wire, bool was_busy);

#endif /* LOG_POSTGRES_INHERIT_H */
