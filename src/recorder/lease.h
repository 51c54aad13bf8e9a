/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_LEASE_H
#define RECORDER_LEASE_H

/*
 * When leases are renewed (log/lease.h says what a lease is). Each write of a session renews its
 * lease. Three times within a lease's length there is a round that renews the leases of all silent
 * sessions together. The writing thread's.
 */

#include <stdbool.h>
#include <stdint.h>

struct reprise_recorder;

/*
 * A round begins at @now_ns: decides which leases it renews. Answers whether it is to look
 * at every session.
 */
bool lease_begin_round(struct reprise_recorder *recorder, uint64_t now_ns);

/* The round's batch is settled; with @is_full there was more than went into it. */
void lease_end_round(struct reprise_recorder *recorder, bool is_full);

/* Under the recorder's lock: when the next renewal is due; UINT64_MAX: never. */
uint64_t lease_due_ns(const struct reprise_recorder *recorder);

#endif /* RECORDER_LEASE_H */
