/* SPDX-License-Identifier: MIT */

/*
 * Groups: each call in a situation of its own. The group hears of the next event after every
 * refusal.
 */

#include "scenario.h"

enum {
	SOON_MS = 2000,
};

#define WAIT_NS UINT64_C(2000000)

static void
open_group(struct world *world)
{
	CHECK_OK(reprise_group_open(world->store, NULL, &world->group, NULL));
}

static void
add_to_group(struct world *world)
{
	open_group(world);
	CHECK_OK(reprise_group_add(world->group, world->subscription, world, NULL));
}

static void
open_group_when_empty(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
	open_group(world);
}

static void
add_when_empty(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
	add_to_group(world);
}

static int
fd_of_group(struct world *world)
{
	int fd = -1;

	CHECK_OK(reprise_group_fd(world->group, &fd, NULL));
	return fd;
}

/* A subscription that is ready, in a group whose descriptor is readable. */
static void
be_readable(struct world *world)
{
	add_to_group(world);
	CHECK(world_is_readable(fd_of_group(world), 0));
}

/* Each event makes the subscription ready, and EMPTY takes its place. */
static void
is_heard(struct world *world)
{
	struct reprise_subscription *ready = NULL;
	void *context = NULL;

	world_take_until_unreadable(world, fd_of_group(world));
	for (int i = 0; i < 2; i++) {
		world_append(world);
		CHECK(world_is_readable(fd_of_group(world), SOON_MS));
		CHECK_OK(reprise_group_wait(world->group, REPRISE_NO_LIMIT));
		CHECK_OK(reprise_group_next(world->group, &ready, &context));
		CHECK(ready == world->subscription && context == world);
		world_take_until_unreadable(world, fd_of_group(world));
	}
}

static reprise_status
give_group(struct world *world, struct reprise_error *error)
{
	return reprise_group_open(world->store, NULL, &world->out.group, error);
}

static void
has_group(struct world *world)
{
	world->group = world->out.group;
	CHECK_OK(reprise_group_add(world->group, world->subscription, world, NULL));
	is_heard(world);
}

static reprise_status
close_group(struct world *world, struct reprise_error *error)
{
	(void)error;
	reprise_group_close(world->group);
	return REPRISE_OK;
}

static void
is_in_none(struct world *world)
{
	add_to_group(world);
	is_heard(world);
}

static reprise_status
add(struct world *world, struct reprise_error *error)
{
	return reprise_group_add(world->group, world->subscription, world, error);
}

static reprise_status
remove_it(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_group_remove(world->group, world->subscription);
}

static void
is_removed(struct world *world)
{
	CHECK(!world_is_readable(fd_of_group(world), 0));
	CHECK_OK(reprise_group_add(world->group, world->subscription, world, NULL));
	is_heard(world);
}

static reprise_status
next_ready(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_group_next(world->group, &world->out.subscription, &world->out.payload);
}

static void
is_given(struct world *world)
{
	CHECK(world->out.subscription == world->subscription && world->out.payload == world);
	is_heard(world);
}

static reprise_status
give_fd(struct world *world, struct reprise_error *error)
{
	return reprise_group_fd(world->group, &world->out.fd, error);
}

static void
has_fd(struct world *world)
{
	CHECK(fd_of_group(world) == world->out.fd);
	CHECK(world_is_readable(world->out.fd, 0) == (world->seen < world->newest));
	is_heard(world);
}

static reprise_status
wait_for_ready(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_group_wait(world->group, REPRISE_NO_LIMIT);
}

static reprise_status
wait_in_vain(struct world *world, struct reprise_error *error)
{
	const uint64_t begin = now_ns();
	const reprise_status status = reprise_group_wait(world->group, WAIT_NS);

	(void)error;
	CHECK(now_ns() - begin >= WAIT_NS);
	return status;
}

static reprise_status
interrupt(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_group_interrupt(world->group);
}

static void
is_interrupted(struct world *world)
{
	CHECK(reprise_group_wait(world->group, REPRISE_NO_LIMIT) == REPRISE_E_INTERRUPTED);
	is_heard(world);
}

static reprise_status
stats(struct world *world, struct reprise_error *error)
{
	struct reprise_group_stats stats = { .size = sizeof(stats) };

	(void)error;
	const reprise_status status = reprise_group_stats(world->group, &stats);

	if (status == REPRISE_OK)
		CHECK(stats.subscriptions == 1 && stats.ready == 1 && stats.wakes == 1);
	return status;
}

/* EMPTY: the last place among the ready ones is given up, and the hand goes up. */
static void
be_taken(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;

	be_readable(world);
	while (world->seen < world->newest) {
		CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
		world->seen = event.position;
	}
}

static reprise_status
next_is_empty(struct world *world, struct reprise_error *error)
{
	(void)error;
	CHECK(reprise_next(world->subscription, &world->out.event, &world->out.gap,
			   &world->out.end) == REPRISE_NEXT_EMPTY);
	return REPRISE_OK;
}

