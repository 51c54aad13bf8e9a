/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/recorder.h"

/*
 * The writing thread. In each round it does what threads of the host's wait for, copies what there is out of
 * the rings, and commits that. A batch that fails stays as it is until it is committed; meanwhile the
 * rings go on.
 */

enum {
	SKIP_MAX = 16,     /* rounds in which a quiet session is not looked at */
	REQUESTS_MAX = 64, /* lives begun in one transaction */
};

#define LOOK_NS UINT64_C(2000000) /* between two looks whether much has come, within a linger */

/* What a round has found out. */
struct round {
	bool is_full;     /* there was more than went into the batch */
	bool is_urgent;   /* every session is looked at */
	bool has_refused; /* one of them was, in itself: now or a while ago */
	uint64_t number;
	bool wants_sync;
	uint64_t oldest_ns; /* the stamp of the oldest event, or UINT64_MAX */
};

static void
answer(struct reprise_recorder *recorder, struct request *request, const struct log_write *write,
       reprise_status status, const struct reprise_error *error)
{
	request->status = status == REPRISE_OK ? write->status : status;
	request->head = write->head;
	request->error = *error;
	request->error.expected = write->expected;
	request->error.actual = write->actual;
	request->is_done = true;
	pthread_cond_broadcast(&recorder->has_news);
}

/* Whether an earlier life of that session, in this process, has something to record still. */
static bool
is_waiting_for_earlier(struct reprise_recorder *recorder, const struct recording *recording)
{
	const struct recording *other;

	LIST_FOREACH(other, &recorder->buckets[recording->hash % BUCKETS], same)
	if (other != recording && other->is_attached && strcmp(other->id, recording->id) == 0)
		return true;
	return false;
}

/* Under the lock: takes what can be done out of the list; answers who is past the deadline. */
static size_t
take_requests(struct reprise_recorder *recorder, struct request **taken)
{
	struct request *request, *next;
	const uint64_t now = clock_ns();
	size_t count = 0;

	for (request = TAILQ_FIRST(&recorder->requests); request != NULL && count < REQUESTS_MAX;
	     request = next) {
		next = TAILQ_NEXT(request, link);
		const bool is_late = now >= request->deadline_ns || recorder->is_stopping;

		if (recorder->batch.writes_count == 0 && !is_late &&
		    !(request->type == LOG_LIFE &&
		      is_waiting_for_earlier(recorder, request->recording))) {
			TAILQ_REMOVE(&recorder->requests, request, link);
			taken[count++] = request;
		} else if (is_late) {
			TAILQ_REMOVE(&recorder->requests, request, link);
			request->status = REPRISE_E_TIMEOUT;
			request->is_done = true;
			pthread_cond_broadcast(&recorder->has_news);
		}
	}
	return count;
}

/*
 * Writes all of @writes in one transaction; or, if something that is stored is damaged, each session's by itself,
 * so that what is wrong with one is answered to that one alone.
 */
static reprise_status
write_all(struct reprise_recorder *recorder, enum log_level level, struct log_write *writes,
	  size_t count, struct reprise_error *error)
{
	reprise_status status =
		log_write(recorder->writing, level, recorder->tenant, writes, count, error);
	size_t end;

	if (status != REPRISE_E_CORRUPT)
		return status;
	for (size_t first = 0; first < count; first = end) {
		for (end = first + 1; end < count; end++)
			if (strcmp(writes[end].thread, writes[first].thread) != 0)
				break;
		status = log_write(recorder->writing, level, recorder->tenant, writes + first,
				   end - first, error);
		if (status != REPRISE_OK && status != REPRISE_E_CORRUPT)
			return status;
	}
	return REPRISE_OK;
}

/* Begins lives, or has them go on: on the disk, whatever the durability of events. */
static void
do_requests(struct reprise_recorder *recorder)
{
	struct request *taken[REQUESTS_MAX];
	struct log_write writes[REQUESTS_MAX];
	struct reprise_error error = { .size = sizeof(error) };

	pthread_mutex_lock(&recorder->lock);
	const size_t count = take_requests(recorder, taken);

	pthread_mutex_unlock(&recorder->lock);
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		writes[i] = (struct log_write){ .type = taken[i]->type,
						.thread = taken[i]->recording->id,
						.incarnation = taken[i]->recording->incarnation };
	const reprise_status status = write_all(recorder, LOG_SYNCED, writes, count, &error);

	pthread_mutex_lock(&recorder->lock);
	for (size_t i = 0; i < count; i++)
		answer(recorder, taken[i], &writes[i], status, &error);
	pthread_mutex_unlock(&recorder->lock);
}

/* Whether @recording is looked at in this round: one that was quiet for long less often. */
static bool
is_due(struct recording *recording, struct round *round, uint64_t now)
{
	if (recording->retry_ns > now) {
		round->has_refused = true;
		return false;
	}
	if (!round->is_urgent && recording->skip > 0) {
		recording->skip--;
		return false;
	}
	return true;
}

static void
look_at(struct reprise_recorder *recorder, struct recording *recording, struct round *round)
{
	struct batch *const batch = &recorder->batch;
	const uint64_t writes = batch->writes_count;
	const uint64_t events = batch->entries_count;
	const bool is_all = batch_gather(batch, recorder, recording);

	round->is_full = round->is_full || !is_all;
	recording->quiet = batch->writes_count > writes || !is_all ? 0 : recording->quiet + 1;
	recording->skip = least(recording->quiet / 4, SKIP_MAX);
	if (batch->entries_count > events) {
		const uint64_t stamp = batch->entries[events].time_ns - recorder->epoch_ns;

		round->oldest_ns = least(round->oldest_ns, stamp);
	}
}

