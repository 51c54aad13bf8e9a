/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "scenario.h"

/* The calls that list and follow the sessions of a store. */

static reprise_status
list(struct world *world, struct reprise_error *error)
{
	return reprise_sessions_list(world->store, &world->out.list, error);
}

/* A session that has gone by the time that it is told. */
static void
leave_one_more(struct world *world)
{
	world_idle_session(world, "idle", 0);
}

static void
lists_two(struct world *world)
{
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	unsigned int seen = 0;

	while (reprise_session_list_next(world->out.list, id, NULL) == REPRISE_OK)
		seen += strcmp(id, "s") == 0 ? 1 : strcmp(id, "idle") == 0 ? 16 : 256;
	CHECK(seen == 17);
	reprise_session_list_close(world->out.list);
	world_follow(world);
}

static void
lists_none(struct world *world)
{
	CHECK(reprise_session_list_next(world->out.list, world->out.text, NULL) ==
	      REPRISE_E_NOT_FOUND);
	reprise_session_list_close(world->out.list);
}

static void
open_list(struct world *world)
{
	CHECK_OK(reprise_sessions_list(world->store, &world->list, NULL));
}

static reprise_status
list_next(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_list_next(world->list, world->out.text, NULL);
}

static void
has_told_s(struct world *world)
{
	CHECK(strcmp(world->out.text, "s") == 0);
	reprise_session_list_close(world->list);
	world_follow(world);
}

static void
list_what_goes(struct world *world)
{
	leave_one_more(world);
	open_list(world);
	CHECK_OK(reprise_session_invalidate(world->store, "idle"));
}

static reprise_status
list_close(struct world *world, struct reprise_error *error)
{
	(void)error;
	reprise_session_list_close(world->list);
	return REPRISE_OK;
}

static reprise_status
subscribe(struct world *world, struct reprise_error *error)
{
	return reprise_sessions_subscribe(world->store, NULL, &world->out.subscription, error);
}

static uint64_t
roster_bytes(void)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_subscription *changes = NULL;
	struct reprise_store *store = NULL;

	CHECK_OK(reprise_store_open(NULL, &store, NULL));
	CHECK_OK(reprise_sessions_subscribe(store, NULL, &changes, NULL));
	CHECK_OK(reprise_store_stats(store, &stats));
	reprise_subscription_close(changes);
	CHECK_OK(reprise_store_close(store));
	return stats.arena_bytes;
}

/* It is told each step of a session's life. */
static void
is_told(struct world *world)
{
	static const uint16_t expected[] = { REPRISE_SESSION_CAME, REPRISE_SESSION_ENDED,
					     REPRISE_SESSION_GONE };
	struct reprise_subscription *const changes = world->out.subscription;
	struct reprise_writer *writer = NULL;
	struct reprise_event event;
	struct reprise_gap gap;

	CHECK_OK(reprise_writer_open(world->store, "told", NULL, &writer, NULL));
	CHECK_OK(reprise_writer_end(writer, 3));
	reprise_writer_close(writer);
	CHECK_OK(reprise_session_invalidate(world->store, "told"));
	for (size_t i = 0; i < 3; i++) {
		CHECK_OK(reprise_wait(changes, REPRISE_NO_LIMIT));
		CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
		CHECK(event.kind == expected[i]);
	}
	CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	reprise_subscription_close(changes);
	world->arena_kept = roster_bytes();
}

static void
be_followed(struct world *world)
{
	struct reprise_subscription *changes = NULL;

	CHECK_OK(reprise_sessions_subscribe(world->store, NULL, &changes, NULL));
	reprise_subscription_close(changes);
}

const struct scenario scenarios_of_sessions[] = {
	{ .function = "reprise_sessions_list",
	  .title = "of two",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = leave_one_more,
	  .call = list,
	  .verify = lists_two,
	  .refuses = BIT(CALL_ALLOCATE),
	  .either = BIT(CALL_MAP),
	  .tells_error = true },
	{ .function = "reprise_sessions_list",
	  .title = "of none",
	  .stage = STAGE_STORE,
	  .call = list,
	  .verify = lists_none,
	  .refuses = BIT(CALL_ALLOCATE),
	  .tells_error = true },
	{ .function = "reprise_session_list_next",
	  .title = "of one",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = open_list,
	  .call = list_next,
	  .verify = has_told_s,
	  .is_silent = true },
	{ .function = "reprise_session_list_close",
	  .title = "of a session that has gone",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = list_what_goes,
	  .call = list_close,
	  .verify = world_follow },
	{ .function = "reprise_sessions_subscribe",
	  .title = "before the first session",
	  .stage = STAGE_STORE,
	  .call = subscribe,
	  .verify = is_told,
	  .refuses = BIT(CALL_ALLOCATE) | BIT(CALL_THREAD),
	  .either = BIT(CALL_MAP),
	  .tells_error = true },
	{ .function = "reprise_sessions_subscribe",
	  .title = "first",
	  .stage = STAGE_SESSION,
	  .call = subscribe,
	  .verify = is_told,
	  .refuses = BIT(CALL_ALLOCATE),
	  .either = BIT(CALL_MAP),
	  .tells_error = true },
	{ .function = "reprise_sessions_subscribe",
	  .title = "after others",
	  .stage = STAGE_SESSION,
	  .prepare = be_followed,
	  .call = subscribe,
	  .verify = is_told,
	  .refuses = BIT(CALL_ALLOCATE),
	  .either = BIT(CALL_MAP),
	  .tells_error = true },
	SCENARIOS_END,
};
