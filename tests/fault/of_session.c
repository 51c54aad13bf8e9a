/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "scenario.h"

enum {
	BUCKETS_FIRST = 64, /* of the table: with one session more, it grows */
};

#define SMALL UINT64_C(256)

static const struct reprise_bytes nothing = { NULL, 0 };

static reprise_status
open_new(struct world *world, struct reprise_error *error)
{
	return reprise_writer_open(world->store, "new", NULL, &world->out.writer, error);
}

static void
create_and_follow(struct world *world)
{
	CHECK_OK(reprise_session_create(world->store, "s", NULL, NULL));
	CHECK_OK(reprise_session_current_cursor(world->store, "s", 0, &world->beginning));
	CHECK_OK(reprise_subscribe_after(world->store, &world->beginning, NULL,
					 &world->subscription, NULL));
}

static reprise_status
open_rebuilt(struct world *world, struct reprise_error *error)
{
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(32) << 20 };

	return reprise_writer_open(world->store, "s", &large, &world->out.writer, error);
}

static void
is_rebuilt(struct world *world)
{
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	CHECK_OK(reprise_writer_opened(world->out.writer, &opened));
	CHECK(opened.is_joined == 1 && opened.is_rebuilt == 1);
	CHECK(opened.bytes_max == UINT64_C(32) << 20);
	world->writer = world->out.writer;
	world_append(world);
	world_follow(world);
}

static reprise_status
session_opened(struct world *world, struct reprise_error *error)
{
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;
	const reprise_status status = reprise_writer_opened(world->writer, &opened);

	(void)error;
	if (status == REPRISE_OK)
		CHECK(opened.is_joined == 0 && opened.is_rebuilt == 0);
	return status;
}

static reprise_status
open_some(struct world *world, struct reprise_error *error)
{
	struct reprise_writer_opening opening = { .session_id = "new" };
	const reprise_status status = reprise_writers_open(world->store, &opening, 1, error);

	CHECK(opening.status == status && (opening.writer == NULL) == (status != REPRISE_OK));
	if (status == REPRISE_OK)
		world->out.writer = opening.writer;
	return status;
}

static reprise_status
open_s(struct world *world, struct reprise_error *error)
{
	return reprise_writer_open(world->store, "s", NULL, &world->out.writer, error);
}

/* A session that was opened can be appended to and followed. */
static void
is_written(struct world *world, const char *id, reprise_position before)
{
	struct world other = {
		.store = world->store, .writer = world->out.writer, .newest = before, .seen = before
	};

	CHECK_OK(reprise_session_current_cursor(world->store, id, INT64_MAX, &other.beginning));
	CHECK(other.beginning.position == before);
	CHECK_OK(reprise_subscribe_after(world->store, &other.beginning, NULL, &other.subscription,
					 NULL));
	world_append(&other);
	world_follow(&other);
	reprise_subscription_close(other.subscription);
	reprise_writer_close(other.writer);
}

static void
is_new(struct world *world)
{
	is_written(world, "new", 0);
}

static void
is_s(struct world *world)
{
	is_written(world, "s", EVENTS);
}

static void
leave_s(struct world *world)
{
	reprise_writer_close(world->writer);
	world->writer = NULL;
}

static void
end_s(struct world *world)
{
	CHECK_OK(reprise_writer_end(world->writer, 7));
	leave_s(world);
}

/* The new life is followed; so is the old one, to its end. */
static void
is_s_again(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	CHECK(world_take(world) == REPRISE_NEXT_ENDED && world->seen == EVENTS);
	CHECK(reprise_next(world->subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_SESSION && end.status == 7);
	is_s(world);
}

static void
leave_one(struct world *world)
{
	world_idle_session(world, "idle", 0);
}

/* The one that was idle had to go; not the one that is held. */
static void
is_in_its_place(struct world *world)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	CHECK(reprise_session_stats(world->store, "idle", &stats) == REPRISE_E_NOT_FOUND);
	CHECK_OK(reprise_session_stats(world->store, "s", &stats));
	is_new(world);
	world_follow(world);
}

