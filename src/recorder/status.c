/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "recorder/recorder.h"

/* How far a session has come, and waiting for it. */

static bool
is_durability(reprise_durability durability)
{
	return durability == REPRISE_ENQUEUED || durability == REPRISE_WRITTEN ||
	       durability == REPRISE_SYNCED;
}

/* Under the lock. */
static uint64_t
through(const struct recording *recording, reprise_durability durability)
{
	return durability == REPRISE_ENQUEUED ? recording->enqueued
	       : durability == REPRISE_SYNCED ? recording->synced
					      : recording->written;
}

/* The window of that session, as of now. */
static reprise_status
find(struct reprise_recorder *recorder, const char *session_id, struct reprise_session_stats *stats)
{
	*stats = (struct reprise_session_stats){ .size = sizeof(*stats) };
	return reprise_session_stats(recorder->store, session_id, stats);
}

reprise_status
reprise_recorded_through(struct reprise_recorder *recorder, const char *session_id,
			 reprise_durability durability, reprise_position *ret_position)
{
	struct reprise_session_stats stats;

	if (recorder == NULL || ret_position == NULL || !is_durability(durability))
		return REPRISE_E_INVALID;
	reprise_status status = find(recorder, session_id, &stats);
	if (status != REPRISE_OK)
		return status;

	pthread_mutex_lock(&recorder->lock);
	const struct recording *const recording =
		recorder_find(recorder, session_id, &stats.incarnation);

	if (recording != NULL)
		*ret_position = through(recording, durability);
	else
		status = REPRISE_E_NOT_FOUND;
	pthread_mutex_unlock(&recorder->lock);
	return status;
}

/* One session has come so far, or never will. Under the lock. */
static bool
has_come(struct reprise_recorder *recorder, const char *session_id,
	 const struct reprise_session_stats *target, reprise_durability durability,
	 reprise_status *ret_status)
{
	const struct recording *const recording =
		recorder_find(recorder, session_id, &target->incarnation);

	/* Without one, its window has gone, which waits for all of it to be recorded. */
	if (recording != NULL && recording->is_fenced) {
		*ret_status = REPRISE_E_CLOSED;
		return true;
	}
	return recording == NULL || through(recording, durability) >= target->newest;
}

/* All that was appended before the call: a round that began since has seen all of it. Under the lock. */
static bool
have_all_come(const struct reprise_recorder *recorder, uint64_t looks,
	      reprise_durability durability)
{
	return recorder->complete > looks &&
	       (durability != REPRISE_SYNCED || !recorder->wants_sync);
}

reprise_status
reprise_recorder_flush(struct reprise_recorder *recorder, const char *session_id,
		       reprise_durability durability, uint64_t timeout_ns)
{
	struct reprise_session_stats target;
	reprise_status status = REPRISE_OK;
	bool is_time_left = true, is_done = false;

	if (recorder == NULL || !is_durability(durability))
		return REPRISE_E_INVALID;
	if (!store_is_here(recorder->store))
		return REPRISE_E_FORKED;
	if (session_id != NULL)
		status = find(recorder, session_id, &target);
	if (status != REPRISE_OK)
		return status;
	const uint64_t deadline = deadline_after(clock_ns(), timeout_ns);

	pthread_mutex_lock(&recorder->lock);
	const uint64_t looks = recorder->looks;

	recorder->wants_sync = recorder->wants_sync || durability == REPRISE_SYNCED;
	while (!is_done) {
		is_done = session_id != NULL
				  ? has_come(recorder, session_id, &target, durability, &status)
				  : have_all_come(recorder, looks, durability);
		if (is_done || !is_time_left)
			break;
		recorder_hurry(recorder);
		is_time_left = recorder_sleep(&recorder->has_news, &recorder->lock, deadline);
	}
	pthread_mutex_unlock(&recorder->lock);
	return is_done ? status : REPRISE_E_TIMEOUT;
}

/* What is appended and not recorded, of those that are attached: they are held. Under the lock. */
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
	}
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
	return sized_write(ret_stats, &stats, sizeof(stats), sizeof(stats)) ? REPRISE_OK
									    : REPRISE_E_INVALID;
}
