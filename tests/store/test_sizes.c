/* SPDX-License-Identifier: MIT */

/* Structs of older and newer programs, in each call of libreprise that takes one (rule X16). */

#include "sized_struct.h"
#include "support.h"

SUITE(sizes);

static reprise_status
open_store(void *options, void *context)
{
	struct reprise_store *store = NULL;
	const reprise_status status = reprise_store_open(options, &store, NULL);

	(void)context;
	cr_assert(eq(int, store != NULL, status == REPRISE_OK));
	if (store != NULL)
		cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	return status;
}

Test(sizes, X16_options_of_any_release_open_a_store)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .deferred_tick_ns = 1000000 };

	EXPECT_SIZES_READ(reprise_store_options, &options, open_store, NULL);
	expect_no_leaks();
}

static reprise_status
open_writer(void *options, void *store)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = NULL;
	const reprise_status status = reprise_writer_open(store, "new", options, &writer, NULL);

	cr_assert(eq(int, writer != NULL, status == REPRISE_OK));
	if (status != REPRISE_OK)
		return status;
	cr_assert(eq(int, reprise_session_stats(store, "new", &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.events_max, 7));
	reprise_writer_close(writer);
	return status;
}

static reprise_status
open_writers(void *options, void *store)
{
	struct reprise_writer_opening opening = { .session_id = "many", .options = options };
	const reprise_status status = reprise_writers_open(store, &opening, 1, NULL);

	cr_assert(eq(int, opening.writer != NULL, status == REPRISE_OK));
	if (opening.writer != NULL)
		reprise_writer_close(opening.writer);
	return status;
}

Test(sizes, X16_options_of_any_release_open_a_session)
{
	const struct reprise_session_options options = { .size = sizeof(options), .events_max = 7 };
	struct reprise_store *const store = store_plain();

	EXPECT_SIZES_READ(reprise_session_options, &options, open_writer, store);
	EXPECT_SIZES_READ(reprise_session_options, &options, open_writers, store);
	close_store(store);
}

struct place {
	struct reprise_store *store;
	struct reprise_cursor cursor;
};

static reprise_status
expect_subscribed(struct reprise_subscription *subscription, reprise_status status)
{
	cr_assert(eq(int, subscription != NULL, status == REPRISE_OK));
	if (subscription != NULL)
		reprise_subscription_close(subscription);
	return status;
}

#define SUBSCRIBES(name, ...)                                     \
	static reprise_status name(void *options, void *context)  \
	{                                                         \
		const struct place *const at = context;           \
		struct reprise_subscription *subscription = NULL; \
		const reprise_status status = __VA_ARGS__;        \
                                                                  \
		return expect_subscribed(subscription, status);   \
	}

SUBSCRIBES(subscribe_after,
	   reprise_subscribe_after(at->store, &at->cursor, options, &subscription, NULL))
SUBSCRIBES(replay_after, reprise_replay_after(at->store, &at->cursor, options, &subscription, NULL))
SUBSCRIBES(resume_after,
	   reprise_resume_after(at->store, &at->cursor, 0, options, &subscription, NULL))
SUBSCRIBES(resume_snapshot,
	   reprise_resume_snapshot(at->store, "s", 0, options, &subscription, NULL))
SUBSCRIBES(subscribe_to_sessions,
	   reprise_sessions_subscribe(at->store, options, &subscription, NULL))

Test(sizes, X16_options_of_any_release_subscribe)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .spin_ns = 1 };
	struct place place = { .store = store_plain() };
	struct reprise_writer *const writer = writer_of(place.store);

	append_text(writer, "one");
	place.cursor = cursor_at(place.store, 0);
	EXPECT_SIZES_READ(reprise_subscription_options, &options, subscribe_after, &place);
	EXPECT_SIZES_READ(reprise_subscription_options, &options, replay_after, &place);
	EXPECT_SIZES_READ(reprise_subscription_options, &options, resume_after, &place);
	EXPECT_SIZES_READ(reprise_subscription_options, &options, resume_snapshot, &place);
	EXPECT_SIZES_READ(reprise_subscription_options, &options, subscribe_to_sessions, &place);
	reprise_writer_close(writer);
	close_store(place.store);
}

static reprise_status
open_group(void *options, void *store)
{
	struct reprise_group *group = NULL;
	const reprise_status status = reprise_group_open(store, options, &group, NULL);

	cr_assert(eq(int, group != NULL, status == REPRISE_OK));
	if (group != NULL)
		reprise_group_close(group);
	return status;
}

Test(sizes, X16_options_of_any_release_open_a_group)
{
	const struct reprise_group_options options = { .size = sizeof(options), .spin_ns = 1 };
	struct reprise_store *const store = store_plain();

	EXPECT_SIZES_READ(reprise_group_options, &options, open_group, store);
	close_store(store);
}

