/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_BRIDGE_H
#define RECORDER_BRIDGE_H

#include "store/backfill.h"

struct reprise_recorder;

/*
 * Whether a COMMIT leads from the cursor of @question to the host's durable state, if the
 * subscription is judged by a durable state. False if the answer cannot be known now. The reading
 * thread's; not under a lock.
 */
bool bridge_find(struct reprise_recorder *recorder, struct backfill *backfill,
		 const struct backfill_question *question, bool *ret_has);

#endif /* RECORDER_BRIDGE_H */
