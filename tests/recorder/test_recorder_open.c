/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* Opening and closing a recorder, bad input, and how it waits. */

TestSuite(recorder_open, .fini = scratch_remove, .timeout = 60);

static void
refuses(struct world *world, struct reprise_recorder_options options, const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_recorder *recorder = NULL;

	if (options.size == 0)
		options.size = sizeof(options);
	cr_assert(eq(int,
		     reprise_recorder_open(world->store, world->log, &options, &recorder, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(ptr, recorder, NULL));
}

Test(recorder_open, bad_options_are_named)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_recorder *recorder = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	char long_tenant[130];

	memset(long_tenant, 'x', sizeof(long_tenant));
	long_tenant[129] = '\0';
	refuses(&world, (struct reprise_recorder_options){ .size = 5 }, "recorder options: size");
	refuses(&world, (struct reprise_recorder_options){ .tenant = "" }, "tenant");
	refuses(&world, (struct reprise_recorder_options){ .tenant = long_tenant }, "tenant");
	refuses(&world, (struct reprise_recorder_options){ .tenant = "\n" }, "tenant");
	refuses(&world, (struct reprise_recorder_options){ .durability = (reprise_durability)3 },
		"durability");
	refuses(&world, (struct reprise_recorder_options){ .linger_ns = UINT64_MAX }, "linger_ns");
	refuses(&world, (struct reprise_recorder_options){ .batch_events_max = UINT64_MAX },
		"batch_events_max");
	refuses(&world, (struct reprise_recorder_options){ .batch_bytes_max = UINT64_MAX },
		"batch_bytes_max");
	refuses(&world, (struct reprise_recorder_options){ .retry_ns_min = 9, .retry_ns_max = 8 },
		"retry_ns_min");
	refuses(&world, (struct reprise_recorder_options){ .retry_ns_max = UINT64_MAX },
		"retry_ns_max");
	refuses(&world, (struct reprise_recorder_options){ .deadline_ns = UINT64_MAX },
		"deadline_ns");
	refuses(&world, (struct reprise_recorder_options){ .invalidates_async = 2 },
		"invalidates_async");
	refuses(&world, (struct reprise_recorder_options){ .refuses_leased = 2 }, "refuses_leased");
	refuses(&world, (struct reprise_recorder_options){ .refuses_leased = -1 },
		"refuses_leased");
	refuses(&world, (struct reprise_recorder_options){ .reads_only = 2 }, "reads_only");
	refuses(&world, (struct reprise_recorder_options){ .reads_only = -1 }, "reads_only");
	refuses(&world, (struct reprise_recorder_options){ .watch_ns = 999999 }, "watch_ns");
	refuses(&world, (struct reprise_recorder_options){ .watch_ns = 10 * one_second + 1 },
		"watch_ns");
	refuses(&world, (struct reprise_recorder_options){ .lease_ns = 99999999 }, "lease_ns");
	refuses(&world, (struct reprise_recorder_options){ .lease_ns = 3600 * one_second + 1 },
		"lease_ns");
	cr_assert(eq(int, reprise_recorder_open(NULL, world.log, NULL, &recorder, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_open(world.store, NULL, NULL, &recorder, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_open(world.store, world.log, NULL, NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_open(world.store, world.log, NULL, &recorder, &error),
		     REPRISE_E_BUSY),
		  "the store has one");
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, bad_arguments_are_refused)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_recorder_stats stats = { .size = 3 };
	reprise_position position = 0;

	world_write(&world);
	cr_assert(
		eq(int, reprise_recorder_flush(NULL, NULL, REPRISE_SYNCED, 0), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_flush(world.recorder, NULL, (reprise_durability)9, 0),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_flush(world.recorder, "", REPRISE_SYNCED, 0),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_flush(world.recorder, "x", REPRISE_SYNCED, 0),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_recorder_recorded_through(NULL, "s", REPRISE_SYNCED, &position),
		     REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_recorder_recorded_through(world.recorder, "s", REPRISE_SYNCED, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_recorder_recorded_through(world.recorder, "s", (reprise_durability)9,
						       &position),
		     REPRISE_E_INVALID));
	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(world.recorder, "x", REPRISE_SYNCED, &position),
		REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_recorder_stats(NULL, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_stats(world.recorder, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_stats(world.recorder, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_recorder_close(NULL), REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, it_is_busy_while_somebody_holds_something_of_the_store)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_E_BUSY));
	world_append_until(&world, 3);
	world_flush(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 3);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	reprise_writer_close(world.writer);
	world.writer = NULL;
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_E_BUSY));
	reprise_subscription_close(subscription);
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_E_BUSY), "recorded still");
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, a_store_with_a_session_cannot_be_recorded_any_more)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(store, world.log, NULL, &recorder, NULL),
		     REPRISE_E_BUSY));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, C08_a_log_that_is_away_opens_no_session)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_error error = { .size = sizeof(error) };
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_writer_open(world.store, "s", NULL, &world.writer, &error),
		     REPRISE_E_IO));
	cr_assert(eq(str, error.what, "REPRISE_E_TIMEOUT"));
	cr_assert(eq(ptr, world.writer, NULL));
	world_unblock_log(blocked);
	world_write(&world);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/*
 * The batch to be written comes first, and is tried again and again; an opening call waits no
 * longer than the deadline.
 */
