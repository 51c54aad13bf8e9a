/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_NEWEST_H
#define RECORDER_NEWEST_H

#include <reprise/log.h>

#include "store/backfill.h"

struct reprise_recorder;

/*
 * Gives the finished @page the newest position of the log, if the page has a gap to tell. Unknown
 * if the log cannot be asked now. The reading thread's; not under a lock.
 */
void newest_tell(struct reprise_recorder *recorder, const struct reprise_log_key *key,
		 const struct backfill_question *question, struct backfill_page *page);

#endif /* RECORDER_NEWEST_H */
