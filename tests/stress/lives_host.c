/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdio.h>

#include "lives.h"

enum manner {
	MANNER_SUBSCRIBE,
	MANNER_REPLAY,
	MANNER_RESUME,
	MANNERS,
};

struct visit {
	struct held held;
	struct reprise_subscription *subscription;
	enum manner manner;
	uint64_t durable; /* of a resume */
	reprise_position seen;
	int descriptor; /* or -1 */
	bool is_filtered, is_refused, is_ended;
};

/* False if the store is full of what others hold, or the session has gone again. */
static bool
take_cursor(struct lives_host *host, struct held *held)
{
	struct place *const place = &lives_places[stress_random(&host->random) % LIVES_IDS];
	const reprise_position newest = atomic_load(&place->newest);
	const unsigned int which = stress_random(&host->random) % 3;
	const uint64_t revision = which == 0 ? UINT64_MAX : newest;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	reprise_status status;

	held->place = place;
	held->done_before = atomic_load(&place->done);
	status = reprise_session_create(lives_store, place->id, NULL, NULL);
	CHECK(status == REPRISE_OK || status == REPRISE_E_FULL);
	if (status == REPRISE_E_FULL)
		atomic_fetch_add(&lives_fulls, 1);
	status = (which == 2 ? reprise_session_earliest_cursor : reprise_session_current_cursor)(
		lives_store, place->id, revision, &held->cursor);
	held->begun = atomic_load(&place->begun);
	CHECK(pthread_mutex_lock(&place->lock) == 0);
	held->replaced_before = place->replaced_count;
	CHECK(pthread_mutex_unlock(&place->lock) == 0);
	CHECK(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	if (reprise_session_stats(lives_store, place->id, &stats) == REPRISE_OK)
		CHECK(stats.newest >= newest);
	return status == REPRISE_OK;
}

/* One of now, or of any time. */
static bool
choose_cursor(struct lives_host *host, struct held *held)
{
	struct held *const kept = &host->kept[stress_random(&host->random) % LIVES_KEPT];

	if (kept->place != NULL && stress_random(&host->random) % 4 == 0) {
		*held = *kept;
		return true;
	}
	if (!take_cursor(host, held))
		return false;
	if (stress_random(&host->random) % 2 == 0)
		*kept = *held;
	return true;
}

static void
check_event(const struct held *held, const struct reprise_event *event, reprise_position seen,
	    bool is_filtered)
{
	struct print print;

	CHECK(event->payload.size == sizeof(print));
	memcpy(&print, event->payload.data, sizeof(print));
	CHECK(is_same_life(&print.incarnation, &held->cursor.incarnation));
	CHECK(print.place == (uint64_t)(held->place - lives_places));
	CHECK(print.position == event->position);
	CHECK(event->revision == event->position);
	CHECK(event->flags == REPRISE_EVENT_COMMIT);
	CHECK(is_filtered ? event->position > seen && event->position % 2 == 0
			  : event->position == seen + 1);
}

static void
check_refusal(const struct visit *visit, const struct reprise_gap *gap)
{
	const struct held *const held = &visit->held;
	const uint64_t revision = held->cursor.revision;
	const bool is_resume = visit->manner == MANNER_RESUME;

	CHECK(gap->lost == 0 && gap->lost_first == 0 && gap->lost_last == 0);
	CHECK((gap->detail == REPRISE_GAP_AHEAD) == (is_resume && revision > visit->durable));
	if (gap->detail == REPRISE_GAP_AHEAD)
		return;
	if (gap->detail == REPRISE_GAP_BEHIND_DURABLE) {
		CHECK(is_resume && revision < visit->durable);
		return;
	}
	CHECK(gap->detail == REPRISE_GAP_OTHER_INCARNATION ||
	      gap->detail == REPRISE_GAP_UNKNOWN_SESSION || gap->detail == REPRISE_GAP_INVALIDATED);
	if (gap->detail == REPRISE_GAP_INVALIDATED)
		CHECK(atomic_load(&held->place->begun) > held->done_before);
	CHECK(!is_same_life(&gap->cursor.incarnation, &held->cursor.incarnation));
}

static void
sleep_at(struct reprise_subscription *subscription, int descriptor)
{
	struct pollfd at = { .fd = descriptor, .events = POLLIN };

	if (descriptor < 0)
		CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
	else
		CHECK(poll(&at, 1, -1) == 1);
}

static void
check_end(struct lives_host *host, struct visit *visit, const struct reprise_end *end)
{
	struct reprise_cursor cursor;
	const bool is_first = !visit->is_ended;

	visit->is_ended = true;
	CHECK((end->cause == REPRISE_END_INVALIDATED) == visit->is_refused);
	CHECK(end->cause != REPRISE_END_REPLAY || visit->manner == MANNER_REPLAY);
	CHECK(end->cause != REPRISE_END_STORE);
	if (end->cause != REPRISE_END_SESSION)
		return;
	/* The writer ends each life with its last position for a status. */
	CHECK_OK(reprise_subscription_cursor(visit->subscription, &cursor));
	CHECK((int32_t)cursor.position == end->status);
	host->ended += is_first;
}

static bool
was_replaced(const struct held *held)
{
	struct place *const place = held->place;
	bool was_replaced = false;

	CHECK(pthread_mutex_lock(&place->lock) == 0);
	/* A thread that was kept from its core for long may find that its life is forgotten. */
	if (place->replaced_count - held->replaced_before >= LIVES_ENDED)
		was_replaced = true;
	for (size_t i = 0; i < LIVES_ENDED && !was_replaced; i++)
		was_replaced = is_same_life(&place->replaced[i], &held->cursor.incarnation);
	CHECK(pthread_mutex_unlock(&place->lock) == 0);
	return was_replaced;
}

static void
take_gap(struct lives_host *host, struct visit *visit, const struct reprise_gap *gap)
{
	if (gap->reason == REPRISE_GAP_UNAVAILABLE) {
		check_refusal(visit, gap);
		visit->is_refused = true;
		host->refused++;
		host->voided += gap->detail == REPRISE_GAP_INVALIDATED;
		return;
	}
	CHECK(gap->detail == REPRISE_GAP_CAPACITY || gap->detail == REPRISE_GAP_AGE);
	CHECK(visit->is_filtered ? gap->lost_first > visit->seen
				 : gap->lost_first == visit->seen + 1);
	CHECK(gap->lost == gap->lost_last - gap->lost_first + 1);
	visit->seen = gap->lost_last;
}

/* Takes one outcome; sleeps if there is none. */
static void
take(struct lives_host *host, struct visit *visit)
{
	const struct held *const held = &visit->held;
	const bool is_void = atomic_load(&held->place->done) > held->begun;
	const bool is_over = visit->is_refused || visit->is_ended;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	const reprise_outcome outcome = reprise_next(visit->subscription, &event, &gap, &end);

	CHECK(!is_over || outcome == REPRISE_NEXT_ENDED);
	switch (outcome) {
	case REPRISE_NEXT_EVENT:
		check_event(held, &event, visit->seen, visit->is_filtered);
		visit->seen = event.position;
		break;
	case REPRISE_NEXT_GAP:
		take_gap(host, visit, &gap);
		break;
	case REPRISE_NEXT_EMPTY:
		CHECK(!is_void);
		CHECK(visit->manner != MANNER_REPLAY);
		sleep_at(visit->subscription, visit->descriptor);
		break;
	case REPRISE_NEXT_ENDED:
		check_end(host, visit, &end);
		break;
	}
	if (is_void && !is_over && !visit->is_refused)
		CHECK(was_replaced(held));
}

static void
leave(struct lives_host *host, struct visit *visit)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;

	CHECK_OK(reprise_subscription_cursor(visit->subscription, &cursor));
	CHECK_OK(reprise_subscription_stats(visit->subscription, &stats));
	CHECK(stats.delivered + stats.filtered + stats.lost ==
	      cursor.position - visit->held.cursor.position);
	host->delivered += stats.delivered;
	host->filtered += stats.filtered;
	host->lost += stats.lost;
	reprise_subscription_close(visit->subscription);
}

