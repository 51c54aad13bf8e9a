/* SPDX-License-Identifier: MIT */
#include "tool/solo.h"

#include <semaphore.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tool/pace.h"
#include "tool/progress.h"

static bool
is_hopeless(const struct host *host)
{
	return stage_is_hopeless(host->stage, pace_now());
}

/* Sleeps, at most until the end of the appending. An interrupt may end the appending early. */
static void
rest(const struct host *host, uint64_t ns)
{
	const uint64_t until = pace_now() + ns;
	uint64_t now;

	while ((now = pace_now()) < until && atomic_load(&host->stage->over_ns) == 0)
		pace_sleep(until - now < STAGE_LOOK_NS ? until - now : STAGE_LOOK_NS);
}

/* Takes events until a position, a time or the session's end. False: the session has ended. */
static bool
follow(struct host *host, struct reprise_subscription *subscription, reprise_position until,
       uint64_t until_ns)
{
	for (;;) {
		const uint64_t now = pace_now();

		if (!host_take_until(host, subscription, until, until_ns) ||
		    stage_is_hopeless(host->stage, now))
			return false;
		if (host->seen >= until || now >= until_ns)
			return true;
		const uint64_t left = until_ns - now;

		if (reprise_wait(subscription, left < STAGE_LOOK_NS ? left : STAGE_LOOK_NS) ==
		    REPRISE_E_INVALID)
			host->is_refused = true;
	}
}

static void
stay(struct host *host)
{
	struct reprise_subscription *const subscription = host_connect(host);

	if (subscription == NULL)
		return;
	(void)follow(host, subscription, UINT64_MAX, UINT64_MAX);
	host_disconnect(host, subscription);
}

static void
drop_and_come_back(struct host *host)
{
	const uint64_t run_ns = host->stage->seconds * 1000000000u;
	const uint64_t total = host->stage->rate * host->stage->seconds;

	for (;;) {
		struct reprise_subscription *const subscription = host_connect(host);

		if (subscription == NULL)
			return;
		/* By time, if the runtime cannot keep its rate. */
		const reprise_position until =
			host->seen + host_between(host, total / 50, total / 10);
		const uint64_t until_ns = pace_now() + host_between(host, run_ns / 50, run_ns / 8);
		const bool goes_on = follow(host, subscription, until, until_ns);

		host_disconnect(host, subscription);
		if (!goes_on)
			return;
		if (host->stage->tells && atomic_load(&host->reconnects) == 0)
			printf("%s  host drops: disconnected after event %llu; will come back with "
			       "the cursor\n"
			       "    %s\n",
			       progress_over(), (unsigned long long)host->seen, host->cursor_text);
		rest(host, host_between(host, 0, run_ns / 50));
		atomic_fetch_add(&host->reconnects, 1);
	}
}

/* Pauses for longer than the window holds, even if the runtime cannot keep its rate. */
static void
turn_away(const struct host *host)
{
	const struct stage *const stage = host->stage;
	const uint64_t until = atomic_load(&stage->appended) + stage->events_max * 3 / 2;

	rest(host, host_away_ns(host));
	while (atomic_load(&stage->appended) < until && atomic_load(&stage->over_ns) == 0)
		pace_sleep(1000000);
}

static void
turn_away_and_look(struct host *host)
{
	struct reprise_subscription *const subscription = host_connect(host);
	const struct stage *const stage = host->stage;

	if (subscription == NULL)
		return;
	/* In a store with a log the host reads lost events from the log before the pause. */
	while (follow(host, subscription, stage->before + atomic_load(&stage->appended),
		      UINT64_MAX))
		turn_away(host);
	host_disconnect(host, subscription);
}

static void
come_late(struct host *host)
{
	while (!host_is_late(host))
		pace_sleep(1000000);
	stay(host);
}

/* Waits for the descriptor in @loop. False: no event can come any more. */
static bool
wait_in_epoll(struct host *host, int loop)
{
	const int look_ms = STAGE_LOOK_NS / 1000000;
	struct epoll_event ready;

	while (epoll_wait(loop, &ready, 1, look_ms) < 1)
		if (is_hopeless(host))
			return false;
	return true;
}

static void
stay_in_epoll(struct host *host)
{
	struct reprise_subscription *const subscription = host_connect(host);
	struct epoll_event wanted = { .events = EPOLLIN };
	int descriptor;

	if (subscription == NULL)
		return;
	const int loop = epoll_create1(EPOLL_CLOEXEC);

	if (loop < 0 || reprise_subscription_fd(subscription, &descriptor, NULL) != REPRISE_OK ||
	    epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &wanted) != 0)
		host->is_refused = true;
	else
		while (host_take_all(host, subscription) && wait_in_epoll(host, loop))
			continue;
	/* The loop is closed first: an epoll loop must not hold a closed descriptor. */
	if (loop >= 0)
		close(loop);
	host_disconnect(host, subscription);
}

struct call {
	struct host *host;
	sem_t is_over;
};

/* On the store's thread. */
static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct call *const call = context;

	if (!host_take_all(call->host, subscription))
		sem_post(&call->is_over);
}

static void
wait_for_last_call(struct call *call)
{
	struct timespec look;

	do {
		clock_gettime(CLOCK_REALTIME, &look);
		look.tv_nsec += (long)STAGE_LOOK_NS;
		look.tv_sec += look.tv_nsec / 1000000000;
		look.tv_nsec %= 1000000000;
	} while (sem_timedwait(&call->is_over, &look) != 0 && !is_hopeless(call->host));
}

static void
stay_on_callback(struct host *host)
{
	struct reprise_subscription *const subscription = host_connect(host);
	struct call call = { .host = host };

	if (subscription == NULL)
		return;
	sem_init(&call.is_over, 0, 0);
	const bool is_set =
		reprise_subscription_notify(subscription, be_called, &call, NULL) == REPRISE_OK;

	if (is_set)
		wait_for_last_call(&call);
	/* No callback runs any more: the host and the semaphore belong to this thread again. */
	if (reprise_subscription_notify(subscription, NULL, NULL, NULL) != REPRISE_OK || !is_set)
		host->is_refused = true;
	host_disconnect(host, subscription);
	sem_destroy(&call.is_over);
}

static void *
solo_main(void *argument)
{
	struct host *const host = argument;

	switch (host->way) {
	case HOST_STAYS:
		stay(host);
		break;
	case HOST_DROPS:
		drop_and_come_back(host);
		break;
	case HOST_SLOW:
		turn_away_and_look(host);
		break;
	case HOST_LATE:
		come_late(host);
		break;
	case HOST_EPOLL:
		stay_in_epoll(host);
		break;
	case HOST_CALLBACK:
		stay_on_callback(host);
		break;
	case HOST_WAYS:
		break;
	}
	return NULL;
}

bool
solo_start(struct solo *solo)
{
	return pthread_create(&solo->thread, NULL, solo_main, &solo->host) == 0;
}

void
solo_join(struct solo *solo)
{
	pthread_join(solo->thread, NULL);
}
