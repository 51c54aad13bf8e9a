/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "recorder/recorder.h"

/* A transaction of the batch, and what it answered. The writing thread's. */

#define PATIENCE_NS UINT64_C(100000000)

/* The transaction of those writes has failed by itself. */
static void
keep_words(struct reprise_recorder *recorder, size_t first, size_t end,
	   const struct reprise_error *error)
{
	pthread_mutex_lock(&recorder->lock);
	recording_keep_words(recorder->batch.marks[first].recording, error->status, error);
	pthread_mutex_unlock(&recorder->lock);
	for (size_t i = first; i < end; i++)
		recorder->batch.marks[i].has_words = true;
}

void
recorder_note_transaction(struct reprise_recorder *recorder, reprise_status status,
			  const struct reprise_error *error)
{
	if (status != REPRISE_OK)
		recorder_note_failure(recorder, status, error);
	else
		recorder->stats.last = REPRISE_OK;
}

/* The end of about @some writes from @first on, with all of the last one's session. */
static size_t
end_of(const struct log_write *writes, size_t first, size_t some, size_t count)
{
	size_t end = first + some < count ? first + some : count;

	while (end < count && strcmp(writes[end].thread, writes[end - 1].thread) == 0)
		end++;
	return end;
}

/*
 * How long sessions that other connections hold delay the rest: long enough for a transaction of
 * another runtime, but hardly at all for a session that was held already when it was tried last.
 */
static uint64_t
patience_of(const struct reprise_recorder *recorder, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (recorder->batch.marks[i].was_held)
			return PATIENCE_NS / 10;
	return PATIENCE_NS;
}

reprise_status
recorder_write(struct reprise_recorder *recorder, enum log_level level, size_t count,
	       struct reprise_error *error)
{
	struct log_write *const writes = recorder->batch.writes;
	size_t some = count, end;

	for (size_t first = 0; first < count;) {
		end = end_of(writes, first, some, count);
		const reprise_status status =
			log_write(recorder->writing, level, patience_of(recorder, first, end),
				  recorder->tenant, writes + first, end - first, error);

		if (status != REPRISE_OK && status != REPRISE_E_CORRUPT) {
			/* The parts before were committed, and the answer is one for all. */
			for (size_t i = 0; i < first; i++)
				writes[i].is_uncertain = true;
			return status;
		}
		if (status == REPRISE_E_CORRUPT && some > 1) {
			some = (some + 1) / 2;
			continue;
		}
		if (status == REPRISE_E_CORRUPT)
			keep_words(recorder, first, end, error);
		first = end;
		some *= 2;
	}
	return REPRISE_OK;
}
