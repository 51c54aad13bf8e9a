/* SPDX-License-Identifier: MIT */
#include "store/group.h"

/*
 * A group's list of ready subscriptions, the descriptor, and all calls of the owner except the
 * wait.
 */

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/descriptor.h"
#include "base/futex.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "store/subscription.h"

#define SPIN_NS_DEFAULT UINT64_C(50000)

static bool
is_any_ready(struct reprise_group *group)
{
	group_lock(group);
	const bool is_any = group->stats.ready != 0;

	group_unlock(group);
	return is_any;
}

/*
 * The first subscription has become ready, or the last is ready no more: the descriptor follows. Of
 * several calls at once the last call sees the final state of the list.
 */
static void
match_descriptor(struct reprise_group *group)
{
	pthread_mutex_lock(&group->descriptor_lock);
	const bool is_any = is_any_ready(group);

	if (group->descriptor >= 0 && is_any != group->is_readable) {
		REPRISE_REQUIRE(is_any ? descriptor_ring(group->descriptor)
				       : descriptor_drain(group->descriptor),
				"the descriptor of a group was closed or replaced by the program");
		group->is_readable = is_any;
	}
	pthread_mutex_unlock(&group->descriptor_lock);
}

void
group_put_ready(struct reprise_group *group, struct reprise_subscription *subscription)
{
	bool is_first = false, is_asleep = false;

	group_lock(group);
	if (!subscription->is_ready) {
		TAILQ_INSERT_TAIL(&group->ready, subscription, ready);
		subscription->is_ready = true;
		is_first = group->stats.ready++ == 0;
	}
	if (is_first) {
		group->stats.wakes++;
		is_asleep = group_end_wait(group);
	}
	group_unlock(group);
	if (is_asleep)
		futex_wake_all(&group->rung);
	if (is_first)
		match_descriptor(group);
}

void
group_take_ready(struct reprise_group *group, struct reprise_subscription *subscription)
{
	bool is_last = false;

	group_lock(group);
	if (subscription->is_ready) {
		TAILQ_REMOVE(&group->ready, subscription, ready);
		subscription->is_ready = false;
		is_last = --group->stats.ready == 0;
	}
	group_unlock(group);
	if (is_last)
		match_descriptor(group);
}

void
group_let_go(struct reprise_subscription *subscription)
{
	struct reprise_group *const group = subscription->group;

	if (group == NULL)
		return;
	hand_give_group(subscription, NULL);
	TAILQ_REMOVE(&group->members, subscription, member);
	group_lock(group);
	group->stats.subscriptions--;
	group_unlock(group);
}

reprise_status
reprise_group_open(struct reprise_store *store, const struct reprise_group_options *options,
		   struct reprise_group **ret_group, struct reprise_error *error)
{
	struct reprise_group_options known = { 0 };

	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_group == NULL)
		return error_invalid(error, "ret_group");
	if (!store_is_here(store))
		return error_plain(error, REPRISE_E_FORKED);
	if (options != NULL &&
	    !sized_read(&known, sizeof(known), SIZE_MIN(reprise_group_options), options))
		return error_size(error, "group options: size", options, sizeof(known));
	UNCANCELLABLE;
	struct reprise_group *const group = memory_take(&store->memory, sizeof(*group));

	if (group == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	pthread_mutex_init(&group->lock, NULL);
	pthread_mutex_init(&group->descriptor_lock, NULL);
	group->store = store;
	group->home = store->stamp;
	group->spin_ns = known.spin_ns != 0 ? known.spin_ns : SPIN_NS_DEFAULT;
	group->descriptor = -1;
	TAILQ_INIT(&group->members);
	TAILQ_INIT(&group->ready);
	atomic_init(&group->rung, 0);
	fetch_add_relaxed(&store->groups, 1);
	*ret_group = group;
	return REPRISE_OK;
}

