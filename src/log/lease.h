/* SPDX-License-Identifier: MIT */
#ifndef LOG_LEASE_H
#define LOG_LEASE_H

/*
 * A lease on the last life of a key: until it ends, no other life begins (contract L30). The lease
 * is kept in the head: how long it is, and when it ends on the log's clock. Every write of the life
 * sets the lease anew, as LOG_RENEW does.
 *
 * A lease is a courtesy between runtimes, and no lock. Two runtimes never both record a session,
 * since each write names its life, and only the last life is recorded. So a clock that is set back
 * or forward ends a lease too early or too late, and never costs an event.
 */

#include "log/target.h"

/*
 * How long the lease of the last life lasts after head->read_ns; 0: there is none, or it has ended.
 */
uint64_t lease_left(const struct log_head *head);

/* After a write to @target that was not refused: the lease is as the write wants it. */
void lease_follow(struct target *target, const struct log_write *write);

#endif /* LOG_LEASE_H */
