/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "scenario.h"

enum {
	/* More than the first buckets of the table: the table grows twice, and shrinks again. */
	IDLE_MANY = 130,
};

#define SMALL UINT64_C(256)

static reprise_status
open_store(struct world *world, struct reprise_error *error)
{
	const struct reprise_allocator hooks = fault_hooks();
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.allocator = world->has_hooks ? &hooks : NULL,
		.wake = world->wake,
	};

	return reprise_store_open(&options, &world->out.store, error);
}

static void
is_open(struct world *world)
{
	world->store = world->out.store;
}

static void
leave_one_session(struct world *world)
{
	reprise_writer_close(world->writer);
	world->writer = NULL;
}

static void
leave_many_sessions(struct world *world)
{
	char id[16];

	for (int i = 0; i < IDLE_MANY; i++) {
		snprintf(id, sizeof(id), "idle %d", i);
		world_idle_session(world, id, SMALL);
	}
}

static void
leave_void_sessions(struct world *world)
{
	leave_many_sessions(world);
	CHECK_OK(reprise_sessions_invalidate(world->store));
}

static reprise_status
close_store(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_store_close(world->store);
}

static void
is_closed(struct world *world)
{
	world->store = NULL;
}

static reprise_status
store_stats(struct world *world, struct reprise_error *error)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	(void)error;
	const reprise_status status = reprise_store_stats(world->store, &stats);

	if (status == REPRISE_OK)
		CHECK(stats.sessions == 1 && stats.writers == 1 && stats.subscriptions == 1);
	return status;
}

static reprise_status
session_stats(struct world *world, struct reprise_error *error)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	(void)error;
	const reprise_status status = reprise_session_stats(world->store, "s", &stats);

	if (status == REPRISE_OK)
		CHECK(stats.newest == EVENTS && stats.subscriptions == 1 && stats.has_writer == 1);
	return status;
}

static reprise_status
current_of_s(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_current_cursor(world->store, "s", 3, &world->out.cursor);
}

static reprise_status
earliest_of_s(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_earliest_cursor(world->store, "s", 3, &world->out.cursor);
}

static reprise_status
create_s(struct world *world, struct reprise_error *error)
{
	return reprise_session_create(world->store, "s", NULL, error);
}

static reprise_status
create_unknown(struct world *world, struct reprise_error *error)
{
	return reprise_session_create(world->store, "unknown", NULL, error);
}

static void
stands_at(struct world *world, const char *id, reprise_position position)
{
	CHECK(strcmp(world->out.cursor.session_id, id) == 0);
	CHECK(world->out.cursor.revision == 3 && world->out.cursor.position == position);
}

static void
stands_at_3(struct world *world)
{
	stands_at(world, "s", 3);
	world_follow(world);
}

static void
stands_at_0(struct world *world)
{
	stands_at(world, "s", 0);
	world_follow(world);
}

/* Its window is there, and has a life: the cursor is valid at once. */
static void
is_known(struct world *world)
{
	const struct reprise_incarnation none = { { 0 } };
	struct world unknown = { .store = world->store };

	CHECK_OK(reprise_session_current_cursor(world->store, "unknown", 3, &world->out.cursor));
	stands_at(world, "unknown", 0);
	CHECK(memcmp(&world->out.cursor.incarnation, &none, sizeof(none)) != 0);
	CHECK_OK(reprise_writer_open(world->store, "unknown", NULL, &unknown.writer, NULL));
	CHECK_OK(reprise_subscribe_after(world->store, &world->out.cursor, NULL,
					 &unknown.subscription, NULL));
	world_append(&unknown);
	world_follow(&unknown);
	reprise_subscription_close(unknown.subscription);
	reprise_writer_close(unknown.writer);
}

static reprise_status
trim_session(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_trim(world->store, "s");
}

/* The clock of the host's goes on by three hours: everything is too old. */
static void
grow_old(struct world *world)
{
	CHECK_OK(reprise_stamp_set(world->store, 4 * UINT64_C(3600000000000)));
}

