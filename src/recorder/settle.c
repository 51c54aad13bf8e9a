/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/known.h"
#include "recorder/recorder.h"

/* The outcome of a batch that was committed, write by write. The writing thread's. */

void
recorder_let_go(struct reprise_recorder *recorder, struct recording *recording,
		struct reprise_session *session)
{
	if (session != NULL) {
		port_let_go(session);
		return;
	}
	pthread_mutex_lock(&recorder->lock);
	recorder_forget(recording);
	pthread_mutex_unlock(&recorder->lock);
}

/*
 * Under the lock: this session alone was refused. It is tried again later, from what is recorded.
 */
static void
refuse(struct reprise_recorder *recorder, struct recording *recording, reprise_status status,
       const char *words)
{
	const uint64_t now = clock_ns();

	recorder_note_stuck(recorder, recording, status, words);
	recording->refused = recording->attempt;
	recording->is_wanted = false;
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
	recording->leased_ns = recorder->batch.begun_ns;
	recording_forget_stuck(recording);
	recording->is_wanted = false;
	stats->recorded += mark->events;
	stats->lost += mark->lost;
	stats->gaps += mark->lost != 0;
	if (write->type == LOG_VOID)
		recording->is_void_marked = true;
	if (write->type == LOG_END)
		recording->has_ended = true;
}

/* Under the lock: the void life was dropped or erased, and the log takes no more of the life. */
static void
be_dropped(struct recording *recording)
{
	recording->is_void_marked = true;
	recording->is_fenced = true;
	recording->attempts = 0;
	recording->retry_ns = 0;
	recording_forget_stuck(recording);
}

/* Settles one write; false if its session is another process's now. */
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
	case REPRISE_E_NOT_FOUND:
		if (write->type == LOG_VOID)
			be_dropped(recording);
		else
			refuse(recorder, recording, write->status,
			       recorder_refusal_words(mark, write));
		break;
	default:
		refuse(recorder, recording, write->status, recorder_refusal_words(mark, write));
		break;
	}
	pthread_mutex_unlock(&recorder->lock);
	return is_ours;
}

/* The session is another process's now, or the log has gone back (rule L57). */
static void
fence(struct reprise_recorder *recorder, const struct log_write *write, struct recording *recording)
{
	const reprise_position end = known_end_of(recorder, write, recording);

	pthread_mutex_lock(&recorder->lock);
	recording->written = least(recording->written, end);
	recording->synced = least(recording->synced, end);
	pthread_mutex_unlock(&recorder->lock);
	port_fence(recording->session, end);
}

/*
 * Under the lock: a commit has succeeded. A synced commit brings everything that was written before
 * to the disk, too, whichever session it is of.
 */
static void
be_committed(struct reprise_recorder *recorder, enum log_level level)
{
	struct recording *recording;

	if (level != LOG_SYNCED) {
		recorder->has_unsynced = true;
		return;
	}
	for (uint64_t i = 0; i < recorder->batch.writes_count; i++) {
		recording = recorder->batch.marks[i].recording;
		recording->synced = recording->written;
	}
	for (size_t i = 0; recorder->has_unsynced && i < BUCKETS; i++)
		LIST_FOREACH(recording, &recorder->buckets[i], same)
			recording->synced = recording->written;
	recorder->has_unsynced = false;
	recorder->passes.done[REPRISE_SYNCED] = recorder->passes.done[REPRISE_WRITTEN];
}

/* Tells the store, and the calls that wait here. Its writes were settled. */
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

/*
 * Whether nothing will come of it any more; then *ret_session is the window that is to be let go
 * of, or NULL. Under the lock, so that a writer who comes back is seen: from here on it may
 * bring another window.
 */
static bool
may_go(struct reprise_recorder *recorder, struct recording *recording,
       const struct log_write *write, struct reprise_session **ret_session)
{
	pthread_mutex_lock(&recorder->lock);
	*ret_session = recording->session;
	const bool is_closed = write->type == LOG_CLOSE && write->status == REPRISE_OK;
	/*
	 * A life without a window is over once it is closed or another has begun. Else its closing
	 * is tried again.
	 */
	const bool is_over = recording->session == NULL &&
			     (write->status == REPRISE_OK || write->status == REPRISE_E_CONFLICT);
	/* A life that has become void since the batch was made: the log is to know that first. */
	const bool is_marked = !recording->is_void || recording->is_void_marked;
	const bool is_dead = recording->is_void && is_marked && recording->has_all &&
			     recording->written == recording->taken;
	const bool goes = recording->is_attached &&
			  (is_over || (recording->is_fenced && is_marked) || is_dead ||
			   (is_closed && is_marked && !recording->has_writer));

	/* Both at once: a thread that attaches the recording again puts it into `coming`. */
	if (goes) {
		recording->is_attached = false;
		recording->has_heir = false; /* the next attaching sets the window */
		TAILQ_REMOVE(&recorder->attached, recording, link);
	}
	pthread_mutex_unlock(&recorder->lock);
	return goes;
}

void
record_settle(struct reprise_recorder *recorder, enum log_level level)
{
	const struct batch *const batch = &recorder->batch;
	bool has_committed = false;

	for (uint64_t i = 0; i < batch->writes_count; i++) {
		const reprise_status status = batch->writes[i].status;

		has_committed = has_committed || status == REPRISE_OK;
		if (!settle(recorder, &batch->writes[i], &batch->marks[i]))
			fence(recorder, &batch->writes[i], batch->marks[i].recording);
	}
	pthread_mutex_lock(&recorder->lock);
	recorder->stats.batches += batch->writes_count != 0;
	recorder->oldest_ns = UINT64_MAX;
	if (has_committed)
		be_committed(recorder, level);
	pthread_mutex_unlock(&recorder->lock);

	for (uint64_t i = 0; i < batch->writes_count; i++) {
		const bool is_last = i + 1 == batch->writes_count ||
				     batch->marks[i + 1].recording != batch->marks[i].recording;

		if (!is_last)
			continue;
		tell(recorder, &batch->marks[i]);
		struct reprise_session *session;

		if (may_go(recorder, batch->marks[i].recording, &batch->writes[i], &session))
			recorder_let_go(recorder, batch->marks[i].recording, session);
	}
	/* Last, so that a waiting thread finds all work done. */
	pthread_mutex_lock(&recorder->lock);
	pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}
