/* SPDX-License-Identifier: MIT */
#include <ck_pr.h>

#include "base/clock.h"
#include "base/futex.h"
#include "store/subscription.h"

enum {
	STALLS_MAX = 64, /* pauses between two looks of a spinning wait, at most */
};

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
	       exchange_acquire(&subscription->interrupted, 0) != 0;
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

/* The word that a thread sleeps on: the bell's epoch, or its own. */
struct bed {
	bool is_direct;
	atomic_u32 *word;
	uint32_t expected;
	bool is_exact;  /* else look again before long */
	bool is_raised; /* the hand was, for this sleep */
};

/* Raises the hand, with the barrier behind it: look once more, then sleep. */
static struct bed
lie_down(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;
	struct bell *const bell = &subscription->session->bell;
	struct bed bed = { .word = &subscription->rung, .is_exact = true };
	uint64_t armed = BELL_UNSETTLED;

	bed.is_direct = !store->is_deferred &&
			bell_arm_direct(bell, subscription->has_epoch, &subscription->direct_epoch);
	if (bed.is_direct) {
		subscription->has_epoch = true;
		bed.word = &bell->epoch;
		bed.expected = subscription->direct_epoch;
	} else {
		const struct raised raised = hand_raise(subscription, true);

		bed.expected = raised.rung;
		bed.is_raised = raised.is_new;
		armed = raised.armed;
	}
	/* A hand that was up has its barrier behind it. */
	if (!store->is_deferred && (bed.is_direct || bed.is_raised))
		bed.is_exact = bell_barrier(bell, store->is_asymmetric, armed);
	/*
	 * There is no memory for the window that goes on, or for what is copied of it: it looks
	 * again before long.
	 */
	if (subscription->stage == STAGE_UNSTAGED || ring_is_void(&subscription->session->ring))
		bed.is_exact = false;
	return bed;
}

/* The thread ends in its sleep: as if the time had been up. */
struct sleeper {
	struct reprise_subscription *subscription;
	const struct bed *bed;
};

static void
get_up(void *argument)
{
	const struct sleeper *const sleeper = argument;

	if (!sleeper->bed->is_direct)
		hand_end_sleep(sleeper->subscription, sleeper->bed->is_raised);
}

/* False if the deadline has passed. A cancellation point. */
static bool
sleep_in(struct reprise_subscription *subscription, const struct bed *bed, uint64_t deadline)
{
	const uint64_t until = bed->is_exact ? deadline : least(deadline, clock_ns() + NAP_NS);
	struct sleeper sleeper = { subscription, bed };

	count(&subscription->sleeps, 1);
	return futex_wait_cancellable(bed->word, bed->expected, until, get_up, &sleeper) ||
	       until < deadline;
}

/* Sleeps and looks, until there is something to say or the time is up. */
static reprise_status
sleep_until(struct reprise_subscription *subscription, uint64_t deadline)
{
	reprise_status status = REPRISE_E_TIMEOUT;
	bool is_over = false, is_time_left = true;

	while (!is_over && is_time_left) {
		/* Nothing was said, so it follows a session. */
		const struct reprise_session *const session = subscription->session;
		const struct bed bed = lie_down(subscription);

		is_over = look(subscription, &status);
		/* It may have got a window: then nobody rings it where it lies. */
		if (!is_over && subscription->session == session) {
			is_time_left = sleep_in(subscription, &bed, deadline);
			/*
			 * Before the hand is raised again: that is dear, and mostly there is news.
			 */
			is_over = look(subscription, &status);
		}
		if (!bed.is_direct)
			hand_end_sleep(subscription, bed.is_raised);
	}
	return is_over ? status : REPRISE_E_TIMEOUT;
}

reprise_status
reprise_wait(struct reprise_subscription *subscription, uint64_t timeout_ns)
{
	reprise_status status;

	if (subscription == NULL || relay_is_caller())
		return REPRISE_E_INVALID;
	if (!stamp_is_here(subscription->home))
		return REPRISE_E_FORKED;
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

	return sleep_until(subscription, deadline);
}

reprise_status
reprise_subscription_interrupt(struct reprise_subscription *subscription)
{
	if (subscription == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(subscription->home))
		return REPRISE_E_FORKED;
	struct reprise_session *session;

	store_release(&subscription->interrupted, 1);
	/*
	 * A subscription that has moved since, under the lock of the hands, has looked after that
	 * whether it is interrupted.
	 */
	do
		/* [interrupt:A] Before the session is looked at; pairs with [move:A]. */
		session = load_acquire(&subscription->session_to_notify);
	while (session != NULL && !hand_interrupt(session, subscription));
	if (session != NULL)
		bell_ring_direct(&session->bell);
	return REPRISE_OK;
}
