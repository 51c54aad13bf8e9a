/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_GROUP_H
#define REPRISE_GROUP_H

/*
 * reprise/group.h - one place to wait for many subscriptions
 *
 * A host with thousands of subscriptions waits for all of them at once: by one descriptor in an
 * event loop, or in one sleeping thread. The group hands out the ready subscriptions in turn:
 *
 *    while (reprise_group_next(group, &subscription, &context) == REPRISE_OK)
 *        switch (reprise_next(subscription, &event, &gap, &end)) ...
 *
 * A subscription is ready while reprise_next may have something to say. A subscription becomes
 * ready when the host adds the subscription, unless there is nothing to say, and whenever something
 * comes. The subscription stays ready until reprise_next has answered EMPTY or ENDED. A
 * subscription may be ready for nothing. So the host may take one event, or several, and go on to
 * the next subscription: the group forgets nothing. After each turn the subscription goes behind
 * all other ready subscriptions, so that a busy subscription holds up no other.
 *
 * A subscription is in one group at most. The subscription keeps a descriptor and a callback of its
 * own, if set.
 *
 * One thread at a time uses a group and the subscriptions in the group, except where a function
 * says otherwise.
 */

#include <reprise/base.h>
#include <reprise/store.h>
#include <reprise/subscription.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_group; /* opaque; see reprise_group_open */

struct reprise_group_options {
	size_t size; /* sizeof(struct reprise_group_options) */

	/*
	 * Nanoseconds of looking in reprise_group_wait, before the sleep. Default 50,000; 1: none;
	 * REPRISE_NO_LIMIT: never sleep.
	 */
	uint64_t spin_ns;
};
#define REPRISE_GROUP_OPTIONS_INIT REPRISE_INIT(struct reprise_group_options)

struct reprise_group_stats {
	size_t size;            /* sizeof(struct reprise_group_stats), set by the caller */
	uint64_t subscriptions; /* in the group now */
	uint64_t ready;         /* the ready subscriptions among them */
	uint64_t turns;         /* subscriptions handed out by reprise_group_next */
	uint64_t wakes;         /* times the group became ready: at most one system call each */
	uint64_t sleeps;        /* times that a wait went to sleep */
};
#define REPRISE_GROUP_STATS_INIT REPRISE_INIT(struct reprise_group_stats)

/*
 * reprise_group_open - a group with no subscription in it
 *
 * @store      Borrowed until the group is closed.
 * @options    Borrowed. NULL: every default.
 * @ret_group  Set on REPRISE_OK: owned, close it with reprise_group_close.
 * @error      Optional: `what` names the bad argument.
 *
 * Threads   Any.
 * Progress  Allocates.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument or a bad option
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_group_open(struct reprise_store *store,
					      const struct reprise_group_options *options,
					      struct reprise_group **ret_group,
					      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_group_close - let all subscriptions go, and close the group
 *
 * The subscriptions stay open. In the child of a fork the call closes the descriptor alone.
 *
 * @group  Moves. NULL is allowed. The descriptor is gone: take the descriptor out of the event loop
 *         before.
 *
 * Threads   Owner: no other thread may wait for the group or interrupt a wait.
 * Progress  Locks; linear in the subscriptions of the group.
 * Ordering  After the return nothing makes the descriptor readable any more.
 * Returns   Nothing.
 */
REPRISE_API void reprise_group_close(struct reprise_group *group);

