/* SPDX-License-Identifier: MIT */
#include "recorder/newest.h"

#include "log/write.h"
#include "recorder/recorder.h"

void
newest_tell(struct reprise_recorder *recorder, const struct reprise_log_key *key,
	    const struct backfill_question *question, struct backfill_page *page)
{
	const enum backfill_tail tail = page->tail;
	struct reprise_error error = { .size = sizeof(error) };
	struct log_newest found = { 0 };

	if (question->is_bound || (tail != TAIL_GAP && tail != TAIL_LIFE && tail != TAIL_REFUSED &&
				   (tail != TAIL_ENDED || !question->is_continuous)))
		return;
	if (log_find_newest(recorder->reading, key, &found, &error) != REPRISE_OK)
		return;
	page->newest = (struct backfill_newest){ .is_known = true,
						 .incarnation = found.incarnation,
						 .position = found.position,
						 .revision = found.revision,
						 .has_revision = found.has_revision };
}
