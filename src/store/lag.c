/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <reprise/lag.h>

#include "base/sized.h"
#include "base/sizes.h"
#include "ring/glimpse.h"
#include "store/subscription.h"

enum {
	LOOKS_MAX = 3,
};

/* Whether the position is in the life of the subscription's window, and more may come. */
static bool
is_in_window(const struct reprise_subscription *subscription)
{
	struct reprise_session *const session = subscription->session;
	const enum stage stage = subscription->stage;

	return subscription_is_bound(subscription) && stage != STAGE_REFUSED &&
	       stage != STAGE_OVER && stage != STAGE_LIFE_ENDED && stage != STAGE_AWAITING &&
	       !ring_is_void(&session->ring) &&
	       subscription->at.position >= session->ring.position_before &&
	       subscription->at.position <= load_relaxed(&session->ring.newest) &&
	       memcmp(&subscription->at.incarnation, &session->incarnation,
		      sizeof(session->incarnation)) == 0;
}

/* From the beginning of @first to the end of @last, in the writer's line. False if overtaken. */
static bool
measure(struct ring *ring, uint64_t first, uint64_t last, uint64_t *ret_bytes)
{
	struct glimpse begin, end;
	const bool is_whole = ring_glimpse(ring, first, &begin) && ring_glimpse(ring, last, &end);

	if (!is_whole || ring_intact(ring) > first)
		return false;
	const uint64_t after =
		(uint64_t)(end.payload - ring->arena) - RECORD_HEADER_BYTES + end.record_bytes;
	const uint64_t at = (uint64_t)(begin.payload - ring->arena) - RECORD_HEADER_BYTES;

	/* 1 .. arena_bytes, since both are intact. */
	*ret_bytes = ((after - at - 1) & ring->arena_mask) + 1;
	return true;
}

/* The bytes of what is retained of @first .. @last; 0 if nothing is. */
static uint64_t
bytes_of(struct ring *ring, uint64_t first, uint64_t last)
{
	uint64_t bytes = ring->arena_bytes;

	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		const uint64_t from = greatest(first, ring_look(ring).kept);

		if (from > last)
			return 0;
		if (measure(ring, from, last, &bytes))
			break;
	}
	return bytes;
}

/* The first position that is not copied yet. */
static uint64_t
needed_of(const struct reprise_subscription *subscription)
{
	const struct stretch *const stretch = &subscription->stretch;

	return subscription->stage == STAGE_FOLLOWING && stretch->count > 0
		       ? stretch->first + stretch->count
		       : subscription->at.position + 1;
}

static void
measure_headroom(const struct reprise_subscription *subscription,
		 struct reprise_subscription_lag *lag)
{
	struct ring *const ring = &subscription->session->ring;
	const uint64_t needed = needed_of(subscription);
	const struct look look = ring_look(ring);
	uint64_t bytes = 0;

	if (needed < look.kept)
		return;
	if (needed <= look.newest && !measure(ring, needed, look.newest, &bytes))
		return;
	lag->headroom_events = needed + ring->events_max - 1 - look.newest;
	lag->headroom_bytes = ring->arena_bytes - bytes;
}

reprise_status
reprise_subscription_lag(const struct reprise_subscription *subscription,
			 struct reprise_subscription_lag *ret_lag)
{
	struct reprise_subscription_lag lag = { 0 };

	if (subscription == NULL || ret_lag == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(subscription->home))
		return REPRISE_E_FORKED;
	if (is_in_window(subscription)) {
		struct ring *const ring = &subscription->session->ring;
		const uint64_t position = subscription->at.position;
		const uint64_t last = least(ring_look(ring).newest, subscription->until);

		lag.is_known = 1;
		lag.behind_events = last > position ? last - position : 0;
		if (lag.behind_events > 0)
			lag.behind_bytes = bytes_of(ring, position + 1, last);
		measure_headroom(subscription, &lag);
	}
	return sized_write(ret_lag, &lag, sizeof(lag), SIZE_MIN(reprise_subscription_lag))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
