/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "recorder/recorder.h"

/* How far a session has come, and the statistics. */

bool
recorder_is_durability(reprise_durability durability)
{
	return durability == REPRISE_ENQUEUED || durability == REPRISE_WRITTEN ||
	       durability == REPRISE_SYNCED;
}

uint64_t
recorder_through(const struct recording *recording, reprise_durability durability)
{
	return durability == REPRISE_ENQUEUED ? recording->enqueued
	       : durability == REPRISE_SYNCED ? recording->synced
					      : recording->written;
}

reprise_status
recorder_window(struct reprise_recorder *recorder, const char *session_id,
		struct reprise_session_stats *stats)
{
	*stats = (struct reprise_session_stats){ .size = sizeof(*stats) };
	return reprise_session_stats(recorder->store, session_id, stats);
}

reprise_status
reprise_recorder_recorded_through(struct reprise_recorder *recorder, const char *session_id,
				  reprise_durability durability, reprise_position *ret_position)
{
	struct reprise_session_stats stats;

	if (recorder == NULL || ret_position == NULL || !recorder_is_durability(durability))
		return REPRISE_E_INVALID;
	reprise_status status = recorder_window(recorder, session_id, &stats);
	if (status != REPRISE_OK)
		return status;

	pthread_mutex_lock(&recorder->lock);
	const struct recording *const recording =
		recorder_find(recorder, session_id, &stats.incarnation);

	if (recording != NULL)
		*ret_position = recorder_through(recording, durability);
	else
		status = REPRISE_E_NOT_FOUND;
	pthread_mutex_unlock(&recorder->lock);
	return status;
}

/* Events appended and not recorded, of attached recordings, which are held. Under the lock. */
static void
measure_lag(struct reprise_recorder *recorder, struct reprise_recorder_stats *stats)
{
	const struct recording *recording;
	const uint64_t now = clock_ns();

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(recording, &recorder->buckets[i], same)
			if (recording->is_attached && recording->session != NULL) {
				stats->sessions++;
				stats->lag += port_newest(recording->session) - recording->written;
				recorder_count_stuck(recording, stats);
			}
	if (stats->stuck != 0)
		stats->stuck_ns = now - stats->stuck_ns;
	if (stats->lag != 0 && recorder->oldest_ns < now)
		stats->lag_ns = now - recorder->oldest_ns;
}

reprise_status
reprise_recorder_stats(struct reprise_recorder *recorder, struct reprise_recorder_stats *ret_stats)
{
	if (recorder == NULL || ret_stats == NULL)
		return REPRISE_E_INVALID;
	if (!store_is_here(recorder->store))
		return REPRISE_E_FORKED;
	pthread_mutex_lock(&recorder->lock);
	struct reprise_recorder_stats stats = recorder->stats;

	measure_lag(recorder, &stats);
	pthread_mutex_unlock(&recorder->lock);
	pthread_mutex_lock(&recorder->healing.lock);
	stats.pages = recorder->healing.pages;
	pthread_mutex_unlock(&recorder->healing.lock);
	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_recorder_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