Test(recorder_open, C08_who_opens_is_not_kept_by_a_batch_that_cannot_be_written)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *other = NULL;

	options.deadline_ns = one_second / 2;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	const int blocked = world_block_log(path);

	world_append_until(&world, 5);
	while (world_stats(&world).failures == 0)
		usleep(100);
	cr_assert(eq(int, reprise_writer_open(world.store, "other", NULL, &other, &error),
		     REPRISE_E_IO));
	cr_assert(eq(str, error.what, "REPRISE_E_TIMEOUT"));
	world_unblock_log(blocked);
	cr_assert(
		eq(int, reprise_writer_open(world.store, "other", NULL, &other, NULL), REPRISE_OK));
	reprise_writer_close(other);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).head, 5));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* In the child of a fork: whether every call says so. */
static bool
is_forked(struct world *world)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	struct reprise_recorder *recorder = NULL;
	reprise_position position = 0;

	return reprise_recorder_open(world->store, world->log, NULL, &recorder, NULL) ==
		       REPRISE_E_FORKED &&
	       reprise_recorder_flush(world->recorder, NULL, REPRISE_SYNCED, 0) ==
		       REPRISE_E_FORKED &&
	       reprise_recorder_flush(world->recorder, "s", REPRISE_SYNCED, 0) ==
		       REPRISE_E_FORKED &&
	       reprise_recorder_recorded_through(world->recorder, "s", REPRISE_SYNCED, &position) ==
		       REPRISE_E_FORKED &&
	       reprise_recorder_stats(world->recorder, &stats) == REPRISE_E_FORKED &&
	       reprise_recorder_close(world->recorder) == REPRISE_E_FORKED;
}

Test(recorder_open, the_child_of_a_fork_is_told)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	int status = 1;

	world_write(&world);
	world_append_until(&world, 5);
	const pid_t child = fork();

	if (child == 0)
		_exit(is_forked(&world) ? 0 : 1);
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	world_flush(&world);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, C08_a_log_that_is_away_takes_no_writer_back)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 3);
	reprise_writer_close(world.writer);
	world.writer = NULL;
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_writer_open(world.store, "s", NULL, &world.writer, NULL),
		     REPRISE_E_IO));
	cr_assert(eq(int, stats_of_s(world.store).has_writer, 0));
	world_unblock_log(blocked);
	world_write(&world);
	world_append_until(&world, 6);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).lives, 1));
	cr_assert(eq(u64, world_log_stats(&world).head, 6));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static void *
open_slowly(void *argument)
{
	struct world *const world = argument;

	/* The handle says whether it was. */
	if (reprise_writer_open(world->store, "s", NULL, &world->writer, NULL) != REPRISE_OK)
		world->writer = NULL;
	return NULL;
}

Test(recorder_open, a_session_that_is_being_opened_is_busy)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_writer *other = NULL;
	reprise_status status = REPRISE_OK;
	const int blocked = world_block_log(path);
	pthread_t thread;

	pthread_create(&thread, NULL, open_slowly, &world);
	/* The second call finds the session busy; either may be the second. */
	usleep(50000);
	status = reprise_writer_open(world.store, "s", NULL, &other, NULL);
	cr_assert(eq(int, status, REPRISE_E_BUSY));
	world_unblock_log(blocked);
	pthread_join(thread, NULL);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The life was begun when the window turned out to have no room: others came first. */
