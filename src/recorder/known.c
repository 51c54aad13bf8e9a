/* SPDX-License-Identifier: MIT */
/*
 * A log that has gone back, as known.h describes it. The reading thread finds the sign, and decides
 * for a subscription without a window. The writing thread alone declares a window void: the reading
 * thread has that thread look.
 */
#include "recorder/known.h"

#include "base/numbers.h"
#include "recorder/recorder.h"

reprise_position
known_before(struct reprise_recorder *recorder, const struct backfill *backfill,
	     const struct backfill_question *question)
{
	if (!question->is_bound)
		return question->recorded;
	pthread_mutex_lock(&recorder->lock);
	const struct recording *const recording =
		recorder_find(recorder, backfill->session_id, &question->incarnation);
	const reprise_position written = recording != NULL ? recording->written : 0;

	pthread_mutex_unlock(&recorder->lock);
	return written;
}

/* Under the lock: the writing thread looks at the life, also if there is nothing to write. */
static void
look_soon(struct reprise_recorder *recorder, struct recording *recording)
{
	recording->is_doubted = true;
	recorder_unpark(recorder, recording);
	recorder_hurry(recorder);
}

/* All of the window was recorded, and the writing thread looks at it no more: it does again. */
static void
attach_again(struct reprise_recorder *recorder, const char *id,
	     const struct reprise_incarnation *incarnation)
{
	struct reprise_session *const session = port_find(recorder->store, id, incarnation);

	if (session == NULL)
		return;
	pthread_mutex_lock(&recorder->lock);
	struct recording *const recording = session->recording;
	const bool was_attached = recording->is_attached;

	if (!was_attached) {
		recording->session = session;
		recorder_come(recorder, recording);
		look_soon(recorder, recording);
	}
	pthread_mutex_unlock(&recorder->lock);
	if (!was_attached)
		return;
	/* Another thread was faster. The recording may be parked, and is notified no more. */
	port_let_go(session);
	pthread_mutex_lock(&recorder->lock);
	recorder_unpark_all(recorder);
	pthread_mutex_unlock(&recorder->lock);
}

/* False if the life has no window, or no more. */
static bool
doubt(struct reprise_recorder *recorder, const char *id,
      const struct reprise_incarnation *incarnation)
{
	if (!port_has(recorder->store, id, incarnation))
		return false;
	pthread_mutex_lock(&recorder->lock);
	struct recording *const recording = recorder_find(recorder, id, incarnation);
	const bool is_done = recording == NULL || recording->is_fenced || recording->is_void;
	const bool is_attached = !is_done && recording->is_attached;

	if (is_attached)
		look_soon(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
	if (!is_done && !is_attached)
		attach_again(recorder, id, incarnation);
	return true;
}

enum known
known_compare(struct reprise_recorder *recorder, struct backfill *backfill,
	      const struct backfill_question *question, reprise_position recorded,
	      const struct reprise_life *life)
{
	struct backfill_known *const known = &backfill->known;

	if (recorded > life->end) {
		const bool has_window =
			doubt(recorder, backfill->session_id, &question->incarnation);

		if (question->is_bound)
			return KNOWN_WHOLE;
		return has_window ? KNOWN_SOON : KNOWN_LESS;
	}
	if (!known_is_same(&known->incarnation, &question->incarnation))
		*known = (struct backfill_known){ .incarnation = question->incarnation };
	known->through = greatest(known->through, life->end);
	return KNOWN_WHOLE;
}

reprise_position
known_end_of(struct reprise_recorder *recorder, const struct log_write *write,
	     const struct recording *recording)
{
	const struct reprise_log_key key = { recorder->tenant, recording->id };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_life life = write->life;

	if (!known_is_same(&life.incarnation, &recording->incarnation) &&
	    log_find_life(recorder->writing, &key, &recording->incarnation, &life, &stats, NULL) !=
		    REPRISE_OK)
		return PORT_HAS_ALL;
	return life.number != 0 && life.end < recording->written ? life.end : PORT_HAS_ALL;
}
