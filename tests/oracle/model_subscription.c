/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "model.h"

/* A subscription (contracts A13-A21, A24, A25). */

void
model_subscribe(struct model *model, const struct reprise_cursor *cursor, unsigned int id,
		bool is_replay, const uint64_t *durable_revision, uint64_t staging_bytes,
		uint32_t kinds, struct model_subscription *ret_subscription)
{
	struct model_subscription *const subscription = ret_subscription;
	struct model_life *const life = id < MODEL_IDS ? model_find(model, id) : NULL;

	*subscription = (struct model_subscription){
		.model = model,
		.life = life,
		.at = *cursor,
		.begin = cursor->position,
		.until = UINT64_MAX,
		.staging_bytes = staging_bytes,
		.kinds = kinds,
	};
	if (durable_revision != NULL) {
		subscription->durable = *durable_revision;
		subscription->durable_revision = &subscription->durable;
	}
	model->subscriptions++;
	if (life == NULL)
		return;
	model_hold(life);
	life->subscriptions++;
	subscription->staging_cost = model_staging_cost(&life->bounds, staging_bytes);
	model->staging_bytes += subscription->staging_cost;
	model_apply_age(life);
	if (is_replay)
		subscription->until = model_newest(life);
}

void
model_unsubscribe(struct model_subscription *subscription)
{
	subscription->model->subscriptions--;
	if (subscription->life == NULL)
		return;
	subscription->model->staging_bytes -= subscription->staging_cost;
	subscription->life->subscriptions--;
	model_let_go(subscription->life);
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

/* Copies from @position on: what lies in one piece and fits, or one event. */
static void
copy_from(struct model_subscription *subscription, reprise_position position)
{
	const struct model_life *const life = subscription->life;
	const uint64_t arena = life->bounds.bytes_max;
	const reprise_position last = least(model_newest(life), subscription->until);
	const uint64_t bytes_max = least(subscription->staging_bytes, arena);
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
	return REPRISE_NEXT_ENDED;
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
		if (!is_at_hand(subscription, position + 1))
			return REPRISE_NEXT_GAP;
		if (!is_copied(subscription, position + 1))
			copy_from(subscription, position + 1);
		pass_filtered(subscription);
		if (subscription->at.position == position)
			return REPRISE_NEXT_EVENT;
	}
}

/* If its window was rebuilt, it goes over, unless the one that goes on is void: then so is its own. */
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
	before->subscriptions--;
	life->subscriptions++;
	subscription->life = life;
	subscription->model->staging_bytes -= subscription->staging_cost;
	subscription->staging_cost = model_staging_cost(&life->bounds, subscription->staging_bytes);
	subscription->model->staging_bytes += subscription->staging_cost;
}

reprise_outcome
model_look(struct model_subscription *subscription)
{
	succeed(subscription);
	if (subscription->stage == MODEL_UNJUDGED)
		subscription->stage = is_refused(subscription, &subscription->refusal)
					      ? MODEL_REFUSED
					      : MODEL_FOLLOWING;
	if ((subscription->stage == MODEL_FOLLOWING || subscription->stage == MODEL_ENDING) &&
	    subscription->life->is_void) {
		subscription->stage = MODEL_REFUSED;
		subscription->refusal = REPRISE_GAP_INVALIDATED;
	}
	if (subscription->stage == MODEL_REFUSED)
		return REPRISE_NEXT_GAP;
	if (subscription->stage != MODEL_FOLLOWING)
		return REPRISE_NEXT_ENDED;
	return look_along(subscription);
}

static struct reprise_gap
unavailable(struct model_subscription *subscription)
{
	struct reprise_gap gap = { .reason = REPRISE_GAP_UNAVAILABLE,
				   .detail = subscription->refusal };
	const uint64_t revision = subscription->durable_revision != NULL
					  ? subscription->durable
					  : subscription->at.revision;
	const struct model_life *live = NULL;

	for (unsigned int id = 0; id < MODEL_IDS; id++)
		if (strcmp(subscription->model->ids[id], subscription->at.session_id) == 0)
			live = model_find(subscription->model, id);
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
	return gap;
}

static reprise_gap_detail
detail_of(const struct model_life *life, reprise_position position)
{
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
	reprise_position last = first;

	while (last < model_newest(life) && !is_at_hand(subscription, last + 1))
		last++;
	const reprise_position last_gone = last;

	last = least(last, subscription->until);
	subscription->details = 0;
	for (reprise_position at = last; at <= last_gone; at++)
		subscription->details |= 1u << detail_of(life, at);
	subscription->at.position = last;
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
		/* What was copied in one stretch, and no more. */
		pass_filtered(subscription);
		if (!is_copied(subscription, subscription->at.position + 1) ||
		    !is_at_hand(subscription, subscription->at.position + 1))
			return taken;
	}
}

reprise_outcome
model_next(struct model_subscription *subscription, reprise_position *ret_positions,
	   size_t count_max, size_t *ret_count, struct reprise_gap *ret_gap,
	   struct reprise_end *ret_end)
{
	const reprise_outcome outcome = model_look(subscription);

	switch (outcome) {
	case REPRISE_NEXT_EMPTY:
		break;
	case REPRISE_NEXT_EVENT:
		*ret_count = take_events(subscription, ret_positions, count_max);
		break;
	case REPRISE_NEXT_GAP:
		*ret_gap = subscription->stage == MODEL_REFUSED ? unavailable(subscription)
								: trimmed(subscription);
		subscription->stats.gaps++;
		break;
	case REPRISE_NEXT_ENDED:
		subscription->stage = MODEL_OVER;
		*ret_end = subscription->end;
		break;
	}
	return outcome;
}
