/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "model.h"

/* A subscription (contracts A13-A21, A24, A25; rules S02-S06). */

static void
take_staging(struct model_subscription *subscription)
{
	subscription->has_staging = true;
	if (subscription->is_peek)
		return;
	subscription->staging_cost =
		model_staging_cost(&subscription->life->bounds, subscription->staging_bytes);
	subscription->model->staging_bytes += subscription->staging_cost;
}

static void
enter(struct model_subscription *subscription, struct model_life *life)
{
	subscription->life = life;
	if (subscription->is_peek)
		return;
	model_hold(life);
	life->subscriptions++;
}

/* Gives back its window and what it copies into, if it has them. */
static void
leave(struct model_subscription *subscription)
{
	struct model_life *const life = subscription->life;

	if (life != NULL && !subscription->is_peek) {
		if (subscription->has_staging)
			subscription->model->staging_bytes -= subscription->staging_cost;
		life->subscriptions--;
		model_let_go(life);
	}
	subscription->life = NULL;
	subscription->has_staging = false;
}

void
model_subscribe(struct model *model, const struct reprise_cursor *cursor, unsigned int id,
		bool is_replay, bool is_continuous, const uint64_t *durable_revision,
		uint64_t staging_bytes, uint32_t kinds, struct model_subscription *ret_subscription)
{
	struct model_subscription *const subscription = ret_subscription;
	struct model_life *const life = id < MODEL_IDS ? model_find(model, id) : NULL;

	*subscription = (struct model_subscription){
		.model = model,
		.at = *cursor,
		.begin = cursor->position,
		.until = UINT64_MAX,
		.staging_bytes = staging_bytes,
		.kinds = kinds,
		.is_continuous = is_continuous,
	};
	if (durable_revision != NULL) {
		subscription->durable = *durable_revision;
		subscription->durable_revision = &subscription->durable;
	}
	model->subscriptions++;
	if (life == NULL)
		return;
	enter(subscription, life);
	take_staging(subscription);
	model_apply_age(life);
	if (is_replay)
		subscription->until = model_newest(life);
}

void
model_resume_snapshot(struct model *model, const char *session_id, unsigned int id,
		      bool is_continuous, uint64_t durable_revision, uint64_t staging_bytes,
		      uint32_t kinds, struct model_subscription *subscription)
{
	struct model_life *const life = id < MODEL_IDS ? model_find(model, id) : NULL;
	struct reprise_cursor cursor = { .revision = durable_revision };

	snprintf(cursor.session_id, sizeof(cursor.session_id), "%s", session_id);
	if (life != NULL) {
		model_apply_age(life);
		cursor = model_cursor_at(life, model_before_revision(life, durable_revision),
					 durable_revision);
	}
	model_subscribe(model, &cursor, id, false, is_continuous, &durable_revision, staging_bytes,
			kinds, subscription);
}

void
model_unsubscribe(struct model_subscription *subscription)
{
	subscription->model->subscriptions--;
	leave(subscription);
}

/* Whether a retained COMMIT after the cursor reaches the durable revision. */
static bool
has_bridge(const struct model_subscription *subscription)
{
	const struct model_life *const life = subscription->life;

	for (reprise_position at = model_oldest(life); at <= model_newest(life); at++) {
		const struct model_event *const event = model_event_at(life, at);

		if (at > subscription->at.position && (event->flags & REPRISE_EVENT_COMMIT) != 0 &&
		    event->revision >= subscription->durable)
			return true;
	}
	return false;
}

static bool
is_refused(const struct model_subscription *subscription, reprise_gap_detail *ret_detail)
{
	const struct model_life *const life = subscription->life;
	const struct reprise_cursor *const at = &subscription->at;
	const bool is_resume = subscription->durable_revision != NULL;

	/* NOLINTBEGIN(bugprone-branch-clone): in the order of the rule */
	if (is_resume && at->revision > subscription->durable)
		*ret_detail = REPRISE_GAP_AHEAD;
	else if (life == NULL)
		*ret_detail = REPRISE_GAP_UNKNOWN_SESSION;
	else if (memcmp(&at->incarnation, &life->incarnation, sizeof(at->incarnation)) != 0)
		*ret_detail = REPRISE_GAP_OTHER_INCARNATION;
	else if (at->position > model_newest(life))
		*ret_detail = REPRISE_GAP_AHEAD;
	else if (at->position < life->before)
		*ret_detail = REPRISE_GAP_BEFORE_WINDOW;
	else if (is_resume && at->revision < subscription->durable && !has_bridge(subscription))
		*ret_detail = REPRISE_GAP_BEHIND_DURABLE;
	else
		return false;
	/* NOLINTEND(bugprone-branch-clone) */
	return true;
}

