/* SPDX-License-Identifier: MIT */
#include <ck_pr.h>

#include "base/clock.h"
#include "store/subscription.h"

enum {
	STALLS_MAX = 64, /* pauses between two looks of a spinning wait, at most */
};

/* How long to sleep where an append may miss the hand. */
#define NAP_NS UINT64_C(10000000)

static bool
has_news(struct reprise_subscription *subscription)
{
	return subscription_advance(subscription) != REPRISE_NEXT_EMPTY;
}

/* Once: the interrupt is spent on the wait that it ends. */
static bool
is_interrupted(struct reprise_subscription *subscription)
{
	return load_relaxed(&subscription->interrupted) != 0 &&
	       exchange_acq_rel(&subscription->interrupted, 0) != 0;
}

/* Whether the wait is over, and with what. */
static bool
look(struct reprise_subscription *subscription, reprise_status *ret_status)
{
	if (is_interrupted(subscription))
		*ret_status = REPRISE_E_INTERRUPTED;
	else if (has_news(subscription))
		*ret_status = REPRISE_OK;
	else
		return false;
	return true;
}

/*
 * Looks again and again until @until_ns, tightly at first and at longer distances later, since each
 * look at a busy ring costs its writer a cache line.
 */
static bool
spin(struct reprise_subscription *subscription, uint64_t until_ns, reprise_status *ret_status)
{
	for (unsigned int stalls = 1; clock_ns() < until_ns;) {
		if (look(subscription, ret_status))
			return true;
		for (unsigned int i = 0; i < stalls; i++)
			ck_pr_stall();
		stalls = stalls < STALLS_MAX ? 2 * stalls : STALLS_MAX;
	}
	return false;
}

reprise_status
reprise_wait(struct reprise_subscription *subscription, uint64_t timeout_ns)
{
	reprise_status status;

	if (subscription == NULL)
		return REPRISE_E_INVALID;
	if (look(subscription, &status))
		return status;
	if (timeout_ns == 0)
		return REPRISE_E_TIMEOUT;

	const uint64_t now = clock_ns();
	const uint64_t deadline = deadline_after(now, timeout_ns);
	const uint64_t spin_end = least(deadline, deadline_after(now, subscription->spin_ns));

	if (spin(subscription, spin_end, &status))
		return status;
	if (spin_end == deadline)
		return REPRISE_E_TIMEOUT;

	/* Nothing was said, so it is being followed and has a session. */
	struct bell *const bell = &subscription->session->bell;

	for (;;) {
		uint32_t epoch;
		const bool is_exact = bell_arm(bell, subscription->store->asymmetric, &epoch);

		if (look(subscription, &status))
			return status;
		count(&subscription->sleeps, 1);
		const uint64_t until = is_exact ? deadline : least(deadline, clock_ns() + NAP_NS);
		const bool is_time_left = bell_sleep(bell, epoch, until) || until < deadline;

		/* Before the hand is raised again: that is dear, and mostly there is news. */
		if (look(subscription, &status))
			return status;
		if (!is_time_left)
			return REPRISE_E_TIMEOUT;
	}
}

reprise_status
reprise_subscription_interrupt(struct reprise_subscription *subscription)
{
	if (subscription == NULL)
		return REPRISE_E_INVALID;
	store_release(&subscription->interrupted, 1);
	if (subscription->session != NULL)
		bell_ring(&subscription->session->bell);
	return REPRISE_OK;
}