static reprise_status
trim_to_3(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_trim_to(world->store, "s", 3);
}

static void
is_trimmed(struct world *world, reprise_position last)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK_OK(reprise_session_stats(world->store, "s", &stats));
	CHECK(stats.oldest == last + 1 && stats.newest == EVENTS);
	CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_GAP);
	CHECK(gap.lost_first == 1 && gap.lost_last == last && gap.lost == last);
	world->seen = last;
	world_follow(world);
}

static void
is_trimmed_all(struct world *world)
{
	is_trimmed(world, EVENTS);
}

static void
is_trimmed_to_3(struct world *world)
{
	is_trimmed(world, 3);
}

static reprise_status
invalidate_session(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_invalidate(world->store, "s");
}

static reprise_status
invalidate_all(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_sessions_invalidate(world->store);
}

/*
 * Nothing of it is handed out or appended; the next life is another, whatever its first position
 * is.
 */
static void
is_void(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	struct reprise_cursor cursor;

	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.sessions == 0 && stats.writers == 1 && stats.subscriptions == 1);
	CHECK(reprise_writer_end(world->writer, 0) == REPRISE_E_CLOSED);
	CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_GAP);
	CHECK(gap.reason == REPRISE_GAP_UNAVAILABLE && gap.detail == REPRISE_GAP_INVALIDATED);
	CHECK(reprise_next(world->subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_INVALIDATED);
	CHECK_OK(reprise_session_create(world->store, "s", NULL, NULL));
	CHECK_OK(reprise_session_current_cursor(world->store, "s", 0, &cursor));
	CHECK(memcmp(&cursor.incarnation, &world->beginning.incarnation,
		     sizeof(cursor.incarnation)) != 0);
	CHECK(cursor.position == EVENTS || (cursor.position == 0 && fault_failures() != 0));
}

/*
 * Of a store whose pages are all taken: where a position is to be remembered, more are asked for.
 */
static void
remembers_if_it_can(struct world *world, const char *id, reprise_position newest)
{
	struct reprise_cursor cursor;

	CHECK_OK(reprise_session_create(world->store, id, NULL, NULL));
	CHECK_OK(reprise_session_current_cursor(world->store, id, 0, &cursor));
	CHECK(memcmp(&cursor.incarnation, &world->beginning.incarnation,
		     sizeof(cursor.incarnation)) != 0);
	CHECK(cursor.position == newest || (cursor.position == 0 && fault_failures() != 0));
}

static void
is_void_for_its_writer(struct world *world)
{
	CHECK(reprise_writer_end(world->writer, 0) == REPRISE_E_CLOSED);
	remembers_if_it_can(world, "s", EVENTS);
}

static void
leave_an_old_session(struct world *world)
{
	world_idle_session(world, "old", 0);
	grow_old(world);
}

static void
is_expired(struct world *world)
{
	CHECK(world->out.count == 1);
	remembers_if_it_can(world, "old", 1);
}

static reprise_status
expire_idle(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_sessions_expire_idle(world->store, &world->out.count);
}

static void
leave_old_sessions(struct world *world)
{
	leave_many_sessions(world);
	grow_old(world);
}

static void
are_expired(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	CHECK(world->out.count == IDLE_MANY);
	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.sessions == 0 && stats.arena_bytes == 0 && stats.bytes == 0);
}

static reprise_status
set_stamp(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_stamp_set(world->store, 4 * UINT64_C(3600000000000));
}