static bool
is_copied(const struct model_subscription *subscription, reprise_position position)
{
	return position <= subscription->copied_through;
}

/* Whether it can be handed out: it is retained, or was copied in time and not given up since. */
static bool
is_at_hand(const struct model_subscription *subscription, reprise_position position)
{
	if (model_event_at(subscription->life, position)->gone == MODEL_RETAINED)
		return true;
	return is_copied(subscription, position) && position > subscription->life->given_up_through;
}

static reprise_position
least(reprise_position a, reprise_position b)
{
	return a < b ? a : b;
}

/* Copies from @position on: the events that lie in one piece and fit, or one event. */
static void
copy_from(struct model_subscription *subscription, reprise_position position)
{
	const struct model_life *const life = subscription->life;
	const uint64_t arena = life->bounds.bytes_max;
	const reprise_position last = least(model_newest(life), subscription->until);
	const bool is_streaming = last - position > life->bounds.events_max / 2 &&
				  position - model_oldest(life) >= life->bounds.events_max / 32;
	const uint64_t bytes_max = least(least(subscription->staging_bytes, arena),
					 is_streaming ? MODEL_STREAM_BYTES : UINT64_MAX);
	uint64_t bytes = model_event_at(life, position)->bytes;

	for (; position < last; position++) {
		const struct model_event *const event = model_event_at(life, position);
		const struct model_event *const next = model_event_at(life, position + 1);

		bytes += next->bytes;
		if (next->start != event->start + event->bytes || next->start % arena == 0 ||
		    bytes > bytes_max)
			break;
	}
	subscription->copied_through = position;
}

static bool
is_wanted(const struct model_subscription *subscription, const struct model_event *event)
{
	return subscription->kinds == 0 ||
	       (event->kind < 32 && (subscription->kinds >> event->kind & 1) != 0);
}

static void
pass(struct model_subscription *subscription, const struct model_event *event)
{
	subscription->at.position++;
	if (subscription->at.revision < event->revision)
		subscription->at.revision = event->revision;
}

/* Passes what was copied and is not wanted. */
static void
pass_filtered(struct model_subscription *subscription)
{
	const struct model_life *const life = subscription->life;

	while (is_copied(subscription, subscription->at.position + 1) &&
	       is_at_hand(subscription, subscription->at.position + 1)) {
		const struct model_event *const event =
			model_event_at(life, subscription->at.position + 1);

		if (is_wanted(subscription, event))
			return;
		pass(subscription, event);
		subscription->stats.filtered++;
	}
}

static reprise_outcome
be_over(struct model_subscription *subscription, reprise_end_cause cause, int32_t status)
{
	subscription->stage = MODEL_ENDING;
	subscription->end = (struct reprise_end){ .cause = cause, .status = status };
	if (!subscription->is_continuous)
		return REPRISE_NEXT_ENDED;
	subscription->stage = MODEL_LIFE_ENDED;
	return REPRISE_NEXT_GAP;
}

static reprise_outcome
look_along(struct model_subscription *subscription)
{
	const struct model_life *const life = subscription->life;

	for (;;) {
		const reprise_position position = subscription->at.position;

		if (position >= model_newest(life) && life->is_ended)
			return be_over(subscription, REPRISE_END_SESSION, life->end_status);
		if (position >= subscription->until)
			return be_over(subscription, REPRISE_END_REPLAY, 0);
		if (position >= model_newest(life))
			return REPRISE_NEXT_EMPTY;
		/* A continuous one may come from an earlier life. */
		if (position < life->before || !is_at_hand(subscription, position + 1))
			return REPRISE_NEXT_GAP;
		if (!is_copied(subscription, position + 1))
			copy_from(subscription, position + 1);
		pass_filtered(subscription);
		if (subscription->at.position == position)
			return REPRISE_NEXT_EVENT;
	}
}

static struct model_life *
live_window(const struct model_subscription *subscription)
{
	for (unsigned int id = 0; id < MODEL_IDS; id++)
		if (strcmp(subscription->model->ids[id], subscription->at.session_id) == 0)
			return model_find(subscription->model, id);
	return NULL;
}

static bool
is_of_no_life(const struct reprise_cursor *cursor)
{
	static const struct reprise_incarnation none;

	return memcmp(&cursor->incarnation, &none, sizeof(none)) == 0;
}

