/* SPDX-License-Identifier: MIT */
#include <ck_pr.h>

#include "base/clock.h"
#include "base/futex.h"
#include "store/group.h"
#include "store/subscription.h"

/* A thread waits for a group: the thread looks at `rung` for a while, then sleeps on `rung`. */

/*
 * Under the lock: whether a wait is over, and the answer of the wait. An interrupt ends one wait.
 */
static bool
is_over(struct reprise_group *group, reprise_status *ret_status)
{
	if (group->is_interrupted)
		*ret_status = REPRISE_E_INTERRUPTED;
	else if (group->stats.ready != 0)
		*ret_status = REPRISE_OK;
	else
		return false;
	group->is_interrupted = false;
	return true;
}

/* Until `rung` is counted up or @until_ns. */
static void
spin(struct reprise_group *group, uint32_t seen, uint64_t until_ns)
{
	while (load_relaxed(&group->rung) == seen && clock_ns() < until_ns)
		ck_pr_stall();
}

/* The thread ends in its sleep: as if the time had been up. */
static void
get_up(void *argument)
{
	struct reprise_group *const group = argument;

	group_lock(group);
	group->is_asleep = group->is_waited_for = false;
	group_unlock(group);
}

reprise_status
reprise_group_wait(struct reprise_group *group, uint64_t timeout_ns)
{
	reprise_status status = REPRISE_E_TIMEOUT;
	bool is_time_left = timeout_ns != 0;

	if (group == NULL || relay_is_caller())
		return REPRISE_E_INVALID;
	if (!stamp_is_here(group->home))
		return REPRISE_E_FORKED;
	const uint64_t now = clock_ns();
	const uint64_t deadline = deadline_after(now, timeout_ns);
	const uint64_t spin_end = least(deadline, deadline_after(now, group->spin_ns));

	group_lock(group);
	REPRISE_REQUIRE(!group->is_waited_for, "two threads wait for one group at once");
	group->is_waited_for = true;
	while (!is_over(group, &status) && is_time_left) {
		const uint32_t seen = load_relaxed(&group->rung);
		const bool is_spinning = clock_ns() < spin_end;

		/*
		 * Still under the lock of the look: every later ringer counts `rung` up, and wakes
		 * this thread.
		 */
		group->is_asleep = !is_spinning;
		group->stats.sleeps += !is_spinning;
		group_unlock(group);
		if (is_spinning)
			spin(group, seen, spin_end);
		else
			is_time_left =
				futex_wait_cancellable(&group->rung, seen, deadline, get_up, group);
		is_time_left = is_time_left && clock_ns() < deadline;
		group_lock(group);
		group->is_asleep = false;
	}
	group->is_waited_for = false;
	group_unlock(group);
	return status;
}

reprise_status
reprise_group_interrupt(struct reprise_group *group)
{
	if (group == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(group->home))
		return REPRISE_E_FORKED;
	group_lock(group);
	group->is_interrupted = true;
	const bool is_asleep = group_end_wait(group);

	group_unlock(group);
	if (is_asleep)
		futex_wake_all(&group->rung);
	return REPRISE_OK;
}
