/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "refusal.h"
#include "world.h"

/*
 * No memory, or no thread, to be had, in whichever thread: it is said or waited out, and
 * nothing is lost.
 */

TestSuite(memory, .fini = scratch_remove);

enum {
	EVENTS = 300,
	WINDOW = 64,
};

static unsigned int said; /* how many calls have said it */

/*
 * Whether the call is made again: after a status that it may answer once. The second time it must
 * succeed.
 */
static bool
is_again(reprise_status status)
{
	if (status == REPRISE_OK)
		return false;
	cr_assert(status == REPRISE_E_NO_MEMORY || status == REPRISE_E_SYSTEM ||
			  status == REPRISE_E_IO,
		  "%s", reprise_status_name(status));
	said++;
	return true;
}

#define DO(call)                                                     \
	do                                                           \
		if (is_again(call))                                  \
			cr_assert(eq(int, call, REPRISE_OK), #call); \
	while (0)

/* A window of a fifth of what comes, so that most of it is healed. */
static void
write_events(struct world *world)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max = WINDOW };

	DO(reprise_writer_open(world->store, "s", &options, &world->writer, NULL));
	for (reprise_position newest = 50; newest <= EVENTS; newest += 50) {
		world_append_until(world, newest);
		DO(reprise_recorder_flush(world->recorder, "s", REPRISE_SYNCED, 60 * one_second));
	}
}

static void
read_events(struct world *world)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor = { .session_id = "s" };

	cr_assert(eq(int, reprise_session_stats(world->store, "s", &stats), REPRISE_OK));
	cursor.incarnation = stats.incarnation;
	DO(reprise_subscribe_after(world->store, &cursor, NULL, &subscription, NULL));
	(void)world_expect(subscription, 1, EVENTS);
	reprise_subscription_close(subscription);
}

static void
verify(struct reprise_log *log, uint64_t events)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_report report = { .size = sizeof(report) };

	DO(reprise_log_verify(log, &key, &report, NULL));
	cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	cr_assert(eq(u64, report.events, events));
}

static struct world
open_world_as(const char *path, int32_t reads_only)
{
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = path };
	/* A limit that no event is beyond. */
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .tenant_bytes_max = UINT64_MAX };
	struct reprise_recorder_options options = world_options();
	struct world world = { .path = path };

	options.retry_ns_min = 100000;
	options.retry_ns_max = 1000000;
	options.heal_wait_ns = 60 * one_second;
	options.reads_only = reads_only;
	options.retention = reads_only ? NULL : &retention;
	DO(reprise_log_sqlite_open(&log_options, &world.log, NULL));
	DO(reprise_store_open(NULL, &world.store, NULL));
	DO(reprise_recorder_open(world.store, world.log, &options, &world.recorder, NULL));
	return world;
}

static struct world
open_world(const char *path)
{
	return open_world_as(path, 0);
}

static void
close_world(struct world *world, uint64_t events)
{
	reprise_writer_close(world->writer);
	cr_assert(eq(int, reprise_recorder_close(world->recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(world->store), REPRISE_OK));
	verify(world->log, events);
	reprise_log_close(world->log);
}

/* Everything once. */
static void
use(const char *path)
{
	struct world world = open_world(path);

	write_events(&world);
	read_events(&world);
	close_world(&world, EVENTS);
}

/* A subscription that goes from life to life, and one that begins with a durable state. */
static void
go_on(const char *path)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = 1 };
	const struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *subscription = NULL, *late = NULL;
	struct world world = open_world(path);

	DO(reprise_subscribe_after(world.store, &cursor, &options, &subscription, NULL));
	for (reprise_position newest = 5; newest <= 10; newest += 5) {
		DO(reprise_writer_open(world.store, "s", NULL, &world.writer, NULL));
		world_append_until(&world, newest);
		cr_assert(eq(int, reprise_writer_end(world.writer, 1), REPRISE_OK));
		world_leave_writer(&world);
		(void)world_expect(subscription, newest - 4, newest);
		(void)world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_LIFE_ENDED);
	}
	DO(reprise_resume_snapshot(world.store, "s", 3, &options, &late, NULL));
	(void)world_expect(late, 4, 10);
	(void)world_expect_gap(late, REPRISE_GAP_TRIMMED, REPRISE_GAP_LIFE_ENDED);
	reprise_subscription_close(subscription);
	reprise_subscription_close(late);
	close_world(&world, 10);
}

/* A store that only reads, beside the runtime that records. */
static void
follow(const char *path)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = 1 };
	const struct reprise_cursor cursor = { .session_id = "s" };
	struct reprise_subscription *subscription = NULL;
	struct world writing = open_world(path);
	struct world reading = open_world_as(path, 1);

	DO(reprise_subscribe_after(reading.store, &cursor, &options, &subscription, NULL));
	DO(reprise_writer_open(writing.store, "s", NULL, &writing.writer, NULL));
	for (reprise_position newest = 5; newest <= 10; newest += 5) {
		world_append_until(&writing, newest);
		DO(reprise_recorder_flush(writing.recorder, "s", REPRISE_SYNCED, 60 * one_second));
		cr_assert(eq(u64, world_expect(subscription, newest - 4, newest), 5));
	}
	reprise_subscription_close(subscription);
	close_world(&writing, 10);
	close_world(&reading, 10);
}

static void
remove_log(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[1400];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)remove(name);
	}
}

static void
refuse_each_once(void (*act)(const char *path))
{
	const char *const path = scratch_path("log");
	int number = 0;

	for (bool has_failed = true; has_failed; remove_log(path)) {
		refusal_begin(++number);
		act(path);
		has_failed = refusal_end();
	}
	cr_assert(gt(int, number, 30));
	cr_assert(gt(uint, said, 20));
}

Test(memory, what_fails_once_is_said_or_waited_out)
{
	refuse_each_once(use);
	expect_no_leaks();
}

Test(memory, S08_what_fails_once_is_said_or_waited_out_between_two_lives)
{
	refuse_each_once(go_on);
	expect_no_leaks();
}

Test(memory, S15_what_fails_once_is_said_or_waited_out_by_a_store_that_only_reads)
{
	refuse_each_once(follow);
	expect_no_leaks();
}
