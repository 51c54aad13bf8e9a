/* SPDX-License-Identifier: MIT */
#include "recorder/sync.h"

#include "recorder/recorder.h"

/*
 * The first whose writes are not synced: of those that the log has refused lately, or
 * of the others.
 */
static struct recording *
find_unsynced(const struct recordings *recordings, bool is_refused)
{
	struct recording *recording;

	TAILQ_FOREACH(recording, recordings, link)
		if (recording->session != NULL && is_refused == (recording->retry_ns != 0) &&
		    recording->synced < recording->written)
			return recording;
	return NULL;
}

void
sync_gather(struct reprise_recorder *recorder)
{
	struct recording *recording = find_unsynced(&recorder->attached, false);

	if (recording == NULL) {
		recording = find_unsynced(&recorder->parked, false);
		if (recording == NULL)
			return;
		/* Recordings in a batch are attached. */
		recorder_unpark(recorder, recording);
		TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	}
	batch_put_sync(&recorder->batch, recording);
}

bool
sync_is_possible(const struct reprise_recorder *recorder)
{
	return find_unsynced(&recorder->attached, false) != NULL ||
	       find_unsynced(&recorder->parked, false) != NULL;
}

/*
 * Whether this recorder has written anything that is not synced, to a session that is
 * still its own.
 */
static bool
has_own_unsynced(const struct reprise_recorder *recorder)
{
	const struct recording *recording;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(recording, &recorder->buckets[i], same)
			if (!recording->is_fenced && recording->synced < recording->written)
				return true;
	return false;
}

/* Under the lock. */
static void
answer(struct reprise_recorder *recorder)
{
	struct passes *const passes = &recorder->passes;
	const struct recording *const refused = find_unsynced(&recorder->attached, true);

	if (refused == NULL && has_own_unsynced(recorder))
		return;
	if (refused != NULL && passes->done[REPRISE_SYNCED] < passes->done[REPRISE_WRITTEN]) {
		passes->refused = passes->done[REPRISE_WRITTEN];
		passes->refusal = refused->stuck;
	}
	recorder->has_unsynced = refused != NULL;
	passes->done[REPRISE_SYNCED] = passes->done[REPRISE_WRITTEN];
	pthread_cond_broadcast(&recorder->has_news);
}

void
sync_end_round(struct reprise_recorder *recorder)
{
	pthread_mutex_lock(&recorder->lock);
	/* Recordings that are coming are looked at in the next round. */
	if (recorder->has_unsynced && TAILQ_EMPTY(&recorder->coming) && !sync_is_possible(recorder))
		answer(recorder);
	pthread_mutex_unlock(&recorder->lock);
}
