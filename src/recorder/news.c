/* SPDX-License-Identifier: MIT */
#include "recorder/news.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/thread.h"
#include "recorder/heal_queue.h"
#include "recorder/recorder.h"

static int
compare_keys(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

/* Under the healing lock, where the checksum is kept once it is known. */
static bool
is_among(const struct reprise_recorder *recorder, struct backfill *backfill,
	 const struct log_news *news)
{
	if (backfill->key_checksum == 0)
		backfill->key_checksum = log_key_checksum(recorder->tenant, backfill->session_id);
	return bsearch(&backfill->key_checksum, news->keys, news->count, sizeof(news->keys[0]),
		       compare_keys) != NULL;
}

static void
stir(struct reprise_recorder *recorder, struct backfills *list, const struct log_news *news)
{
	struct backfill *backfill, *next;

	for (backfill = TAILQ_FIRST(list); backfill != NULL; backfill = next) {
		next = TAILQ_NEXT(backfill, link);
		if (!is_among(recorder, backfill, news))
			continue;
		heal_queue_remove(&recorder->healing, backfill);
		heal_queue_put(&recorder->healing, backfill);
	}
}

/*
 * Under the healing lock: the reading thread looks at the log's version now, if a subscription
 * waits.
 */
static void
have_it_look(struct healing *healing, bool is_told)
{
	healing->watching.is_told = is_told;
	healing->watching.is_wanted = true;
	healing->watching.due_ns = 0;
	pthread_cond_signal(&healing->has_work);
}

static void
pass_on(struct reprise_recorder *recorder, struct log_news *news)
{
	struct healing *const healing = &recorder->healing;

	qsort(news->keys, news->count, sizeof(news->keys[0]), compare_keys);
	pthread_mutex_lock(&healing->lock);
	if (news->is_all) {
		have_it_look(healing, true);
	} else {
		stir(recorder, &healing->waiting, news);
		stir(recorder, &healing->parked, news);
		/* The page that is being filled may be from before the commit. */
		if (healing->serving != NULL && is_among(recorder, healing->serving, news))
			healing->serving->is_stirred = true;
	}
	pthread_mutex_unlock(&healing->lock);
}

/* Under the log's lock, as every call of an adapter. */
static reprise_status
await(struct recorder_news *news)
{
	struct reprise_log *const log = news->log;

	pthread_mutex_lock(&log->lock);
	log->is_busy = true;
	const reprise_status status = log->adapter->await_news(log, news->stop, &news->heard, NULL);

	log->is_busy = false;
	pthread_mutex_unlock(&log->lock);
	return status;
}

/* Sleeps for as long, unless the thread is to end; answers whether it is. */
static bool
is_stopped(const struct recorder_news *news, uint64_t pause_ns)
{
	struct pollfd polled = { .fd = news->stop, .events = POLLIN };

	return poll(&polled, 1, (int)((pause_ns + 999999) / 1000000)) > 0;
}

static uint64_t
pause_ns(const struct reprise_recorder *recorder, uint64_t attempt)
{
	return reprise_recorder_backoff(attempt, clock_ns(), recorder->options.retry_ns_min,
					recorder->options.retry_ns_max);
}

static void *
news_run(void *argument)
{
	struct reprise_recorder *const recorder = argument;
	struct recorder_news *const news = &recorder->news;
	uint64_t failures = 0;

	for (;;) {
		const reprise_status status = await(news);

		if (is_stopped(news, 0))
			return NULL;
		if (status == REPRISE_OK) {
			failures = 0;
			pass_on(recorder, &news->heard);
			continue;
		}
		pthread_mutex_lock(&recorder->healing.lock);
		have_it_look(&recorder->healing, false);
		pthread_mutex_unlock(&recorder->healing.lock);
		if (is_stopped(news, pause_ns(recorder, ++failures)))
			return NULL;
	}
}

reprise_status
news_open(struct reprise_recorder *recorder, struct reprise_log *log, struct reprise_error *error)
{
	struct recorder_news *const news = &recorder->news;

	news->stop = -1;
	if (recorder->options.reads_only == 0 || log->adapter->await_news == NULL)
		return REPRISE_OK;
	news->stop = descriptor_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (news->stop < 0)
		return error_system(error, "eventfd", errno);
	return log->adapter->another(log, &news->log, error);
}

void
news_close(struct reprise_recorder *recorder)
{
	struct recorder_news *const news = &recorder->news;

	reprise_log_close(news->log);
	if (news->stop >= 0)
		(void)close(news->stop);
	news->log = NULL;
	news->stop = -1;
}

int
news_start(struct reprise_recorder *recorder)
{
	struct recorder_news *const news = &recorder->news;

	if (news->log == NULL)
		return 0;
	return thread_start(&news->thread, "reprise-news", news_run, recorder);
}

void
news_stop(struct reprise_recorder *recorder)
{
	struct recorder_news *const news = &recorder->news;

	if (news->log == NULL)
		return;
	log_interrupt(news->log);
	(void)descriptor_ring(news->stop);
	pthread_join(news->thread, NULL);
}
