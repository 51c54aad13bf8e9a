/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "recorder/recorder.h"

/* A pause inside a conversation costs no notification. */
#define PARK_NS (NS_PER_S / 10)

static void
init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void
fill(struct reprise_recorder *recorder, struct reprise_store *store,
     const struct reprise_recorder_options *options)
{
	recorder->port = recorder_port;
	recorder->store = store;
	recorder->options = *options;
	memcpy(recorder->tenant, options->tenant, strlen(options->tenant) + 1);
	recorder->options.tenant = recorder->tenant;
	recorder->level = options->durability == REPRISE_WRITTEN ? LOG_WRITTEN : LOG_SYNCED;
	recorder->oldest_ns = UINT64_MAX;
	recorder->renewal_ns = options->lease_ns != 0 ? clock_ns() : UINT64_MAX;
	pthread_mutex_init(&recorder->lock, NULL);
	init_condition(&recorder->has_work);
	init_condition(&recorder->has_news);
	init_condition(&recorder->retention.has_end);
	TAILQ_INIT(&recorder->coming);
	TAILQ_INIT(&recorder->attached);
	TAILQ_INIT(&recorder->parked);
	recorder->park_ns = PARK_NS;
	recorder->can_park = port_can_wait(store);
	TAILQ_INIT(&recorder->requests);
	pthread_mutex_init(&recorder->healing.lock, NULL);
	init_condition(&recorder->healing.has_work);
	TAILQ_INIT(&recorder->healing.queue);
	TAILQ_INIT(&recorder->healing.parked);
	TAILQ_INIT(&recorder->healing.waiting);
}

static void
done(struct reprise_recorder *recorder)
{
	batch_close(&recorder->batch);
	backfill_records_drop(recorder->store, &recorder->healing.ahead.records);
	reprise_log_close(recorder->writing);
	reprise_log_close(recorder->reading);
	news_close(recorder);
	retain_close(recorder);
	pthread_mutex_destroy(&recorder->lock);
	pthread_cond_destroy(&recorder->has_work);
	pthread_cond_destroy(&recorder->has_news);
	pthread_cond_destroy(&recorder->retention.has_end);
	pthread_mutex_destroy(&recorder->healing.lock);
	pthread_cond_destroy(&recorder->healing.has_work);
	free(recorder);
}

/* For the writing thread. */
static reprise_status
open_writing(struct reprise_recorder *recorder, struct reprise_log *log,
	     struct reprise_error *error)
{
	if (!batch_open(&recorder->batch, recorder->options.batch_events_max,
			recorder->options.batch_bytes_max))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	recorder->batch.lease_ns = recorder->options.lease_ns;
	const reprise_status status = log->adapter->another(log, &recorder->writing, error);

	return status != REPRISE_OK
		       ? status
		       : log_check_writable(recorder->writing, recorder->tenant, error);
}

/* Opens all that may be refused, but the threads. */
static reprise_status
open_parts(struct reprise_recorder *recorder, struct reprise_log *log, struct reprise_error *error)
{
	reprise_status status = news_open(recorder, log, error);

	if (status == REPRISE_OK && recorder->options.reads_only == 0)
		status = open_writing(recorder, log, error);
	if (status == REPRISE_OK)
		status = retain_open(recorder, log, error);
	if (status == REPRISE_OK)
		status = log->adapter->another(log, &recorder->reading, error);
	if (status == REPRISE_OK)
		status = port_attach(recorder->store, &recorder->port, error);
	return status;
}

static void
stop(struct reprise_recorder *recorder, bool has_written)
{
	pthread_mutex_lock(&recorder->healing.lock);
	recorder->healing.is_stopping = true;
	pthread_cond_signal(&recorder->healing.has_work);
	pthread_mutex_unlock(&recorder->healing.lock);
	pthread_join(recorder->healing.thread, NULL);
	if (has_written)
		pthread_join(recorder->thread, NULL);
}

/* The threads that read and record, or none; answers 0 or an errno. */
static int
start_work(struct reprise_recorder *recorder)
{
	int refused = thread_start(&recorder->healing.thread, "reprise-read", heal_run, recorder);

	if (refused != 0)
		return refused;
	refused = recorder->options.reads_only != 0
			  ? news_start(recorder)
			  : thread_start(&recorder->thread, "reprise-write", record_run, recorder);
	if (refused != 0)
		stop(recorder, false);
	return refused;
}

/* All threads, or none; answers 0 or an errno. */
static int
start(struct reprise_recorder *recorder)
{
	int refused = retain_start(recorder);

	if (refused != 0)
		return refused;
	refused = start_work(recorder);
	if (refused != 0)
		retain_stop(recorder);
	return refused;
}

reprise_status
reprise_recorder_open(struct reprise_store *store, struct reprise_log *log,
		      const struct reprise_recorder_options *options,
		      struct reprise_recorder **ret_recorder, struct reprise_error *error)
{
	struct reprise_recorder_options known = { .size = sizeof(known) };

