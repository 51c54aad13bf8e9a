/* SPDX-License-Identifier: MIT */
#include "store/continuous.h"

bool
subscription_wants(const struct reprise_subscription *subscription, uint16_t kind)
{
	if (subscription->kinds_count == 0)
		return true;
	for (size_t i = 0; i < subscription->kinds_count; i++)
		if (subscription->kinds[i] == kind)
			return true;
	return false;
}

/*
 * Whether the next record of the stretch is the next event, wanted and not given up: as it
 * mostly is, and then nothing else need be looked at. A stretch has records only where a
 * session is followed.
 */
static inline bool
is_at_hand(const struct reprise_subscription *subscription)
{
	const struct stretch *const stretch = &subscription->stretch;

	if (stretch->count == 0 || subscription->kinds_count != 0 ||
	    subscription->stage != STAGE_FOLLOWING ||
	    subscription->at.position + 1 != stretch->first)
		return false;
	struct ring *const ring = &subscription->session->ring;

	return likely(stamp_is_here(subscription->home)) && likely(!ring_is_void(ring)) &&
	       likely(ring_floor(ring) < stretch->first);
}

bool
subscription_look_at_stretch(struct reprise_subscription *subscription,
			     reprise_outcome *ret_outcome)
{
	struct stretch *const stretch = &subscription->stretch;

	while (stretch->count > 0) {
		/* Trimmed events are still in the log. */
		const uint64_t floor = subscription->stage == STAGE_HEALING
					       ? 0
					       : ring_floor(&subscription->session->ring);

		if (floor >= stretch->first) {
			stretch_drop(stretch, least(floor + 1 - stretch->first, stretch->count));
			subscription->is_overtaken = false;
		}
		if (stretch->count == 0)
			return false;
		if (subscription->at.position + 1 < stretch->first) {
			*ret_outcome = REPRISE_NEXT_GAP;
			return true;
		}
		const struct record *const record = stretch_record(stretch);

		if (subscription_wants(subscription, shape_kind(load_relaxed(&record->shape)))) {
			*ret_outcome = REPRISE_NEXT_EVENT;
			return true;
		}
		subscription_pass(subscription, record);
		count(&subscription->filtered, 1);
	}
	return false;
}

reprise_outcome
subscription_be_over(struct reprise_subscription *subscription, reprise_end_cause cause,
		     int32_t status)
{
	subscription->end = (struct reprise_end){ .cause = cause, .status = status };
	if (subscription->is_continuous && cause == REPRISE_END_SESSION) {
		subscription->stage = STAGE_LIFE_ENDED;
		return REPRISE_NEXT_GAP;
	}
	subscription->stage = STAGE_ENDING;
	return REPRISE_NEXT_ENDED;
}

/* The answer beyond the stretch: nothing, the end, a gap, or events to be read. */
static reprise_outcome
look_at_ring(struct reprise_subscription *subscription, const struct look *look)
{
	const uint64_t position = subscription->at.position;

	if (position >= look->newest && look->ended != 0)
		return subscription_be_over(subscription, REPRISE_END_SESSION,
					    (int32_t)(uint32_t)look->ended);
	if (position >= subscription->until)
		return subscription_be_over(subscription, REPRISE_END_REPLAY, 0);
	if (position >= look->newest)
		return REPRISE_NEXT_EMPTY;
	return position + 1 < look->kept ? REPRISE_NEXT_GAP : REPRISE_NEXT_EVENT;
}

void
subscription_read(struct reprise_subscription *subscription, const struct look *look)
{
	const uint64_t first = greatest(subscription->at.position + 1, look->kept);
	const uint64_t last = least(look->newest, subscription->until);

	if (first > last)
		return;
	ring_read(&subscription->session->ring, look, first, last, &subscription->stretch);
	subscription->is_overtaken = subscription->stretch.first > first;
}

struct look
subscription_look(const struct reprise_subscription *subscription)
{
	struct reprise_session *const session = subscription->session;
	struct look look = ring_look(&session->ring);

	if (subscription->is_recorded_only) {
		/* A bound alone: the events come from the ring, or by the port's lock. */
		const uint64_t recorded = load_relaxed(&session->recorded);

		if (recorded < look.newest) {
			look.newest = recorded;
			look.ended = 0;
		}
	}
	return look;
}

/* The answer of the window that the subscription follows. */
static reprise_outcome
follow(struct reprise_subscription *subscription)
{
	uint64_t bound = UINT64_MAX; /* the newest of the first look: filtering ends there */
	reprise_outcome outcome;

	for (;;) {
		if (subscription_look_at_stretch(subscription, &outcome))
			return outcome;
		const struct look look = subscription_look(subscription);

		outcome = look_at_ring(subscription, &look);
		if (outcome != REPRISE_NEXT_EVENT)
			return outcome;
		if (subscription->at.position >= bound)
			return REPRISE_NEXT_EMPTY;
		bound = least(bound, look.newest);
		subscription_read(subscription, &look);
	}
}

