/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "scenario.h"

static reprise_status
subscribe(struct world *world, struct reprise_error *error)
{
	return reprise_subscribe_after(world->store, &world->beginning, NULL,
				       &world->out.subscription, error);
}

static reprise_status
replay(struct world *world, struct reprise_error *error)
{
	return reprise_replay_after(world->store, &world->beginning, NULL, &world->out.subscription,
				    error);
}

static reprise_status
resume(struct world *world, struct reprise_error *error)
{
	return reprise_resume_after(world->store, &world->beginning, EVENTS, NULL,
				    &world->out.subscription, error);
}

static reprise_status
resume_snapshot(struct world *world, struct reprise_error *error)
{
	return reprise_resume_snapshot(world->store, world->beginning.session_id, 0, NULL,
				       &world->out.subscription, error);
}

static void
is_followed(struct world *world)
{
	world->subscription = world->out.subscription;
	world_follow(world);
}

static void
is_replayed(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	world->subscription = world->out.subscription;
	CHECK(world_take(world) == REPRISE_NEXT_ENDED && world->seen == EVENTS);
	CHECK(reprise_next(world->subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_REPLAY);
}

static const struct reprise_subscription_options continuous = {
	.size = sizeof(continuous),
	.is_continuous = 1,
};

static reprise_status
subscribe_onward(struct world *world, struct reprise_error *error)
{
	return reprise_subscribe_after(world->store, &world->beginning, &continuous,
				       &world->out.subscription, error);
}

static reprise_status
resume_onward(struct world *world, struct reprise_error *error)
{
	return reprise_resume_after(world->store, &world->beginning, EVENTS, &continuous,
				    &world->out.subscription, error);
}

static void
have_seen_nothing(struct world *world)
{
	world->beginning = (struct reprise_cursor){ 0 };
	strcpy(world->beginning.session_id, "unknown");
}

/* It waits for the session, and follows it. */
static void
is_awaited(struct world *world)
{
	struct reprise_writer *writer = NULL;

	world->subscription = world->out.subscription;
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == 0);
	CHECK_OK(reprise_writer_open(world->store, "unknown", NULL, &writer, NULL));
	CHECK_OK(reprise_append(writer, 1, 1, 0, (struct reprise_bytes){ &(uint64_t){ 1 }, 8 },
				NULL));
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == 1);
	reprise_writer_close(writer);
}

/* A cursor of a session that nobody knows. */
static void
know_nothing(struct world *world)
{
	world->beginning = (struct reprise_cursor){ .revision = 3, .position = 3 };
	strcpy(world->beginning.session_id, "unknown");
}

static void
is_unavailable(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;

	world->subscription = world->out.subscription;
	CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_GAP);
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE && gap.detail == REPRISE_GAP_UNKNOWN_SESSION);
}

/* Its session is void and has no writer: with the subscription the window goes. */
static void
be_the_last(struct world *world)
{
	CHECK_OK(reprise_session_invalidate(world->store, "s"));
	reprise_writer_close(world->writer);
	world->writer = NULL;
}

static void
was_the_last(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	world->subscription = NULL;
	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.subscriptions == 0 && stats.arena_bytes == 0 && stats.bytes == 0);
}

static void
take_all(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
}

static reprise_status
next(struct world *world, struct reprise_error *error)
{
	(void)error;
	CHECK(reprise_next(world->subscription, &world->out.event, &world->out.gap,
			   &world->out.end) == REPRISE_NEXT_EVENT);
	return REPRISE_OK;
}

static void
is_first(struct world *world)
{
	CHECK(world->out.event.position == 1);
	world->seen = 1;
	world_follow(world);
}

static reprise_status
next_batch(struct world *world, struct reprise_error *error)
{
	struct reprise_event events[EVENTS + 1];
	size_t count = 0;

	(void)error;
	CHECK(reprise_next_batch(world->subscription, events, EVENTS + 1, &count, &world->out.gap,
				 &world->out.end) == REPRISE_NEXT_EVENT);
	CHECK(count == EVENTS && events[EVENTS - 1].position == EVENTS);
	return REPRISE_OK;
}

static reprise_status
next_into(struct world *world, struct reprise_error *error)
{
	unsigned char buffer[256];
	struct reprise_frame frames[EVENTS + 1] = { 0 };
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = buffer,
				     .buffer_bytes = sizeof(buffer),
				     .frames = frames,
				     .frames_max = EVENTS + 1 };

	(void)error;
	CHECK(reprise_next_into(world->subscription, &into, &world->out.gap, &world->out.end) ==
	      REPRISE_NEXT_EVENT);
	CHECK(into.frames_count == EVENTS && frames[EVENTS - 1].position == EVENTS);
	return REPRISE_OK;
}

static void
is_all(struct world *world)
{
	world->seen = EVENTS;
	world_follow(world);
}

/* The gap has to look the session up. */
static reprise_status
next_gap(struct world *world, struct reprise_error *error)
{
	(void)error;
	CHECK(reprise_next(world->subscription, &world->out.event, &world->out.gap,
			   &world->out.end) == REPRISE_NEXT_GAP);
	return REPRISE_OK;
}

static void
be_void(struct world *world)
{
	CHECK_OK(reprise_session_invalidate(world->store, "s"));
}