/* The end: the same, and no hand goes up. */
static void
be_ended(struct world *world)
{
	be_taken(world);
	CHECK_OK(reprise_writer_end(world->writer, 7));
}

static reprise_status
next_is_the_end(struct world *world, struct reprise_error *error)
{
	(void)error;
	CHECK(reprise_next(world->subscription, &world->out.event, &world->out.gap,
			   &world->out.end) == REPRISE_NEXT_ENDED);
	return REPRISE_OK;
}

static void
is_quiet(struct world *world)
{
	CHECK(!world_is_readable(fd_of_group(world), 0));
}

static reprise_status
append(struct world *world, struct reprise_error *error)
{
	(void)error;
	world_append(world);
	return REPRISE_OK;
}

static void
is_told(struct world *world)
{
	CHECK(world_is_readable(fd_of_group(world), SOON_MS));
	is_heard(world);
}

static void
have_fd_when_empty(struct world *world)
{
	add_when_empty(world);
	(void)fd_of_group(world);
}

static reprise_status
close_subscription(struct world *world, struct reprise_error *error)
{
	return world_close_subscription(world, error);
}

static void
has_left(struct world *world)
{
	struct reprise_group_stats now = { .size = sizeof(now) };

	world_is_left(world);
	CHECK_OK(reprise_group_stats(world->group, &now));
	CHECK(now.subscriptions == 0 && now.ready == 0);
	is_quiet(world);
}

const struct scenario scenarios_of_groups[] = {
	{ .function = "reprise_group_open",
	  .title = "",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = give_group,
	  .verify = has_group,
	  .refuses = BIT(CALL_ALLOCATE),
	  .tells_error = true },
	{ .function = "reprise_group_close",
	  .title = "with a subscription that is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_readable,
	  .call = close_group,
	  .verify = is_in_none },
	{ .function = "reprise_group_add",
	  .title = "of a subscription that is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = open_group,
	  .call = add,
	  .verify = is_heard,
	  .tells_error = true },
	{ .function = "reprise_group_add",
	  .title = "of a subscription that is not ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = open_group_when_empty,
	  .call = add,
	  .verify = is_heard,
	  .tells_error = true },
	{ .function = "reprise_group_remove",
	  .title = "of a subscription that is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_readable,
	  .call = remove_it,
	  .verify = is_removed },
	{ .function = "reprise_group_remove",
	  .title = "of a subscription that is not",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_when_empty,
	  .call = remove_it,
	  .verify = is_removed,
	  .is_silent = true },
	{ .function = "reprise_group_next",
	  .title = "when one is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_readable,
	  .call = next_ready,
	  .verify = is_given,
	  .is_silent = true },
	{ .function = "reprise_group_next",
	  .title = "when none is",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_when_empty,
	  .call = next_ready,
	  .verify = is_heard,
	  .expected = REPRISE_E_NOT_FOUND,
	  .is_silent = true },
	{ .function = "reprise_group_fd",
	  .title = "when one is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_to_group,
	  .call = give_fd,
	  .verify = has_fd,
	  .refuses = BIT(CALL_EVENTFD),
	  .tells_error = true },
	{ .function = "reprise_group_fd",
	  .title = "when none is",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_when_empty,
	  .call = give_fd,
	  .verify = has_fd,
	  .refuses = BIT(CALL_EVENTFD),
	  .tells_error = true },
	{ .function = "reprise_group_wait",
	  .title = "when one is ready",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_to_group,
	  .call = wait_for_ready,
	  .verify = is_heard,
	  .is_silent = true },
	{ .function = "reprise_group_wait",
	  .title = "in vain",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_when_empty,
	  .call = wait_in_vain,
	  .verify = is_heard,
	  .expected = REPRISE_E_TIMEOUT },
	{ .function = "reprise_group_interrupt",
	  .title = "of the next wait",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_to_group,
	  .call = interrupt,
	  .verify = is_interrupted,
	  .is_silent = true },
	{ .function = "reprise_group_stats",
	  .title = "",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = add_to_group,
	  .call = stats,
	  .verify = is_heard,
	  .is_silent = true },
	{ .function = "reprise_next",
	  .title = "is empty, of a group's last ready one",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_taken,
	  .call = next_is_empty,
	  .verify = is_heard },
	{ .function = "reprise_next",
	  .title = "is the end, of a group's last ready one",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_ended,
	  .call = next_is_the_end,
	  .verify = is_quiet },
	{ .function = "reprise_append",
	  .title = "when a group waits",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_when_empty,
	  .call = append,
	  .verify = is_told },
	{ .function = "reprise_subscription_close",
	  .title = "of a group's last ready one",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_readable,
	  .call = close_subscription,
	  .verify = has_left },
	SCENARIOS_END,
};