	if (store == NULL)
		return error_invalid(error, "store");
	if (log == NULL)
		return error_invalid(error, "log");
	if (ret_recorder == NULL)
		return error_invalid(error, "ret_recorder");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	reprise_status status = recorder_options_resolve(options, &known, error);
	if (status != REPRISE_OK)
		return status;

	struct reprise_recorder *const recorder = calloc(1, sizeof(*recorder));

	if (recorder == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	fill(recorder, store, &known);
	status = open_parts(recorder, log, error);
	if (status == REPRISE_OK) {
		const int refused = start(recorder);

		if (refused == 0) {
			*ret_recorder = recorder;
			return REPRISE_OK;
		}
		(void)port_detach(store);
		status = error_system(error, "pthread_create", refused);
	}
	done(recorder);
	return status;
}

/* Under the lock: each session that the log has refused is tried once more. */
static void
want_refused(struct reprise_recorder *recorder)
{
	struct recording *recording;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(recording, &recorder->buckets[i], same)
			recording->is_wanted = recording_is_stuck(recording);
}

/* Records what there is, as long as the log takes it. */
static bool
drain(struct reprise_recorder *recorder)
{
	const uint64_t deadline = deadline_after(clock_ns(), recorder->options.deadline_ns);
	bool is_time_left = true;

	pthread_mutex_lock(&recorder->lock);
	recorder->is_closing = true;
	want_refused(recorder);
	recorder_unpark_all(recorder);
	recorder_hurry(recorder);
	while (!recorder->has_drained && is_time_left)
		is_time_left = recorder_sleep(&recorder->has_news, &recorder->lock, deadline);
	const bool has_drained = recorder->has_drained;

	recorder->is_stopping = true;
	recorder_hurry(recorder);
	pthread_mutex_unlock(&recorder->lock);
	/* The threads may be in calls whose own deadline is later. */
	log_interrupt(recorder->writing);
	log_interrupt(recorder->reading);
	return has_drained;
}

/*
 * In the child of a fork: closes what descriptors are left. The rest may be in use by threads that
 * are not there.
 */
static void
discard_logs(struct reprise_recorder *recorder)
{
	reprise_log_close(recorder->writing);
	reprise_log_close(recorder->reading);
	recorder->writing = recorder->reading = NULL;
	news_close(recorder);
	retain_close(recorder);
}

/* The end of a recorder that only reads: no work is left, but calls may be waiting for the log. */
static void
stop_reading(struct reprise_recorder *recorder)
{
	log_interrupt(recorder->reading);
	news_stop(recorder);
	stop(recorder, false);
}

/* Events that could not be recorded stay so. Answers the log's refusal of a session, or OK. */
static reprise_status
let_all_go(struct reprise_recorder *recorder)
{
	struct recording *recording;
	reprise_status refusal = REPRISE_OK;

	TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
	TAILQ_CONCAT(&recorder->attached, &recorder->parked, link);
	while ((recording = TAILQ_FIRST(&recorder->attached)) != NULL) {
		TAILQ_REMOVE(&recorder->attached, recording, link);
		if (recording_is_stuck(recording))
			refusal = recording->stuck;
		recorder_let_go(recorder, recording, recording->session);
	}
	return refusal;
}

reprise_status
reprise_recorder_close(struct reprise_recorder *recorder)
{
	return reprise_recorder_close_with_stats(recorder, NULL);
}

reprise_status
reprise_recorder_close_with_stats(struct reprise_recorder *recorder,
				  struct reprise_recorder_stats *ret_stats)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	if (recorder == NULL)
		return REPRISE_OK;
	UNCANCELLABLE;
	if (!store_is_here(recorder->store)) {
		discard_logs(recorder);
		return REPRISE_E_FORKED;
	}
	reprise_status status = reprise_store_stats(recorder->store, &stats);

	if (status == REPRISE_OK && ret_stats != NULL)
		status = reprise_recorder_stats(recorder, ret_stats);
	if (status != REPRISE_OK)
		return status;
	if (stats.writers != 0 || stats.subscriptions != 0)
		return REPRISE_E_BUSY;
	const bool only_reads = recorder->options.reads_only != 0;

	retain_stop(recorder);
	const bool has_drained = only_reads || drain(recorder);

	if (only_reads)
		stop_reading(recorder);
	else
		stop(recorder, true);
	/* It was answered above. */
	REPRISE_ASSERT(ret_stats == NULL ||
		       reprise_recorder_stats(recorder, ret_stats) == REPRISE_OK);
	const reprise_status refusal = let_all_go(recorder);

	/* Nobody holds anything of the store. */
	(void)port_detach(recorder->store);
	done(recorder);
	return has_drained ? refusal : REPRISE_E_TIMEOUT;
}