static void
is_stamped(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;

	for (int i = 0; i < EVENTS; i++)
		CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	world_append(world);
	CHECK(reprise_next(world->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	CHECK(event.stamp_ns == 4 * UINT64_C(3600000000000));
}

const struct scenario scenarios_of_store[] = {
	{ .function = "reprise_store_open",
	  .title = "of an empty store",
	  .call = open_store,
	  .verify = is_open,
	  .refuses = BIT(CALL_ALLOCATE) | BIT(CALL_MAP) | BIT(CALL_MALLOC) | BIT(CALL_MADVISE) |
		     BIT(CALL_RANDOM) | BIT(CALL_COND_INIT),
	  .either = BIT(CALL_MUTEX_INIT), /* the relay's is looked at */
	  .tells_error = true },
	{ .function = "reprise_store_close",
	  .title = "of a store without a session",
	  .stage = STAGE_STORE,
	  .call = close_store,
	  .verify = is_closed },
	{ .function = "reprise_store_close",
	  .title = "of a store with a session",
	  .stage = STAGE_SESSION,
	  .prepare = leave_one_session,
	  .call = close_store,
	  .verify = is_closed },
	{ .function = "reprise_store_close",
	  .title = "of a store with a large table",
	  .stage = STAGE_STORE,
	  .prepare = leave_many_sessions,
	  .call = close_store,
	  .verify = is_closed },
	{ .function = "reprise_store_close",
	  .title = "of a store with void windows that are not reclaimed yet",
	  .stage = STAGE_STORE,
	  .prepare = leave_void_sessions,
	  .call = close_store,
	  .verify = is_closed },
	{ .function = "reprise_store_stats",
	  .title = "of one of everything",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = store_stats,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_session_stats",
	  .title = "of one of everything",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = session_stats,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_session_current_cursor",
	  .title = "of a known session",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = current_of_s,
	  .verify = stands_at_3,
	  .is_silent = true },
	{ .function = "reprise_session_create",
	  .title = "of a known session",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = create_s,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_session_create",
	  .title = "of an unknown session",
	  .stage = STAGE_SESSION,
	  .call = create_unknown,
	  .verify = is_known,
	  .refuses = BIT(CALL_ALLOCATE) | BIT(CALL_RANDOM) | BIT(CALL_THREAD),
	  .either = BIT(CALL_MAP) },
	{ .function = "reprise_session_create",
	  .title = "of the store's first session",
	  .stage = STAGE_STORE,
	  .call = create_unknown,
	  .verify = is_known,
	  .refuses = BIT(CALL_ALLOCATE) | BIT(CALL_RANDOM) | BIT(CALL_THREAD),
	  .either = BIT(CALL_MAP) },
	{ .function = "reprise_session_earliest_cursor",
	  .title = "of a known session",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = earliest_of_s,
	  .verify = stands_at_0,
	  .is_silent = true },
	{ .function = "reprise_session_trim",
	  .title = "of what is too old",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = grow_old,
	  .call = trim_session,
	  .verify = is_trimmed_all,
	  .is_silent = true },
	{ .function = "reprise_session_trim_to",
	  .title = "3 of 5",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = trim_to_3,
	  .verify = is_trimmed_to_3,
	  .is_silent = true },
	{ .function = "reprise_session_invalidate",
	  .title = "that is held",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = invalidate_session,
	  .verify = is_void },
	{ .function = "reprise_session_invalidate",
	  .title = "whose writer alone holds it",
	  .stage = STAGE_SESSION,
	  .call = invalidate_session,
	  .verify = is_void_for_its_writer },
	{ .function = "reprise_sessions_invalidate",
	  .title = "of one that is held",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = invalidate_all,
	  .verify = is_void },
	{ .function = "reprise_sessions_invalidate",
	  .title = "of many, one of them held",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = leave_many_sessions,
	  .call = invalidate_all,
	  .verify = is_void },
	{ .function = "reprise_sessions_expire_idle",
	  .title = "of one that takes all pages",
	  .stage = STAGE_STORE,
	  .prepare = leave_an_old_session,
	  .call = expire_idle,
	  .verify = is_expired },
	{ .function = "reprise_sessions_expire_idle",
	  .title = "of many",
	  .stage = STAGE_STORE,
	  .prepare = leave_old_sessions,
	  .call = expire_idle,
	  .verify = are_expired },
	{ .function = "reprise_stamp_set",
	  .title = "by hours",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = set_stamp,
	  .verify = is_stamped,
	  .is_silent = true },
	SCENARIOS_END,
};