void
reprise_group_close(struct reprise_group *group)
{
	struct reprise_subscription *subscription;

	if (group == NULL)
		return;
	UNCANCELLABLE;
	/*
	 * In the child of a fork only the descriptor is the child's. All else belongs to the
	 * parent's store.
	 */
	if (!stamp_is_here(group->home)) {
		if (group->descriptor >= 0)
			close(group->descriptor);
		group->descriptor = -1;
		return;
	}
	struct reprise_store *const store = group->store;

	while ((subscription = TAILQ_FIRST(&group->members)) != NULL)
		group_let_go(subscription);
	if (group->descriptor >= 0)
		close(group->descriptor);
	pthread_mutex_destroy(&group->descriptor_lock);
	pthread_mutex_destroy(&group->lock);
	memory_give(&store->memory, group, sizeof(*group));
	/* Last: from here on the store may be closed. */
	fetch_sub_release(&store->groups, 1);
}

reprise_status
reprise_group_add(struct reprise_group *group, struct reprise_subscription *subscription,
		  void *context, struct reprise_error *error)
{
	if (group == NULL)
		return error_invalid(error, "group");
	if (subscription == NULL)
		return error_invalid(error, "subscription");
	if (!stamp_is_here(group->home))
		return error_plain(error, REPRISE_E_FORKED);
	if (subscription->store != group->store)
		return error_invalid(error, "subscription: belongs to another store");
	if (subscription->group != NULL)
		return error_detailed(error, REPRISE_E_BUSY, "subscription",
				      "the subscription is in a group already");
	UNCANCELLABLE;
	subscription->group_context = context;
	TAILQ_INSERT_TAIL(&group->members, subscription, member);
	group_lock(group);
	group->stats.subscriptions++;
	group_unlock(group);
	hand_give_group(subscription, group);
	/* The subscription is ready now, or becomes ready with the next event. */
	if (subscription_advance(subscription) != REPRISE_NEXT_EMPTY ||
	    subscription_arm_doors(subscription) != REPRISE_NEXT_EMPTY)
		hand_ring_level_doors(subscription);
	return REPRISE_OK;
}

reprise_status
reprise_group_remove(struct reprise_group *group, struct reprise_subscription *subscription)
{
	if (group == NULL || subscription == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(group->home))
		return REPRISE_E_FORKED;
	if (subscription->group != group)
		return REPRISE_E_NOT_FOUND;
	group_let_go(subscription);
	return REPRISE_OK;
}

reprise_status
reprise_group_next(struct reprise_group *group, struct reprise_subscription **ret_subscription,
		   void **ret_context)
{
	if (group == NULL || ret_subscription == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(group->home))
		return REPRISE_E_FORKED;
	group_lock(group);
	struct reprise_subscription *const subscription = TAILQ_FIRST(&group->ready);

	/* Behind the other ready subscriptions: a busy subscription holds up no other. */
	if (subscription != NULL) {
		TAILQ_REMOVE(&group->ready, subscription, ready);
		TAILQ_INSERT_TAIL(&group->ready, subscription, ready);
		group->stats.turns++;
	}
	group_unlock(group);
	if (subscription == NULL)
		return REPRISE_E_NOT_FOUND;
	*ret_subscription = subscription;
	if (ret_context != NULL)
		*ret_context = subscription->group_context;
	return REPRISE_OK;
}

reprise_status
reprise_group_fd(struct reprise_group *group, int *ret_fd, struct reprise_error *error)
{
	if (group == NULL)
		return error_invalid(error, "group");
	if (ret_fd == NULL)
		return error_invalid(error, "ret_fd");
	if (!stamp_is_here(group->home))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	if (group->descriptor < 0) {
		const int descriptor =
			descriptor_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));

		if (descriptor < 0)
			return error_system(error, "eventfd", errno);
		pthread_mutex_lock(&group->descriptor_lock);
		group->descriptor = descriptor;
		pthread_mutex_unlock(&group->descriptor_lock);
		match_descriptor(group);
	}
	*ret_fd = group->descriptor;
	return REPRISE_OK;
}

reprise_status
reprise_group_stats(struct reprise_group *group, struct reprise_group_stats *ret_stats)
{
	if (group == NULL || ret_stats == NULL)
		return REPRISE_E_INVALID;
	if (!stamp_is_here(group->home))
		return REPRISE_E_FORKED;
	group_lock(group);
	const struct reprise_group_stats stats = group->stats;

	group_unlock(group);
	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_group_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}
