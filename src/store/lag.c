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

/* The first position that is not copied yet. */
static uint64_t
needed_of(const struct reprise_subscription *subscription)
{
	const struct stretch *const stretch = &subscription->stretch;

	return subscription->stage == STAGE_FOLLOWING && stretch->count > 0
		       ? stretch->first + stretch->count
		       : subscription->at.position + 1;
}

/* The bytes of the retained part of @first .. @last. False if overtaken. */
static bool
measure_retained(struct ring *ring, const struct look *look, uint64_t first, uint64_t last,
		 uint64_t *ret_bytes)
{
	const uint64_t from = greatest(first, look->kept);

	*ret_bytes = 0;
	return from > last || measure(ring, from, last, ret_bytes);
}

/* All fields at one look. False if appends have displaced a record of the look meanwhile. */
static bool
measure_lag(const struct reprise_subscription *subscription,
	    struct reprise_subscription_lag *ret_lag)
{
	struct ring *const ring = &subscription->session->ring;
	const struct look look = ring_look(ring);
	const uint64_t position = subscription->at.position;
	const uint64_t last = least(look.newest, subscription->until);
	const uint64_t needed = needed_of(subscription);
	uint64_t behind, ahead;

	*ret_lag = (struct reprise_subscription_lag){
		.is_known = 1,
		.behind_events = last > position ? last - position : 0,
		.behind_bytes = ring->arena_bytes,
	};
	if (!measure_retained(ring, &look, position + 1, last, &behind) ||
	    !measure_retained(ring, &look, needed, look.newest, &ahead))
		return false;
	ret_lag->behind_bytes = behind;
	if (needed >= look.kept) {
		ret_lag->headroom_events = needed + ring->events_max - 1 - look.newest;
		ret_lag->headroom_bytes = ring->arena_bytes - ahead;
	}
	return true;
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
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		if (!is_in_window(subscription)) {
			lag = (struct reprise_subscription_lag){ 0 };
			break;
		}
		if (measure_lag(subscription, &lag))
			break;
	}
	return sized_write(ret_lag, &lag, sizeof(lag), SIZE_MIN(reprise_subscription_lag))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
