/* SPDX-License-Identifier: MIT */
#include "store/writer_lock.h"

#include <ck_pr.h>

#include "base/barrier.h"
#include "base/clock.h"
#include "base/futex.h"

/* Of a thread that finds the lock taken, before it sleeps. The models have fewer. */
#ifndef WRITER_LOCK_LOOKS
#define WRITER_LOCK_LOOKS 20
#endif

/*
 * Pauses between two looks, at most. The distance doubles with each look: a thread that looks
 * often takes the lock's cache line from the thread inside, and each append then costs a
 * transfer between cores.
 */
#define WRITER_LOCK_STALLS_MAX 256

static bool
try_enter(struct reprise_session *session)
{
	uint64_t owner = load_relaxed(&session->lock_owner);

	/* [enter:B] Before all that an append reads and writes; pairs with [leave:A]. */
	return owner == 0 &&
	       compare_exchange_acquire(&session->lock_owner, &owner, writer_lock_self());
}

/*
 * Says that somebody is about to sleep. False: the leaving thread may miss that, and the sleep is
 * to be short.
 */
static bool
want(struct reprise_session *session)
{
	store_relaxed(&session->lock_wanted, 1);
	/* [want:A] `wanted` before the owner; pairs with [leave:B]. */
	if (!session->store->is_asymmetric) {
		fence_ordered();
		return true;
	}
	return barrier_everywhere();
}

reprise_status
writer_lock_wait(struct reprise_session *session, uint64_t owner)
{
	if (owner == writer_lock_self())
		return REPRISE_E_BUSY;
	unsigned int stalls = 1;

	for (int looks = 0; looks < WRITER_LOCK_LOOKS; looks++) {
		if (try_enter(session))
			return REPRISE_OK;
		for (unsigned int i = 0; i < stalls; i++)
			ck_pr_stall();
		stalls = stalls < WRITER_LOCK_STALLS_MAX ? 2 * stalls : WRITER_LOCK_STALLS_MAX;
	}
	const uint64_t deadline_ns = clock_ns() + WRITER_LOCK_WAIT_NS;

	for (;;) {
		const bool is_exact = want(session);

		if (try_enter(session))
			return REPRISE_OK;
		const uint64_t now_ns = clock_ns();

		if (now_ns >= deadline_ns)
			return REPRISE_E_TIMEOUT;
		(void)futex_wait(&session->lock_wanted, 1,
				 is_exact ? deadline_ns : least(deadline_ns, now_ns + NAP_NS));
	}
}

void
writer_lock_wake(struct reprise_session *session)
{
	/* A thread that raises it from here on looks at the owner once more. */
	store_relaxed(&session->lock_wanted, 0);
	futex_wake_all(&session->lock_wanted);
}