static void
fill_table(struct world *world)
{
	char id[16];

	for (int i = 0; i < BUCKETS_FIRST; i++) {
		snprintf(id, sizeof(id), "idle %d", i);
		world_idle_session(world, id, SMALL);
	}
}

/* Each of them is still found. */
static void
is_one_more(struct world *world)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	char id[16];

	for (int i = 0; i < BUCKETS_FIRST; i++) {
		snprintf(id, sizeof(id), "idle %d", i);
		CHECK_OK(reprise_session_stats(world->store, id, &stats));
		CHECK(stats.newest == 1);
	}
	is_new(world);
}

static reprise_status
close_session(struct world *world, struct reprise_error *error)
{
	(void)error;
	reprise_writer_close(world->writer);
	return REPRISE_OK;
}

static void
may_be_opened_again(struct world *world)
{
	CHECK_OK(reprise_writer_open(world->store, "s", NULL, &world->writer, NULL));
	if (world->subscription != NULL)
		world_follow(world);
}

static void
invalidate(struct world *world)
{
	CHECK_OK(reprise_session_invalidate(world->store, "s"));
}

static void
is_gone(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	world->writer = NULL;
	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.sessions == 0 && stats.arena_bytes == 0 && stats.bytes == 0);
}

static reprise_status
end_session(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_writer_end(world->writer, 7);
}

static void
is_ended(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	CHECK(world_take(world) == REPRISE_NEXT_ENDED && world->seen == EVENTS);
	CHECK(reprise_next(world->subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_SESSION && end.status == 7);
	CHECK(reprise_writer_end(world->writer, 8) == REPRISE_E_CLOSED);
}

/* As world_append does it, but by the call that is looked at. */

static const reprise_position next_position = EVENTS + 1;
static const struct reprise_bytes next_payload = { &next_position, sizeof(next_position) };

static reprise_status
append(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_append(world->writer, next_position, 0, 0, next_payload,
			      &world->out.position);
}

static reprise_status
appendv(struct world *world, struct reprise_error *error)
{
	reprise_position payload = next_position;
	const struct iovec parts[] = {
		{ &payload, 3 },
		{ (char *)&payload + 3, sizeof(payload) - 3 },
	};

	(void)error;
	return reprise_appendv(world->writer, next_position, 0, 0, parts, 2, &world->out.position);
}

static reprise_status
append_batch(struct world *world, struct reprise_error *error)
{
	const struct reprise_new_event event = { .revision = next_position,
						 .payload = next_payload };

	(void)error;
	return reprise_append_batch(world->writer, &event, 1, &world->out.position);
}

static reprise_status
append_end(struct world *world, struct reprise_error *error)
{
	const struct reprise_new_event event = { .revision = next_position,
						 .payload = next_payload };

	(void)error;
	return reprise_append_end(world->writer, &event, 1, 7, &world->out.position);
}

static void
is_ended_with_one_more(struct world *world)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	CHECK(world->out.position == next_position);
	CHECK(world_take(world) == REPRISE_NEXT_ENDED && world->seen == next_position);
	CHECK(reprise_next(world->subscription, &event, &gap, &end) == REPRISE_NEXT_ENDED);
	CHECK(end.cause == REPRISE_END_SESSION && end.status == 7);
	CHECK(reprise_writer_end(world->writer, 8) == REPRISE_E_CLOSED);
}

static struct reprise_writer *deduplicated; /* of the world, and not of what the call writes to */

static void
open_deduplicated(struct world *world)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;

	options.is_deduplicated = 1;
	CHECK_OK(reprise_writer_open(world->store, "k", &options, &deduplicated, NULL));
}

static void
append_first_time(struct world *world)
{
	open_deduplicated(world);
	CHECK_OK(reprise_append_once(deduplicated, 7, 0, 0, 0, next_payload, NULL, NULL));
}

static reprise_status
append_once(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_append_once(deduplicated, 7, 0, 0, 0, next_payload, &world->out.position,
				   NULL);
}

static void
is_appended_once(struct world *world)
{
	CHECK(world->out.position == 1);
	reprise_writer_close(deduplicated);
	deduplicated = NULL;
}

