/* SPDX-License-Identifier: MIT */
#include "recorder/heal_watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/heal_queue.h"
#include "recorder/recorder.h"

/* Between two looks at the log's version, if commits are announced and only a writer that died announces none. */
#define TOLD_NS UINT64_C(1000000000)

/* Looking at sessions that change takes at most this part of the time. */
#define WATCH_PART 10

static struct watched *
find_watched(struct watching *watching, const struct backfill *backfill)
{
	for (size_t i = 0; i < watching->count; i++)
		if (watching->sessions[i].hash == backfill->hash &&
		    strcmp(watching->sessions[i].id, backfill->session_id) == 0)
			return &watching->sessions[i];
	return NULL;
}

/* The sessions that somebody waits for, as far as there is room. */
static void
collect_watched(struct healing *healing)
{
	struct watching *const watching = &healing->watching;
	struct backfill *backfill;

	watching->count = 0;
	TAILQ_FOREACH(backfill, &healing->waiting, link)
	if (watching->count < WATCHED_MAX && find_watched(watching, backfill) == NULL) {
		struct watched *const watched = &watching->sessions[watching->count++];

		watched->hash = backfill->hash;
		memcpy(watched->id, backfill->session_id, sizeof(watched->id));
	}
}

/* Serves each subscription whose session has changed; one whose session could not be read is served after a while. */
static void
stir_changed(struct healing *healing)
{
	const uint64_t retry_ns = clock_ns() + HEAL_LOOK_NS;
	struct backfill *backfill, *next;

	for (backfill = TAILQ_FIRST(&healing->waiting); backfill != NULL; backfill = next) {
		const struct watched *const watched = find_watched(&healing->watching, backfill);

		next = TAILQ_NEXT(backfill, link);
		if (watched != NULL && watched->is_read &&
		    memcmp(&watched->seen, &backfill->seen, sizeof(watched->seen)) == 0)
			continue;
		heal_queue_remove(healing, backfill);
		if (watched != NULL && watched->is_read)
			heal_queue_put(healing, backfill);
		else
			heal_queue_park(healing, backfill, retry_ns);
	}
}

/* Not under the lock. */
static void
read_watched(struct reprise_recorder *recorder)
{
	struct watching *const watching = &recorder->healing.watching;

	for (size_t i = 0; i < watching->count; i++) {
		struct watched *const watched = &watching->sessions[i];
		const struct reprise_log_key key = { recorder->tenant, watched->id };
		struct reprise_log_stats stats = { .size = sizeof(stats) };

		const reprise_status status =
			reprise_log_stats(recorder->reading, &key, &stats, NULL);

		/* Subscriptions may wait for a session that the log does not know. */
		watched->is_read = status == REPRISE_OK || status == REPRISE_E_NOT_FOUND;
		watched->seen = heal_seen(&stats);
	}
}

/* In a recorder that only reads, the statistics tell of the looks: there is no transaction to tell of. */
static void
note_look(struct reprise_recorder *recorder, reprise_status status,
	  const struct reprise_error *error)
{
	if (recorder->options.reads_only == 0)
		return;
	pthread_mutex_lock(&recorder->lock);
	if (status == REPRISE_OK)
		recorder->stats.last = REPRISE_OK;
	else
		recorder_note_failure(recorder, status, error);
	pthread_mutex_unlock(&recorder->lock);
}

/* Not under the lock. */
static reprise_status
read_version(struct reprise_recorder *recorder, uint64_t *ret_version)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *const log = recorder->reading;

	pthread_mutex_lock(&log->lock);
	const reprise_status status = log->adapter->version(log, ret_version, &error);

	pthread_mutex_unlock(&log->lock);
	note_look(recorder, status, &error);
	return status;
}

/* Under the healing lock: between two looks. */
static uint64_t
pause_ns(const struct reprise_recorder *recorder)
{
	const uint64_t watch_ns = recorder->options.watch_ns;

	return recorder->healing.watching.is_told ? greatest(watch_ns, TOLD_NS) : watch_ns;
}

/* The version is read before the sessions are, so that a commit in between is noticed the next time. */
void
heal_watch(struct reprise_recorder *recorder)
{
	struct healing *const healing = &recorder->healing;
	struct watching *const watching = &healing->watching;
	const uint64_t begin = clock_ns();
	uint64_t version = 0;

	pthread_mutex_unlock(&healing->lock);
	const reprise_status status = read_version(recorder, &version);

	pthread_mutex_lock(&healing->lock);
	watching->due_ns = clock_ns() + (status == REPRISE_OK ? pause_ns(recorder) : HEAL_LOOK_NS);
	if (status != REPRISE_OK || (watching->has_version && watching->version == version))
		return;
	collect_watched(healing);
	pthread_mutex_unlock(&healing->lock);
	read_watched(recorder);
	pthread_mutex_lock(&healing->lock);
	stir_changed(healing);
	watching->has_version = true;
	watching->version = version;
	const uint64_t now = clock_ns();

	watching->due_ns = now + greatest(pause_ns(recorder), WATCH_PART * (now - begin));
}
