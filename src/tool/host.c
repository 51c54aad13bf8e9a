/* SPDX-License-Identifier: MIT */
#include "tool/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/pace.h"

const char *const host_way_names[HOST_WAYS] = {
	[HOST_STAYS] = "stays",
	[HOST_DROPS] = "drops",
	[HOST_SLOW] = "slow",
	[HOST_LATE] = "late",
};

static const char *const detail_names[] = {
	[REPRISE_GAP_CAPACITY] = "capacity",
	[REPRISE_GAP_AGE] = "age",
	[REPRISE_GAP_REQUEST] = "request",
	[REPRISE_GAP_AHEAD] = "ahead",
	[REPRISE_GAP_BEFORE_WINDOW] = "before the window",
	[REPRISE_GAP_OTHER_INCARNATION] = "another incarnation",
	[REPRISE_GAP_INVALIDATED] = "invalidated",
	[REPRISE_GAP_UNKNOWN_SESSION] = "unknown session",
	[REPRISE_GAP_BEHIND_DURABLE] = "behind the durable state",
};

/* How long a host waits before it looks whether its runtime has failed. */
#define LOOK_NS UINT64_C(100000000)

static uint64_t
between(struct host *host, uint64_t least, uint64_t most)
{
	return least + (uint64_t)rand_r(&host->random) % (most - least + 1);
}

/* The connection: subscribed with the text of the cursor that it holds. */
static struct reprise_subscription *
connect_with_text(struct host *host)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	const reprise_status status =
		reprise_cursor_parse(host->cursor_text, strlen(host->cursor_text), &cursor, NULL);

	if (status != REPRISE_OK ||
	    reprise_cursor_for_session(&cursor, host->stage->session_id, NULL) != REPRISE_OK ||
	    reprise_subscribe_after(host->stage->store, &cursor, NULL, &subscription, NULL) !=
		    REPRISE_OK) {
		host->wrong++;
		return NULL;
	}
	return subscription;
}

static void
disconnect(struct host *host, struct reprise_subscription *subscription)
{
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(subscription, &cursor) != REPRISE_OK ||
	    reprise_cursor_format(&cursor, host->cursor_text, sizeof(host->cursor_text), NULL,
				  NULL) != REPRISE_OK)
		host->wrong++;
	reprise_subscription_close(subscription);
}

static void
take_event(struct host *host, const struct reprise_event *event)
{
	const struct input *const input = host->stage->input;
	const struct reprise_bytes line = input->lines[(event->position - 1) % input->lines_count];

	if (event->position <= host->seen) {
		host->doubled++;
		return;
	}
	if (event->position != host->seen + 1 || event->payload.size != line.size ||
	    memcmp(event->payload.data, line.data, line.size) != 0)
		host->wrong++;
	host->seen = event->position;
	atomic_fetch_add(&host->delivered, 1);
}

static void
take_gap(struct host *host, const struct reprise_gap *gap)
{
	if (gap->reason != REPRISE_GAP_TRIMMED || gap->lost_first != host->seen + 1 ||
	    gap->lost != gap->lost_last - gap->lost_first + 1)
		host->wrong++;
	if (host->stage->tells && atomic_load(&host->gaps) == 0)
		printf("  the host that %s lost %llu..%llu (%s) and goes on at %llu\n",
		       host->way == HOST_SLOW   ? "is slow"
		       : host->way == HOST_LATE ? "comes late"
						: host_way_names[host->way],
		       (unsigned long long)gap->lost_first, (unsigned long long)gap->lost_last,
		       detail_names[gap->detail], (unsigned long long)gap->lost_last + 1);
	host->seen = gap->lost_last;
	atomic_fetch_add(&host->gaps, 1);
	atomic_fetch_add(&host->lost, gap->lost);
}

/*
 * Takes what there is until there is nothing. False when nothing will follow: then *ret_ended says
 * whether the session's end was told.
 */