static bool
is_in_void_window(const struct reprise_subscription *subscription)
{
	const enum stage stage = subscription->stage;

	return (stage == STAGE_FOLLOWING || stage == STAGE_ENDING || stage == STAGE_HEALING ||
		stage == STAGE_LIFE_ENDED || stage == STAGE_UNSTAGED) &&
	       ring_is_void(&subscription->session->ring);
}

/*
 * Its window is void: it goes over to the window that goes on in that one's place, or everything is
 * void. False if it has to wait for memory.
 */
static bool
leave_void_window(struct reprise_subscription *subscription)
{
	switch (subscription_succeed(subscription)) {
	case SUCCESSION_NO_MEMORY:
		return false;
	case SUCCESSION_MOVED:
		if (subscription->stage == STAGE_UNSTAGED)
			subscription->stage = STAGE_FOLLOWING;
		break;
	case SUCCESSION_NONE:
		subscription_be_void(subscription);
		break;
	}
	return true;
}

/* Judges the cursor, or looks for the next life. False: the subscription waits for memory. */
static bool
enter_stage(struct reprise_subscription *subscription)
{
	if (subscription->stage == STAGE_UNJUDGED) {
		if (subscription_is_bound(subscription) &&
		    ring_is_void(&subscription->session->ring) &&
		    subscription_succeed(subscription) == SUCCESSION_NO_MEMORY)
			return false;
		subscription_judge(subscription);
	}
	if (subscription->stage == STAGE_AWAITING)
		continuous_find_life(subscription);
	return true;
}

/* The answer in another stage than FOLLOWING, if the stage is another one afterwards. */
static reprise_outcome
advance_in_stage(struct reprise_subscription *subscription)
{
	switch (subscription->stage) {
	case STAGE_HEALING:
		return backfill_advance(subscription);
	case STAGE_UNSTAGED:
		continuous_take_staging(subscription);
		return REPRISE_NEXT_EMPTY;
	case STAGE_AWAITING:
		return REPRISE_NEXT_EMPTY;
	case STAGE_REFUSED:
	case STAGE_LIFE_ENDED:
		return REPRISE_NEXT_GAP;
	case STAGE_UNJUDGED:
	case STAGE_FOLLOWING:
	case STAGE_ENDING:
	case STAGE_OVER:
		break;
	}
	return REPRISE_NEXT_ENDED;
}

reprise_outcome
subscription_advance(struct reprise_subscription *subscription)
{
	reprise_outcome outcome;

	if (unlikely(!stamp_is_here(subscription->home)))
		return subscription_be_over(subscription, REPRISE_END_STORE, 0);
	if (subscription->stage != STAGE_FOLLOWING && !enter_stage(subscription))
		return REPRISE_NEXT_EMPTY;
	if (is_in_void_window(subscription) && !leave_void_window(subscription))
		return REPRISE_NEXT_EMPTY;
	if (subscription->stage != STAGE_FOLLOWING) {
		outcome = advance_in_stage(subscription);
		if (subscription->stage != STAGE_FOLLOWING)
			return outcome;
	}
	outcome = follow(subscription);
	if (outcome != REPRISE_NEXT_GAP || subscription->stage != STAGE_FOLLOWING ||
	    subscription->backfill == NULL || subscription->gives_up)
		return outcome;
	/* It has left the ring: the log has it, or will have. */
	backfill_begin(subscription);
	return backfill_advance(subscription);
}

static inline void
take_event(struct reprise_subscription *subscription, struct reprise_event *ret_event)
{
	const struct record *const record = stretch_record(&subscription->stretch);
	const uint64_t shape = load_relaxed(&record->shape);
	const size_t bytes = shape_payload_bytes(shape);

	*ret_event = (struct reprise_event){
		.position = subscription->stretch.first,
		.revision = load_relaxed(&record->revision),
		.stamp_ns = load_relaxed(&record->stamp_ns),
		.kind = shape_kind(shape),
		.flags = shape_flags(shape),
		.source = REPRISE_SOURCE_RING,
		.payload = { record_payload(record), bytes },
	};
	subscription_pass(subscription, record);
	count(&subscription->delivered, 1);
	count(&subscription->delivered_bytes, bytes);
}

/*
 * Whether there is nothing to say, as it mostly is for a host that polls: then it is told so soon,
 * and looks again the sooner. With a door more has to be done.
 */
static inline bool
is_nothing_new(struct reprise_subscription *subscription)
{
	if (subscription->stretch.count != 0 || subscription->stage != STAGE_FOLLOWING ||
	    subscription_has_door(subscription))
		return false;
	struct ring *const ring = &subscription->session->ring;
	const uint64_t position = subscription->at.position;

	if (load_relaxed(&ring->newest) != position) {
		stretch_ask(ring, &subscription->stretch);
		return false;
	}
	return load_relaxed(&ring->ended) == 0 && position < subscription->until &&
	       stamp_is_here(subscription->home) && !ring_is_void(ring);
}

