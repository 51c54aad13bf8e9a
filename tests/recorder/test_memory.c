/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "refusal.h"
#include "world.h"

/* No memory, or no thread, to be had, in whichever thread: it is said or waited out, and nothing is lost. */

TestSuite(memory, .fini = scratch_remove);

enum {
	EVENTS = 300,
	WINDOW = 64,
};

static unsigned int said; /* how many calls have said it */

/* What may be said; the second time it must do. */
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

	DO(reprise_session_open(world->store, "s", &options, &world->writer, NULL));
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
verify(struct reprise_log *log)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_report report = { .size = sizeof(report) };

	DO(reprise_log_verify(log, &key, &report, NULL));
	cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	cr_assert(eq(u64, report.events, EVENTS));
}

/* Everything once. */
static void
use(const char *path)
{
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = path };
	struct reprise_recorder_options options = world_options();
	struct world world = { .path = path };

	options.retry_ns_min = 100000;
	options.retry_ns_max = 1000000;
	options.heal_wait_ns = 60 * one_second;
	DO(reprise_log_sqlite_open(&log_options, &world.log, NULL));
	DO(reprise_store_open(NULL, &world.store, NULL));
	DO(reprise_recorder_open(world.store, world.log, &options, &world.recorder, NULL));
	write_events(&world);
	read_events(&world);
	reprise_session_close(world.writer);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	verify(world.log);
	reprise_log_close(world.log);
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

Test(memory, what_fails_once_is_said_or_waited_out)
{
	const char *const path = scratch_path("log");
	int number = 0;

	for (bool has_failed = true; has_failed; remove_log(path)) {
		refusal_begin(++number);
		use(path);
		has_failed = refusal_end();
	}
	cr_assert(gt(int, number, 30));
	cr_assert(gt(uint, said, 20));
	expect_no_leaks();
}