Test(recorder_open, C08_a_life_whose_window_never_came_is_closed)
{
	const struct reprise_store_options options = { .size = sizeof(options), .sessions_max = 1 };
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct world small = { 0 };
	struct reprise_recorder *recorder = NULL;
	struct reprise_writer *other = NULL;
	pthread_t thread;

	cr_assert(eq(int, reprise_store_open(&options, &small.store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(small.store, world.log, NULL, &recorder, NULL),
		     REPRISE_OK));
	const int blocked = world_block_log(path);

	pthread_create(&thread, NULL, open_slowly, &small);
	usleep(20000);
	world_unblock_log(blocked);
	const reprise_status status = reprise_writer_open(small.store, "t", NULL, &other, NULL);

	pthread_join(thread, NULL);
	const bool is_one = (small.writer == NULL) != (status != REPRISE_OK);

	cr_assert(is_one, "there is room for one");
	reprise_writer_close(small.writer);
	reprise_writer_close(other);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(small.store), REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, C01_a_key_of_the_other_kind_opens_no_session)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_log_key key = { "default", "s" };
	const struct reprise_log_new_entry entry = { .kind = 1 };

	cr_assert(eq(int, reprise_log_append(world.log, &key, NULL, &entry, 1, NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(world.store, "s", NULL, &world.writer, NULL),
		     REPRISE_E_CONFLICT));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, C11_the_stores_own_cursors_know_no_session_without_a_window)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_current_cursor(world.store, "s", 0, &cursor),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_session_earliest_cursor(world.store, "s", 0, &cursor),
		     REPRISE_E_NOT_FOUND));
	world_write(&world);
	cr_assert(
		eq(int, reprise_session_current_cursor(world.store, "s", 0, &cursor), REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, S10_a_life_in_a_log_begins_with_its_writer)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 2; i++) {
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int, reprise_session_create(world.store, "s", NULL, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "store"));
		cr_assert(eq(str, error.detail,
			     "a store with a log creates sessions by reprise_writer_open alone"));
		cr_assert(eq(int, reprise_session_stats(world.store, "s", &stats),
			     i == 0 ? REPRISE_E_NOT_FOUND : REPRISE_OK));
		if (i == 0)
			world_write(&world);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* The next change of "s". */
static struct reprise_session_change
next_change(struct reprise_subscription *changes, uint16_t kind)
{
	struct reprise_session_change change;
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int, world_next(changes, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(int, event.kind, kind));
	cr_assert(eq(int, event.source, REPRISE_SOURCE_RING));
	memcpy(&change, event.payload.data, sizeof(change));
	cr_assert(eq(int, strcmp(change.session_id, "s"), 0));
	return change;
}

Test(recorder_open, S13_a_session_that_another_process_takes_over_goes)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	const struct reprise_subscription_options recorded = { .size = sizeof(recorded),
							       .is_recorded_only = 1 };
	struct reprise_subscription *changes = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	/* No log has these events. */
	cr_assert(eq(int, reprise_sessions_subscribe(world.store, &recorded, &changes, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_recorded_only"));
	cr_assert(
		eq(int, reprise_sessions_subscribe(world.store, NULL, &changes, NULL), REPRISE_OK));
	world_write(&world);
	cr_assert(eq(u64, next_change(changes, REPRISE_SESSION_CAME).first, 1));
	world_append_until(&world, 3);
	world_flush(&world);
	struct world other = world_open(path, 0, NULL);

	/* The first one learns of it by its next write. */
	world_write(&other);
	world_append_until(&world, 4);
	const struct reprise_session_change gone = next_change(changes, REPRISE_SESSION_GONE);

	cr_assert(eq(int, gone.cause, REPRISE_GONE_TAKEN_OVER));
	cr_assert(eq(u64, gone.newest, 4));
	cr_assert(eq(int, gone.is_ended, 0));
	world_close(&other, REPRISE_OK);
	reprise_subscription_close(changes);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Also of a window with events: how it is appended to is the last opening's. */
Test(recorder_open, S11_a_session_refuses_as_its_last_opening_says)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .when_full = REPRISE_WHEN_FULL_REFUSE };
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	world_write(&world);
	world_append_until(&world, 2);
	for (int i = 0; i < 2; i++) {
		reprise_writer_close(world.writer);
		cr_assert(eq(int,
			     reprise_writer_open(world.store, "s", i == 0 ? &refusing : NULL,
						 &world.writer, NULL),
			     REPRISE_OK));
		cr_assert(eq(int, reprise_writer_opened(world.writer, &opened), REPRISE_OK));
		cr_assert(eq(int, opened.refuses, i == 0));
		world_append_until(&world, 3 + (reprise_position)i);
	}
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, a_session_that_has_no_room_leaves_a_clean_life_of_nothing)
{
	const struct reprise_store_options options = { .size = sizeof(options), .sessions_max = 1 };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_store *store = NULL;
	struct reprise_recorder *recorder = NULL;
	struct reprise_writer *one = NULL, *other = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, world.log, NULL, &recorder, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "one", NULL, &one, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "one", NULL, &other, NULL), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_E_FULL));
	reprise_writer_close(one);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, closing_while_the_log_is_away_says_that_not_all_is_recorded)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.deadline_ns = one_second / 2;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 5);
	const int blocked = world_block_log(path);

	world_append_until(&world, 10);
	world_close(&world, REPRISE_E_TIMEOUT);
	world_unblock_log(blocked);
	world = world_open(path, 0, NULL);
	world_write(&world);
	cr_assert(le(u64, world_log_stats(&world).head, 10));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, flushing_every_session_waits_for_all_of_them)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_writer *writers[20];

	for (int i = 0; i < 20; i++) {
		char id[8];

		snprintf(id, sizeof(id), "s%d", i);
		cr_assert(eq(int, reprise_writer_open(world.store, id, NULL, &writers[i], NULL),
			     REPRISE_OK));
	}
	for (int round = 1; round <= 20; round++) {
		for (int i = 0; i < 20; i++)
			(void)append_text(writers[i], "x");
		cr_assert(eq(int,
			     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED,
						    30 * one_second),
			     REPRISE_OK));
		cr_assert(eq(u64, world_stats(&world).recorded, (uint64_t)round * 20));
	}
	for (int i = 0; i < 20; i++)
		reprise_writer_close(writers[i]);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, what_is_written_is_synced_when_somebody_asks_for_that)
{
	struct reprise_recorder_options options = world_options();
	reprise_position position = 0;

	options.durability = REPRISE_WRITTEN;
	struct world world = world_open(scratch_path("log"), 0, &options);

	world_write(&world);
	world_append_until(&world, 10);
	world_flush(&world);
	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(world.recorder, "s", REPRISE_SYNCED, &position),
		REPRISE_OK));
	cr_assert(eq(u64, position, 0));
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(world.recorder, "s", REPRISE_SYNCED, &position),
		REPRISE_OK));
	cr_assert(eq(u64, position, 10));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* Without that, it would wait for ten seconds. */
