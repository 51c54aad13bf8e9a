/* SPDX-License-Identifier: MIT */
#include "tool/top_fetch.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	STEP_NS = 50000000,
};

static bool
goes_on(void *context)
{
	struct top_fetch *const fetch = context;

	return !atomic_load(&fetch->is_ending);
}

static void
give(struct top_fetch *fetch, const struct top_news *news)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&fetch->lock);
	top_sample_free(fetch->news.sample);
	fetch->news = *news;
	pthread_mutex_unlock(&fetch->lock);
	(void)!write(fetch->wake_fd, &one, sizeof(one));
}

/* Sleeps at least @ms, and as long as the pause lasts. */
static void
rest(struct top_fetch *fetch, uint64_t ms)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	const uint64_t until_ns = top_now_ns() + ms * 1000000;

	while (goes_on(fetch) && (top_now_ns() < until_ns || atomic_load(&fetch->is_paused)))
		nanosleep(&step, NULL);
}

static void *
take_samples(void *argument)
{
	struct top_fetch *const fetch = argument;

	while (goes_on(fetch)) {
		struct top_news news = { .is_new = true };
		const uint64_t begun_ns = top_now_ns();

		news.result = top_take(&fetch->source, &news.sample, news.fault);
		const uint64_t took_ms = (top_now_ns() - begun_ns) / 1000000;

		if (news.result != TOP_STOPPED)
			give(fetch, &news);
		rest(fetch, top_rest_ms(fetch->interval_ms, took_ms, news.result));
	}
	return NULL;
}

bool
top_fetch_begin(struct top_fetch *fetch, const struct top_source *source, uint64_t interval_ms)
{
	sigset_t all, before;

	*fetch = (struct top_fetch){ .source = *source, .interval_ms = interval_ms };
	fetch->source.goes_on = goes_on;
	fetch->source.context = fetch;
	fetch->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fetch->wake_fd < 0)
		return false;
	pthread_mutex_init(&fetch->lock, NULL);
	/* Signals are for the thread of the terminal. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool is_begun = pthread_create(&fetch->thread, NULL, take_samples, fetch) == 0;

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (is_begun)
		return true;
	pthread_mutex_destroy(&fetch->lock);
	close(fetch->wake_fd);
	return false;
}

struct top_news
top_fetch_take(struct top_fetch *fetch)
{
	uint64_t count;

	(void)!read(fetch->wake_fd, &count, sizeof(count));
	pthread_mutex_lock(&fetch->lock);
	const struct top_news news = fetch->news;

	fetch->news = (struct top_news){ .is_new = false };
	pthread_mutex_unlock(&fetch->lock);
	return news;
}

void
top_fetch_pause(struct top_fetch *fetch, bool is_paused)
{
	atomic_store(&fetch->is_paused, is_paused);
}

void
top_fetch_end(struct top_fetch *fetch)
{
	atomic_store(&fetch->is_ending, true);
	pthread_join(fetch->thread, NULL);
	top_sample_free(fetch->news.sample);
	pthread_mutex_destroy(&fetch->lock);
	close(fetch->wake_fd);
}