static void
is_void(struct world *world)
{
	CHECK(world->out.gap.reason == REPRISE_GAP_UNAVAILABLE);
	CHECK(world->out.gap.detail == REPRISE_GAP_INVALIDATED);
}

static reprise_status
wait_for_news(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_wait(world->subscription, REPRISE_NO_LIMIT);
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

static reprise_status
interrupt(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_subscription_interrupt(world->subscription);
}

static void
is_interrupted(struct world *world)
{
	CHECK(reprise_wait(world->subscription, 0) == REPRISE_E_INTERRUPTED);
	world_follow(world);
}

static reprise_status
cursor(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_subscription_cursor(world->subscription, &world->out.cursor);
}

static void
is_at_the_newest(struct world *world)
{
	CHECK(world->out.cursor.position == EVENTS && world->out.cursor.revision == EVENTS);
	world_follow(world);
}

static reprise_status
stats(struct world *world, struct reprise_error *error)
{
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };

	(void)error;
	const reprise_status status = reprise_subscription_stats(world->subscription, &stats);

	if (status == REPRISE_OK)
		CHECK(stats.delivered == EVENTS && stats.lost == 0 && stats.gaps == 0);
	return status;
}

static reprise_status
lag(struct world *world, struct reprise_error *error)
{
	struct reprise_subscription_lag lag = REPRISE_SUBSCRIPTION_LAG_INIT;

	(void)error;
	const reprise_status status = reprise_subscription_lag(world->subscription, &lag);

	if (status == REPRISE_OK)
		CHECK(lag.is_known && lag.behind_events == 0 && lag.headroom_events > 0);
	return status;
}

#define TO_SUBSCRIBE                                                                    \
	.stage = STAGE_SESSION, .refuses = BIT(CALL_ALLOCATE), .either = BIT(CALL_MAP), \
	.tells_error = true

const struct scenario scenarios_of_subscription[] = {
	{ .function = "reprise_subscribe_after",
	  .title = "the beginning",
	  .call = subscribe,
	  .verify = is_followed,
	  TO_SUBSCRIBE },
	{ .function = "reprise_subscribe_after",
	  .title = "a cursor of an unknown session",
	  .prepare = know_nothing,
	  .call = subscribe,
	  .verify = is_unavailable,
	  TO_SUBSCRIBE },
	{ .function = "reprise_subscribe_after",
	  .title = "the beginning, continuously",
	  .call = subscribe_onward,
	  .verify = is_followed,
	  TO_SUBSCRIBE },
	{ .function = "reprise_subscribe_after",
	  .title = "a session that does not exist yet",
	  .prepare = have_seen_nothing,
	  .call = subscribe_onward,
	  .verify = is_awaited,
	  TO_SUBSCRIBE },
	{ .function = "reprise_resume_after",
	  .title = "a session that does not exist yet",
	  .prepare = have_seen_nothing,
	  .call = resume_onward,
	  .verify = is_awaited,
	  TO_SUBSCRIBE },
	{ .function = "reprise_replay_after",
	  .title = "the beginning",
	  .call = replay,
	  .verify = is_replayed,
	  TO_SUBSCRIBE },
	{ .function = "reprise_resume_after",
	  .title = "the beginning",
	  .call = resume,
	  .verify = is_followed,
	  TO_SUBSCRIBE },
	{ .function = "reprise_resume_snapshot",
	  .title = "the beginning",
	  .call = resume_snapshot,
	  .verify = is_followed,
	  TO_SUBSCRIBE },
	{ .function = "reprise_resume_snapshot",
	  .title = "an unknown session",
	  .prepare = know_nothing,
	  .call = resume_snapshot,
	  .verify = is_unavailable,
	  TO_SUBSCRIBE },
	{ .function = "reprise_subscription_close",
	  .title = "of one of its session's handles",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = world_close_subscription,
	  .verify = world_is_left },
	{ .function = "reprise_subscription_close",
	  .title = "of the last handle of a void window",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_the_last,
	  .call = world_close_subscription,
	  .verify = was_the_last },
	{ .function = "reprise_next",
	  .title = "event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = next,
	  .verify = is_first,
	  .is_silent = true },
	{ .function = "reprise_next",
	  .title = "gap, of a void window",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = be_void,
	  .call = next_gap,
	  .verify = is_void,
	  .is_silent = true },
	{ .function = "reprise_next_batch",
	  .title = "of all events",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = next_batch,
	  .verify = is_all,
	  .is_silent = true },
	{ .function = "reprise_next_into",
	  .title = "of all events",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = next_into,
	  .verify = is_all,
	  .is_silent = true },
	{ .function = "reprise_wait",
	  .title = "for what is there",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = wait_for_news,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_wait",
	  .title = "in vain",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = wait_in_vain,
	  .verify = world_follow,
	  .expected = REPRISE_E_TIMEOUT },
	{ .function = "reprise_subscription_interrupt",
	  .title = "of the next wait",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = interrupt,
	  .verify = is_interrupted,
	  .is_silent = true },
	{ .function = "reprise_subscription_cursor",
	  .title = "after all events",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = cursor,
	  .verify = is_at_the_newest,
	  .is_silent = true },
	{ .function = "reprise_subscription_stats",
	  .title = "after all events",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = stats,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_subscription_lag",
	  .title = "after all events",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = take_all,
	  .call = lag,
	  .verify = world_follow,
	  .is_silent = true },
	SCENARIOS_END,
};
