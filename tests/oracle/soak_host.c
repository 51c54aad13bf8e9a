/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

#include "soak.h"

/*
 * A host: it follows, in its manner, and keeps books. Every event must be the next one and say of
 * itself what its position says; every gap must begin where the last event or gap was and be as
 * long as it says.
 */

enum {
	EVENTS_AT_A_TIME = 64,
};

static void
add_to(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

static void
take_event(struct soak_host *host, const struct reprise_event *event)
{
	uint64_t print = 0;

	if (event->position <= host->seen) {
		add_to(&host->doubled, 1);
		return;
	}
	CHECK(event->position == host->seen + 1);
	CHECK(event->payload.size == sizeof(print));
	memcpy(&print, event->payload.data, sizeof(print));
	CHECK(print == soak_print(host->session, event->position));
	CHECK(event->revision == soak_revision(event->position));
	CHECK(event->kind == (uint16_t)event->position);
	host->seen = event->position;
}

static void
take_gap(struct soak_host *host, const struct reprise_gap *gap)
{
	CHECK(gap->reason == REPRISE_GAP_TRIMMED);
	CHECK(gap->detail == REPRISE_GAP_CAPACITY || gap->detail == REPRISE_GAP_REQUEST);
	CHECK(gap->lost_first == host->seen + 1);
	CHECK(gap->lost_last >= gap->lost_first);
	CHECK(gap->lost == gap->lost_last - gap->lost_first + 1);
	CHECK(gap->cursor.position == gap->lost_last);
	CHECK(gap->newest.position >= gap->lost_last);
	host->seen = gap->lost_last;
	add_to(&host->lost, gap->lost);
	add_to(&host->gaps, 1);
}

/*
 * One look. An end that is not the session's is told by the outcome and left to who asked for it.
 */
static reprise_outcome
take(struct soak_host *host)
{
	const size_t room = host->manner == SOAK_POLLING ? EVENTS_AT_A_TIME : 1;
	struct reprise_event events[EVENTS_AT_A_TIME];
	struct reprise_gap gap;
	struct reprise_end end;
	size_t count = 0;
	const reprise_outcome outcome =
		reprise_next_batch(host->subscription, events, room, &count, &gap, &end);

	if (outcome == REPRISE_NEXT_EVENT) {
		for (size_t i = 0; i < count; i++)
			take_event(host, &events[i]);
		add_to(&host->delivered, count);
	} else if (outcome == REPRISE_NEXT_GAP) {
		take_gap(host, &gap);
	} else if (outcome == REPRISE_NEXT_ENDED && end.cause == REPRISE_END_SESSION) {
		CHECK(end.status == 7);
		host->is_ended = true;
	} else if (outcome == REPRISE_NEXT_ENDED) {
		CHECK(end.cause == REPRISE_END_REPLAY && host->manner == SOAK_RECONNECTING);
	}
	return outcome;
}

static void
ring(struct reprise_subscription *subscription, void *context)
{
	(void)subscription;
	CHECK(sem_post(context) == 0);
}

/* Until the end, asleep at @descriptor or @bell or in a wait when there is nothing. */
static void
follow(struct soak_host *host, int descriptor, sem_t *bell)
{
	struct pollfd at = { .fd = descriptor, .events = POLLIN };

	while (!host->is_ended) {
		if (take(host) != REPRISE_NEXT_EMPTY) {
			if (host->manner == SOAK_SLOW && stress_random(&host->random) % 16 == 0)
				usleep(stress_random(&host->random) % 1000);
			continue;
		}
		if (descriptor >= 0)
			CHECK(poll(&at, 1, -1) == 1);
		else if (bell != NULL)
			while (sem_wait(bell) != 0)
				;
		else if (host->manner == SOAK_POLLING)
			sched_yield();
		else
			CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
	}
}

/* The cursor goes to its text and comes back, as through a header. */
static struct reprise_cursor
kept_cursor(const struct soak_host *host)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct reprise_cursor cursor;
	size_t bytes = 0;

	CHECK_OK(reprise_subscription_cursor(host->subscription, &cursor));
	CHECK_OK(reprise_cursor_format(&cursor, text, sizeof(text), &bytes, NULL));
	CHECK_OK(reprise_cursor_parse(text, bytes, &cursor, NULL));
	CHECK_OK(reprise_cursor_check_session(&cursor, host->session->id, NULL));
	CHECK(cursor.position == host->seen);
	return cursor;
}

static void
come_back(struct soak_host *host)
{
	const struct reprise_cursor cursor = kept_cursor(host);
	struct reprise_store *const store = host->session->store;

	reprise_subscription_close(host->subscription);
	host->subscription = NULL;
	if (stress_random(&host->random) % 4 == 0)
		CHECK_OK(reprise_replay_after(store, &cursor, NULL, &host->subscription, NULL));
	else if (stress_random(&host->random) % 4 == 0)
		CHECK_OK(reprise_resume_after(store, &cursor, cursor.revision, NULL,
					      &host->subscription, NULL));
	else
		CHECK_OK(reprise_subscribe_after(store, &cursor, NULL, &host->subscription, NULL));
	add_to(&host->visits, 1);
}

/* It goes away in the middle of what there is and comes back with its cursor, again and again. */
static void
follow_in_visits(struct soak_host *host)
{
	while (!host->is_ended) {
		unsigned int outcomes = stress_random(&host->random) % 4096;
		reprise_outcome outcome = REPRISE_NEXT_EVENT;

		while (outcomes-- > 0 && outcome != REPRISE_NEXT_ENDED) {
			outcome = take(host);
			if (outcome == REPRISE_NEXT_EMPTY)
				CHECK_OK(reprise_wait(host->subscription, REPRISE_NO_LIMIT));
		}
		if (!host->is_ended)
			come_back(host);
	}
}

void *
soak_host_main(void *argument)
{
	struct soak_host *const host = argument;
	int descriptor = -1;
	sem_t bell;

	if (host->manner == SOAK_RECONNECTING) {
		follow_in_visits(host);
	} else if (host->manner == SOAK_CALLBACK) {
		CHECK(sem_init(&bell, 0, 0) == 0);
		CHECK_OK(reprise_subscription_notify(host->subscription, ring, &bell, NULL));
		follow(host, -1, &bell);
	} else {
		if (host->manner == SOAK_DESCRIPTOR)
			CHECK_OK(reprise_subscription_fd(host->subscription, &descriptor, NULL));
		follow(host, descriptor, NULL);
	}
	reprise_subscription_close(host->subscription);
	if (host->manner == SOAK_CALLBACK)
		CHECK(sem_destroy(&bell) == 0);
	return NULL;
}