static reprise_status
append_to_new(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_append(world->store, "new", 0, 0, 0, next_payload,
				      &world->out.position);
}

static void
is_appended_to_new(struct world *world)
{
	struct reprise_cursor cursor;

	CHECK(world->out.position == 1);
	CHECK_OK(reprise_session_current_cursor(world->store, "new", 0, &cursor));
	CHECK(cursor.position == 1);
	CHECK_OK(reprise_writer_open(world->store, "new", NULL, &world->out.writer, NULL));
	reprise_writer_close(world->out.writer);
}

static reprise_status
append_to_s(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_session_append(world->store, "s", next_position, 0, 0, next_payload,
				      &world->out.position);
}

static void
is_appended_to_s(struct world *world)
{
	CHECK(world->out.position == next_position);
	world->newest = next_position;
	may_be_opened_again(world);
}

static reprise_status
reserve(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_reserve(world->writer, 100, &world->out.payload);
}

static void
reserve_next(struct world *world)
{
	void *payload;

	CHECK_OK(reprise_reserve(world->writer, 100, &payload));
	memcpy(payload, &next_position, sizeof(next_position));
}

static reprise_status
publish(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_publish(world->writer, next_position, 0, 0, sizeof(next_position),
			       &world->out.position);
}

static void
is_appended(struct world *world)
{
	CHECK(world->out.position == next_position);
	world->newest = next_position;
	world_follow(world);
}

static void
is_reserved(struct world *world)
{
	CHECK(reprise_append(world->writer, 1, 0, 0, nothing, NULL) == REPRISE_E_BUSY);
	memcpy(world->out.payload, &next_position, sizeof(next_position));
	CHECK_OK(publish(world, NULL));
	is_appended(world);
}

static reprise_status
abort_it(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_abort(world->writer);
}

static reprise_status
session_cursor(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_writer_cursor(world->writer, 3, &world->out.cursor);
}

static void
is_cursor_of_3(struct world *world)
{
	CHECK(world->out.cursor.position == 3 && world->out.cursor.revision == 3);
	CHECK(strcmp(world->out.cursor.session_id, "s") == 0);
}

#define TO_CREATE                                                            \
	.refuses = BIT(CALL_ALLOCATE) | BIT(CALL_RANDOM) | BIT(CALL_THREAD), \
	.either = BIT(CALL_MAP), .tells_error = true

static reprise_status
wait_room(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_writer_wait_room(world->writer, REPRISE_NO_LIMIT);
}

static reprise_status
set_overwrite(struct world *world, struct reprise_error *error)
{
	(void)error;
	return reprise_writer_set_overwrite(world->writer);
}

