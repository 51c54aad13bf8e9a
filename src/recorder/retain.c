/* SPDX-License-Identifier: MIT */
#include "recorder/retain.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "log/prune.h"
#include "recorder/recorder.h"

#define INTERVAL_NS       (60 * NS_PER_S)
#define INTERVAL_NS_LEAST (NS_PER_S / 100)
#define INTERVAL_NS_MOST  (UINT64_C(24) * 3600 * NS_PER_S)

reprise_status
retain_resolve(struct reprise_recorder_options *options, struct reprise_error *error)
{
	struct reprise_log_retention limits;

	if (options->retention == NULL)
		return options->prune_interval_ns == 0 ? REPRISE_OK
						       : error_invalid(error, "prune_interval_ns");
	if (options->reads_only != 0)
		return error_detailed(error, REPRISE_E_INVALID, "retention",
				      "a recorder that only reads prunes nothing");
	if (options->prune_interval_ns == 0)
		options->prune_interval_ns = INTERVAL_NS;
	if (options->prune_interval_ns < INTERVAL_NS_LEAST ||
	    options->prune_interval_ns > INTERVAL_NS_MOST)
		return error_invalid(error, "prune_interval_ns");
	return log_retention_read(options->retention, &limits, error);
}

reprise_status
retain_open(struct reprise_recorder *recorder, struct reprise_log *log, struct reprise_error *error)
{
	struct recorder_retention *const retention = &recorder->retention;

	if (recorder->options.retention == NULL)
		return REPRISE_OK;
	const reprise_status status =
		log_retention_read(recorder->options.retention, &retention->limits, error);

	recorder->options.retention = &retention->limits;
	return status != REPRISE_OK ? status : log->adapter->another(log, &retention->log, error);
}

void
retain_close(struct reprise_recorder *recorder)
{
	reprise_log_close(recorder->retention.log);
	recorder->retention.log = NULL;
}

/* Under the recorder's lock. */
static void
note_round(struct reprise_recorder *recorder, reprise_status status,
	   const struct reprise_log_pruned *pruned, const struct reprise_error *error)
{
	struct reprise_recorder_stats *const stats = &recorder->stats;

	stats->pruned += pruned->ordinals;
	stats->pruned_rows += pruned->rows;
	/* A round that the closing has interrupted has not failed. */
	if (load_relaxed(&recorder->retention.is_stopped) != 0)
		return;
	stats->prunes++;
	stats->prune_last = status;
	if (status == REPRISE_OK)
		return;
	stats->prune_failures++;
	stats->prune_failure = status;
	failure_copy_words(stats->prune_text, status, error);
}

/*
 * Until the next round. After a failure of the log the round comes sooner. A damaged key stays
 * damaged, and the other keys were pruned.
 */
static uint64_t
pause_ns(const struct reprise_recorder *recorder, reprise_status status, uint64_t failures)
{
	const struct reprise_recorder_options *const options = &recorder->options;

	if (status == REPRISE_OK || status == REPRISE_E_CORRUPT)
		return options->prune_interval_ns;
	return least(options->prune_interval_ns,
		     reprise_recorder_backoff(failures, clock_ns(), options->retry_ns_min,
					      options->retry_ns_max));
}

/* Under the recorder's lock. Answers whether the thread goes on. */
static bool
sleep_until(struct reprise_recorder *recorder, uint64_t due_ns)
{
	struct recorder_retention *const retention = &recorder->retention;
	bool is_time_left = true;

	while (is_time_left && load_relaxed(&retention->is_stopped) == 0)
		is_time_left = recorder_sleep(&retention->has_end, &recorder->lock, due_ns);
	return load_relaxed(&retention->is_stopped) == 0;
}

static void *
retain_run(void *argument)
{
	struct reprise_recorder *const recorder = argument;
	struct recorder_retention *const retention = &recorder->retention;
	uint64_t failures = 0;
	bool goes_on = true;

	while (goes_on) {
		struct reprise_error error = { .size = sizeof(error) };
		struct reprise_log_pruned pruned;
		const reprise_status status =
			log_prune(retention->log, recorder->tenant, &retention->limits,
				  &retention->is_stopped, &pruned, &error);

		failures = status == REPRISE_OK ? 0 : failures + 1;
		pthread_mutex_lock(&recorder->lock);
		note_round(recorder, status, &pruned, &error);
		goes_on = sleep_until(
			recorder, deadline_after(clock_ns(), pause_ns(recorder, status, failures)));
		pthread_mutex_unlock(&recorder->lock);
	}
	return NULL;
}

int
retain_start(struct reprise_recorder *recorder)
{
	struct recorder_retention *const retention = &recorder->retention;

	if (retention->log == NULL)
		return 0;
	return thread_start(&retention->thread, "reprise-prune", retain_run, recorder);
}

void
retain_stop(struct reprise_recorder *recorder)
{
	struct recorder_retention *const retention = &recorder->retention;

	if (retention->log == NULL)
		return;
	pthread_mutex_lock(&recorder->lock);
	store_relaxed(&retention->is_stopped, 1);
	pthread_cond_signal(&retention->has_end);
	pthread_mutex_unlock(&recorder->lock);
	log_interrupt(retention->log);
	pthread_join(retention->thread, NULL);
}
