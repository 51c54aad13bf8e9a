/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/descriptor.h"
#include "store/subscription.h"

/*
 * The doors of a subscription: a descriptor, a group, a callback. A door has been rung, or its hand
 * is up and nothing was to be said after that: so a host that waits at the door misses nothing.
 */

reprise_outcome
subscription_arm_doors(struct reprise_subscription *subscription)
{
	struct reprise_store *const store = subscription->store;
	struct reprise_session *session;
	reprise_outcome outcome;

	do {
		const struct raised raised = hand_raise(subscription, false);

		/* Up already: nothing was to be said after that, as has just been found again. */
		if (!raised.is_new)
			return REPRISE_NEXT_EMPTY;
		session = subscription->session;
		const bool is_heard =
			store->is_deferred ||
			bell_barrier(&session->bell, store->is_asymmetric, raised.armed);

		/*
		 * Nobody rings a void window: there was no memory for the one that goes on
		 * in its place.
		 */
		if (!is_heard || ring_is_void(&session->ring))
			hand_have_watched(subscription);
		outcome = subscription_advance(subscription);
		/* If it has got a window, its hand is not up there. */
	} while (outcome == REPRISE_NEXT_EMPTY && subscription->session != session);

	/* Events cannot be copied for want of memory: the relay rings at its next tick. */
	if (outcome == REPRISE_NEXT_EMPTY && subscription->stage == STAGE_UNSTAGED)
		hand_have_watched(subscription);
	/*
	 * There may be more than what is handed out now, and the descriptor and the group say so. A
	 * callback does not: the host is being answered, and goes on until there is nothing.
	 */
	if (outcome != REPRISE_NEXT_EMPTY && hand_lower(subscription))
		hand_ring_level_doors(subscription);
	return outcome;
}

reprise_status
reprise_subscription_fd(struct reprise_subscription *subscription, int *ret_fd,
			struct reprise_error *error)
{
	if (subscription == NULL)
		return error_invalid(error, "subscription");
	if (ret_fd == NULL)
		return error_invalid(error, "ret_fd");
	if (!stamp_is_here(subscription->home))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	if (!subscription->has_descriptor) {
		const int descriptor =
			descriptor_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));

		if (descriptor < 0)
			return error_system(error, "eventfd", errno);
		hand_give_descriptor(subscription, descriptor);
		/* It is readable, or will be when there is something. */
		if (subscription_advance(subscription) != REPRISE_NEXT_EMPTY ||
		    subscription_arm_doors(subscription) != REPRISE_NEXT_EMPTY)
			hand_ring_descriptor(subscription);
	}
	*ret_fd = subscription->descriptor;
	return REPRISE_OK;
}

reprise_status
reprise_subscription_notify(struct reprise_subscription *subscription, reprise_callback callback,
			    void *context, struct reprise_error *error)
{
	if (subscription == NULL)
		return error_invalid(error, "subscription");
	struct reprise_store *const store = subscription->store;

	if (!stamp_is_here(subscription->home))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	/* Without a session nothing may have started the thread yet. */
	pthread_mutex_lock(&store->lock);
	const int refused = relay_start(&store->relay);

	pthread_mutex_unlock(&store->lock);
	if (refused != 0)
		return error_system(error, "pthread_create", refused);

	if (subscription->callback != NULL) {
		hand_take_callback(subscription);
		(void)relay_quiet(&store->relay, subscription, false);
	}
	if (callback != NULL) {
		relay_set_callback(&store->relay, subscription, callback, context);
		/*
		 * Before it can be called: that may be in the other thread, which then looks, too.
		 */
		if (subscription_advance(subscription) == REPRISE_NEXT_EMPTY)
			(void)subscription_arm_doors(subscription);
		/* The last thing: it may close the subscription. */
		hand_give_callback(subscription);
	}
	return REPRISE_OK;
}