/* As many of the stretch as are at hand; the first is. */
static size_t
take_at_hand(struct reprise_subscription *subscription, struct reprise_event *ret_events,
	     size_t events_count_max)
{
	size_t taken = 0;

	do
		take_event(subscription, &ret_events[taken++]);
	while (taken < events_count_max && is_at_hand(subscription));
	return taken;
}

static void
say_healed(struct reprise_subscription *subscription, struct reprise_event *ret_events,
	   size_t events_count)
{
	for (size_t i = 0; i < events_count; i++)
		ret_events[i].source = REPRISE_SOURCE_LOG;
	count(&subscription->healed, events_count);
}

reprise_outcome
subscription_say(struct reprise_subscription *subscription, struct reprise_gap *ret_gap,
		 struct reprise_end *ret_end)
{
	reprise_outcome outcome = subscription_advance(subscription);

	if (outcome == REPRISE_NEXT_EMPTY && subscription_has_door(subscription))
		outcome = subscription_arm_doors(subscription);

	switch (outcome) {
	case REPRISE_NEXT_EMPTY:
	case REPRISE_NEXT_EVENT:
		break;
	case REPRISE_NEXT_GAP:
		subscription_take_gap(subscription, ret_gap);
		break;
	case REPRISE_NEXT_ENDED:
		subscription->stage = STAGE_OVER;
		/* In a fork's child the group, and the locks, are not there. */
		if (subscription->group != NULL && stamp_is_here(subscription->home))
			hand_end(subscription);
		if (ret_end != NULL)
			*ret_end = subscription->end;
		break;
	}
	return outcome;
}

/* Every answer but the next record of the stretch. */
static APART reprise_outcome
next_any(struct reprise_subscription *subscription, struct reprise_event *ret_events,
	 size_t events_count_max, size_t *ret_events_count, struct reprise_gap *ret_gap,
	 struct reprise_end *ret_end)
{
	const reprise_outcome outcome = subscription_say(subscription, ret_gap, ret_end);
	reprise_outcome more;
	size_t taken = 0;

	if (outcome != REPRISE_NEXT_EVENT)
		return outcome;
	do {
		taken += take_at_hand(subscription, &ret_events[taken], events_count_max - taken);
	} while (taken < events_count_max && subscription_look_at_stretch(subscription, &more) &&
		 more == REPRISE_NEXT_EVENT);
	*ret_events_count = taken;
	if (subscription->stage == STAGE_HEALING)
		say_healed(subscription, ret_events, taken);
	return outcome;
}

reprise_outcome
reprise_next_batch(struct reprise_subscription *subscription, struct reprise_event *ret_events,
		   size_t events_count_max, size_t *ret_events_count, struct reprise_gap *ret_gap,
		   struct reprise_end *ret_end)
{
	REPRISE_REQUIRE(subscription != NULL, "reprise_next: subscription is NULL");
	REPRISE_REQUIRE(ret_events != NULL, "reprise_next_batch: ret_events is NULL");
	REPRISE_REQUIRE(events_count_max > 0, "reprise_next_batch: events_count_max is 0");
	REPRISE_REQUIRE(ret_events_count != NULL, "reprise_next_batch: ret_events_count is NULL");
	REPRISE_REQUIRE(ret_gap != NULL, "reprise_next: ret_gap is NULL");

	if (!is_at_hand(subscription)) {
		if (is_nothing_new(subscription))
			return REPRISE_NEXT_EMPTY;
		return next_any(subscription, ret_events, events_count_max, ret_events_count,
				ret_gap, ret_end);
	}
	*ret_events_count = take_at_hand(subscription, ret_events, events_count_max);
	return REPRISE_NEXT_EVENT;
}

reprise_outcome
reprise_next(struct reprise_subscription *subscription, struct reprise_event *ret_event,
	     struct reprise_gap *ret_gap, struct reprise_end *ret_end)
{
	size_t one;

	REPRISE_REQUIRE(subscription != NULL, "reprise_next: subscription is NULL");
	REPRISE_REQUIRE(ret_event != NULL, "reprise_next: ret_event is NULL");
	REPRISE_REQUIRE(ret_gap != NULL, "reprise_next: ret_gap is NULL");

	if (unlikely(!is_at_hand(subscription))) {
		if (is_nothing_new(subscription))
			return REPRISE_NEXT_EMPTY;
		return next_any(subscription, ret_event, 1, &one, ret_gap, ret_end);
	}
	take_event(subscription, ret_event);
	return REPRISE_NEXT_EVENT;
}
