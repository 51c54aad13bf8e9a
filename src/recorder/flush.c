/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "recorder/recorder.h"

/*
 * Waiting until events are recorded. Each flush has a target of its own, taken when it is called,
 * and the target is compared with numbers that only rise: the position of a session's newest event,
 * or for all sessions the number of the first pass that begins after the call. So no flush takes
 * another's answer for its own, and events that are appended later delay none.
 */

struct target {
	reprise_durability durability;
	struct recording *recording; /* NULL: every session's */
	reprise_position position;   /* of the session */
	uint64_t attempt;            /* the session's last that had begun at the call */
	uint64_t pass;               /* the first after the call */
	uint64_t fenced;             /* sessions, at the call */
};

/* Under the lock: whether all of one session has come so far, or never will. */
static bool
has_session_come(const struct target *target, reprise_status *ret_status)
{
	const struct recording *const recording = target->recording;

	/* A window goes when all of it is recorded, or when it is fenced. */
	if (recorder_through(recording, target->durability) >= target->position ||
	    (recording->is_forgotten && !recording->is_fenced))
		*ret_status = REPRISE_OK;
	else if (recording->is_fenced)
		*ret_status = REPRISE_E_CLOSED;
	else if (recording->refused > target->attempt && recording_is_stuck(recording) &&
		 recording->stuck != REPRISE_E_TIMEOUT)
		*ret_status = recording->stuck;
	else
		return false;
	return true;
}

/*
 * Under the lock: whether the pass is over. It does not wait for sessions that are refused or
 * fenced, but says so.
 */
static bool
has_pass_come(const struct reprise_recorder *recorder, const struct target *target,
	      reprise_status *ret_status)
{
	const struct passes *const passes = &recorder->passes;

	if (passes->done[target->durability] < target->pass)
		return false;
	*ret_status = recorder->stats.fenced > target->fenced ? REPRISE_E_CLOSED
		      : passes->refused >= target->pass       ? passes->refusal
							      : REPRISE_OK;
	return true;
}

static bool
has_come(const struct reprise_recorder *recorder, const struct target *target,
	 reprise_status *ret_status)
{
	return target->recording != NULL ? has_session_come(target, ret_status)
					 : has_pass_come(recorder, target, ret_status);
}

/*
 * Takes the lock, and the target of that session as of now. A window that goes meanwhile is looked
 * for again, until the deadline.
 */
static reprise_status
aim_at_session(struct reprise_recorder *recorder, const char *session_id, uint64_t deadline_ns,
	       struct target *target)
{
	struct reprise_session_stats stats;

	do {
		const reprise_status status = recorder_window(recorder, session_id, &stats);

		if (status != REPRISE_OK)
			return status;
		pthread_mutex_lock(&recorder->lock);
		target->recording = recorder_find(recorder, session_id, &stats.incarnation);
		if (target->recording != NULL) {
			target->position = stats.newest;
			target->attempt = target->recording->attempt;
			return REPRISE_OK;
		}
		pthread_mutex_unlock(&recorder->lock);
	} while (clock_ns() < deadline_ns);
	return REPRISE_E_TIMEOUT;
}

/* Under the lock: the writing thread is to reach the target soon. */
static void
ask(struct reprise_recorder *recorder, struct target *target)
{
	struct passes *const passes = &recorder->passes;

	target->fenced = recorder->stats.fenced;
	if (target->recording != NULL) {
		target->recording->waiters++;
		target->recording->is_wanted = true;
		recorder_unpark(recorder, target->recording);
	} else {
		target->pass = passes->begun + 1;
		passes->asked = target->pass;
	}
	recorder->sync_waiters += target->durability == REPRISE_SYNCED;
	recorder_hurry(recorder);
}

/* Under the lock. */
static void
ask_no_more(struct reprise_recorder *recorder, const struct target *target)
{
	struct recording *const recording = target->recording;

	recorder->sync_waiters -= target->durability == REPRISE_SYNCED;
	if (recording != NULL && --recording->waiters == 0 && recording->is_forgotten)
		recording_free(recording);
}

/* A waiter, with the lock held, whose thread may be cancelled in its sleep. */
struct waiter {
	struct reprise_recorder *recorder;
	const struct target *target;
};

static void
stop_waiting(void *argument)
{
	const struct waiter *const waiter = argument;

	ask_no_more(waiter->recorder, waiter->target);
	pthread_mutex_unlock(&waiter->recorder->lock);
}

/* Under the lock, which it gives up while it sleeps. */
static reprise_status
await_target(struct reprise_recorder *recorder, const struct target *target, uint64_t deadline_ns)
{
	reprise_status status = REPRISE_OK;
	bool is_time_left = true;

	while (!has_come(recorder, target, &status)) {
		if (!is_time_left)
			return REPRISE_E_TIMEOUT;
		is_time_left = recorder_sleep(&recorder->has_news, &recorder->lock, deadline_ns);
	}
	return status;
}

/* Under the lock, which it gives back. A cancellation point. */
static reprise_status
wait_for(struct reprise_recorder *recorder, struct target *target, uint64_t deadline_ns)
{
	struct waiter waiter = { recorder, target };
	reprise_status status;

	ask(recorder, target);
	pthread_cleanup_push(stop_waiting, &waiter);
	status = await_target(recorder, target, deadline_ns);
	pthread_cleanup_pop(1);
	return status;
}

reprise_status
reprise_recorder_flush(struct reprise_recorder *recorder, const char *session_id,
		       reprise_durability durability, uint64_t timeout_ns)
{
	struct target target = { .durability = durability };
	reprise_status status = REPRISE_OK;

	if (recorder == NULL || !recorder_is_durability(durability))
		return REPRISE_E_INVALID;
	if (!store_is_here(recorder->store))
		return REPRISE_E_FORKED;
	const uint64_t deadline = deadline_after(clock_ns(), timeout_ns);

	if (session_id != NULL)
		status = aim_at_session(recorder, session_id, deadline, &target);
	else
		pthread_mutex_lock(&recorder->lock);
	if (status != REPRISE_OK)
		return status;
	/* A recorder that only reads has nothing to record. */
	if (recorder->options.reads_only != 0) {
		pthread_mutex_unlock(&recorder->lock);
		return REPRISE_OK;
	}
	if (target.recording == NULL || !has_come(recorder, &target, &status))
		return wait_for(recorder, &target, deadline);
	pthread_mutex_unlock(&recorder->lock);
	return status;
}