const struct scenario scenarios_of_session[] = {
	{ .function = "reprise_writer_open",
	  .title = "of the store's first",
	  .stage = STAGE_STORE,
	  .call = open_new,
	  .verify = is_new,
	  TO_CREATE },
	{ .function = "reprise_writer_open",
	  .title = "of another",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = open_new,
	  .verify = is_new,
	  TO_CREATE },
	{ .function = "reprise_writer_open",
	  .title = "of one that is there",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = leave_s,
	  .call = open_s,
	  .verify = is_s,
	  .tells_error = true,
	  .is_silent = true },
	{ .function = "reprise_writer_open",
	  .title = "of one without events, with other bounds",
	  .stage = STAGE_STORE,
	  .prepare = create_and_follow,
	  .call = open_rebuilt,
	  .verify = is_rebuilt,
	  .refuses = BIT(CALL_ALLOCATE),
	  .either = BIT(CALL_MAP) | BIT(CALL_ALLOCATE),
	  .tells_error = true },
	{ .function = "reprise_writer_opened",
	  .title = "of one that was created",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = session_opened,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_writer_open",
	  .title = "of one that has ended",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = end_s,
	  .call = open_s,
	  .verify = is_s_again,
	  TO_CREATE },
	{ .function = "reprise_writer_open",
	  .title = "in the place of another",
	  .stage = STAGE_SUBSCRIPTION,
	  .sessions_max = 2,
	  .prepare = leave_one,
	  .call = open_new,
	  .verify = is_in_its_place,
	  .refuses = BIT(CALL_RANDOM),
	  .either = BIT(CALL_ALLOCATE) | BIT(CALL_MAP), /* not to remember the other's position */
	  .tells_error = true },
	{ .function = "reprise_writer_open",
	  .title = "of one more than the table has room for",
	  .stage = STAGE_STORE,
	  .prepare = fill_table,
	  .call = open_new,
	  .verify = is_one_more,
	  TO_CREATE },
	{ .function = "reprise_writers_open",
	  .title = "of a new one",
	  .stage = STAGE_STORE,
	  .call = open_some,
	  .verify = is_new,
	  TO_CREATE },
	{ .function = "reprise_writer_close",
	  .title = "of one that is followed",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = close_session,
	  .verify = may_be_opened_again,
	  .is_silent = true },
	{ .function = "reprise_writer_close",
	  .title = "of one with a reservation",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = reserve_next,
	  .call = close_session,
	  .verify = may_be_opened_again,
	  .is_silent = true },
	{ .function = "reprise_writer_close",
	  .title = "of a void window",
	  .stage = STAGE_SESSION,
	  .prepare = invalidate,
	  .call = close_session,
	  .verify = is_gone },
	{ .function = "reprise_writer_end",
	  .title = "of one that is followed",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = end_session,
	  .verify = is_ended,
	  .is_silent = true },
	{ .function = "reprise_append",
	  .title = "of one event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = append,
	  .verify = is_appended,
	  .is_silent = true },
	{ .function = "reprise_appendv",
	  .title = "of two parts",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = appendv,
	  .verify = is_appended,
	  .is_silent = true },
	{ .function = "reprise_append_batch",
	  .title = "of one event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = append_batch,
	  .verify = is_appended,
	  .is_silent = true },
	{ .function = "reprise_append_end",
	  .title = "of one event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = append_end,
	  .verify = is_ended_with_one_more,
	  .is_silent = true },
	{ .function = "reprise_append_once",
	  .title = "of one event with a new key",
	  .stage = STAGE_STORE,
	  .prepare = open_deduplicated,
	  .call = append_once,
	  .verify = is_appended_once,
	  .is_silent = true },
	{ .function = "reprise_append_once",
	  .title = "of one event that is there",
	  .stage = STAGE_STORE,
	  .prepare = append_first_time,
	  .call = append_once,
	  .verify = is_appended_once,
	  .is_silent = true },
	{ .function = "reprise_session_append",
	  .title = "of one event to a new session",
	  .stage = STAGE_STORE,
	  .call = append_to_new,
	  .verify = is_appended_to_new,
	  .refuses = BIT(CALL_ALLOCATE) | BIT(CALL_RANDOM) | BIT(CALL_THREAD),
	  .either = BIT(CALL_MAP) },
	{ .function = "reprise_session_append",
	  .title = "of one event to one without a writer",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = leave_s,
	  .call = append_to_s,
	  .verify = is_appended_to_s,
	  .is_silent = true },
	{ .function = "reprise_reserve",
	  .title = "for one event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = reserve,
	  .verify = is_reserved,
	  .is_silent = true },
	{ .function = "reprise_publish",
	  .title = "of what was reserved",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = reserve_next,
	  .call = publish,
	  .verify = is_appended,
	  .is_silent = true },
	{ .function = "reprise_abort",
	  .title = "of what was reserved",
	  .stage = STAGE_SUBSCRIPTION,
	  .prepare = reserve_next,
	  .call = abort_it,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_writer_wait_room",
	  .title = "where nothing is refused",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = wait_room,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_writer_set_overwrite",
	  .title = "where nothing is refused",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = set_overwrite,
	  .verify = world_follow,
	  .is_silent = true },
	{ .function = "reprise_writer_cursor",
	  .title = "of an event",
	  .stage = STAGE_SUBSCRIPTION,
	  .call = session_cursor,
	  .verify = is_cursor_of_3,
	  .is_silent = true },
	SCENARIOS_END,
};
