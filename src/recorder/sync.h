/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_SYNC_H
#define RECORDER_SYNC_H

#include <stdbool.h>

struct reprise_recorder;

/*
 * The sync that a flush waits for, in a recorder whose batches are only written: one synced commit
 * of any session brings all that was written before to the disk. The writing thread's; the first
 * two under the lock.
 *
 * sync_gather       Puts a write of a session whose writes are not synced into the batch,
 *                   which is empty.
 * sync_is_possible  Whether there is such a session that the log has not refused lately.
 * sync_end_round    Without one, answers the flush: with the refusal of a session that was refused;
 *                   else, since the sessions are another runtime's, with success. That runtime's
 *                   lives are synced, and what was written before them with them.
 */
void sync_gather(struct reprise_recorder *recorder);
bool sync_is_possible(const struct reprise_recorder *recorder);
void sync_end_round(struct reprise_recorder *recorder);

#endif /* RECORDER_SYNC_H */