static void
open_visit(struct lives_host *host, struct visit *visit)
{
	static const uint16_t even = 0;
	const struct reprise_cursor *const cursor = &visit->held.cursor;
	const struct reprise_subscription_options options = {
		.size = sizeof(options),
		.spin_ns = 1,
		.kinds = visit->is_filtered ? &even : NULL,
		.kinds_count = visit->is_filtered,
	};
	reprise_status status;

	visit->seen = cursor->position;
	/* One less, the same, or one more. */
	visit->durable = cursor->revision + stress_random(&host->random) % 3;
	visit->durable -= visit->durable != 0;
	if (visit->manner == MANNER_RESUME)
		status = reprise_resume_after(lives_store, cursor, visit->durable, &options,
					      &visit->subscription, NULL);
	else
		status = (visit->manner == MANNER_REPLAY ? reprise_replay_after
							 : reprise_subscribe_after)(
			lives_store, cursor, &options, &visit->subscription, NULL);
	CHECK(status == REPRISE_OK);
	if (stress_random(&host->random) % 4 == 0)
		CHECK_OK(reprise_subscription_fd(visit->subscription, &visit->descriptor, NULL));
}

void
lives_visit(struct lives_host *host)
{
	struct visit visit = { .manner = stress_random(&host->random) % MANNERS,
			       .descriptor = -1,
			       .is_filtered = stress_random(&host->random) % 4 == 0 };

	if (!choose_cursor(host, &visit.held))
		return;
	open_visit(host, &visit);
	for (unsigned int n = stress_random(&host->random) % 64; n > 0; n--)
		take(host, &visit);
	leave(host, &visit);
}
