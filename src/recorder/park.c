/* SPDX-License-Identifier: MIT */
#include "recorder/recorder.h"

/*
 * Parked recordings: their sessions are silent, and the writing thread does not look at them.
 *
 * The writing thread parks a recording when its session has been silent for park_ns. It puts the
 * recording among the parked, asks the store to notify the recorder of the next event, and looks
 * once more, as a subscription does before it sleeps: either that look sees an event, or the store
 * notifies the recorder of it. The kernel's barrier that this needs is made once for all recordings
 * that are parked in one round. Because a recording is among the parked before the store is asked,
 * a notification always finds it there.
 *
 * A notification, a writer that leaves, an invalidation, a flush, the closing and a renewal of
 * leases unpark a recording. The recorder's lock covers all of this but the questions to the store
 * and the barrier.
 */

void
recorder_unpark(struct reprise_recorder *recorder, struct recording *recording)
{
	if (!recording->is_parked)
		return;
	recording->is_parked = false;
	TAILQ_REMOVE(&recorder->parked, recording, link);
	/* With nothing to record, it is parked again after the next look. */
	TAILQ_INSERT_TAIL(&recorder->coming, recording, link);
	pthread_cond_signal(&recorder->has_work);
}

void
recorder_unpark_changed(struct reprise_recorder *recorder)
{
	struct recording *recording, *next;

	for (recording = TAILQ_FIRST(&recorder->parked); recording != NULL; recording = next) {
		next = TAILQ_NEXT(recording, link);
		if (port_has_more(recording->session, recording->taken, recording->has_ended))
			recorder_unpark(recorder, recording);
	}
}

void
recorder_unpark_all(struct reprise_recorder *recorder)
{
	struct recording *recording;

	while ((recording = TAILQ_FIRST(&recorder->parked)) != NULL)
		recorder_unpark(recorder, recording);
}

/*
 * Whether only an event, the end, or a call of the host's can give the writing thread anything to
 * do for it.
 */
static bool
is_settled(const struct recording *recording)
{
	return recording->session != NULL && !recording->has_heir && recording->has_writer &&
	       !recording->is_void && !recording->is_fenced && recording->retry_ns == 0 &&
	       recording->written == recording->taken;
}

/* Parks what has been silent for long enough; answers the first of them, linked by park_next. */
static struct recording *
park_silent(struct reprise_recorder *recorder, uint64_t now_ns)
{
	struct recording *recording, *next, *first = NULL;

	for (recording = TAILQ_FIRST(&recorder->attached); recording != NULL; recording = next) {
		next = TAILQ_NEXT(recording, link);
		if (now_ns < recording->park_due_ns || !is_settled(recording))
			continue;
		recording->is_parked = true;
		TAILQ_REMOVE(&recorder->attached, recording, link);
		TAILQ_INSERT_TAIL(&recorder->parked, recording, link);
		recording->park_next = first;
		first = recording;
	}
	return first;
}

/* The look after the barrier. Without a barrier, none of @parked can stay parked. */
static void
look_again(struct reprise_recorder *recorder, struct recording *parked, bool has_barrier)
{
	for (; parked != NULL; parked = parked->park_next)
		if (!has_barrier ||
		    port_has_more(parked->session, parked->taken, parked->has_ended))
			recorder_unpark(recorder, parked);
}

void
recorder_park(struct reprise_recorder *recorder, uint64_t now_ns)
{
	if (!recorder->can_park)
		return;
	pthread_mutex_lock(&recorder->lock);
	struct recording *const parked =
		recorder->is_closing ? NULL : park_silent(recorder, now_ns);

	pthread_mutex_unlock(&recorder->lock);
	if (parked == NULL)
		return;
	/* None of them is let go of meanwhile: only this thread does that. */
	for (struct recording *each = parked; each != NULL; each = each->park_next)
		port_wait(each->session);
	recorder->can_park = port_barrier(recorder->store);
	pthread_mutex_lock(&recorder->lock);
	look_again(recorder, parked, recorder->can_park);
	pthread_mutex_unlock(&recorder->lock);
}