static reprise_status
store_stats(void *stats, void *store)
{
	return reprise_store_stats(store, stats);
}

static reprise_status
session_stats(void *stats, void *store)
{
	return reprise_session_stats(store, "s", stats);
}

static reprise_status
listed_stats(void *stats, void *store)
{
	struct reprise_session_list *list = NULL;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	cr_assert(eq(int, reprise_sessions_list(store, &list, NULL), REPRISE_OK));
	const reprise_status status = reprise_session_list_next(list, id, stats);

	/* A refused call does not move the list. */
	cr_assert(eq(int, reprise_session_list_next(list, id, NULL),
		     status == REPRISE_OK ? REPRISE_E_NOT_FOUND : REPRISE_OK));
	reprise_session_list_close(list);
	return status;
}

static reprise_status
writer_opened(void *opened, void *writer)
{
	return reprise_writer_opened(writer, opened);
}

static reprise_status
subscription_stats(void *stats, void *subscription)
{
	return reprise_subscription_stats(subscription, stats);
}

static reprise_status
subscription_lag(void *lag, void *subscription)
{
	return reprise_subscription_lag(subscription, lag);
}

static reprise_status
group_stats(void *stats, void *group)
{
	return reprise_group_stats(group, stats);
}

Test(sizes, X16_facts_are_written_into_a_struct_of_any_release)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription *const subscription = subscribed_after(store, 0);
	struct reprise_group *group = NULL;

	append_text(writer, "one");
	expect_event(subscription, 1);
	cr_assert(eq(int, reprise_group_open(store, NULL, &group, NULL), REPRISE_OK));
	EXPECT_SIZES_WRITTEN(reprise_store_stats, store_stats, store);
	EXPECT_SIZES_WRITTEN(reprise_session_stats, session_stats, store);
	EXPECT_SIZES_WRITTEN(reprise_session_stats, listed_stats, store);
	EXPECT_SIZES_WRITTEN(reprise_writer_opened, writer_opened, writer);
	EXPECT_SIZES_WRITTEN(reprise_subscription_stats, subscription_stats, subscription);
	EXPECT_SIZES_WRITTEN(reprise_subscription_lag, subscription_lag, subscription);
	EXPECT_SIZES_WRITTEN(reprise_group_stats, group_stats, group);
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(sizes, X16_a_buffer_of_any_release_is_filled)
{
	static const size_t sizes[] = { SIZE_MIN(reprise_into), sizeof(struct reprise_into),
					sizeof(struct reprise_into) + SIZED_TAIL, SIZED_MOST };
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription *const subscription = subscribed_after(store, 0);
	static struct sized_room room;
	struct reprise_frame frame;
	struct reprise_gap gap;
	char bytes[16];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct reprise_into into = { .size = sizes[i],
					     .buffer = bytes,
					     .buffer_bytes = sizeof(bytes),
					     .frames = &frame,
					     .frames_max = 1 };

		memset(&room, 0, sizeof(room));
		memcpy(room.bytes, &into, sizeof(into));
		memset(room.bytes + sizes[i], SIZED_PATTERN, SIZED_ROOM - sizes[i]);
		append_text(writer, "four");
		cr_assert(
			eq(int,
			   reprise_next_into(subscription,
					     (struct reprise_into *)(void *)room.bytes, &gap, NULL),
			   REPRISE_NEXT_EVENT));
		memcpy(&into, room.bytes, sizeof(into));
		cr_assert(eq(sz, into.frames_count, 1), "size %zu", sizes[i]);
		cr_assert(eq(sz, into.used_bytes, 4));
		cr_assert(sized_is(&room, sizes[i], SIZED_ROOM, SIZED_PATTERN));
	}
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/*
 * A failing call fills an error as far as the struct reaches, and puts 0 behind the known fields.
 */
Test(sizes, X16_an_error_of_any_release_is_filled)
{
	static const size_t sizes[] = { SIZE_MIN(reprise_error), sizeof(struct reprise_error),
					sizeof(struct reprise_error) + SIZED_TAIL, SIZED_MOST };
	static struct sized_room room;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct reprise_error error;

		memset(&room, SIZED_PATTERN, sizeof(room));
		sized_set(&room, sizes[i]);
		cr_assert(eq(
			int,
			reprise_store_open(NULL, NULL, (struct reprise_error *)(void *)room.bytes),
			REPRISE_E_INVALID));
		memcpy(&error, room.bytes, sizeof(error));
		cr_assert(eq(sz, error.size, sizes[i]));
		cr_assert(eq(int, error.status, REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)"ret_store"));
		cr_assert(sized_is(&room, sizeof(error), sizes[i], 0), "size %zu", sizes[i]);
		cr_assert(sized_is(&room, sizes[i], SIZED_ROOM, SIZED_PATTERN), "size %zu",
			  sizes[i]);
	}
}
