/* SPDX-License-Identifier: MIT */
#include "store/relay.h"

#include <signal.h>

#include "base/numbers.h"

enum {
	TICKS_FRESH = 100, /* before the word is left stale for one */
};

#define IDLE_NS_MAX NS_PER_S

/* How far the thread is in keeping the word. */
struct keeping {
	bool fresh;          /* else the word is stale */
	unsigned int ticks;  /* left to be fresh */
	uint64_t until_next; /* ns */
};

static void
tick(struct stamp *stamp, struct keeping *keeping)
{
	if (keeping->fresh && keeping->ticks > 0) {
		keeping->ticks--;
		store_relaxed(&stamp->word, clock_coarse_ns());
	} else if (keeping->fresh) {
		keeping->fresh = false;
		store_relaxed(&stamp->wanted, 0);
		store_relaxed(&stamp->word, STAMP_STALE);
	} else if (load_relaxed(&stamp->wanted) != 0) {
		*keeping = (struct keeping){ true, TICKS_FRESH, STAMP_TICK_NS };
		store_relaxed(&stamp->word, clock_coarse_ns());
	} else {
		keeping->until_next = least(2 * keeping->until_next, IDLE_NS_MAX);
	}
}

static void *
relay_main(void *argument)
{
	struct relay *const relay = argument;
	struct keeping keeping = { .until_next = STAMP_TICK_NS };

	pthread_mutex_lock(&relay->lock);
	while (!relay->stopping) {
		if (relay->stamp_by_host)
			keeping.until_next = IDLE_NS_MAX;
		const struct timespec next = ns_timespec(clock_ns() + keeping.until_next);

		if (pthread_cond_timedwait(&relay->changed, &relay->lock, &next) == 0)
			continue;
		if (!relay->stamp_by_host)
			tick(relay->stamp, &keeping);
		pthread_mutex_unlock(&relay->lock);
		relay->chores(relay->context);
		pthread_mutex_lock(&relay->lock);
	}
	pthread_mutex_unlock(&relay->lock);
	return NULL;
}

bool
relay_open(struct relay *relay, struct stamp *stamp, void (*chores)(void *context), void *context)
{
	pthread_condattr_t monotonic;

	*relay = (struct relay){ .stamp = stamp, .chores = chores, .context = context };
	if (pthread_mutex_init(&relay->lock, NULL) != 0)
		return false;
	if (pthread_condattr_init(&monotonic) != 0) {
		pthread_mutex_destroy(&relay->lock);
		return false;
	}
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	const bool opened = pthread_cond_init(&relay->changed, &monotonic) == 0;

	pthread_condattr_destroy(&monotonic);
	if (!opened)
		pthread_mutex_destroy(&relay->lock);
	return opened;
}

void
relay_close(struct relay *relay)
{
	if (relay->started) {
		pthread_mutex_lock(&relay->lock);
		relay->stopping = true;
		pthread_cond_signal(&relay->changed);
		pthread_mutex_unlock(&relay->lock);
		pthread_join(relay->thread, NULL);
	}
	pthread_cond_destroy(&relay->changed);
	pthread_mutex_destroy(&relay->lock);
}

int
relay_start(struct relay *relay)
{
	sigset_t all, before;
	int refused = 0;

	if (relay->started)
		return 0;
	/* The host's signals are for the host's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	refused = pthread_create(&relay->thread, NULL, relay_main, relay);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (refused == 0) {
		relay->started = true;
		(void)pthread_setname_np(relay->thread, "reprise-relay");
	}
	return refused;
}

void
relay_stamp_by_host(struct relay *relay, uint64_t stamp_ns)
{
	/* Under the thread's lock, so that no tick of its own can follow. */
	pthread_mutex_lock(&relay->lock);
	relay->stamp_by_host = true;
	store_relaxed(&relay->stamp->word, stamp_ns);
	pthread_cond_signal(&relay->changed);
	pthread_mutex_unlock(&relay->lock);
}