/* Somewhere else, with nothing lost or handed out in between that could be counted. */
static void
stand_at(struct model_subscription *subscription, const struct reprise_cursor *cursor)
{
	subscription->begin += cursor->position - subscription->at.position;
	subscription->at = *cursor;
	subscription->copied_through = 0;
}

static void
stand_at_beginning(struct model_subscription *subscription)
{
	const struct model_life *const life = subscription->life;
	struct reprise_cursor cursor = subscription->at;

	cursor.incarnation = life->incarnation;
	cursor.position = life->before;
	stand_at(subscription, &cursor);
}

static void
judge(struct model_subscription *subscription)
{
	const bool is_ahead = subscription->durable_revision != NULL &&
			      subscription->at.revision > subscription->durable;

	if (subscription->is_continuous && !is_ahead && is_of_no_life(&subscription->at) &&
	    subscription->at.position == 0) {
		if (subscription->life == NULL) {
			subscription->stage = MODEL_AWAITING;
			return;
		}
		stand_at_beginning(subscription);
	}
	subscription->stage =
		is_refused(subscription, &subscription->refusal) ? MODEL_REFUSED : MODEL_FOLLOWING;
}

static void
be_refused(struct model_subscription *subscription, reprise_gap_detail detail)
{
	subscription->stage = MODEL_REFUSED;
	subscription->refusal = detail;
}

/* Whether the life that it waits for has begun, or the one before has become void. */
static void
await(struct model_subscription *subscription)
{
	struct model_life *const live = live_window(subscription);
	const bool is_void = subscription->told != NULL && subscription->told->is_void;

	if (live != NULL && live != subscription->told) {
		enter(subscription, live);
		if (!subscription->is_peek)
			model_apply_age(live);
		subscription->stage = MODEL_FOLLOWING;
		subscription->has_gone_on = true;
	}
	if (is_void)
		be_refused(subscription, REPRISE_GAP_INVALIDATED);
	if (subscription->stage != MODEL_FOLLOWING)
		return;
	if (is_of_no_life(&subscription->at) || subscription->at.position == live->before)
		stand_at_beginning(subscription);
	subscription->told = NULL;
}

/*
 * If its window was rebuilt, it goes over, unless the one that goes on is void: then so is its own.
 */
static void
succeed(struct model_subscription *subscription)
{
	struct model_life *const before = subscription->life;

	if (before == NULL || before->heir == NULL || subscription->stage == MODEL_REFUSED ||
	    subscription->stage == MODEL_OVER)
		return;
	struct model_life *const life = model_last_heir(before);

	before->is_void = life->is_void;
	if (life->is_void)
		return;
	subscription->life = life;
	if (subscription->is_peek)
		return;
	before->subscriptions--;
	life->subscriptions++;
	if (subscription->has_staging)
		subscription->model->staging_bytes -= subscription->staging_cost;
	take_staging(subscription);
}

reprise_outcome
model_look(struct model_subscription *subscription)
{
	succeed(subscription);
	if (subscription->stage == MODEL_UNJUDGED)
		judge(subscription);
	if (subscription->stage == MODEL_AWAITING)
		await(subscription);
	if ((subscription->stage == MODEL_FOLLOWING || subscription->stage == MODEL_ENDING ||
	     subscription->stage == MODEL_LIFE_ENDED) &&
	    subscription->life->is_void)
		be_refused(subscription, REPRISE_GAP_INVALIDATED);
	if (subscription->stage == MODEL_REFUSED || subscription->stage == MODEL_LIFE_ENDED)
		return REPRISE_NEXT_GAP;
	if (subscription->stage == MODEL_AWAITING)
		return REPRISE_NEXT_EMPTY;
	if (subscription->stage != MODEL_FOLLOWING)
		return REPRISE_NEXT_ENDED;
	if (!subscription->has_staging)
		take_staging(subscription);
	return look_along(subscription);
}

reprise_outcome
model_peek(const struct model_subscription *subscription)
{
	struct model_subscription copy = *subscription;

	copy.is_peek = true;
	return model_look(&copy);
}

