/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/recorder.h"

/* What becomes of a batch that was committed, write by write. The writing thread's. */

void
recorder_let_go(struct reprise_recorder *recorder, struct recording *recording)
{
	if (recording->session != NULL) {
		port_let_go(recording->session);
		return;
	}
	pthread_mutex_lock(&recorder->lock);
	recorder_forget(recording);
	pthread_mutex_unlock(&recorder->lock);
}

/* Refused for itself: it is tried again, alone, from what is recorded. */
static void
try_later(struct reprise_recorder *recorder, struct recording *recording)
{
	const uint64_t now = clock_ns();

	recording->taken = recording->written;
	recording->retry_ns = now + reprise_recorder_backoff(++recording->attempts, now,
							     recorder->options.retry_ns_min,
							     recorder->options.retry_ns_max);
}

/* Under the lock. */
static void
be_recorded(struct reprise_recorder *recorder, struct recording *recording,
	    const struct log_write *write, const struct batch_mark *mark)
{
	struct reprise_recorder_stats *const stats = &recorder->stats;

	recording->written = greatest(recording->written, mark->through);
	recording->attempts = 0;
	recording->retry_ns = 0;
	stats->recorded += mark->events;
	stats->lost += mark->lost;
	stats->gaps += mark->lost != 0;
	if (write->type == LOG_VOID)
		recording->is_void_marked = true;
	if (write->type == LOG_END)
		recording->has_ended = true;
}

/* What became of one write; false if its session is another process's now. */
static bool
settle(struct reprise_recorder *recorder, const struct log_write *write,
       const struct batch_mark *mark)
{
	struct recording *const recording = mark->recording;
	bool is_ours = true;

	pthread_mutex_lock(&recorder->lock);
	switch ((int)write->status) {
	case REPRISE_OK:
		be_recorded(recorder, recording, write, mark);
		break;
	case REPRISE_E_CONFLICT:
		is_ours = recording->session == NULL;
		if (!recording->is_fenced && recording->session != NULL)
			recorder->stats.fenced++;
		recording->is_fenced = true;
		break;
	case REPRISE_E_ABORTED:
		break; /* the one before has said why */
	default:
		recorder->stats.failures++;
		recorder->stats.last = write->status;
		try_later(recorder, recording);
		break;
	}
	pthread_mutex_unlock(&recorder->lock);
	return is_ours;
}

/* A commit has brought everything that was written to the disk; or nothing had to be. Under the lock. */
static void
sync_all(struct reprise_recorder *recorder, bool has_committed)
{
	struct recording *recording;
	bool is_all = true;

	TAILQ_FOREACH(recording, &recorder->attached, link)
	{
		if (has_committed)
			recording->synced = recording->written;
		is_all = is_all && recording->synced == recording->written;
	}
	if (is_all)
		recorder->wants_sync = false;
}

/* Tells the store, and whoever waits for it here. Its writes were settled. */
static void
tell(struct reprise_recorder *recorder, const struct batch_mark *mark)
{
	struct recording *const recording = mark->recording;

	if (recording->session == NULL)
		return;
	if (load_relaxed(&recording->session->recorded) < recording->written)
		port_recorded(recording->session, recording->written);
	heal_again(recorder, recording->hash);
}

/* Whether nothing will come of it any more. Under the lock, so that a writer who comes back is seen. */
static bool
may_go(struct reprise_recorder *recorder, struct recording *recording,
       const struct log_write *write)
{
	pthread_mutex_lock(&recorder->lock);
	const bool is_closed = write->type == LOG_CLOSE && write->status == REPRISE_OK;
	/* One that has become void since the batch was made: the log is to know that first. */
	const bool is_marked = !recording->is_void || recording->is_void_marked;
	const bool is_dead = recording->is_void && is_marked && recording->has_all &&
			     recording->written == recording->taken;
	const bool goes = recording->is_attached &&
			  (recording->session == NULL || recording->is_fenced || is_dead ||
			   (is_closed && is_marked && !recording->has_writer));

	/* Both at once: who attaches it again puts it among those that come. */
	if (goes) {
		recording->is_attached = false;
		TAILQ_REMOVE(&recorder->attached, recording, link);
	}
	pthread_mutex_unlock(&recorder->lock);
	return goes;
}

bool
record_settle(struct reprise_recorder *recorder, enum log_level level)
{
	const struct batch *const batch = &recorder->batch;
	bool is_all = true, has_committed = false;

	for (uint64_t i = 0; i < batch->writes_count; i++) {
		const reprise_status status = batch->writes[i].status;

		has_committed = has_committed || status == REPRISE_OK;
		is_all = is_all && (status == REPRISE_OK || status == REPRISE_E_CONFLICT);
		if (!settle(recorder, &batch->writes[i], &batch->marks[i]))
			port_fence(batch->marks[i].recording->session);
	}
	pthread_mutex_lock(&recorder->lock);
	recorder->stats.batches += batch->writes_count != 0;
	recorder->oldest_ns = UINT64_MAX;
	if (level == LOG_SYNCED)
		sync_all(recorder, has_committed);
	pthread_mutex_unlock(&recorder->lock);

	for (uint64_t i = 0; i < batch->writes_count; i++) {
		const bool is_last = i + 1 == batch->writes_count ||
				     batch->marks[i + 1].recording != batch->marks[i].recording;

		if (!is_last)
			continue;
		tell(recorder, &batch->marks[i]);
		if (may_go(recorder, batch->marks[i].recording, &batch->writes[i]))
			recorder_let_go(recorder, batch->marks[i].recording);
	}
	/* Last, so that who waits finds all of it done. */
	pthread_mutex_lock(&recorder->lock);
	pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
	return is_all;
}
