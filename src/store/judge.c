/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "store/continuous.h"

static bool
is_ahead_of_durable(const struct reprise_subscription *subscription)
{
	return subscription->is_judged_by_durable &&
	       subscription->at.revision > subscription->durable_revision;
}

/*
 * Whether a cursor can be followed, decided by subscribe, replay and resume alike and in this
 * order (contracts A13, A14, A24). An event that only left the window is a gap, and no refusal.
 */
static bool
is_refused(const struct reprise_subscription *subscription, reprise_gap_detail *ret_detail)
{
	const struct reprise_cursor *const at = &subscription->at;
	struct reprise_session *const session = subscription->session;
	const bool is_judged = subscription->is_judged_by_durable;

	*ret_detail = REPRISE_GAP_AHEAD;
	if (is_ahead_of_durable(subscription))
		return true;
	*ret_detail = REPRISE_GAP_UNKNOWN_SESSION;
	if (!subscription_is_bound(subscription) && subscription->backfill == NULL)
		return true;
	*ret_detail = REPRISE_GAP_OTHER_INCARNATION;
	/* The lobby is no window: not even of a cursor that names no life. */
	if ((subscription->backfill != NULL && !subscription_is_bound(subscription)) ||
	    memcmp(&at->incarnation, &session->incarnation, sizeof(at->incarnation)) != 0)
		return true;

	const struct look look = ring_look(&session->ring);

	*ret_detail = REPRISE_GAP_AHEAD;
	if (at->position > look.newest)
		return true;
	*ret_detail = REPRISE_GAP_BEFORE_WINDOW;
	if (at->position < session->ring.position_before)
		return true;
	*ret_detail = REPRISE_GAP_BEHIND_DURABLE;
	return is_judged && at->revision < subscription->durable_revision &&
	       !ring_holds(&session->ring, greatest(at->position + 1, look.kept), look.newest,
			   REPRISE_EVENT_COMMIT, subscription->durable_revision);
}

/* Whether the log may know better: of another life, and of a COMMIT that has left the window. */
static bool
is_for_log(const struct reprise_subscription *subscription)
{
	if (subscription->backfill == NULL)
		return false;
	if (!subscription_is_bound(subscription))
		return subscription->refusal == REPRISE_GAP_OTHER_INCARNATION;
	return subscription->refusal == REPRISE_GAP_BEHIND_DURABLE &&
	       subscription->at.position + 1 < ring_look(&subscription->session->ring).kept;
}

void
subscription_judge(struct reprise_subscription *subscription)
{
	if (!is_ahead_of_durable(subscription) && continuous_begin(subscription))
		return;
	if (!is_refused(subscription, &subscription->refusal))
		subscription->stage = STAGE_FOLLOWING;
	else if (is_for_log(subscription))
		backfill_judge(subscription);
	else
		subscription->stage = STAGE_REFUSED;
}
