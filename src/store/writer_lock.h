/* SPDX-License-Identifier: MIT */
#ifndef STORE_WRITER_LOCK_H
#define STORE_WRITER_LOCK_H

/*
 * The lock of a session with shared writers: an append holds it from its checks until its
 * event is published.
 *
 * `owner` is the thread inside, or 0. To enter an empty lock is one compare-exchange, and to leave
 * is a store and a load. A thread that finds the lock taken looks for a while, then raises `wanted`
 * and sleeps. The thread that leaves wakes all that sleep, which try again.
 *
 * The store of `owner` by the leaving thread, and its load of `wanted`, need a full barrier between
 * them, or else a thread could miss the wake-up. The sleeping thread makes the barrier for both
 * (membarrier), as sleepers of a subscription do; where the kernel refuses it, the leaving thread
 * has a fence, or the sleep is short.
 *
 *   leave:A / enter:A    a thread that enters sees all that the threads before it have done inside
 *   leave:A / enter:B    so does one that had to wait
 *   leave:B / want:A     the leaving thread sees `wanted`, or its store of `owner` is seen by the
 *                        look after it
 *   share:A / named:A    an append by id sees the window as the opening thread has left it
 *
 * A thread waits at most WRITER_LOCK_WAIT_NS. A longer wait means that a thread was stopped or
 * ended inside an append, or that there are many more threads than processors.
 */

#include <pthread.h>

#include "store/session.h"

/* How long an append waits for the others: told in session.h. */
#define WRITER_LOCK_WAIT_NS NS_PER_S

/* The session's writers are threads, any of them: has_writer is WRITER_SHARED. */
static inline bool
session_is_shared(struct reprise_session *session)
{
	return load_relaxed(&session->has_writer) == WRITER_SHARED;
}

/* The calling thread, never 0. */
static inline uint64_t
writer_lock_self(void)
{
	return (uint64_t)(uintptr_t)pthread_self();
}

/* The lock is taken by @owner. */
reprise_status writer_lock_wait(struct reprise_session *session, uint64_t owner) COLD;
void writer_lock_wake(struct reprise_session *session) COLD;

/*
 * Enters. REPRISE_E_BUSY if this thread is inside already: a signal has interrupted its append.
 * REPRISE_E_TIMEOUT after WRITER_LOCK_WAIT_NS.
 */
static inline reprise_status
writer_lock_enter(struct reprise_session *session)
{
	uint64_t owner = 0;

	/* [enter:A] Before all that an append reads and writes; pairs with [leave:A]. */
	if (likely(compare_exchange_acquire(&session->lock_owner, &owner, writer_lock_self())))
		return REPRISE_OK;
	return writer_lock_wait(session, owner);
}

/*
 * The same for a call of the host's: REPRISE_E_FORKED in the child of a fork, which may have
 * inherited a taken lock.
 */
static inline reprise_status
writer_lock_enter_here(struct reprise_session *session)
{
	return likely(session_is_here(session)) ? writer_lock_enter(session) : REPRISE_E_FORKED;
}

static inline void
writer_lock_leave(struct reprise_session *session)
{
	/*
	 * [leave:A] After all that the append has read and written; pairs with [enter:A],
	 * pairs with [enter:B].
	 */
	store_release(&session->lock_owner, 0);
	/*
	 * [leave:B] The owner before `wanted`; pairs with [want:A], which makes the
	 * barrier for both.
	 */
	fence_compiler();
	if (unlikely(!session->store->is_asymmetric))
		fence_ordered();
	if (unlikely(load_relaxed(&session->lock_wanted) != 0))
		writer_lock_wake(session);
}

#endif /* STORE_WRITER_LOCK_H */
