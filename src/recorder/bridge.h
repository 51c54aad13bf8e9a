/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_BRIDGE_H
#define RECORDER_BRIDGE_H

#include "store/backfill.h"

struct reprise_recorder;

enum bridge {
	BRIDGE_FOUND,   /* or none is needed: no durable state judges the subscription */
	BRIDGE_ABSENT,  /* the subscription is behind the durable state */
	BRIDGE_UNKNOWN, /* the log cannot be read now */
};

/*
 * Whether a COMMIT leads from the cursor of @question to the host's durable state. The reading
 * thread's; not under a lock.
 */
enum bridge bridge_find(struct reprise_recorder *recorder, struct backfill *backfill,
			const struct backfill_question *question);

#endif /* RECORDER_BRIDGE_H */
