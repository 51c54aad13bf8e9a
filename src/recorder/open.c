/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "recorder/recorder.h"

#define TENANT_DEFAULT "default"

#define LINGER_NS_MOST (10 * NS_PER_S)
#define WAIT_NS_MOST   (3600 * NS_PER_S)
#define LEASE_NS_LEAST (NS_PER_S / 10)
#define WATCH_NS_LEAST (NS_PER_S / 1000)
#define WATCH_NS_MOST  (10 * NS_PER_S)
#define PARK_NS        (NS_PER_S / 10) /* a pause inside a conversation costs no notification */

enum {
	BATCH_EVENTS_MOST = PORT_BATCH_EVENTS_MAX,
	BATCH_BYTES_MOST = 64 << 20,
};

static uint64_t
given_or(uint64_t given, uint64_t otherwise)
{
	return given != 0 ? given : otherwise;
}

static bool
is_tenant(const char *tenant)
{
	const size_t bytes = strnlen(tenant, REPRISE_SESSION_ID_BYTES_MAX + 1);

	return bytes >= 1 && bytes <= REPRISE_SESSION_ID_BYTES_MAX &&
	       utf8_text_prefix(tenant, bytes) == bytes;
}

static const char *
fault_of(const struct reprise_recorder_options *options)
{
	if (!is_tenant(options->tenant))
		return "tenant";
	if (options->durability != REPRISE_WRITTEN && options->durability != REPRISE_SYNCED)
		return "durability";
	if (options->linger_ns > LINGER_NS_MOST)
		return "linger_ns";
	if (options->batch_events_max > BATCH_EVENTS_MOST)
		return "batch_events_max";
	if (options->batch_bytes_max > BATCH_BYTES_MOST)
		return "batch_bytes_max";
	if (options->retry_ns_min > options->retry_ns_max)
		return "retry_ns_min";
	if (options->retry_ns_max > WAIT_NS_MOST)
		return "retry_ns_max";
	if (options->deadline_ns > WAIT_NS_MOST)
		return "deadline_ns";
	if (options->invalidates_async != 0 && options->invalidates_async != 1)
		return "invalidates_async";
	if (options->refuses_leased != 0 && options->refuses_leased != 1)
		return "refuses_leased";
	if (options->lease_ns != 0 &&
	    (options->lease_ns < LEASE_NS_LEAST || options->lease_ns > WAIT_NS_MOST))
		return "lease_ns";
	if (options->reads_only != 0 && options->reads_only != 1)
		return "reads_only";
	if (options->watch_ns < WATCH_NS_LEAST || options->watch_ns > WATCH_NS_MOST)
		return "watch_ns";
	return NULL;
}

static reprise_status
options_resolve(const struct reprise_recorder_options *given,
		struct reprise_recorder_options *ret_options, struct reprise_error *error)
{
	struct reprise_recorder_options known = { 0 };

	if (given != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_recorder_options), given))
		return error_size(error, "recorder options: size", given, sizeof(known));
	if (known.tenant == NULL)
		known.tenant = TENANT_DEFAULT;
	if (known.durability == REPRISE_ENQUEUED)
		known.durability = REPRISE_SYNCED;
	known.linger_ns = given_or(known.linger_ns, 2 * NS_PER_S / 1000);
	known.batch_events_max = given_or(known.batch_events_max, 4096);
	known.batch_bytes_max = given_or(known.batch_bytes_max, 4 << 20);
	known.retry_ns_min = given_or(known.retry_ns_min, NS_PER_S / 100);
	known.retry_ns_max = given_or(known.retry_ns_max, 2 * NS_PER_S);
	known.deadline_ns = given_or(known.deadline_ns, 5 * NS_PER_S);
	known.heal_wait_ns = given_or(known.heal_wait_ns, 5 * NS_PER_S);
	known.watch_ns = given_or(known.watch_ns, 15 * NS_PER_S / 1000);
	const char *const fault = fault_of(&known);

	if (fault != NULL)
		return error_invalid(error, fault);
	*ret_options = known;
	return REPRISE_OK;
}

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
	pthread_mutex_destroy(&recorder->lock);
	pthread_cond_destroy(&recorder->has_work);
	pthread_cond_destroy(&recorder->has_news);
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

/* All threads, or none; answers 0 or an errno. */
static int
start(struct reprise_recorder *recorder)
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

reprise_status
reprise_recorder_open(struct reprise_store *store, struct reprise_log *log,
		      const struct reprise_recorder_options *options,
		      struct reprise_recorder **ret_recorder, struct reprise_error *error)
{
	struct reprise_recorder_options known = { .tenant = TENANT_DEFAULT };

	if (store == NULL)
		return error_invalid(error, "store");
	if (log == NULL)
		return error_invalid(error, "log");
	if (ret_recorder == NULL)
		return error_invalid(error, "ret_recorder");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	reprise_status status = options_resolve(options, &known, error);
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
