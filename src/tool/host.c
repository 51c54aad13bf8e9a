/* SPDX-License-Identifier: MIT */
#include "tool/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/pace.h"
#include "tool/progress.h"

const char *const host_way_names[HOST_WAYS] = {
	[HOST_STAYS] = "stays", [HOST_DROPS] = "drops", [HOST_SLOW] = "slow",
	[HOST_LATE] = "late",   [HOST_EPOLL] = "epoll", [HOST_CALLBACK] = "callback",
};

uint64_t
host_between(struct host *host, uint64_t least, uint64_t most)
{
	return least + (uint64_t)rand_r(&host->random) % (most - least + 1);
}

bool
host_open(struct host *host, struct stage *stage, enum host_way way, unsigned int random)
{
	struct reprise_cursor cursor;

	host->stage = stage;
	host->way = way;
	host->random = random;
	/* The host comes before the runtime. In a store with a log the runtime comes first. */
	if (!stage->is_recorded &&
	    reprise_session_create(stage->store, stage->session_id, NULL, NULL) != REPRISE_OK)
		return false;
	if (reprise_session_current_cursor(stage->store, stage->session_id, 0, &cursor) !=
	    REPRISE_OK)
		return false;
	host->seen = cursor.position;
	return reprise_cursor_format(&cursor, host->cursor_text, sizeof(host->cursor_text), NULL,
				     NULL) == REPRISE_OK;
}

struct reprise_subscription *
host_connect(struct host *host)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	const reprise_status status =
		reprise_cursor_parse(host->cursor_text, strlen(host->cursor_text), &cursor, NULL);

	if (status != REPRISE_OK ||
	    reprise_cursor_check_session(&cursor, host->stage->session_id, NULL) != REPRISE_OK ||
	    reprise_subscribe_after(host->stage->store, &cursor, NULL, &subscription, NULL) !=
		    REPRISE_OK) {
		host->is_refused = true;
		return NULL;
	}
	return subscription;
}

void
host_disconnect(struct host *host, struct reprise_subscription *subscription)
{
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(subscription, &cursor) != REPRISE_OK ||
	    reprise_cursor_format(&cursor, host->cursor_text, sizeof(host->cursor_text), NULL,
				  NULL) != REPRISE_OK)
		host->is_refused = true;
	reprise_subscription_close(subscription);
}

static void
take_healed(struct host *host, reprise_position position)
{
	if (atomic_fetch_add(&host->healed, 1) == 0 && host->stage->tells)
		printf("%s  host %s: overtaken; gets event %llu and later ones from the log\n",
		       progress_over(), host_way_names[host->way], (unsigned long long)position);
}

static void
take_event(struct host *host, const struct reprise_event *event)
{
	const struct reprise_bytes line = stage_line(host->stage, event->position);

	if (event->position <= host->seen) {
		host->doubled++;
		return;
	}
	if (event->position != host->seen + 1 || event->payload.size != line.size ||
	    memcmp(event->payload.data, line.data, line.size) != 0)
		host->wrong++;
	if (event->source == REPRISE_SOURCE_LOG)
		take_healed(host, event->position);
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
		printf("%s  host %s: gap, events %llu to %llu are lost (%s); goes on with event "
		       "%llu\n",
		       progress_over(), host_way_names[host->way],
		       (unsigned long long)gap->lost_first, (unsigned long long)gap->lost_last,
		       reprise_gap_detail_name(gap->detail),
		       (unsigned long long)gap->lost_last + 1);
	host->seen = gap->lost_last;
	atomic_fetch_add(&host->gaps, 1);
	atomic_fetch_add(&host->lost, gap->lost);
}

bool
host_take_all(struct host *host, struct reprise_subscription *subscription)
{
	return host_take_until(host, subscription, UINT64_MAX, UINT64_MAX);
}

bool
host_take_until(struct host *host, struct reprise_subscription *subscription,
		reprise_position until, uint64_t until_ns)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	do {
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
	} while (host->seen < until && (until_ns == UINT64_MAX || pace_now() < until_ns));
	return true;
}

bool
host_is_late(const struct host *host)
{
	const struct stage *const stage = host->stage;

	return atomic_load(&stage->appended) >= 2 * stage->events_max ||
	       atomic_load(&stage->over_ns) != 0;
}

uint64_t
host_away_ns(const struct host *host)
{
	return host->stage->events_max * 3 / 2 * 1000000000u / host->stage->rate + 1000000;
}

const char *
host_fault(const struct host *host)
{
	if (host->is_refused)
		return "a call of the library failed";
	if (host->delivered + host->lost != host->stage->appended)
		return "delivered + lost differs from appended";
	if (host->doubled != 0)
		return "got an event twice";
	if (host->wrong != 0)
		return "got a wrong payload, or a gap with wrong bounds";
	if (!host->is_ended)
		return "did not get the end of the session";
	return NULL;
}
