/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "scenario.h"

enum {
	SOON_MS = 2000,
};

static reprise_status
give_fd(struct world *world, struct reprise_error *error)
{
	return reprise_subscription_fd(world->subscription, &world->out.fd, error);
}

static int
fd_of(struct world *world)
{
	int fd = -1;

	CHECK_OK(reprise_subscription_fd(world->subscription, &fd, NULL));
	return fd;
}

/* Every append makes the descriptor readable, and EMPTY makes it unreadable. */
static void
rings_fd(struct world *world)
{
	const int fd = fd_of(world);

	world_take_until_unreadable(world, fd);
	for (int i = 0; i < 2; i++) {
		world_append(world);
		CHECK(world_is_readable(fd, SOON_MS));
		world_take_until_unreadable(world, fd);
	}
}

static void
has_fd(struct world *world)
{
	CHECK(fd_of(world) == world->out.fd);
	CHECK(world_is_readable(world->out.fd, 0) == (world->seen < world->newest));
	rings_fd(world);
}

static void
take_all(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
}

/* A subscription without a session, in a store whose thread nothing has started. */
static void
follow_nothing(struct world *world)
{
	struct reprise_cursor cursor = { .position = 3 };

	strcpy(cursor.session_id, "unknown");
	CHECK_OK(reprise_subscribe_after(world->store, &cursor, NULL, &world->subscription, NULL));
}

static void
is_unavailable(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_GAP);
	CHECK(world_take(world) == REPRISE_NEXT_ENDED);
}

static void
has_fd_for_a_gap(struct world *world)
{
	CHECK(world_is_readable(world->out.fd, 0));
	is_unavailable(world);
}

static reprise_status
notify(struct world *world, struct reprise_error *error)
{
	return reprise_subscription_notify(world->subscription, world_callback, world, error);
}

/* An append after EMPTY calls the callback, once. */
static void
is_called(struct world *world)
{
	for (int i = 0; i < 2; i++) {
		CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == world->newest);
		const uint64_t called = __atomic_load_n(&world->called, __ATOMIC_ACQUIRE);

		world_append(world);
		world_await_calls(world, called + 1);
	}
	world_follow(world);
}

static void
is_called_at_once(struct world *world)
{
	world_await_calls(world, 1);
	is_called(world);
}

static void
is_called_for_a_gap(struct world *world)
{
	world_await_calls(world, 1);
	is_unavailable(world);
}

static void
have_callback(struct world *world)
{
	CHECK_OK(notify(world, NULL));
	world_await_calls(world, 1);
	take_all(world);
}

static reprise_status
take_callback(struct world *world, struct reprise_error *error)
{
	return reprise_subscription_notify(world->subscription, NULL, NULL, error);
}

static void
is_called_no_more(struct world *world)
{
	world_append(world);
	world_follow(world);
	CHECK(world->called == 1);
}

static void
have_fd(struct world *world)
{
	(void)fd_of(world);
}

static void
have_fd_and_all(struct world *world)
{
	have_fd(world);
	take_all(world);
}

/* A hand that is up, and a descriptor that is readable. */
static void
have_news(struct world *world)
{
	have_fd_and_all(world);
	world_append(world);
	CHECK(world_is_readable(fd_of(world), SOON_MS));
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	world->seen = event.position;
}

/* EMPTY of a subscription with a descriptor: the hand goes up. */
static reprise_status
next_is_empty(struct world *world, struct reprise_error *error)
{
	(void)error;
	CHECK(reprise_next(world->subscription, &world->out.event, &world->out.gap,
			   &world->out.end) == REPRISE_NEXT_EMPTY);
	return REPRISE_OK;
}

static reprise_status
next_batch_is_empty(struct world *world, struct reprise_error *error)
{
	size_t count;

	(void)error;
	CHECK(reprise_next_batch(world->subscription, &world->out.event, 1, &count, &world->out.gap,
				 &world->out.end) == REPRISE_NEXT_EMPTY);
	return REPRISE_OK;
}

/* A sleeper is to be woken: the ringing call must do so in spite of any refusal. */

