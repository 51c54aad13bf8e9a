/* SPDX-License-Identifier: MIT */
#include "durable.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void
on_news(struct reprise_subscription *subscription, void *context)
{
	struct host *const host = context;

	(void)subscription;
	CHECK(sem_post(&host->called) == 0);
}

void
host_open(struct host *host, const struct reprise_cursor *cursor, enum host_kind kind,
	  enum door door)
{
	static const uint16_t kinds[] = { 0, 2 };
	const struct reprise_subscription_options options = {
		.size = sizeof(options),
		.spin_ns = 1000,
		.staging_bytes = 4096,
		.is_recorded_only = kind == HOST_RECORDED,
		.kinds = kind == HOST_FILTERING ? kinds : NULL,
		.kinds_count = kind == HOST_FILTERING ? 2 : 0,
	};

	*host = (struct host){ .door = door,
			       .at = *cursor,
			       .began = cursor->position,
			       .is_filtering = kind == HOST_FILTERING };
	CHECK(sem_init(&host->called, 0, 0) == 0);
	if (kind == HOST_REPLAY)
		CHECK_OK(reprise_replay_after(durable.store, cursor, &options, &host->subscription,
					      NULL));
	else
		CHECK_OK(reprise_subscribe_after(durable.store, cursor, &options,
						 &host->subscription, NULL));
	if (door == DOOR_FD)
		CHECK_OK(reprise_subscription_fd(host->subscription, &host->fd, NULL));
	if (door == DOOR_CALL)
		CHECK_OK(reprise_subscription_notify(host->subscription, on_news, host, NULL));
}

static void
take_event(struct host *host, const struct reprise_event *event)
{
	unsigned char payload[STRESS_PAYLOAD_MAX];
	const reprise_position position = event->position;

	CHECK(host->is_filtering ? position > host->at.position
				 : position == host->at.position + 1);
	CHECK(event->payload.size == stress_payload(position, payload));
	CHECK(memcmp(event->payload.data, payload, event->payload.size) == 0);
	CHECK(event->kind == position % DURABLE_KINDS);
	CHECK(event->revision == position / 7);
	CHECK(!host->is_filtering || event->kind % 2 == 0);
	host->filtered += position - host->at.position - 1;
	host->at.position = position;
	host->delivered++;
}

static void
take_trimmed(struct host *host, const struct reprise_gap *gap)
{
	if (gap->lost == 0) {
		if (gap->detail != REPRISE_GAP_RESTART && gap->detail != REPRISE_GAP_INVALIDATED)
			fprintf(stderr, "empty, detail %d at %" PRIu64 "\n", (int)gap->detail,
				host->at.position);
		CHECK(gap->detail == REPRISE_GAP_RESTART || gap->detail == REPRISE_GAP_INVALIDATED);
		CHECK(gap->lost_first == 0 && gap->lost_last == 0);
		host->restarts++;
	} else {
		CHECK(host->is_filtering ? gap->lost_first > host->at.position
					 : gap->lost_first == host->at.position + 1);
		CHECK(gap->lost == gap->lost_last - gap->lost_first + 1);
		host->filtered += gap->lost_first - host->at.position - 1;
		host->at.position = gap->lost_last;
		host->lost += gap->lost;
	}
	/* Filtered events move the cursor without a word. */
	CHECK(host->is_filtering ? gap->cursor.position >= host->at.position
				 : gap->cursor.position == host->at.position);
	CHECK(gap->newest.position >= host->at.position);
	host->filtered += gap->cursor.position - host->at.position;
	host->at.position = gap->cursor.position;
}

static void
take_unavailable(struct host *host, const struct reprise_gap *gap)
{
	/* Nothing crashes here, so that no life diverges. */
	if (gap->detail != REPRISE_GAP_INVALIDATED)
		fprintf(stderr, "detail %d from %" PRIu64 " at %" PRIu64 "\n", (int)gap->detail,
			host->began, host->at.position);
	CHECK(gap->detail == REPRISE_GAP_INVALIDATED);
	CHECK(gap->lost == 0);
	host->is_unavailable = true;
	host->next = gap->cursor;
}

bool
host_take(struct host *host, uint64_t most)
{
	struct reprise_event event;
	struct reprise_gap gap;

	while (most-- > 0) {
		switch (reprise_next(host->subscription, &event, &gap, &host->end)) {
		case REPRISE_NEXT_EVENT:
			CHECK(!host->is_unavailable);
			take_event(host, &event);
			break;
		case REPRISE_NEXT_GAP:
			CHECK(!host->is_unavailable);
			if (gap.reason == REPRISE_GAP_TRIMMED)
				take_trimmed(host, &gap);
			else
				take_unavailable(host, &gap);
			break;
		case REPRISE_NEXT_EMPTY:
			return true;
		case REPRISE_NEXT_ENDED:
			CHECK(host->is_unavailable == (host->end.cause == REPRISE_END_INVALIDATED));
			host->is_ended = true;
			return false;
		}
	}
	return true;
}

static void
wait_for_call(struct host *host, int timeout_ms)
{
	struct timespec until;

	if (timeout_ms < 0) {
		while (sem_wait(&host->called) != 0)
			;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)timeout_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)sem_timedwait(&host->called, &until);
}

void
host_sleep(struct host *host, int timeout_ms)
{
	struct pollfd one = { .fd = host->fd, .events = POLLIN };
	reprise_status status;

	switch (host->door) {
	case DOOR_FD:
		(void)poll(&one, 1, timeout_ms);
		break;
	case DOOR_CALL:
		wait_for_call(host, timeout_ms);
		break;
	case DOOR_WAIT:
	case DOORS:
		status = reprise_wait(host->subscription, timeout_ms < 0
								  ? REPRISE_NO_LIMIT
								  : (uint64_t)timeout_ms * 1000000);
		CHECK(status == REPRISE_OK || status == REPRISE_E_TIMEOUT);
		break;
	}
}

void
host_close(struct host *host)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;

	CHECK_OK(reprise_subscription_stats(host->subscription, &stats));
	CHECK_OK(reprise_subscription_cursor(host->subscription, &cursor));
	CHECK(host->is_filtering ? cursor.position >= host->at.position
				 : cursor.position == host->at.position);
	host->filtered += cursor.position - host->at.position;
	host->at = cursor;
	CHECK(stats.delivered == host->delivered);
	CHECK(stats.lost == host->lost);
	CHECK(stats.filtered == host->filtered);
	CHECK(stats.delivered + stats.filtered + stats.lost == cursor.position - host->began);
	reprise_subscription_close(host->subscription);
	CHECK(sem_destroy(&host->called) == 0);
}
