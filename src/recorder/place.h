/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_PLACE_H
#define RECORDER_PLACE_H

#include "store/backfill.h"

struct reprise_recorder;

/* Whether @question asks where to stand, rather than for the events after a place in a life. */
bool place_is_asked(const struct backfill_question *question);

/*
 * Answers the question in the empty @page. False if the subscription waits for a life, or the log
 * cannot be read. The reading thread's; not under a lock.
 */
bool place_tell(struct reprise_recorder *recorder, struct backfill *backfill,
		const struct backfill_question *question, struct backfill_page *page);

#endif /* RECORDER_PLACE_H */