static struct reprise_gap
unavailable(struct model_subscription *subscription)
{
	struct reprise_gap gap = { .reason = REPRISE_GAP_UNAVAILABLE,
				   .detail = subscription->refusal };
	const uint64_t revision = subscription->durable_revision != NULL
					  ? subscription->durable
					  : subscription->at.revision;
	const struct model_life *const live = live_window(subscription);

	if (live != NULL) {
		gap.cursor = model_cursor_at(live, model_oldest(live) - 1, revision);
		gap.newest = model_newest_cursor(live, subscription->at.revision);
	} else {
		gap.cursor.revision = revision;
		snprintf(gap.cursor.session_id, sizeof(gap.cursor.session_id), "%s",
			 subscription->at.session_id);
		gap.newest = gap.cursor;
	}
	subscription->stage = MODEL_OVER;
	subscription->end = (struct reprise_end){ .cause = REPRISE_END_INVALIDATED };
	if (!subscription->is_continuous)
		return gap;
	/* On from the cursor of the gap, in the window of now. */
	stand_at(subscription, &gap.cursor);
	subscription->durable_revision = NULL;
	subscription->told = NULL;
	subscription->stage = MODEL_FOLLOWING;
	if (live == NULL || live != subscription->life) {
		leave(subscription);
		subscription->stage = MODEL_AWAITING;
	}
	return gap;
}

static struct reprise_gap
life_ended(struct model_subscription *subscription)
{
	struct model_life *const life = subscription->life;

	subscription->at.incarnation = life->incarnation;
	const struct reprise_gap gap = {
		.reason = REPRISE_GAP_TRIMMED,
		.detail = REPRISE_GAP_LIFE_ENDED,
		.cursor = subscription->at,
		.newest = model_newest_cursor(life, subscription->at.revision),
		.end_status = subscription->end.status,
	};

	subscription->details = 0;
	subscription->told = life;
	leave(subscription);
	subscription->stage = MODEL_AWAITING;
	return gap;
}

static reprise_gap_detail
detail_of(const struct model_life *life, reprise_position position)
{
	if (position <= life->before)
		return REPRISE_GAP_OTHER_INCARNATION;
	switch (model_event_at(life, position)->gone) {
	case MODEL_GONE_AGE:
		return REPRISE_GAP_AGE;
	case MODEL_GONE_REQUEST:
		return REPRISE_GAP_REQUEST;
	case MODEL_GONE_CAPACITY:
	case MODEL_RETAINED:
		break;
	}
	return REPRISE_GAP_CAPACITY;
}

static struct reprise_gap
trimmed(struct model_subscription *subscription)
{
	const struct model_life *const life = subscription->life;
	const reprise_position first = subscription->at.position + 1;
	reprise_position last = first < life->before ? life->before : first;

	while (last < model_newest(life) && !is_at_hand(subscription, last + 1))
		last++;
	const reprise_position last_gone = last;

	last = least(last, subscription->until);
	subscription->details = 0;
	for (reprise_position at = last; at <= last_gone; at++)
		subscription->details |= 1u << detail_of(life, at);
	subscription->at.position = last;
	subscription->at.incarnation = life->incarnation;
	subscription->stats.lost += last + 1 - first;
	if (last < least(model_newest(life), subscription->until) &&
	    !is_copied(subscription, last + 1))
		copy_from(subscription, last + 1);
	return (struct reprise_gap){
		.reason = REPRISE_GAP_TRIMMED,
		.detail = detail_of(life, last),
		.lost = last + 1 - first,
		.lost_first = first,
		.lost_last = last,
		.cursor = subscription->at,
		.newest = model_newest_cursor(life, subscription->at.revision),
	};
}

static size_t
take_events(struct model_subscription *subscription, reprise_position *ret_positions,
	    size_t count_max)
{
	size_t taken = 0;

	for (;;) {
		const struct model_event *const event =
			model_event_at(subscription->life, subscription->at.position + 1);

		pass(subscription, event);
		ret_positions[taken++] = subscription->at.position;
		subscription->stats.delivered++;
		subscription->stats.delivered_bytes += event->payload_bytes;
		subscription->kept_a_copy |= event->is_displaced;
		if (taken == count_max)
			return taken;
		/* Only the events that were copied in one stretch. */
		pass_filtered(subscription);
		if (!is_copied(subscription, subscription->at.position + 1) ||
		    !is_at_hand(subscription, subscription->at.position + 1))
			return taken;
	}
}

/* Says what is not an event. */
static void
say(struct model_subscription *subscription, reprise_outcome outcome, struct reprise_gap *ret_gap,
    struct reprise_end *ret_end)
{
	if (outcome == REPRISE_NEXT_GAP) {
		*ret_gap = subscription->stage == MODEL_REFUSED      ? unavailable(subscription)
			   : subscription->stage == MODEL_LIFE_ENDED ? life_ended(subscription)
								     : trimmed(subscription);
		subscription->stats.gaps++;
	} else if (outcome == REPRISE_NEXT_ENDED) {
		subscription->stage = MODEL_OVER;
		*ret_end = subscription->end;
	}
}

