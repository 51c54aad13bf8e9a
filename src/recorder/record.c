/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/recorder.h"
#include "recorder/request.h"
#include "recorder/sync.h"

/*
 * The writing thread. In each round it does the requests of hosts' threads, copies new events out
 * of the rings, and commits the copies. A batch that fails stays as it is until it is committed;
 * meanwhile the rings go on.
 *
 * A flush of every session waits for a pass: a number of rounds in which the thread records
 * whatever had been appended when the pass began. Rounds take sessions in turn, so that a session
 * that never falls silent delays no other.
 */

enum {
	/* Rounds without a look at a quiet session, where no session can be parked. */
	SKIP_MAX = 16,
};

#define LOOK_NS UINT64_C(2000000) /* between two looks whether much has come, within a linger */

/* The facts of a round. */
struct round {
	bool is_urgent; /* looks at every session */
	bool is_full;   /* there was more than went into the batch */
	bool is_synced; /* a flush waits for that */
	bool ends_pass; /* with this batch, all of the pass is recorded */
	uint64_t begin_ns;
	/* The time of the oldest event's append, on CLOCK_MONOTONIC; or UINT64_MAX. */
	uint64_t oldest_ns;
};

/* Whether @recording is looked at in this round: one that was quiet for long less often. */
static bool
is_due(struct reprise_recorder *recorder, struct recording *recording, const struct round *round)
{
	if (recording->retry_ns > round->begin_ns) {
		pthread_mutex_lock(&recorder->lock);
		const bool is_wanted = recording->is_wanted;

		pthread_mutex_unlock(&recorder->lock);
		return is_wanted;
	}
	if (!round->is_urgent && recording->skip > 0) {
		recording->skip--;
		return false;
	}
	return true;
}

/*
 * A session that was refused has nothing to write any more: it was refused a sync, or a lease that
 * another write renewed.
 */
static void
forget_refusal(struct reprise_recorder *recorder, struct recording *recording)
{
	pthread_mutex_lock(&recorder->lock);
	if (recording->retry_ns != 0) {
		recording->retry_ns = 0;
		recording->attempts = 0;
		recording->is_wanted = false;
		recording_forget_stuck(recording);
	}
	pthread_mutex_unlock(&recorder->lock);
}

/* Copies what there is of one session; false if that is for the next batch. */
static bool
look_at(struct reprise_recorder *recorder, struct recording *recording, struct round *round)
{
	struct batch *const batch = &recorder->batch;
	const uint64_t writes = batch->writes_count;
	const uint64_t events = batch->entries_count;
	const enum gathered gathered = batch_gather(batch, recorder, recording);

	const bool has_put = batch->writes_count > writes;
	const bool is_renewal = has_put && batch->writes[batch->writes_count - 1].type == LOG_RENEW;

	round->is_full = gathered != GATHERED_ALL;
	if (!has_put && !round->is_full)
		forget_refusal(recorder, recording);
	recording->quiet = has_put || round->is_full ? 0 : recording->quiet + 1;
	if (recording->quiet == 0 && !is_renewal)
		recording->park_due_ns = deadline_after(round->begin_ns, recorder->park_ns);
	recording->skip = recorder->can_park ? 0 : least(recording->quiet / 4, SKIP_MAX);
	if (batch->entries_count > events) {
		const uint64_t time = batch->entries[events].time_ns;

		round->oldest_ns = least(round->oldest_ns, wall_monotonic(&batch->wall, time));
	}
	return gathered != GATHERED_NOTHING;
}

/* Whether every event of the pass was copied, but those of refused sessions. */
static bool
has_copied_pass(const struct reprise_recorder *recorder)
{
	const struct recording *recording;

	TAILQ_FOREACH(recording, &recorder->attached, link)
		if (recording->retry_ns == 0 && recording->taken < recording->goal)
			return false;
	return true;
}

/* The batch is what it will be. */
static void
be_gathered(struct reprise_recorder *recorder, struct round *round)
{
	struct batch *const batch = &recorder->batch;
	struct passes *const passes = &recorder->passes;

	pthread_mutex_lock(&recorder->lock);
	round->is_synced = recorder->sync_waiters != 0;
	if (round->is_synced && recorder->has_unsynced && batch->writes_count == 0)
		sync_gather(recorder);
	for (uint64_t i = 0; i < batch->writes_count; i++)
		batch->marks[i].recording->enqueued = batch->marks[i].recording->taken;
	recorder->oldest_ns = round->oldest_ns;
	round->ends_pass =
		passes->done[REPRISE_ENQUEUED] < passes->begun && has_copied_pass(recorder);
	if (round->ends_pass)
		passes->done[REPRISE_ENQUEUED] = passes->begun;
	if (batch->writes_count > 0 || round->ends_pass)
		pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}

