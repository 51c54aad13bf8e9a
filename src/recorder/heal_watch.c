/* SPDX-License-Identifier: MIT */
#include "recorder/heal_watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/heal_queue.h"
#include "recorder/recorder.h"

/*
 * Between two looks at the log's version, if commits are announced and only a writer that died
 * announces none.
 */
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

/* The sessions at the head of the list, at most @most. */
static void
collect_watched(struct healing *healing, size_t most)
{
	struct watching *const watching = &healing->watching;
	struct backfill *backfill;

	watching->count = 0;
	TAILQ_FOREACH(backfill, &healing->waiting, link) {
		if (watching->count == most)
			break;
		if (find_watched(watching, backfill) != NULL)
			continue;
		struct watched *const watched = &watching->sessions[watching->count++];

		watched->hash = backfill->hash;
		memcpy(watched->id, backfill->session_id, sizeof(watched->id));
	}
}

/*
 * Serves each subscription whose session has changed; one whose session could not be read is served
 * after a while. Those of unchanged sessions go to the end of the list. Answers how many were
 * looked at.
 */
static uint64_t
settle_watched(struct healing *healing)
{
	const uint64_t retry_ns = clock_ns() + HEAL_LOOK_NS;
	struct backfill *const last = TAILQ_LAST(&healing->waiting, backfills);
	struct backfill *backfill, *next = TAILQ_FIRST(&healing->waiting);
	uint64_t count = 0;

	do {
		backfill = next;
		if (backfill == NULL)
			break;
		next = TAILQ_NEXT(backfill, link);
		const struct watched *const watched = find_watched(&healing->watching, backfill);

		if (watched == NULL)
			continue;
		count++;
		heal_queue_remove(healing, backfill);
		if (!watched->is_read)
			heal_queue_park(healing, backfill, retry_ns);
		else if (memcmp(&watched->seen, &backfill->seen, sizeof(watched->seen)) != 0)
			heal_queue_put(healing, backfill);
		else
			heal_queue_wait(healing, backfill);
	} while (backfill != last);
	return count;
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

/* In a recorder that only reads, the statistics tell of looks instead of transactions. */
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

/* Unless a look is wanted by now. */
static void
set_due(struct watching *watching, uint64_t due_ns)
{
	watching->due_ns = watching->is_wanted ? 0 : due_ns;
}

static uint64_t
count_waiting(const struct healing *healing)
{
	const struct backfill *backfill;
	uint64_t count = 0;

	TAILQ_FOREACH(backfill, &healing->waiting, link)
		count++;
	return count;
}

/*
 * Whether sessions are to be read. The version is read before they are, so that a commit in between
 * is noticed the next time. Under the lock, which the call gives up meanwhile.
 */
static bool
has_changed(struct reprise_recorder *recorder)
{
	struct healing *const healing = &recorder->healing;
	struct watching *const watching = &healing->watching;
	uint64_t version = 0;

	if (watching->left != 0)
		return true;
	watching->is_wanted = false;
	pthread_mutex_unlock(&healing->lock);
	const reprise_status status = read_version(recorder, &version);

	pthread_mutex_lock(&healing->lock);
	set_due(watching, clock_ns() + (status == REPRISE_OK ? pause_ns(recorder) : HEAL_LOOK_NS));
	if (status != REPRISE_OK || (watching->has_version && watching->version == version))
		return false;
	watching->has_version = true;
	watching->version = version;
	watching->left = count_waiting(healing);
	return true;
}

void
heal_watch(struct reprise_recorder *recorder)
{
	struct healing *const healing = &recorder->healing;
	struct watching *const watching = &healing->watching;
	const uint64_t begin = clock_ns();

	if (!has_changed(recorder))
		return;
	const size_t most = watching->is_told ? WATCHED_TOLD : WATCHED_MAX;

	collect_watched(healing, most);
	pthread_mutex_unlock(&healing->lock);
	read_watched(recorder);
	pthread_mutex_lock(&healing->lock);
	const uint64_t looked_at = settle_watched(healing);

	/* With fewer sessions than one look reads, all of them were read. */
	watching->left = watching->count == most && looked_at < watching->left
				 ? watching->left - looked_at
				 : 0;
	const uint64_t now = clock_ns();

	set_due(watching, now + greatest(watching->left != 0 ? recorder->options.watch_ns
							     : pause_ns(recorder),
					 WATCH_PART * (now - begin)));
}