Test(recorder_open, a_batch_is_committed_when_there_are_many_events)
{
	struct reprise_recorder_options options = world_options();
	reprise_position position = 0;

	options.linger_ns = 10 * one_second;
	options.batch_events_max = 10;
	struct world world = world_open(scratch_path("log"), 1000, &options);

	world_write(&world);
	usleep(50000);
	world_append_until(&world, 10);
	for (int i = 0; i < 5000 && position < 10; i++) {
		usleep(1000);
		cr_assert(eq(int,
			     reprise_recorder_recorded_through(world.recorder, "s", REPRISE_WRITTEN,
							       &position),
			     REPRISE_OK));
	}
	cr_assert(eq(u64, position, 10));
	world_close(&world, REPRISE_OK);

	options.batch_events_max = 0;
	world = world_open(scratch_path("other"), 20, &options);
	world_write(&world);
	usleep(50000);
	world_append_until(&world, 11);
	for (int i = 0; i < 5000 && position < 11; i++) {
		usleep(1000);
		cr_assert(eq(int,
			     reprise_recorder_recorded_through(world.recorder, "s", REPRISE_WRITTEN,
							       &position),
			     REPRISE_OK));
	}
	cr_assert(eq(u64, position, 11), "half of its window");
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static int
count_descriptors(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

Test(recorder_open, P05_a_child_closes_the_descriptors_of_a_recorder)
{
	char *const path = scratch_path("log");
	const int before = count_descriptors();
	struct world world = world_open(path, 20, NULL);
	int status = -1;

	world_write(&world);
	world_append_until(&world, 10);
	const pid_t child = fork();

	if (child == 0) {
		alarm(20);
		const reprise_status once = reprise_recorder_close(world.recorder);
		const reprise_status twice = reprise_recorder_close(world.recorder);

		reprise_log_close(world.log);
		_exit(once != REPRISE_E_FORKED || twice != once || count_descriptors() != before);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	world_append_until(&world, 20);
	world_flush(&world);
	cr_assert(eq(u64, world_log_stats(&world).head, 20));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_open, the_backoff_doubles_up_to_its_bound_and_is_jittered)
{
	uint64_t least_seen = UINT64_MAX, most_seen = 0;

	for (uint64_t attempt = 1; attempt < 70; attempt++) {
		const uint64_t bound = attempt > 10 ? 1000 : UINT64_C(1) << (attempt - 1);

		for (uint64_t clock = 0; clock < 1000; clock++) {
			const uint64_t wait = reprise_recorder_backoff(attempt, clock, 1, 1000);

			cr_assert(le(u64, wait, bound));
			cr_assert(gt(u64, 2 * wait, bound - 1));
			least_seen = attempt > 10 && wait < least_seen ? wait : least_seen;
			most_seen = wait > most_seen ? wait : most_seen;
		}
	}
	cr_assert(lt(u64, least_seen, 520));
	cr_assert(gt(u64, most_seen, 980));
	cr_assert(eq(u64, reprise_recorder_backoff(5, 7, 3, 3),
		     reprise_recorder_backoff(5, 7, 3, 3)));
	cr_assert(le(u64, reprise_recorder_backoff(UINT64_MAX, 7, 1, UINT64_MAX), UINT64_MAX));
}