/* Copies what there is; the next round begins with those that had no room in this one. */
static void
gather(struct reprise_recorder *recorder, struct round *round)
{
	struct recording *recording = TAILQ_FIRST(&recorder->attached), *next;
	const uint64_t now = clock_ns();
	struct recordings later = TAILQ_HEAD_INITIALIZER(later);

	for (; recording != NULL && !round->is_full; recording = next) {
		next = TAILQ_NEXT(recording, link);
		TAILQ_REMOVE(&recorder->attached, recording, link);
		TAILQ_INSERT_TAIL(&later, recording, link);
		if (is_due(recording, round, now))
			look_at(recorder, recording, round);
	}
	TAILQ_CONCAT(&recorder->attached, &later, link);
	pthread_mutex_lock(&recorder->lock);
	for (uint64_t i = 0; i < recorder->batch.writes_count; i++)
		recorder->batch.marks[i].recording->enqueued =
			recorder->batch.marks[i].recording->taken;
	recorder->oldest_ns = round->oldest_ns;
	if (recorder->batch.writes_count > 0)
		pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}

/* Until the next attempt, or until it is to stop at once. */
static void
wait_to_retry(struct reprise_recorder *recorder, uint64_t attempts)
{
	const uint64_t now = clock_ns();
	const uint64_t until =
		now + reprise_recorder_backoff(attempts, now, recorder->options.retry_ns_min,
					       recorder->options.retry_ns_max);

	do {
		do_requests(recorder);
		pthread_mutex_lock(&recorder->lock);
		const bool is_over = recorder->is_stopping ||
				     !recorder_sleep(&recorder->has_work, &recorder->lock, until);

		pthread_mutex_unlock(&recorder->lock);
		if (is_over)
			return;
	} while (clock_ns() < until);
}

/* Writes the batch until it is committed; false if it is to stop before. */
static bool
commit(struct reprise_recorder *recorder, enum log_level level)
{
	struct batch *const batch = &recorder->batch;

	for (uint64_t attempts = 1;; attempts++) {
		struct reprise_error error = { .size = sizeof(error) };
		const reprise_status status =
			write_all(recorder, level, batch->writes, batch->writes_count, &error);

		pthread_mutex_lock(&recorder->lock);
		recorder->stats.last = status;
		recorder->stats.failures += status != REPRISE_OK;
		const bool is_stopping = recorder->is_stopping;

		pthread_mutex_unlock(&recorder->lock);
		if (status == REPRISE_OK)
			return true;
		if (is_stopping)
			return false;
		wait_to_retry(recorder, attempts);
	}
}

/* Whether there is as much as one batch takes, or a window is half full of what is not copied. Under the lock. */
static bool
has_much(const struct reprise_recorder *recorder)
{
	const struct recording *recording;
	uint64_t all = 0;

	TAILQ_FOREACH(recording, &recorder->attached, link)
	{
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

/* Lets events gather, for as long as the options say or until there are many. Under the lock. */
static void
linger(struct reprise_recorder *recorder)
{
	const uint64_t until = deadline_after(clock_ns(), recorder->options.linger_ns);

	while (recorder_sleep(&recorder->has_work, &recorder->lock,
			      least(until, clock_ns() + LOOK_NS)) == false &&
	       clock_ns() < until && !has_much(recorder))
		;
}

/* Sleeps as long as nobody needs it; answers what the next round is to do. Not when it is to stop. */
static bool
wait_for_work(struct reprise_recorder *recorder, bool is_busy, struct round *round)
{
	pthread_mutex_lock(&recorder->lock);
	TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	/* One that is asked for may have waited for a life that has just gone. */
	const bool is_idle = TAILQ_EMPTY(&recorder->attached) && TAILQ_EMPTY(&recorder->requests);

	if (!is_busy && !recorder->is_urgent && !recorder->is_stopping &&
	    !(recorder->is_closing && is_idle)) {
		if (is_idle)
			(void)recorder_sleep(&recorder->has_work, &recorder->lock, UINT64_MAX);
		else
			linger(recorder);
		TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	}
	*round = (struct round){ .is_urgent = recorder->is_urgent || recorder->is_closing,
				 .wants_sync = recorder->wants_sync,
				 .oldest_ns = UINT64_MAX };
	recorder->is_urgent = false;
	round->number = ++recorder->looks;
	if (recorder->is_closing && TAILQ_EMPTY(&recorder->attached) &&
	    TAILQ_EMPTY(&recorder->requests)) {
		recorder->has_drained = true;
		pthread_cond_broadcast(&recorder->has_news);
	}
	const bool is_over = recorder->is_stopping || recorder->has_drained;

	pthread_mutex_unlock(&recorder->lock);
	return !is_over;
}

/* All that there was when it began is recorded. */
static void
be_complete(struct reprise_recorder *recorder, const struct round *round)
{
	pthread_mutex_lock(&recorder->lock);
	recorder->complete = round->number;
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
		do_requests(recorder);
		gather(recorder, &round);
		const enum log_level level =
			round.wants_sync || recorder->batch.closes ? LOG_SYNCED : recorder->level;

		/* Not if there was no memory for a batch: then later. */
		is_busy = round.is_full && recorder->batch.writes_count > 0;
		if (recorder->batch.writes_count > 0) {
			if (!commit(recorder, level))
				break;
			round.has_refused = !record_settle(recorder, level) || round.has_refused;
			batch_clear(&recorder->batch);
		} else if (round.wants_sync) {
			(void)record_settle(recorder, level);
		}
		if (round.is_urgent && !round.is_full && !round.has_refused)
			be_complete(recorder, &round);
	}
	return NULL;
}
