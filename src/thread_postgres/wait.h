/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_WAIT_H
#define THREAD_POSTGRES_WAIT_H

#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <reprise/base.h>

/*
 * Waits for poll's @events of the connection. E_TIMEOUT at @due_ns of CLOCK_MONOTONIC. libpq does
 * not tell how much it moves, so the kernel is asked. On REPRISE_OK *ret_left is how many bytes, at
 * least, there is room for now if there was none, and *ret_come how many have come.
 */
reprise_status wait_for(const PGconn *connection, short events, uint64_t due_ns, size_t *ret_left,
			size_t *ret_come);

#endif /* THREAD_POSTGRES_WAIT_H */
