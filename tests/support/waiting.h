/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_WAITING_H
#define SUPPORT_WAITING_H

/*
 * Hosts that wait at the end of sessions that another runtime records into the same log (rule Q06).
 */

#include <reprise/recorder.h>

/*
 * Asserts rule Q06 of @hosts_count hosts that wait at the ends of the sessions: what they cost
 * the reading runtime in 250 ms, and that all hosts of a session see an event within 20 ms.
 * Closes both logs.
 */
void waiting_expect(struct reprise_log *to_write, struct reprise_log *to_read, size_t hosts_count,
		    uint64_t idle_ns_max);

#endif /* SUPPORT_WAITING_H */
