/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_HEAL_QUEUE_H
#define RECORDER_HEAL_QUEUE_H

#include "recorder/recorder.h"

/*
 * Where a backfill stands that has asked: in the queue, parked until a time, or waiting for a
 * change. Under the healing lock.
 */

/* Puts it at the queue's end, and wakes the reading thread. */
void heal_queue_put(struct healing *healing, struct backfill *backfill);

/* Takes it out of the list that it is in, if any. */
void heal_queue_remove(struct healing *healing, struct backfill *backfill);

/* Parks it until @retry_ns. */
void heal_queue_park(struct healing *healing, struct backfill *backfill, uint64_t retry_ns);

/* Puts it at the end of the list of those that wait for a change. */
void heal_queue_wait(struct healing *healing, struct backfill *backfill);

/* Puts those back whose time has come; answers when the next one's comes, or UINT64_MAX. */
uint64_t heal_queue_unpark(struct healing *healing);

/* Puts those of @list back that belong to the session with this hash. */
void heal_queue_stir(struct healing *healing, struct backfills *list, uint64_t hash);

#endif /* RECORDER_HEAL_QUEUE_H */