reprise_outcome
model_next(struct model_subscription *subscription, reprise_position *ret_positions,
	   size_t count_max, size_t *ret_count, struct reprise_gap *ret_gap,
	   struct reprise_end *ret_end)
{
	const reprise_outcome outcome = model_look(subscription);

	if (outcome == REPRISE_NEXT_EVENT)
		*ret_count = take_events(subscription, ret_positions, count_max);
	say(subscription, outcome, ret_gap, ret_end);
	return outcome;
}

/* Enters the next event if it fits; says what it takes if it is the first and does not. */
static bool
take_into(struct model_subscription *subscription, const struct model_room *room,
	  reprise_position *ret_positions, size_t *used, size_t *ret_count, size_t *ret_needed)
{
	const struct model_event *const event =
		model_event_at(subscription->life, subscription->at.position + 1);
	const size_t bytes = room->head_bytes + event->payload_bytes + room->tail_bytes;

	if (*ret_count == room->frames_max)
		return false;
	if (*used + bytes > room->buffer_bytes) {
		if (*ret_count == 0)
			*ret_needed = bytes;
		return false;
	}
	*used += bytes;
	pass(subscription, event);
	ret_positions[(*ret_count)++] = subscription->at.position;
	subscription->stats.delivered++;
	subscription->stats.delivered_bytes += event->payload_bytes;
	subscription->kept_a_copy |= event->is_displaced;
	return true;
}

/* Whether the window has what comes next, and nothing was copied ahead. */
static bool
is_at_window(struct model_subscription *subscription)
{
	/* A window that was rebuilt is void. */
	if (subscription->life != NULL && subscription->life->heir != NULL)
		return false;
	if (subscription->stage == MODEL_UNJUDGED)
		judge(subscription);
	const struct model_life *const life = subscription->life;
	const reprise_position next = subscription->at.position + 1;

	/* A continuous one may come from an earlier life. */
	return life != NULL && subscription->stage == MODEL_FOLLOWING &&
	       subscription->has_staging && !life->is_void && next > life->before &&
	       !is_copied(subscription, next) &&
	       next <= least(model_newest(life), subscription->until) &&
	       model_event_at(life, next)->gone == MODEL_RETAINED;
}

/*
 * Events that are not wanted are passed up to the next one that is. False if nothing is
 * to be answered.
 */
static bool
take_from_window(struct model_subscription *subscription, const struct model_room *room,
		 reprise_position *ret_positions, size_t *ret_count, size_t *ret_needed)
{
	const struct model_life *const life = subscription->life;
	const reprise_position last = least(model_newest(life), subscription->until);
	size_t used = 0;

	while (subscription->at.position < last) {
		const struct model_event *const event =
			model_event_at(life, subscription->at.position + 1);

		if (!is_wanted(subscription, event)) {
			pass(subscription, event);
			subscription->stats.filtered++;
		} else if (!take_into(subscription, room, ret_positions, &used, ret_count,
				      ret_needed)) {
			return true;
		}
	}
	return *ret_count > 0;
}

static void
take_from_copy(struct model_subscription *subscription, const struct model_room *room,
	       reprise_position *ret_positions, size_t *ret_count, size_t *ret_needed)
{
	size_t used = 0;

	while (take_into(subscription, room, ret_positions, &used, ret_count, ret_needed)) {
		if (*ret_count == room->frames_max)
			return;
		pass_filtered(subscription);
		if (!is_copied(subscription, subscription->at.position + 1) ||
		    !is_at_hand(subscription, subscription->at.position + 1))
			return;
	}
}

reprise_outcome
model_next_into(struct model_subscription *subscription, const struct model_room *room,
		reprise_position *ret_positions, size_t *ret_count, size_t *ret_needed,
		struct reprise_gap *ret_gap, struct reprise_end *ret_end)
{
	*ret_count = 0;
	*ret_needed = 0;
	if (is_at_window(subscription) &&
	    take_from_window(subscription, room, ret_positions, ret_count, ret_needed))
		return REPRISE_NEXT_EVENT;
	const reprise_outcome outcome = model_look(subscription);

	if (outcome == REPRISE_NEXT_EVENT)
		take_from_copy(subscription, room, ret_positions, ret_count, ret_needed);
	say(subscription, outcome, ret_gap, ret_end);
	return outcome;
}
