/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

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

/* What is waited for. */
struct target {
	struct recording *recording; /* NULL: every session's */
	reprise_position position;
	reprise_durability durability;
	uint64_t looks, fenced; /* as of the beginning */
};

/* Under the lock: whether it has come, or never will. */
static bool
has_come(const struct reprise_recorder *recorder, const struct target *target,
	 reprise_status *ret_status)
{
	const struct recording *const recording = target->recording;
	const bool is_fenced =
		recording != NULL ? recording->is_fenced : recorder->stats.fenced > target->fenced;

	if (is_fenced) {
		*ret_status = REPRISE_E_CLOSED;
		return true;
	}
	/* A window goes when all of it is recorded. */
	if (recording != NULL)
		return recording->is_forgotten ||
		       through(recording, target->durability) >= target->position;
	/* All that was appended before the call: a round that began since has seen all of it. */
	return recorder->complete > target->looks &&
	       (target->durability != REPRISE_SYNCED || !recorder->wants_sync);
}

/* The session's, as of now, locked; a window that goes while it is looked for is looked for again. */
static reprise_status
aim(struct reprise_recorder *recorder, const char *session_id, struct target *target)
{
	struct reprise_session_stats stats;

	for (;;) {
		const reprise_status status = find(recorder, session_id, &stats);

		if (status != REPRISE_OK)
			return status;
		pthread_mutex_lock(&recorder->lock);
		target->recording = recorder_find(recorder, session_id, &stats.incarnation);
		target->position = stats.newest;
		if (target->recording != NULL)
			return REPRISE_OK;
		pthread_mutex_unlock(&recorder->lock);
	}
}

/* Under the lock, which it gives up while it sleeps. */
static reprise_status
wait_for(struct reprise_recorder *recorder, const struct target *target, uint64_t deadline_ns)
{
	reprise_status status = REPRISE_OK;

	recorder->wants_sync = recorder->wants_sync || target->durability == REPRISE_SYNCED;
	while (!has_come(recorder, target, &status)) {
		recorder_hurry(recorder);
		if (!recorder_sleep(&recorder->has_news, &recorder->lock, deadline_ns))
			return has_come(recorder, target, &status) ? status : REPRISE_E_TIMEOUT;
	}
	return status;
}

reprise_status
reprise_recorder_flush(struct reprise_recorder *recorder, const char *session_id,
		       reprise_durability durability, uint64_t timeout_ns)
{
	struct target target = { .durability = durability };
	reprise_status status = REPRISE_OK;

	if (recorder == NULL || !is_durability(durability))
		return REPRISE_E_INVALID;
	if (!store_is_here(recorder->store))
		return REPRISE_E_FORKED;
	const uint64_t deadline = deadline_after(clock_ns(), timeout_ns);

	if (session_id != NULL)
		status = aim(recorder, session_id, &target);
	else
		pthread_mutex_lock(&recorder->lock);
	if (status != REPRISE_OK)
		return status;
	target.looks = recorder->looks;
	target.fenced = recorder->stats.fenced;
	if (target.recording != NULL)
		target.recording->waiters++;
	status = wait_for(recorder, &target, deadline);
	if (target.recording != NULL && --target.recording->waiters == 0 &&
	    target.recording->is_forgotten)
		free(target.recording);
	pthread_mutex_unlock(&recorder->lock);
	return status;
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