static bool
take_all(struct host *host, struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	for (;;) {
		switch (reprise_next(subscription, &event, &gap, &end)) {
		case REPRISE_NEXT_EVENT:
			take_event(host, &event);
			break;
		case REPRISE_NEXT_GAP:
			take_gap(host, &gap);
			break;
		case REPRISE_NEXT_EMPTY:
			return true;
		case REPRISE_NEXT_ENDED:
			host->is_ended = end.cause == REPRISE_END_SESSION && end.status == 0;
			return false;
		}
	}
}

/* Follows until the end, or until a position or a time has come; false at the end. */
static bool
follow(struct host *host, struct reprise_subscription *subscription, reprise_position until,
       uint64_t until_ns)
{
	for (;;) {
		const uint64_t now = pace_now();

		if (!take_all(host, subscription) || atomic_load(&host->stage->is_failed))
			return false;
		if (host->seen >= until || now >= until_ns)
			return true;
		const uint64_t left = until_ns - now;

		if (reprise_wait(subscription, left < LOOK_NS ? left : LOOK_NS) ==
		    REPRISE_E_INVALID)
			host->wrong++;
	}
}

static void
drop_and_come_back(struct host *host)
{
	const uint64_t run_ns = host->stage->seconds * 1000000000u;
	const uint64_t total = host->stage->rate * host->stage->seconds;

	for (;;) {
		struct reprise_subscription *const subscription = connect_with_text(host);

		if (subscription == NULL)
			return;
		/* By time where the runtime cannot keep its rate. */
		const reprise_position until = host->seen + between(host, total / 50, total / 10);
		const uint64_t until_ns = pace_now() + between(host, run_ns / 50, run_ns / 8);
		const bool goes_on = follow(host, subscription, until, until_ns);

		disconnect(host, subscription);
		if (!goes_on)
			return;
		if (host->stage->tells && atomic_load(&host->reconnects) == 0)
			printf("  the host that drops is gone after %llu; it will be back with\n"
			       "    %s\n",
			       (unsigned long long)host->seen, host->cursor_text);
		pace_sleep(between(host, 0, run_ns / 50));
		atomic_fetch_add(&host->reconnects, 1);
	}
}

static void
turn_away_and_look(struct host *host)
{
	struct reprise_subscription *const subscription = connect_with_text(host);
	const uint64_t away_ns =
		host->stage->events_max * 3 / 2 * 1000000000u / host->stage->rate + 1000000;

	if (subscription == NULL)
		return;
	while (take_all(host, subscription) && !atomic_load(&host->stage->is_failed))
		pace_sleep(away_ns);
	disconnect(host, subscription);
}

static void
come_late(struct host *host)
{
	struct stage *const stage = host->stage;

	while (atomic_load(&stage->appended) < 2 * stage->events_max &&
	       !atomic_load(&stage->is_over))
		pace_sleep(1000000);
	struct reprise_subscription *const subscription = connect_with_text(host);

	if (subscription == NULL)
		return;
	(void)follow(host, subscription, UINT64_MAX, UINT64_MAX);
	disconnect(host, subscription);
}

static void
stay(struct host *host)
{
	struct reprise_subscription *const subscription = connect_with_text(host);

	if (subscription == NULL)
		return;
	(void)follow(host, subscription, UINT64_MAX, UINT64_MAX);
	disconnect(host, subscription);
}

static void *
host_main(void *argument)
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
	case HOST_WAYS:
		break;
	}
	return NULL;
}

bool
host_start(struct host *host)
{
	struct reprise_cursor cursor;

	return reprise_current_cursor(host->stage->store, host->stage->session_id, 0, &cursor) ==
		       REPRISE_OK &&
	       reprise_cursor_format(&cursor, host->cursor_text, sizeof(host->cursor_text), NULL,
				     NULL) == REPRISE_OK &&
	       pthread_create(&host->thread, NULL, host_main, host) == 0;
}

void
host_join(struct host *host)
{
	pthread_join(host->thread, NULL);
}