/*
 * Copies what there is, session by session; the next round begins with those that had no turn
 * in this one.
 */
static void
gather(struct reprise_recorder *recorder, struct round *round)
{
	struct recording *recording = TAILQ_FIRST(&recorder->attached), *next;
	struct recordings later = TAILQ_HEAD_INITIALIZER(later);

	for (; recording != NULL && !round->is_full; recording = next) {
		next = TAILQ_NEXT(recording, link);
		const bool has_turn = !is_due(recorder, recording, round) ||
				      look_at(recorder, recording, round) ||
				      recorder->batch.writes_count == 0;

		if (has_turn) {
			TAILQ_REMOVE(&recorder->attached, recording, link);
			TAILQ_INSERT_TAIL(&later, recording, link);
		}
	}
	TAILQ_CONCAT(&recorder->attached, &later, link);
	be_gathered(recorder, round);
}

/* Until the next attempt, or until it is to stop at once. */
static void
wait_to_retry(struct reprise_recorder *recorder, uint64_t attempts)
{
	const uint64_t now = clock_ns();
	const uint64_t until =
		now + reprise_recorder_backoff(attempts, now, recorder->options.retry_ns_min,
					       recorder->options.retry_ns_max);

	pthread_mutex_lock(&recorder->lock);
	while (!recorder->is_stopping && clock_ns() < until)
		(void)recorder_sleep(&recorder->has_work, &recorder->lock, until);
	pthread_mutex_unlock(&recorder->lock);
}

/* Writes the batch until it is committed; false if it is to stop before. */
static bool
commit(struct reprise_recorder *recorder, enum log_level level)
{
	struct batch *const batch = &recorder->batch;

	for (uint64_t attempts = 1;; attempts++) {
		struct reprise_error error = { .size = sizeof(error) };
		const reprise_status status =
			recorder_write(recorder, level, batch->writes_count, &error);

		pthread_mutex_lock(&recorder->lock);
		recorder_note_transaction(recorder, status, &error);
		const bool is_stopping = recorder->is_stopping;

		pthread_mutex_unlock(&recorder->lock);
		if (status == REPRISE_OK)
			return true;
		if (is_stopping)
			return false;
		wait_to_retry(recorder, attempts);
	}
}

/*
 * Whether there is as much as one batch takes, or a window is half full of what is not copied.
 * Under the lock.
 */
static bool
has_much(const struct reprise_recorder *recorder)
{
	const struct recording *recording;
	uint64_t all = 0;

	TAILQ_FOREACH(recording, &recorder->attached, link) {
		const struct reprise_session *const session = recording->session;

		if (session == NULL || recording->retry_ns != 0)
			continue;
		const uint64_t count = load_relaxed(&session->ring.newest) - recording->taken;

		all += count;
		if (all >= recorder->options.batch_events_max ||
		    count >= session->bounds.events_max / 2 + 1)
			return true;
	}
	return false;
}

/*
 * Lets events gather, for as long as the options say, until there are many, or until somebody
 * waits. Under the lock. While something waits that only another round can find to be possible,
 * rounds follow one another soon.
 */
static void
linger(struct reprise_recorder *recorder)
{
	const bool is_awaited = recorder->is_closing || !TAILQ_EMPTY(&recorder->requests);
	const uint64_t now = clock_ns();
	const uint64_t until =
		deadline_after(now, is_awaited ? least(recorder->options.linger_ns, LOOK_NS)
					       : recorder->options.linger_ns);

	for (;;) {
		TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
		if (recorder->is_urgent || recorder->is_stopping || clock_ns() >= until ||
		    clock_ns() >= lease_due_ns(recorder) || has_much(recorder))
			return;
		(void)recorder_sleep(&recorder->has_work, &recorder->lock,
				     least(until, clock_ns() + LOOK_NS));
	}
}

/*
 * Under the lock: until when there is nothing to look at, unless somebody calls. A session that the
 * log has refused is looked at when its pause is over, and parked ones when their leases are
 * renewed. A request may wait for a life that has just gone.
 */
static uint64_t
idle_until(const struct reprise_recorder *recorder)
{
	const struct recording *recording;
	uint64_t until = TAILQ_EMPTY(&recorder->parked) ? UINT64_MAX : lease_due_ns(recorder);

	if (!TAILQ_EMPTY(&recorder->coming) || !TAILQ_EMPTY(&recorder->requests))
		return 0;
	if (recorder->sync_waiters != 0 && recorder->has_unsynced && sync_is_possible(recorder))
		return 0;
	TAILQ_FOREACH(recording, &recorder->attached, link)
		if (recording->retry_ns == 0 || recording->is_wanted)
			return 0;
		else
			until = least(until, recording->retry_ns);
	return until;
}