static reprise_status
append(struct world *world, struct reprise_error *error)
{
	(void)error;
	world_append(world);
	return REPRISE_OK;
}

static reprise_status
end(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_writer_end(world->writer, 7);
}

static reprise_status
invalidate(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_invalidate(world->store, "s");
}

static void
is_told(struct world *world)
{
	CHECK(world_is_readable(fd_of(world), SOON_MS));
	rings_fd(world);
}

static void
is_told_the_end(struct world *world)
{
	CHECK(world_is_readable(fd_of(world), SOON_MS));
	CHECK(world_take(world) == REPRISE_NEXT_ENDED);
}

static void
is_told_the_gap(struct world *world)
{
	CHECK(world_is_readable(fd_of(world), SOON_MS));
	is_unavailable(world);
}

#define WAIT_NS UINT64_C(2000000)

static reprise_status
wait_in_vain(struct world *world, struct reprise_error *error)
{
	const uint64_t begin = now_ns();
	const reprise_status status = reprise_wait(world->subscription, WAIT_NS);

	(void)error;
	CHECK(now_ns() - begin >= WAIT_NS);
	return status;
}

const struct scenario scenarios_of_doors[] = {
	{ .function = "reprise_subscription_fd",
	  .title = "when there is something",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = give_fd,
	  .verify = has_fd,
	  .refuses = BIT(CALL_EVENTFD),
	  .tells_error = true },
	{ .function = "reprise_subscription_fd",
	  .title = "when there is nothing",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = give_fd,
	  .verify = has_fd,
	  .refuses = BIT(CALL_EVENTFD),
	  .tells_error = true },
	{ .function = "reprise_subscription_fd",
	  .title = "without a session",
	  .stage = STAGE_STORE,
	  .prepare = follow_nothing,
	  .call = give_fd,
	  .verify = has_fd_for_a_gap,
	  .refuses = BIT(CALL_EVENTFD),
	  .tells_error = true },
	{ .function = "reprise_subscription_notify",
	  .title = "when there is something",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = notify,
	  .verify = is_called_at_once,
	  .tells_error = true },
	{ .function = "reprise_subscription_notify",
	  .title = "when there is nothing",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = notify,
	  .verify = is_called,
	  .tells_error = true },
	{ .function = "reprise_subscription_notify",
	  .title = "without a session, as the store's first call",
	  .stage = STAGE_STORE,
	  .prepare = follow_nothing,
	  .call = notify,
	  .verify = is_called_for_a_gap,
	  .refuses = BIT(CALL_THREAD),
	  .tells_error = true },
	{ .function = "reprise_subscription_notify",
	  .title = "of nobody any more",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_callback,
	  .call = take_callback,
	  .verify = is_called_no_more,
	  .tells_error = true },
	{ .function = "reprise_next",
	  .title = "is empty, with a descriptor that was rung",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_news,
	  .call = next_is_empty,
	  .verify = rings_fd },
	{ .function = "reprise_next_batch",
	  .title = "is empty, with a descriptor that was rung",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_news,
	  .call = next_batch_is_empty,
	  .verify = rings_fd },
	{ .function = "reprise_wait",
	  .title = "in vain, with a descriptor",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_and_all,
	  .call = wait_in_vain,
	  .verify = rings_fd,
	  .expected = REPRISE_E_TIMEOUT },
	{ .function = "reprise_append",
	  .title = "to a session with a descriptor",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_and_all,
	  .call = append,
	  .verify = is_told },
	{ .function = "reprise_writer_end",
	  .title = "of a session with a descriptor",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_and_all,
	  .call = end,
	  .verify = is_told_the_end },
	{ .function = "reprise_session_invalidate",
	  .title = "with a descriptor",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_and_all,
	  .call = invalidate,
	  .verify = is_told_the_gap },
	{ .function = "reprise_subscription_close",
	  .title = "with a descriptor",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_fd_and_all,
	  .call = world_close_subscription,
	  .verify = world_is_left },
	{ .function = "reprise_subscription_close",
	  .title = "with a callback",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = have_callback,
	  .call = world_close_subscription,
	  .verify = world_is_left },
	SCENARIOS_END,
};
