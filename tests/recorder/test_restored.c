/* SPDX-License-Identifier: MIT */
/* L57: a backup of a log that is restored is noticed by runtimes and told to hosts. */
#include <stdio.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(restored, .fini = scratch_remove, .timeout = 60);

/* While no process has the log open: the backup takes its place, and nothing stands beside it. */
static void
restore(const char *backup, const char *path)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-lock" };
	char name[1400];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	cr_assert(eq(int, rename(backup, path), 0));
}

/* A life with 40 events, of which there is a backup, and 20 more. */
static struct world
open_with_backup(const char *path, const char *backup)
{
	struct world world = world_open(path, 0, NULL);

	world_write(&world);
	world_append_until(&world, 40);
	world_flush(&world);
	scratch_copy(path, backup);
	world_append_until(&world, 60);
	world_flush(&world);
	return world;
}

static struct reprise_gap
expect_refused(struct world *world, const struct reprise_cursor *cursor, reprise_gap_detail detail)
{
	struct reprise_subscription *const subscription = world_subscribe(world, cursor);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, detail);

	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	return gap;
}

Test(restored, L57_a_host_that_is_ahead_of_a_restored_log_is_told)
{
	const char *const path = scratch_path("log"), *const backup = scratch_path("backup");
	struct world world = open_with_backup(path, backup);
	const struct reprise_cursor seen = world_cursor(&world, 30),
				    ahead = world_cursor(&world, 55);

	world_close(&world, REPRISE_OK);
	world = world_open(path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 70);
	world_flush(&world);
	const struct reprise_cursor later = world_cursor(&world, 65);

	world_close(&world, REPRISE_OK);
	restore(backup, path);

	world = world_open(path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 45);
	/* Its life is in the backup, which ends earlier. */
	const struct reprise_gap gap = expect_refused(&world, &ahead, REPRISE_GAP_DIVERGED);

	cr_assert(eq(u64, gap.cursor.position, 40));
	/* Its life began after the backup: the log knows nothing of it. */
	(void)expect_refused(&world, &later, REPRISE_GAP_OTHER_INCARNATION);
	/* Events of the backup are healed. */
	struct reprise_subscription *const healing = world_subscribe(&world, &seen);

	(void)world_expect(healing, 31, 40);
	(void)world_expect_gap(healing, REPRISE_GAP_TRIMMED, REPRISE_GAP_RESTART);
	(void)world_expect(healing, 41, 45);
	reprise_subscription_close(healing);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(restored, L57_a_runtime_under_which_a_log_went_back_records_no_more)
{
	const char *const path = scratch_path("log"), *const backup = scratch_path("backup");
	struct world world = open_with_backup(path, backup);
	const struct reprise_log_key key = { "default", "s" };
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	reprise_status status = REPRISE_OK;
	reprise_position position = 0;

	scratch_copy(backup, path);
	/* The note of the newest synced commit is ahead of the database (rule L03). */
	cr_assert(eq(int, reprise_log_verify(world.log, &key, &report, NULL), REPRISE_OK));
	cr_assert(gt(u64, report.faults, 0));
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, &error), REPRISE_E_CORRUPT));
	for (int i = 0; status == REPRISE_OK && i < 20000; i++) {
		status = reprise_append(world.writer, 100, 0, 0, (struct reprise_bytes){ "x", 1 },
					&position);
		usleep(1000);
	}
	cr_assert(eq(int, status, REPRISE_E_CLOSED));
	cr_assert(eq(u64, world_stats(&world).fenced, 1));
	/* Nothing was recorded behind the hole. */
	cr_assert(eq(u64, world_log_stats(&world).head, 40));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