/*
 * reprise_group_add - have a subscription handed out whenever ready
 *
 * @subscription  Borrowed until the host removes the subscription or closes the group.
 *                reprise_subscription_close removes the subscription.
 * @context       Handed out with the subscription; the library never looks at the context. May be
 *                NULL.
 * @error         Optional: `what` names the bad argument.
 *
 * Threads   Owner of the group and of the subscription.
 * Progress  Locks; makes system calls. May read ahead: payloads handed out before are gone.
 * Ordering  As reprise_next.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument, or a subscription of another store
 *           REPRISE_E_BUSY     the subscription is in a group, this one or another; nothing changed
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_group_add(struct reprise_group *group,
					     struct reprise_subscription *subscription,
					     void *context,
					     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_group_remove - take a subscription out of a group
 *
 * @subscription  Stays open. The host may add the subscription again, to any group of the same
 *                store.
 *
 * Threads   Owner of the group and of the subscription.
 * Progress  Locks; one system call at most.
 * Ordering  After the return the group hands the subscription out no more.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_NOT_FOUND  the subscription is not in this group
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_group_remove(
	struct reprise_group *group, struct reprise_subscription *subscription) REPRISE_MUST_USE;

/*
 * reprise_group_next - the ready subscription whose turn has come
 *
 * The subscription goes behind all other ready subscriptions. Call reprise_next at least once:
 * until reprise_next has answered EMPTY or ENDED, the turn of the subscription comes again.
 *
 * @ret_subscription  Set on REPRISE_OK.
 * @ret_context       Set on REPRISE_OK to the context given to reprise_group_add. May be NULL.
 *
 * Threads   Owner.
 * Progress  Locks briefly; no allocation, no system call.
 * Ordering  Acquire: the caller sees the event, gap or end behind the readiness.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  none is ready
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_group_next(struct reprise_group *group,
					      struct reprise_subscription **ret_subscription,
					      void **ret_context) REPRISE_MUST_USE;

/*
 * reprise_group_fd - a descriptor that is readable while a subscription of the group is ready
 *
 * For poll, epoll and event loops over either; level-triggered. The library writes to the
 * descriptor when the first subscription becomes ready, and drains the descriptor when no
 * subscription is ready any more: in between no event costs a system call. The library owns the
 * descriptor: the host must not read, write or close the descriptor.
 *
 * @ret_fd  Set on REPRISE_OK; the same in every call, valid until the group is closed.
 * @error   Optional: `what` and `os_error` of the refused call.
 *
 * Threads   Owner. The descriptor may be polled by any.
 * Progress  System calls; locks.
 * Ordering  As reprise_group_next.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_SYSTEM   no descriptor available; nothing changed
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_group_fd(struct reprise_group *group, int *ret_fd,
					    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_group_wait - sleep until a subscription of the group is ready
 *
 * Looks for a while (spin_ns), then sleeps.
 *
 * @timeout_ns  At most this long; 0 only looks; REPRISE_NO_LIMIT waits for ever.
 *
 * Threads   Owner. A cancellation point.
 * Progress  Blocks. No wake-up is lost: any subscription becoming ready ends the wait, however the
 *           two race.
 * Ordering  As reprise_group_next.
 * Returns   REPRISE_OK             reprise_group_next will answer REPRISE_OK
 *           REPRISE_E_TIMEOUT      none within @timeout_ns
 *           REPRISE_E_INTERRUPTED  reprise_group_interrupt was called
 *           REPRISE_E_INVALID      a NULL argument, or called from inside a callback
 *           REPRISE_E_FORKED       in the child of a fork
 */
REPRISE_API reprise_status reprise_group_wait(struct reprise_group *group,
					      uint64_t timeout_ns) REPRISE_MUST_USE;

/*
 * reprise_group_interrupt - end a wait from another thread
 *
 * The running wait, else the next wait, answers REPRISE_E_INTERRUPTED, once, even if a subscription
 * is ready.
 *
 * Threads   Any, also while the owner waits. The group must not be closed meanwhile.
 * Progress  Locks briefly; one system call at most.
 * Ordering  Release: the interrupted wait sees all earlier writes of the caller.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_group_interrupt(struct reprise_group *group) REPRISE_MUST_USE;

/*
 * reprise_group_stats - counts of a group
 *
 * @ret_stats  The caller sets `size`.
 *
 * Threads   Any. The group must not be closed meanwhile.
 * Progress  Locks briefly.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_group_stats(
	struct reprise_group *group, struct reprise_group_stats *ret_stats) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_GROUP_H */