/*
 * Under the lock: closing, nothing is left but sessions that the log has refused, each of them once
 * more since the closing began.
 */
static bool
has_drained(const struct reprise_recorder *recorder)
{
	const struct recording *recording;

	TAILQ_FOREACH(recording, &recorder->attached, link)
		if (recording->stuck == REPRISE_OK || recording->is_wanted)
			return false;
	return TAILQ_EMPTY(&recorder->coming) && TAILQ_EMPTY(&recorder->requests);
}

/* Sleeps until there is something to do. Under the lock. */
static void
await_work(struct reprise_recorder *recorder)
{
	uint64_t until = idle_until(recorder);

	for (; until != 0 && !recorder->is_urgent && !recorder->is_closing &&
	       !recorder->is_stopping && (until == UINT64_MAX || clock_ns() < until);
	     until = idle_until(recorder))
		(void)recorder_sleep(&recorder->has_work, &recorder->lock, until);
	if (until != UINT64_MAX)
		linger(recorder);
}

/* Under the lock: begins the next pass, if a flush waits for it and the one before is copied. */
static void
begin_pass(struct reprise_recorder *recorder)
{
	struct passes *const passes = &recorder->passes;
	struct recording *recording;

	if (passes->asked <= passes->begun || passes->done[REPRISE_ENQUEUED] < passes->begun)
		return;
	passes->begun++;
	recorder_unpark_changed(recorder);
	TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	TAILQ_FOREACH(recording, &recorder->attached, link)
		if (recording->session != NULL)
			recording->goal = port_newest(recording->session);
}

/*
 * Sleeps as long as nobody needs it; answers what the next round is to do. Not when it is to stop.
 */
static bool
wait_for_work(struct reprise_recorder *recorder, bool is_busy, struct round *round)
{
	pthread_mutex_lock(&recorder->lock);
	if (!is_busy && recorder->passes.asked <= recorder->passes.done[REPRISE_ENQUEUED])
		await_work(recorder);
	/* Before a pass begins, which is to cover what is in them. */
	recorder_follow_heirs(recorder);
	TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	begin_pass(recorder);
	const uint64_t now = clock_ns();
	const bool renews = lease_begin_round(recorder, now);

	if (renews)
		recorder_unpark_all(recorder);
	TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	*round = (struct round){ .is_urgent = renews || recorder->is_urgent ||
					      recorder->is_closing ||
					      recorder->passes.begun >
						      recorder->passes.done[REPRISE_ENQUEUED],
				 .begin_ns = now,
				 .oldest_ns = UINT64_MAX };
	recorder->is_urgent = false;
	if (recorder->is_closing && has_drained(recorder)) {
		recorder->has_drained = true;
		pthread_cond_broadcast(&recorder->has_news);
	}
	const bool is_over = recorder->is_stopping || recorder->has_drained;

	pthread_mutex_unlock(&recorder->lock);
	return !is_over;
}

/* All events of the pass are committed, but those of refused sessions. */
static void
end_pass(struct reprise_recorder *recorder)
{
	struct passes *const passes = &recorder->passes;
	const struct recording *recording;

	pthread_mutex_lock(&recorder->lock);
	TAILQ_FOREACH(recording, &recorder->attached, link)
		if (recording->retry_ns != 0 && recording->written < recording->goal) {
			passes->refused = passes->begun;
			passes->refusal = recording->stuck;
		}
	passes->done[REPRISE_WRITTEN] = passes->begun;
	if (!recorder->has_unsynced)
		passes->done[REPRISE_SYNCED] = passes->begun;
	pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}

void *
record_run(void *argument)
{
	struct reprise_recorder *const recorder = argument;
	struct round round = { 0 };
	bool is_busy = false;

	while (wait_for_work(recorder, is_busy, &round)) {
		requests_do(recorder);
		gather(recorder, &round);
		const enum log_level level =
			round.is_synced || recorder->batch.closes ? LOG_SYNCED : recorder->level;

		is_busy = round.is_full && recorder->batch.writes_count > 0;
		if (recorder->batch.writes_count > 0) {
			if (!commit(recorder, level))
				break;
			record_settle(recorder, level);
			batch_clear(&recorder->batch);
		}
		lease_end_round(recorder, round.is_full);
		if (round.ends_pass)
			end_pass(recorder);
		if (round.is_synced)
			sync_end_round(recorder);
		recorder_park(recorder, round.begin_ns);
	}
	return NULL;
}
